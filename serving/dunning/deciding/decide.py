"""One receivable, one policy, one day: one decision with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from features.calendars import next_working_day
from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.words import Text
from serving.dunning.deciding.facts import AccountFacts
from serving.dunning.deciding.facts.case import Case
from serving.dunning.deciding.facts.money import amounts_apart, demandable_in_policy_currency, money_band
from serving.dunning.deciding.facts.validation import FIRST_DAY, LAST_DAY
from serving.dunning.deciding.gates.hits import GateHit
from serving.dunning.deciding.gates.persons import (
    SHORT_PAYMENT,
    person_decides,
    person_gates,
    short_payment_approval,
)
from serving.dunning.deciding.gates.stopping import (
    contact_gate,
    dispute_hit,
    is_plan_broken,
    is_rest_chased,
    stopping_gates,
)
from serving.dunning.deciding.notes import notes_of
from serving.dunning.deciding.steps.benefit import step_benefit
from serving.dunning.deciding.steps.claims import claim_deadline, claim_of
from serving.dunning.deciding.steps.contact_days import next_contact_day
from serving.dunning.deciding.steps.holdout import Assignment, assignment
from serving.dunning.deciding.steps.overrides import (
    held_until,
    override_reason,
    overriding_sequence,
    waiting_reason,
)
from serving.dunning.deciding.steps.routing import (
    Choice,
    PlannedStep,
    choose,
    next_step,
    route_state,
    usable_grade,
)
from serving.dunning.decision import Decision, NetBenefit, NextStep, Reason
from serving.dunning.policy.checked import Policy, is_automatic
from serving.dunning.policy.sequences import ClaimKind, Fallback, Step

PART_PAYMENT = Reason.of(
    "part_payment",
    Text(
        "Un règlement partiel ne durcit ni n'avance la suite : l'étape la plus douce est retenue.",
        "A part payment neither hardens nor brings forward what comes next: the softest step is kept.",
    ),
)
FALLBACK = Reason.of(
    "cheaper_channel",
    Text(
        "Le canal prévu coûte plus que le gain attendu : un canal moins cher le remplace.",
        "The planned channel costs more than it is expected to bring: a cheaper one replaces it.",
    ),
)
PLAN_BROKEN = Reason.of(
    "plan_broken",
    Text(
        "Une échéance du plan de règlement n'a pas été réglée : le plan est rompu.",
        "An instalment of the payment plan was missed: the plan is broken.",
    ),
)
ALREADY_DONE = Reason.of(
    "already_done", Text("L'étape a déjà été faite : on attend.", "The step has been done already: wait.")
)


@dataclass(frozen=True)
class _Outcome:
    """What was decided, before it is written out as a decision."""

    sequence_id: str
    step: NextStep | None
    reasons: tuple[Reason, ...]
    gate: GateHit | None = None
    hold_until: date | None = None
    approval: str | None = None
    benefit: NetBenefit | None = None
    claims: tuple[ClaimKind, ...] = ()
    drawn: Assignment = field(default_factory=Assignment)
    side_task: NextStep | None = None


def decide_case(case: Case, policy: Policy, on: date) -> Decision:
    """What to do about one receivable on one day, its customer's other receivables left aside.

    Gates first, in the order of `GATE_IDS`; no score and no person's override can override one. Then a person's
    override or else the route table gives the sequence, the last step taken gives the stage, and the calendar
    of the payer's country gives the day.
    The same arguments always give the same decision, and every case gives one; no clock is read.

    Args:
        case: the receivable and its account.
        policy: a checked policy.
        on: the day of the decision.

    Raises:
        InvalidInputError: the day is outside `FIRST_DAY` to `LAST_DAY`.
    """
    if not FIRST_DAY <= on <= LAST_DAY:
        fault = Fault(
            localized("{on} is outside the days known", on=on),
            "on",
            localized("{first_day} to {last_day}", first_day=FIRST_DAY, last_day=LAST_DAY),
        )
        raise InvalidInputError(localized("no decision can be made on {on}", on=on), [fault])
    stops = stopping_gates(case, policy, on)
    if stops:
        return _decision(case, policy, on, _by_gate(case, policy, on, stops))
    account = case.account
    overriding = overriding_sequence(account, policy)
    # What a person has decided takes no part in a comparison.
    drawn = Assignment() if overriding is not None else assignment(case.customer_id, account, policy)
    choice = choose(case, policy, on, drawn.replaces)
    by_person = override_reason(account, policy, on, choice.sequence_id)
    route = Reason.of(f"route.{choice.route.id}", choice.route.why)
    if overriding is not None:
        planned = next_step(overriding, case, policy, on)
        choice = replace(
            choice, sequence_id=overriding, planned=planned, is_held_soft=False, lacks_evidence=None
        )
    reasons = [*([by_person] if by_person else []), route]
    if choice.lacks_evidence is not None:
        reasons.append(choice.lacks_evidence)
    if choice.is_held_soft:
        reasons.append(PART_PAYMENT)
    if is_plan_broken(account, policy, on):
        reasons.append(PLAN_BROKEN)
    if overriding is not None and policy.spec.sequences[overriding].kind == "gate":
        outcome = _inside(case, policy, on, overriding, reasons)
    elif choice.planned is None:
        exhausted = policy.spec.exhausted
        reasons = [Reason.of("exhausted", exhausted.why), *reasons]
        outcome = _inside(case, policy, on, exhausted.sequence, reasons)
    else:
        outcome = _by_route(case, policy, on, choice, choice.planned, drawn, reasons)
    return _decision(case, policy, on, _with_dispute_task(case, policy, on, outcome))


def _by_gate(case: Case, policy: Policy, on: date, stops: tuple[GateHit, ...]) -> _Outcome:
    gate, account = stops[0], case.account
    sequence_id = gate.sequence_id or ""
    reasons = [hit.reason for hit in stops]
    if gate.gate_id == "settled":
        step = _thanks(case, policy, on, gate, is_alone=len(stops) == 1)
    else:
        step = _task(account, policy, on, sequence_id, gate.since)
        if step is None and _steps(policy, sequence_id):
            reasons.append(ALREADY_DONE)
    waiting = waiting_reason(account)
    if waiting is not None:
        reasons.append(waiting)
    approval = _steps(policy, sequence_id)[0].approval if step is not None else None
    persons = person_gates(case, policy, step.tone) if step is not None and step.channel != "task" else ()
    return _Outcome(
        sequence_id=sequence_id,
        step=step,
        reasons=(*reasons, *(hit.reason for hit in persons)),
        gate=gate,
        approval=policy.higher_approval(approval, *(hit.approval for hit in persons)),
    )


def _inside(case: Case, policy: Policy, on: date, sequence_id: str, reasons: list[Reason]) -> _Outcome:
    """Every dunning step is done, or a person chose a sequence without any: work inside the house, or none."""
    steps = tuple(step for step in _steps(policy, sequence_id) if step.channel == "task")
    until = held_until(case.account, on)
    step = _task(case.account, policy, until or on, sequence_id) if steps else None
    done = [ALREADY_DONE] if steps and step is None else []
    persons = person_gates(case, policy)
    return _Outcome(
        sequence_id=sequence_id,
        step=step,
        reasons=(*reasons, *done, *(hit.reason for hit in persons)),
        gate=persons[0] if persons else None,
        hold_until=until,
        approval=policy.higher_approval(
            *(item.approval for item in steps if step is not None), *(hit.approval for hit in persons)
        ),
    )


def _by_route(
    case: Case,
    policy: Policy,
    on: date,
    choice: Choice,
    planned: PlannedStep,
    drawn: Assignment,
    reasons: list[Reason],
) -> _Outcome:
    planned, benefit, fallback = _worthwhile(case, policy, choice.sequence_id, planned)
    persons = person_gates(case, policy, planned.step.tone)
    gates = list(persons)
    if planned.blocked_by is not None and planned.wanted_on == on:
        gates.append(contact_gate(planned.blocked_by, planned.on, policy))
    short = short_payment_approval(case, policy)
    approval = policy.higher_approval(planned.step.approval, short, *(hit.approval for hit in persons))
    step = None
    if planned.on is not None:
        step = _next_step(planned.step, planned.stage, planned.on, case.account, policy, approval)
        if fallback is not None:
            step = replace(
                step,
                channel=fallback.channel,
                template_id=fallback.template,
                is_automatic=is_automatic(fallback.channel, approval),
                is_fallback=True,
            )
    rule = planned.tone_rule
    return _Outcome(
        sequence_id=choice.sequence_id,
        step=step,
        reasons=(
            *(hit.reason for hit in gates),
            *reasons,
            *([SHORT_PAYMENT] if short is not None else []),
            *([Reason.of(f"tone.{rule.id}", rule.why)] if rule is not None else []),
            *([FALLBACK] if fallback else []),
            *([_drawn_reason(drawn)] if drawn.variant_id is not None else []),
        ),
        gate=gates[0] if gates else None,
        hold_until=(gates[-1].hold_until if gates else None) or held_until(case.account, on),
        approval=approval,
        benefit=benefit if step is not None else None,
        claims=planned.step.claims,
        drawn=drawn,
    )


def _with_dispute_task(case: Case, policy: Policy, on: date, outcome: _Outcome) -> _Outcome:
    """The outcome for an undisputed rest, with the task of working on the disputed part beside it."""
    if not is_rest_chased(case, policy):
        return outcome
    dispute = dispute_hit(case, policy)
    task = _task(case.account, policy, on, dispute.sequence_id or "", dispute.since)
    return replace(outcome, reasons=(*outcome.reasons, dispute.reason), side_task=task)


def _worthwhile(
    case: Case, policy: Policy, sequence_id: str, planned: PlannedStep
) -> tuple[PlannedStep, NetBenefit | None, Fallback | None]:
    """The planned step with its net benefit, by the cheaper channel where the first costs more than it brings.

    The cheaper channel has its own first day: a cap may hold back one channel and not the other.
    """
    effect = policy.spec.sequences[sequence_id].effect
    if effect is None:
        return planned, None, None
    day, amount, fallback = planned.on or planned.wanted_on, case.demandable_amount, planned.step.fallback
    benefit = step_benefit(case, policy, effect, planned.step.channel, day, amount)
    if fallback is None or benefit.net_amount is None or benefit.net_amount >= 0:
        return planned, benefit, None
    on, blocked_by = next_contact_day(planned.wanted_on, case.account, policy, fallback.channel)
    day = on or planned.wanted_on
    cheaper = step_benefit(case, policy, effect, fallback.channel, day, amount)
    return replace(planned, on=on, blocked_by=blocked_by), cheaper, fallback


def _drawn_reason(drawn: Assignment) -> Reason:
    variant = f"{drawn.experiment_id}: {drawn.variant_id} ({drawn.probability:g})"
    return Reason.of("experiment", Text(f"Comparaison {variant}.", f"Comparison {variant}."))


def _next_step(
    step: Step,
    stage: int,
    on: date,
    account: AccountFacts,
    policy: Policy,
    approval: str | None,
) -> NextStep:
    language = (account.language or policy.spec.policy.language).lower()[:2]
    return NextStep(
        step_id=step.id,
        stage=stage,
        on=on,
        channel=step.channel,
        tone=step.tone,
        template_id=step.template,
        language="fr" if language == "fr" else "en",
        label=step.label,
        is_automatic=is_automatic(step.channel, approval),
    )


def _steps(policy: Policy, sequence_id: str) -> tuple[Step, ...]:
    return policy.spec.sequences[sequence_id].steps


def _task(
    account: AccountFacts, policy: Policy, on: date, sequence_id: str, since: date | None = None
) -> NextStep | None:
    """The task of a gate on the house's next working day; null when it was opened already, or there is none.

    A task opened before `since` was about an earlier trouble of the same kind and does not count.
    """
    steps = _steps(policy, sequence_id)
    is_opened = any(
        task.sequence_id == sequence_id and (since is None or task.opened_on >= since)
        for task in account.tasks
    )
    if not steps or is_opened:
        return None
    is_insolvency = sequence_id == policy.spec.gates.insolvency.sequence
    deadline_on = claim_deadline(account, policy) if is_insolvency else None
    day = next_working_day(on, policy.spec.policy.country)
    task = _next_step(steps[0], 0, day, account, policy, steps[0].approval)
    return replace(task, deadline_on=deadline_on)


def _thanks(case: Case, policy: Policy, on: date, gate: GateHit, *, is_alone: bool) -> NextStep | None:
    """Thanks to a customer that paid after a reminder: once, on a contact day, if no other gate is closed."""
    account, steps = case.account, _steps(policy, gate.sequence_id or "")
    is_reminded = account.last_step is not None and account.last_step.stage > 0
    is_thanked = any(task.sequence_id == gate.sequence_id for task in account.tasks)
    is_paid = account.closed_by in ("paid", "discounted")
    if not steps or not is_alone or not is_paid or not is_reminded or is_thanked:
        return None
    day, _ = next_contact_day(on, account, policy, steps[0].channel)
    persons = person_gates(case, policy, steps[0].tone)
    approval = policy.higher_approval(steps[0].approval, *(hit.approval for hit in persons))
    return None if day is None else _next_step(steps[0], 0, day, account, policy, approval)


def _decision(case: Case, policy: Policy, on: date, outcome: _Outcome) -> Decision:
    score, account, gate = case.score, case.account, outcome.gate
    band = money_band(demandable_in_policy_currency(case, policy), policy)
    claim_day = outcome.step.on if outcome.step is not None else on
    header = policy.spec.policy
    return Decision(
        invoice_id=score.invoice_id,
        customer_id=score.customer_id,
        on=on,
        policy_id=header.id,
        policy_version=header.version,
        sequence_id=outcome.sequence_id,
        next_step=outcome.step,
        why=(*outcome.reasons, *notes_of(account, policy)),
        gate_id=gate.gate_id if gate else None,
        hold_until=outcome.hold_until or (gate.hold_until if gate else None),
        requires_approval=outcome.approval is not None,
        approval_level=outcome.approval,
        claim=claim_of(case, policy, claim_day, outcome.claims),
        benefit=outcome.benefit,
        balance_amount=account.net_balance_amount,
        currency=score.currency,
        segment=score.rfm_segment,
        grade=usable_grade(case),
        money_band=policy.spec.money_bands[band].id,
        state=route_state(case, policy, on),
        experiment_id=outcome.drawn.experiment_id,
        variant_id=outcome.drawn.variant_id,
        assignment_probability=outcome.drawn.probability,
        person_decides=person_decides(account, policy),
        instalment_number=score.instalment_number,
        instalment_count=score.instalment_count,
        disputed_amount=account.disputed_part_amount,
        other_currency_amounts=amounts_apart(account.outstanding_amounts, account, policy),
        side_task=outcome.side_task,
    )
