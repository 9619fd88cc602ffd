"""Who gets the night's calls and letters when there are too few."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from features.words import Text
from serving.dunning.decision import Decision
from serving.dunning.words import Channel

NO_DEADLINE = "9999-12-31"

CALL_CHANNELS: frozenset[Channel] = frozenset({"call"})
LETTER_CHANNELS: frozenset[Channel] = frozenset({"letter", "registered_letter"})

NO_PLACE_LEFT = Text("Capacité de la nuit atteinte.", "Tonight's capacity is used up.")
NOT_WORTH_IT = Text("Coûte plus que le gain attendu.", "Costs more than it is expected to bring.")


@dataclass(frozen=True)
class Deferred:
    """A decision whose step waits for another night, and why."""

    decision: Decision
    why: Text


@dataclass(frozen=True)
class NightPlan:
    """Tonight's decisions after capacity: what is done, and what waits.

    `kept` contains every decision that needs no call or letter today, unchanged.
    """

    kept: tuple[Decision, ...]
    deferred: tuple[Deferred, ...]


def fill_capacity(
    decisions: Iterable[Decision], calls: int, letters: int, *, only_if_positive: bool = False
) -> NightPlan:
    """Give the night's calls and letters to the steps with the highest net benefit.

    Only steps due on the day of the decision compete. A step with a lawful deadline comes first, then net
    benefit from the highest, then the receivable id, so that the same night always gives the same plan. A
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
        tuple(sorted(kept, key=lambda decision: decision.receivable_id)),
        tuple(sorted(deferred, key=lambda item: item.decision.receivable_id)),
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
    return (deadline.isoformat() if deadline else NO_DEADLINE, -_net(decision), decision.receivable_id)


def _net(decision: Decision) -> Decimal:
    benefit = decision.benefit
    return benefit.net_amount if benefit is not None and benefit.net_amount is not None else Decimal(0)
