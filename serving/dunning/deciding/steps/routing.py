"""Which sequence an open receivable is in, and which of its steps comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from features.messages import Text
from features.words import Grade
from serving.dunning.deciding.facts import AccountFacts, StepTaken
from serving.dunning.deciding.facts.case import Case
from serving.dunning.deciding.facts.money import converted, demandable_in_policy_currency, money_band
from serving.dunning.deciding.gates.stopping import is_plan_broken, is_promise_of, promise_holds_until
from serving.dunning.deciding.steps.benefit import step_benefit
from serving.dunning.deciding.steps.contact_days import next_contact_day
from serving.dunning.deciding.steps.overrides import held_until
from serving.dunning.deciding.steps.tone import adapted, matching_tone_rule
from serving.dunning.decision import Reason
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.schema import Route, ToneRule
from serving.dunning.policy.sequences import DunningSequence, Step
from serving.dunning.words import TONES, ContactGateId, RouteState


@dataclass(frozen=True)
class PlannedStep:
    """A step with its day.

    Attributes:
        step: the step, as this customer gets it.
        stage: its stage in the sequence.
        wanted_on: the day the sequence asks for, today at the earliest.
        on: the first day from there on which the customer may be contacted; null when there is none.
        blocked_by: what moved it; null when nothing did.
        tone_rule: the rule whose softer variant the step is written in; null for the step as it is.
    """

    step: Step
    stage: int
    wanted_on: date
    on: date | None
    blocked_by: ContactGateId | None
    tone_rule: ToneRule | None = None


@dataclass(frozen=True)
class Choice:
    """The sequence of a receivable and its next step.

    Attributes:
        route: the row of the table.
        sequence_id: the sequence used.
        band: position of the money band that led to the row.
        planned: the next step; null when every step is done.
        is_held_soft: the band of the balance would have led to a harsher or earlier step.
        lacks_evidence: the sequence of the row needs evidence that the payer has not given; null when it does
            not, else why, with the sequence used in its place.
    """

    route: Route
    sequence_id: str
    band: int
    planned: PlannedStep | None
    is_held_soft: bool
    lacks_evidence: Reason | None = None


def route_state(case: Case, policy: Policy, on: date) -> RouteState:
    """Before due (the due date included), overdue, or overdue after a promise or plan that was not kept.

    A promise with an amount is kept once that much of the receivable is paid. Whether it was worth breaking is
    measured on the whole receivable, so that no part payment can turn a small promise into a broken one.
    """
    score, account = case.score, case.account
    if on <= score.due_on:
        return "before_due"
    if is_plan_broken(account, policy, on):
        return "broken_promise"
    broken_from = promise_holds_until(account, policy)
    if broken_from is None or on < broken_from or not is_promise_of(score.amount, account, policy):
        return "overdue"
    paid = score.amount - account.net_balance_amount
    promised = None if account.promise is None else account.promise.amount
    return "overdue" if promised is not None and paid >= promised else "broken_promise"


def usable_grade(case: Case) -> Grade | None:
    """The grade, unless the model says it has no opinion."""
    return None if case.score.cold_start_rung == "no_opinion" else case.score.grade


def choose(case: Case, policy: Policy, on: date, replaces: Mapping[str, str]) -> Choice:
    """The sequence and next step of an open receivable.

    What can be asked for decides the money band. A part payment may soften what comes next, never harden it or
    bring it forward: of the sequences for every band between the balance and the full amount, the softest next
    step wins.

    Args:
        case: the receivable and its account.
        policy: a checked policy.
        on: the day of the decision.
        replaces: sequence -> the one an experiment uses in its place.
    """
    score, state = case.score, route_state(case, policy, on)
    own_band = money_band(demandable_in_policy_currency(case, policy), policy)
    full = converted(score.amount, score.currency, case.account, policy)
    choices = []
    for band in range(own_band, max(own_band, money_band(full, policy)) + 1):
        route = policy.route_of(score.rfm_segment, usable_grade(case), band, state)
        routed = replaces.get(route.sequence, route.sequence)
        sequence_id, lacking = with_evidence(routed, case.account, policy)
        planned = next_step(sequence_id, case, policy, on)
        choices.append(Choice(route, sequence_id, band, planned, band != own_band, lacking))
    return min(choices, key=_harshness)


def with_evidence(sequence_id: str, account: AccountFacts, policy: Policy) -> tuple[str, Reason | None]:
    """The sequence, or the one used in its place when the payer has not given the evidence it needs, and why."""
    evidence = policy.spec.sequences[sequence_id].evidence
    due, late = account.fallen_due_count or 0, account.late_count or 0
    if evidence is None or (late >= evidence.late_count_from and late >= evidence.late_share_from * due):
        return sequence_id, None
    values = {"late": str(late), "due": str(due)}
    why = evidence.why
    reason = Reason.of(f"evidence.{sequence_id}", Text(why.fr.format_map(values), why.en.format_map(values)))
    return evidence.otherwise, reason


def _harshness(choice: Choice) -> tuple[int, int]:
    """Harsher tone first, then the earlier day; having no step left (a person takes over) is harshest."""
    if choice.planned is None:
        return len(TONES), 0
    day = choice.planned.on or date.max
    return TONES.index(choice.planned.step.tone), -day.toordinal()


def next_step(sequence_id: str, case: Case, policy: Policy, on: date) -> PlannedStep | None:
    """The first step after the last one taken, on the first day it may be done; null when none is left.

    Stages count contacts, not days or money: nothing but a step taken moves a receivable to the next stage,
    and being very late does not skip one. A reminder before the due date that can no longer arrive before
    it, or does not pay, is dropped. Nothing follows a formal notice: a person decides then. While a person
    stops the receivable, no step comes before the day the person set.
    """
    sequence, account = policy.spec.sequences[sequence_id], case.account
    taken, due_on = account.last_step, case.score.due_on
    if taken is not None and _is_formal_notice(taken, policy):
        return None
    first_on = held_until(account, on) or on
    rule = matching_tone_rule(case, policy, on)
    for stage, written in sequence.stages():
        if written.day is None or (taken is not None and stage <= taken.stage):
            continue
        wanted_on = max(due_on + timedelta(days=written.day), first_on)
        if taken is not None:
            rest = policy.spec.contact_rules.minimum_days_between_steps
            wanted_on = max(wanted_on, taken.on + timedelta(days=rest))
        step = adapted(written, case, policy, rule)
        day, blocked_by = next_contact_day(wanted_on, account, policy, step.channel)
        if written.day < 0 and (day is None or day >= due_on or not _pays(sequence, step, case, policy, day)):
            continue
        softened = rule if rule is not None and written.softer is not None else None
        return PlannedStep(step, stage, wanted_on, day, blocked_by, softened)
    return None


def _is_formal_notice(taken: StepTaken, policy: Policy) -> bool:
    """Whether the step was a formal notice, by its tone or, where that was not recorded, by its name."""
    if taken.tone is not None:
        return taken.tone == "legal"
    steps = (step for sequence in policy.spec.sequences.values() for step in sequence.steps)
    return any(step.id == taken.step_id and step.tone == "legal" for step in steps)


def _pays(sequence: DunningSequence, step: Step, case: Case, policy: Policy, on: date) -> bool:
    """Whether a reminder before the due date is worth its cost; judged on the whole amount, paid in part or not."""
    if not policy.spec.economics.pre_due_only_if_positive or sequence.effect is None:
        return True
    net = step_benefit(case, policy, sequence.effect, step.channel, on, case.score.amount).net_amount
    return net is None or net > 0
