"""Which sequence an open invoice is in, and which of its steps comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from serving.dunning.deciding.contact_days import next_contact_day
from serving.dunning.deciding.facts import AccountFacts, ScoredInvoice
from serving.dunning.deciding.gates import is_plan_broken, is_promise_of, promise_holds_until
from serving.dunning.deciding.overrides import held_until
from serving.dunning.policy.schema import Policy, Route, Sequence, Step, grade_name
from serving.dunning.words import NO_SEGMENT, TONES, GateId, Grade, RouteState


@dataclass(frozen=True)
class PlannedStep:
    """A step with its day.

    Attributes:
        step: the step of the policy.
        stage: its stage in the sequence.
        wanted_on: the day the sequence asks for, today at the earliest.
        on: the first day from there on which the customer may be contacted; null when there is none.
        blocked_by: what moved it; null when nothing did.
    """

    step: Step
    stage: int
    wanted_on: date
    on: date | None
    blocked_by: GateId | None


@dataclass(frozen=True)
class Choice:
    """The sequence of an invoice and its next step; `planned` is null when every step is done."""

    route: Route
    sequence_id: str
    band: int
    planned: PlannedStep | None
    is_held_soft: bool


def route_state(score: ScoredInvoice, account: AccountFacts, policy: Policy, on: date) -> RouteState:
    """Before due (the due date included), overdue, or overdue after a promise or plan that was not kept.

    A promise with an amount is kept once that much of the invoice is paid. Whether it was worth breaking is
    measured on the whole invoice, so that no part payment can turn a small promise into a broken one.
    """
    if on <= score.due_on:
        return "before_due"
    if is_plan_broken(account, policy, on):
        return "broken_promise"
    broken_from = promise_holds_until(account, policy)
    if broken_from is None or on < broken_from or not is_promise_of(score.amount, account, policy):
        return "overdue"
    paid = score.amount - account.net_balance_amount
    is_kept = account.promise_amount is not None and paid >= account.promise_amount
    return "overdue" if is_kept else "broken_promise"


def usable_grade(score: ScoredInvoice) -> Grade | None:
    """The grade, unless the model says it has no opinion."""
    return None if score.cold_start_rung == "no_opinion" else score.grade


def in_policy_currency(
    amount: Decimal, score: ScoredInvoice, account: AccountFacts, policy: Policy
) -> Decimal | None:
    """The amount in the policy's currency; null when the rate is not known."""
    if score.currency == policy.spec.policy.currency:
        return amount
    return None if account.exchange_rate is None else amount * account.exchange_rate


def money_band(amount: Decimal | None, policy: Policy) -> int:
    """Position of the band; an amount that cannot be converted is treated as the largest."""
    return len(policy.spec.money_bands) - 1 if amount is None else policy.band_of(amount)


def choose(
    score: ScoredInvoice,
    account: AccountFacts,
    policy: Policy,
    on: date,
    replaces: Mapping[str, str],
) -> Choice:
    """The sequence and next step of an open invoice.

    The balance decides the money band. A part payment may soften what comes next, never harden it or bring
    it forward: of the sequences for every band between the balance and the full amount, the softest next
    step wins.
    """
    state = route_state(score, account, policy, on)
    own_band = money_band(in_policy_currency(account.net_balance_amount, score, account, policy), policy)
    full_band = max(own_band, money_band(in_policy_currency(score.amount, score, account, policy), policy))
    choices = []
    for band in range(own_band, full_band + 1):
        route = policy.table[
            score.rfm_segment or NO_SEGMENT,
            grade_name(usable_grade(score)),
            policy.spec.money_bands[band].id,
            state,
        ]
        sequence_id = replaces.get(route.sequence, route.sequence)
        planned = next_step(policy.spec.sequences[sequence_id], score, account, policy, on)
        choices.append(Choice(route, sequence_id, band, planned, is_held_soft=band != own_band))
    return min(choices, key=_harshness)


def _harshness(choice: Choice) -> tuple[int, int]:
    """Harsher tone first, then the earlier day; having no step left (a person takes over) is harshest."""
    if choice.planned is None:
        return len(TONES), 0
    day = choice.planned.on or date.max
    return TONES.index(choice.planned.step.tone), -day.toordinal()


def next_step(
    sequence: Sequence, score: ScoredInvoice, account: AccountFacts, policy: Policy, on: date
) -> PlannedStep | None:
    """The first step after the last one taken, on the first day it may be done; null when none is left.

    Stages count contacts, not days or money: nothing but a step taken moves an invoice to the next stage,
    and being very late does not skip one. A reminder before the due date that can no longer arrive before
    it is dropped. While a person holds the invoice, no step comes before the day the person set.
    """
    taken = account.last_step
    first_on = held_until(account, on) or on
    for stage, step in sequence.stages():
        if step.day is None or (taken is not None and stage <= taken.stage):
            continue
        wanted_on = max(score.due_on + timedelta(days=step.day), first_on)
        if taken is not None:
            rest = policy.spec.contact_rules.minimum_days_between_steps
            wanted_on = max(wanted_on, taken.on + timedelta(days=rest))
        day, blocked_by = next_contact_day(wanted_on, account, policy)
        if step.day < 0 and (day is None or day >= score.due_on):
            continue
        return PlannedStep(step, stage, wanted_on, day, blocked_by)
    return None
