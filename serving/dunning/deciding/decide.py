"""One score, one account, one policy, one day: one decision with its reasons."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

from features.errors import Fault, InvalidInputError
from serving.dunning.deciding.benefit import net_benefit
from serving.dunning.deciding.claims import claim_deadline, claim_of
from serving.dunning.deciding.contact_days import next_contact_day
from serving.dunning.deciding.facts import FIRST_DAY, LAST_DAY, AccountFacts, ScoredInvoice
from serving.dunning.deciding.gates import (
    GateHit,
    contact_gate,
    is_plan_broken,
    person_decides,
    person_gates,
    stopping_gates,
)
from serving.dunning.deciding.holdout import Assignment, assignment
from serving.dunning.deciding.overrides import (
    held_until,
    override_reason,
    overriding_sequence,
    waiting_reason,
)
from serving.dunning.deciding.routing import (
    Choice,
    PlannedStep,
    choose,
    in_policy_currency,
    money_band,
    next_step,
    route_state,
    usable_grade,
)
from serving.dunning.decision import Decision, NetBenefit, NextStep, Reason
from serving.dunning.policy.schema import Effect, Fallback, Policy, Step, is_automatic
from serving.dunning.words import Text
from serving.dunning.writing import written_amount

PART_PAYMENT = Reason(
    "part_payment",
    "Un règlement partiel ne durcit ni n'avance la suite : l'étape la plus douce est retenue.",
    "A part payment neither hardens nor brings forward what comes next: the softest step is kept.",
)
FALLBACK = Reason(
    "cheaper_channel",
    "Le canal prévu coûte plus que le gain attendu : un canal moins cher le remplace.",
    "The planned channel costs more than it is expected to bring: a cheaper one stands in.",
)
PLAN_BROKEN = Reason(
    "plan_broken",
    "Une échéance du plan de règlement n'a pas été réglée : le plan est rompu.",
    "An instalment of the payment plan was missed: the plan is broken.",
)
ALREADY_DONE = Reason(
    "already_done",
    "L'étape a déjà été faite : on attend.",
    "The step has been done already: wait.",
)


def decide(score: ScoredInvoice, account: AccountFacts, policy: Policy, on: date) -> Decision:
    """What to do about one invoice on one day.

    Gates first, in the order of `GATE_IDS`; no score and no person's override can override one. Then a
    person's standing override or else the route table gives the sequence, the last step taken gives the stage,
    and the calendar of the payer's country gives the day.
    The same arguments always give the same decision, and every pair of facts gives one; no clock is read.

    Args:
        score: the invoice as the model sees it.
        account: the account at decision time; its balance, not the scored one, is what is asked for.
        policy: a checked policy.
        on: the day of the decision.

    Raises:
        InvalidInputError: the day is outside `FIRST_DAY` to `LAST_DAY`.
    """
    if not FIRST_DAY <= on <= LAST_DAY:
        fault = Fault(f"{on} is outside the days known", "on", f"{FIRST_DAY} to {LAST_DAY}")
        raise InvalidInputError(f"no decision can be made on {on}", [fault])
    balance = in_policy_currency(account.net_balance_amount, score, account, policy)
    stops = stopping_gates(account, policy, on, balance)
    if stops:
        return _decide_by_gate(score, account, policy, on, stops)
    overriding = overriding_sequence(account, policy)
    # What a person has decided takes no part in a comparison.
    drawn = Assignment() if overriding is not None else assignment(score.customer_id, account, policy)
    choice = choose(score, account, policy, on, drawn.replaces)
    said = override_reason(account, policy, on, choice.sequence_id)
    route = Reason(f"route.{choice.route.id}", choice.route.why.fr, choice.route.why.en)
    if overriding is not None:
        sequence = policy.spec.sequences[overriding]
        choice = replace(
            choice,
            sequence_id=overriding,
            planned=next_step(sequence, score, account, policy, on),
            is_held_soft=False,
        )
    reasons = [*([said] if said else []), route, *([PART_PAYMENT] if choice.is_held_soft else [])]
    if is_plan_broken(account, policy, on):
        reasons.append(PLAN_BROKEN)
    if overriding is not None and policy.spec.sequences[overriding].kind == "gate":
        return _decide_inside(score, account, policy, on, overriding, reasons)
    if choice.planned is None:
        exhausted = policy.spec.exhausted
        reasons = [Reason("exhausted", exhausted.why.fr, exhausted.why.en), *reasons]
        return _decide_inside(score, account, policy, on, exhausted.sequence, reasons)
    return _decide_by_route(score, account, policy, on, choice, choice.planned, drawn, reasons)


def _decide_by_gate(
    score: ScoredInvoice, account: AccountFacts, policy: Policy, on: date, stops: tuple[GateHit, ...]
) -> Decision:
    gate = stops[0]
    step = None
    reasons = [hit.reason for hit in stops]
    if gate.gate_id == "settled":
        step = _thanks(account, policy, on, gate, is_alone=len(stops) == 1)
    else:
        step = _task(account, policy, on, gate.sequence_id or "")
        if step is None and _steps(policy, gate.sequence_id or ""):
            reasons.append(ALREADY_DONE)
    waiting = waiting_reason(account)
    if waiting is not None:
        reasons.append(waiting)
    approvals = [_steps(policy, gate.sequence_id or "")[0].approval] if step is not None else []
    persons = person_gates(account, policy) if step is not None and step.channel != "task" else ()
    return _decision(
        score,
        account,
        policy,
        on,
        sequence_id=gate.sequence_id or "",
        step=step,
        reasons=[*reasons, *(hit.reason for hit in persons)],
        gate=gate,
        approval=policy.higher_approval(*approvals, *(hit.approval for hit in persons)),
    )


def _decide_inside(
    score: ScoredInvoice,
    account: AccountFacts,
    policy: Policy,
    on: date,
    sequence_id: str,
    reasons: list[Reason],
) -> Decision:
    """Every dunning step is done, or a person chose a sequence without any: work inside the house, or none."""
    steps = tuple(step for step in _steps(policy, sequence_id) if step.channel == "task")
    until = held_until(account, on)
    step = _task(account, policy, until or on, sequence_id) if steps else None
    done = [ALREADY_DONE] if steps and step is None else []
    persons = person_gates(account, policy)
    return _decision(
        score,
        account,
        policy,
        on,
        sequence_id=sequence_id,
        step=step,
        reasons=[*reasons, *done] + [hit.reason for hit in persons],
        gate=persons[0] if persons else None,
        hold_until=until,
        approval=policy.higher_approval(
            *(item.approval for item in steps if step is not None), *(hit.approval for hit in persons)
        ),
    )


def _decide_by_route(
    score: ScoredInvoice,
    account: AccountFacts,
    policy: Policy,
    on: date,
    choice: Choice,
    planned: PlannedStep,
    drawn: Assignment,
    reasons: list[Reason],
) -> Decision:
    persons = person_gates(account, policy)
    gates = list(persons)
    if planned.blocked_by is not None and planned.wanted_on == on:
        gates.append(contact_gate(planned.blocked_by, planned.on, policy))
    approval = policy.higher_approval(planned.step.approval, *(hit.approval for hit in persons))
    benefit, fallback = _benefit(score, account, policy, choice.sequence_id, planned)
    step = None
    if planned.on is not None:
        step = _next_step(planned.step, planned.stage, planned.on, account, policy, approval, fallback)
    if drawn.variant_id is not None:
        said = f"{drawn.experiment_id}: {drawn.variant_id} ({drawn.probability:g})"
        reasons = [*reasons, Reason("experiment", f"Comparaison {said}.", f"Comparison {said}.")]
    return _decision(
        score,
        account,
        policy,
        on,
        sequence_id=choice.sequence_id,
        step=step,
        reasons=[*(hit.reason for hit in gates), *reasons, *([FALLBACK] if fallback else [])],
        gate=gates[0] if gates else None,
        hold_until=(gates[-1].hold_until if gates else None) or held_until(account, on),
        approval=approval,
        benefit=benefit if step is not None else None,
        claimed_by=planned.step,
        drawn=drawn,
    )


def _benefit(
    score: ScoredInvoice, account: AccountFacts, policy: Policy, sequence_id: str, planned: PlannedStep
) -> tuple[NetBenefit | None, Fallback | None]:
    """Net benefit of the step, and the cheaper channel if the planned one costs more than it brings."""
    effect: Effect | None = policy.spec.sequences[sequence_id].effect
    if effect is None:
        return None, None
    day = planned.on or planned.wanted_on
    has_opinion = score.cold_start_rung != "no_opinion"
    beyond = (day - score.due_on).days + math.ceil(effect.days_saved)
    chance = score.unpaid_at(beyond) if has_opinion else None
    balance = in_policy_currency(account.net_balance_amount, score, account, policy)
    benefit = net_benefit(planned.step.channel, effect, policy.spec.economics, balance, chance)
    fallback = planned.step.fallback
    if fallback is None or benefit.net_amount is None or benefit.net_amount >= 0:
        return benefit, None
    return net_benefit(fallback.channel, effect, policy.spec.economics, balance, chance), fallback


def _next_step(
    step: Step,
    stage: int,
    on: date,
    account: AccountFacts,
    policy: Policy,
    approval: str | None,
    fallback: Fallback | None = None,
    deadline_on: date | None = None,
) -> NextStep:
    channel = fallback.channel if fallback else step.channel
    language = (account.language or policy.spec.policy.language).lower()[:2]
    return NextStep(
        step_id=step.id,
        stage=stage,
        on=on,
        channel=channel,
        tone=step.tone,
        template_id=fallback.template if fallback else step.template,
        language="fr" if language == "fr" else "en",
        label=Text(step.label.fr, step.label.en),
        is_automatic=is_automatic(channel, approval),
        is_fallback=fallback is not None,
        deadline_on=deadline_on,
    )


def _steps(policy: Policy, sequence_id: str) -> tuple[Step, ...]:
    return policy.spec.sequences[sequence_id].steps


def _task(account: AccountFacts, policy: Policy, on: date, sequence_id: str) -> NextStep | None:
    """The internal task of a gate, unless it has been opened already; null for a gate that only waits."""
    steps = _steps(policy, sequence_id)
    if not steps or (account.last_task is not None and account.last_task.sequence_id == sequence_id):
        return None
    is_insolvency = sequence_id == policy.spec.gates.insolvency.sequence
    deadline_on = claim_deadline(account, policy) if is_insolvency else None
    return _next_step(steps[0], 0, on, account, policy, steps[0].approval, deadline_on=deadline_on)


def _thanks(
    account: AccountFacts, policy: Policy, on: date, gate: GateHit, *, is_alone: bool
) -> NextStep | None:
    """Thanks to a customer that paid after a reminder: once, on a contact day, if no other gate holds."""
    steps = _steps(policy, gate.sequence_id or "")
    reminded = account.last_step is not None and account.last_step.stage > 0
    thanked = account.last_task is not None and account.last_task.sequence_id == gate.sequence_id
    if (
        not (steps and is_alone and account.is_settled and reminded)
        or thanked
        or account.is_settled_by_credit
    ):
        return None
    day, _ = next_contact_day(on, account, policy)
    persons = person_gates(account, policy)
    approval = policy.higher_approval(steps[0].approval, *(hit.approval for hit in persons))
    return None if day is None else _next_step(steps[0], 0, day, account, policy, approval)


def _decision(
    score: ScoredInvoice,
    account: AccountFacts,
    policy: Policy,
    on: date,
    *,
    sequence_id: str,
    step: NextStep | None,
    reasons: list[Reason],
    gate: GateHit | None,
    hold_until: date | None = None,
    approval: str | None = None,
    benefit: NetBenefit | None = None,
    claimed_by: Step | None = None,
    drawn: Assignment | None = None,
) -> Decision:
    drawn = drawn or Assignment()
    balance = account.net_balance_amount
    band = money_band(in_policy_currency(balance, score, account, policy), policy)
    claim_day = step.on if step is not None else on
    header = policy.spec.policy
    return Decision(
        invoice_id=score.invoice_id,
        customer_id=score.customer_id,
        on=on,
        policy_id=header.id,
        policy_version=header.version,
        sequence_id=sequence_id,
        next_step=step,
        why=(*reasons, *_notes(account, policy)),
        gate_id=gate.gate_id if gate else None,
        hold_until=hold_until or (gate.hold_until if gate else None),
        requires_approval=approval is not None,
        approval_level=approval,
        claim=claim_of(score, account, policy, claim_day, claimed_by.claims if claimed_by else ()),
        benefit=benefit,
        balance_amount=balance,
        currency=score.currency,
        segment=score.rfm_segment,
        grade=usable_grade(score),
        money_band=policy.spec.money_bands[band].id,
        state=route_state(score, account, policy, on),
        experiment_id=drawn.experiment_id,
        variant_id=drawn.variant_id,
        assignment_probability=drawn.probability,
        person_decides=person_decides(account, policy),
    )


def _notes(account: AccountFacts, policy: Policy) -> tuple[Reason, ...]:
    """What a person should know although it decides nothing: the customer owes more than its credit limit."""
    limit, owed, currency = account.credit_limit, account.outstanding_amount, policy.spec.policy.currency
    if limit is None or owed <= limit:
        return ()
    return (
        Reason(
            "note.over_credit_limit",
            f"Encours du client de {written_amount(owed, 'fr')} {currency}, au-delà de sa limite de "
            f"{written_amount(limit, 'fr')} {currency} : livraisons à revoir.",
            f"The customer owes {written_amount(owed, 'en')} {currency}, above its limit of "
            f"{written_amount(limit, 'en')} {currency}: review deliveries.",
        ),
    )
