"""What a step costs and what it is expected to bring; and who gets the calls when there are too few."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from serving.dunning.decision import Decision, NetBenefit
from serving.dunning.policy.schema import Economics, Effect
from serving.dunning.words import Channel, Text

CENT = Decimal("0.01")
NO_DEADLINE = "9999-12-31"

CALL_CHANNELS: frozenset[Channel] = frozenset({"call"})
LETTER_CHANNELS: frozenset[Channel] = frozenset({"letter", "registered_letter"})

NO_PLACE_LEFT = Text("Capacité de la nuit atteinte.", "Tonight's capacity is used up.")
NOT_WORTH_IT = Text("Coûte plus que le gain attendu.", "Costs more than it is expected to bring.")


def net_benefit(
    channel: Channel,
    effect: Effect,
    economics: Economics,
    balance: Decimal | None,
    unpaid_probability: float | None,
) -> NetBenefit:
    """Expected gain of a step less its cost, in the policy's currency.

    Gain = probability of staying unpaid anyway x balance x (days saved x cost of money / 365 + loss
    avoided).

    Args:
        channel: how the step is done.
        effect: what the sequence is believed to change.
        economics: costs, cost of money, and the probability taken without an opinion.
        balance: in the policy's currency; null when it cannot be converted, and the gain is then null.
        unpaid_probability: of being unpaid when the days the step could save have passed; an invoice that
            is paid by then without it gains nothing. Null without an opinion.
    """
    cost = economics.costs[channel]
    is_assumed = effect.assumed or economics.assumed or unpaid_probability is None
    if balance is None:
        return NetBenefit(cost, None, None, is_assumed)
    chance = economics.probability_without_opinion if unpaid_probability is None else unpaid_probability
    waiting = effect.days_saved * economics.cost_of_money_percent / (100 * 365)
    gain = Decimal(str(chance)) * balance * (waiting + effect.loss_avoided_share)
    gain = gain.quantize(CENT, ROUND_HALF_UP)
    return NetBenefit(cost, gain, gain - cost, is_assumed)


@dataclass(frozen=True)
class Deferred:
    """A decision whose step waits for another night, and why."""

    decision: Decision
    why: Text


@dataclass(frozen=True)
class NightPlan:
    """Tonight's decisions after capacity: what is done, and what waits.

    `kept` holds every decision that needs no call or letter today, unchanged.
    """

    kept: tuple[Decision, ...]
    deferred: tuple[Deferred, ...]


def fill_capacity(
    decisions: Iterable[Decision], calls: int, letters: int, *, only_if_positive: bool = False
) -> NightPlan:
    """Give the night's calls and letters to the steps with the highest net benefit.

    Only steps due on the day of the decision compete. A step with a lawful deadline comes first, then net
    benefit from the highest, then the invoice id, so that the same night always gives the same plan. A
    benefit that is not known (foreign currency without a rate) counts as zero.

    Args:
        decisions: decisions of one night.
        calls: calls the team can make.
        letters: letters, registered or not, it can send.
        only_if_positive: leave out steps that cost more than they bring, even when there is room.
    """
    kept: list[Decision] = []
    deferred: list[Deferred] = []
    rest = {"call": calls, "letter": letters}
    for decision in sorted(decisions, key=_rank):
        kind = _scarce_kind(decision)
        if kind is None:
            kept.append(decision)
        elif only_if_positive and _net(decision) < 0:
            deferred.append(Deferred(decision, NOT_WORTH_IT))
        elif rest[kind] > 0:
            rest[kind] -= 1
            kept.append(decision)
        else:
            deferred.append(Deferred(decision, NO_PLACE_LEFT))
    return NightPlan(
        tuple(sorted(kept, key=lambda decision: decision.invoice_id)),
        tuple(sorted(deferred, key=lambda item: item.decision.invoice_id)),
    )


def is_scarce(decision: Decision) -> bool:
    """Whether the decision asks for a call or a letter today."""
    return _scarce_kind(decision) is not None


def _scarce_kind(decision: Decision) -> str | None:
    step = decision.next_step
    if step is None or step.on != decision.on:
        return None
    if step.channel in CALL_CHANNELS:
        return "call"
    return "letter" if step.channel in LETTER_CHANNELS else None


def _rank(decision: Decision) -> tuple[str, Decimal, str]:
    deadline = decision.next_step.deadline_on if decision.next_step is not None else None
    return (deadline.isoformat() if deadline else NO_DEADLINE, -_net(decision), decision.invoice_id)


def _net(decision: Decision) -> Decimal:
    benefit = decision.benefit
    return benefit.net_amount if benefit is not None and benefit.net_amount is not None else Decimal(0)
