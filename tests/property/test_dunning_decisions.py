"""What holds for every score, every account and every day, under the default policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from features.calendars import is_working_day
from features.words import Text
from serving.dunning import (
    GATE_IDS,
    Case,
    Contact,
    DebtorStatement,
    FeedDay,
    Promise,
    StepTaken,
    TaskOpened,
    decide_customer,
    decision_from_json,
    decision_to_json,
    message_for,
)
from serving.dunning.deciding.decide import ALREADY_DONE
from serving.dunning.deciding.facts.validation import FIRST_DAY, LAST_DAY
from serving.dunning.deciding.gates.stopping import stopping_gates
from serving.dunning.deciding.steps.contact_days import blocking_gate
from serving.dunning.legal import covered_until
from serving.dunning.policy.checks.texts import COMMON_GATE_PLACEHOLDERS, GATE_PLACEHOLDERS
from serving.dunning.words import STOPPING_GATES
from tests.dunning_samples import FRESH, POLICY, account, decide, scored

from .dunning_cases import accounts, days, open_accounts, scores


def holding(score, account, on):
    return stopping_gates(Case(score, account), POLICY, on)


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_every_case_is_decided_twice_the_same_with_reasons_in_both_languages(score, account, on):
    decision = decide(score, account, POLICY, on)
    assert decision == decide(score, account, POLICY, on)
    assert decision.why
    for reason in decision.why:
        assert reason.fr
        assert reason.en
        assert "{" not in (reason.fr + reason.en).replace("{bientôt}", ""), "but a quote stays as it is"
    assert decision.requires_approval == (decision.approval_level is not None)
    assert decision.sequence_id in POLICY.spec.sequences


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_a_decision_written_as_json_reads_back_equal(score, account, on):
    decision = decide(score, account, POLICY, on)
    assert decision_from_json(decision_to_json(decision)) == decision


@given(scores(), scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_a_stopping_gate_wins_whatever_the_score(score, other, account, on):
    hits = holding(score, account, on)
    assume(hits)
    decision = decide(score, account, POLICY, on)
    assert decision.gate_id == hits[0].gate_id
    assert decision.gate_id in STOPPING_GATES
    order = [GATE_IDS.index(hit.gate_id) for hit in hits]
    assert order == sorted(order), "asked in order, each once"
    gate = getattr(POLICY.spec.gates, hits[0].gate_id)
    assert decision.sequence_id in (gate.sequence, "short_payment")
    same_invoice = replace(other, currency=score.currency, due_on=score.due_on, amount=score.amount)
    assert decide(same_invoice, account, POLICY, on).next_step == decision.next_step


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_while_a_gate_stops_dunning_the_customer_hears_nothing_but_thanks(score, account, on):
    assume(holding(score, account, on))
    step = decide(score, account, POLICY, on).next_step
    assert step is None or step.channel == "task" or step.step_id == "thanks"
    if step is not None and step.step_id == "thanks":
        assert account.closed_by in ("paid", "discounted")
        assert account.last_step.stage > 0


@given(scores(), accounts, days)
@settings(max_examples=300, deadline=None)
def test_no_fact_that_forbids_contact_is_passed(score, account, on):
    """The facts that forbid a contact, each written out plainly, against what the policy does."""
    net = account.balance_amount - account.unapplied_credit_amount
    promise = account.promise
    is_forbidden = (
        account.closed_by is not None
        or net <= 0
        or account.is_insolvent
        or account.feeds == ()
        or (account.feeds[0].known_through_on < on - timedelta(days=9))
        or account.mediation_since is not None
        or account.complaint_opened_on is not None
        or (account.has_open_dispute and (account.disputed_amount is None or account.disputed_amount >= net))
        or account.admin_blockage not in (None, "short_payment")
        or (account.payment_announced_on is not None and on <= account.payment_announced_on)
        or (
            promise is not None
            and promise.amount is None
            and on <= promise.due_on <= promise.made_on + timedelta(days=45)
        )
    )
    decision = decide(score, account, POLICY, on)
    if is_forbidden:
        assert decision.gate_id in STOPPING_GATES
        step = decision.next_step
        assert step is None or step.channel == "task" or step.step_id == "thanks"
        assert decision.asked_amount == 0


@given(scores(), open_accounts, days, st.none() | st.integers(6, 2000))
@settings(max_examples=60, deadline=None)
def test_a_stale_or_unknown_feed_means_no_step_at_all(score, account, on, age):
    known = () if age is None else (FeedDay("payments", on - timedelta(days=age)), FRESH[1])
    decision = decide(score, replace(account, feeds=known), POLICY, on)
    assert (decision.gate_id, decision.next_step) == ("feed_stale", None)
    with_claim_to_declare = replace(account, feeds=known, is_insolvent=True)
    assert not decide(score, with_claim_to_declare, POLICY, on).is_automatic_today


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_whatever_else_decides_a_natural_person_is_told_apart_with_who_decides(score, account, on):
    levels = [level.id for level in POLICY.spec.approval_levels]
    for changes, because in (
        ({"is_natural_person": True, "is_strategic": False}, "natural_person"),
        ({"is_natural_person": True, "is_strategic": True}, "natural_person"),
        ({"is_natural_person": False, "is_strategic": True}, "strategic_account"),
    ):
        decision = decide(score, replace(account, **changes), POLICY, on)
        told = decision.person_decides
        assert told is not None
        assert told.because == because
        assert told.why.fr != told.why.en
        assert not decision.is_automatic_today
        step = decision.next_step
        if step is not None and step.channel != "task":
            assert not step.is_automatic
            assert levels.index(decision.approval_level) >= levels.index(told.level)
    company = replace(account, is_natural_person=False, is_strategic=False)
    assert decide(score, company, POLICY, on).person_decides is None


@given(scores(), open_accounts, days)
@settings(max_examples=100, deadline=None)
def test_no_step_is_automatic_for_natural_persons_strategic_accounts_and_large_amounts(score, account, on):
    large = replace(account, balance_amount=Decimal("250000"), is_natural_person=False, is_strategic=False)
    if score.currency != "EUR":
        large = replace(large, exchange_rates=())
    for flagged in (
        replace(account, is_natural_person=True),
        replace(account, is_natural_person=None),
        replace(account, is_natural_person=False, is_strategic=True),
        large,
    ):
        decision = decide(score, flagged, POLICY, on)
        assert decision.gate_id in ("natural_person", "strategic_account", "large_amount")
        assert decision.requires_approval
        assert decision.next_step is None or not decision.next_step.is_automatic


@given(scores(), open_accounts, days, st.lists(st.integers(0, 32), max_size=7))
@settings(max_examples=100, deadline=None)
def test_a_contact_is_on_the_first_allowed_day(score, account, on, ages):
    account = replace(
        account, contacts=tuple(Contact(on - timedelta(days=age), "email") for age in ages), last_step=None
    )
    step = decide(score, account, POLICY, on).next_step
    if step is None or step.channel == "task":
        return
    assert step.on >= on
    for cap in (cap for cap in POLICY.spec.contact_rules.caps if cap.channel is None):
        recent = [c for c in account.contacts if step.on - timedelta(days=cap.days) < c.on <= step.on]
        assert len(recent) < cap.contacts
    spec = next(
        item
        for item in POLICY.spec.sequences[decide(score, account, POLICY, on).sequence_id].steps
        if item.id == step.step_id
    )
    day = max(on, score.due_on + timedelta(days=spec.day))
    while day < step.on:
        assert blocking_gate(day, account, POLICY, step.channel) is not None
        day += timedelta(days=1)
    assert blocking_gate(step.on, account, POLICY, step.channel) is None
    assert is_working_day(step.on, account.country or "FR")


@given(scores(), open_accounts, days, st.integers(0, 6), days)
@settings(max_examples=100, deadline=None)
def test_stages_follow_each_other_one_by_one_however_late_the_invoice_is(score, account, on, stage, taken_on):
    taken = StepTaken("preventive", "step", stage, taken_on)
    step = decide(score, replace(account, last_step=taken), POLICY, on).next_step
    if step is not None and step.channel != "task" and on > score.due_on:
        assert step.stage == stage + 1
        assert step.on >= taken_on + timedelta(days=POLICY.spec.contact_rules.minimum_days_between_steps)


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_no_more_is_asked_than_net_balance_and_claims(score, account, on):
    decision = decide(score, account, POLICY, on)
    assert decision.balance_amount == account.balance_amount - account.unapplied_credit_amount
    assert 0 <= decision.disputed_amount <= max(decision.balance_amount, Decimal(0))
    assert decision.asked_amount <= max(decision.balance_amount - decision.disputed_amount, Decimal(0))
    claim = decision.claim
    if not claim.is_interest_claimed and not claim.is_indemnity_claimed:
        assert claim.claimed_amount == 0
    if decision.next_step is None or decision.next_step.channel == "task":
        assert claim.claimed_amount == 0


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_interest_is_reckoned_only_over_days_whose_rate_is_in_the_file(score, account, on):
    claim = decide(score, account, POLICY, on).claim
    if claim.periods:
        assert claim.periods[0].begins_on >= date(2020, 1, 1)
        assert max(period.ends_on for period in claim.periods) <= covered_until(POLICY.legal, on)
    if claim.interest_amount is None:
        assert claim.refusal.fr
        assert claim.refusal.en


@given(scores(), accounts, days, st.sampled_from(["fr", "en"]))
@settings(max_examples=100, deadline=None)
def test_every_step_comes_with_a_complete_text_in_the_customers_language(score, account, on, language):
    account = replace(account, language=language)
    decision = decide(score, account, POLICY, on)
    decision = decide_customer([Case(score, account)], POLICY, on).decisions[0]
    message = message_for(decision, Case(score, account), POLICY)
    assert (message is None) == (decision.next_step is None)
    if message is not None:
        assert message.language == language
        assert message.subject
        assert "{" not in (message.subject + message.body).replace("{bientôt}", "")
        assert "  " not in message.body


@given(scores(), accounts, st.sampled_from([FIRST_DAY, LAST_DAY]), st.sampled_from([FIRST_DAY, LAST_DAY]))
@settings(max_examples=40, deadline=None)
def test_the_first_and_last_days_known_are_decided_too(score, account, due_on, on):
    decision = decide(replace(score, due_on=due_on), account, POLICY, on)
    assert decision.why


task_facts = st.sampled_from(
    [
        {"has_open_dispute": True, "disputed_amount": None},
        {"is_insolvent": True},
        {"admin_blockage": "other"},
        {"complaint_opened_on": date(2019, 1, 1)},
    ]
)


@given(scores(), open_accounts, days, task_facts)
@settings(max_examples=60, deadline=None)
def test_a_task_that_is_already_open_is_not_opened_again(score, account, on, facts):
    account = replace(account, tasks=(), **facts)
    first = decide(score, account, POLICY, on)
    assert first.next_step.channel == "task"
    assert is_working_day(first.next_step.on, "FR")
    opened = TaskOpened(first.sequence_id, first.next_step.step_id, LAST_DAY)
    again = decide(score, replace(account, tasks=(opened,)), POLICY, on)
    assert again.sequence_id == first.sequence_id
    assert again.next_step is None
    assert ALREADY_DONE in again.why


@given(scores(), accounts, days)
@settings(max_examples=150, deadline=None)
def test_a_reconstruction_equals_the_live_decision_except_for_actions(score, account, on):
    live = decide_customer([Case(score, account)], POLICY, on).decisions[0]
    past = decide_customer([Case(score, account)], POLICY, on, is_live=False).decisions[0]
    assert not past.is_live
    assert past.conversation is None
    assert past.next_step is None or not past.next_step.is_automatic
    as_live = replace(
        past, is_live=True, why=live.why, conversation=live.conversation, next_step=live.next_step,
        side_task=live.side_task,
    )  # fmt: skip
    assert as_live == live


@pytest.mark.parametrize("gate_id", [*STOPPING_GATES, "natural_person", "strategic_account", "large_amount"])
def test_every_value_a_gate_may_write_is_filled_in(gate_id):
    known = COMMON_GATE_PLACEHOLDERS | GATE_PLACEHOLDERS.get(gate_id, frozenset())
    words = Text(*(" ".join(f"{{{name}}}" for name in sorted(known)) for _ in range(2)))
    gate = getattr(POLICY.spec.gates, gate_id).model_copy(update={"why": words})
    gates = POLICY.spec.gates.model_copy(update={gate_id: gate})
    policy = replace(POLICY, spec=POLICY.spec.model_copy(update={"gates": gates}))
    [reason] = [
        reason
        for reason in decide(SOME_SCORE, account(**HOLDING[gate_id]), policy, date(2025, 10, 9)).why
        if reason.rule_id == f"gate.{gate_id}"
    ]
    assert len(reason.en.split()) >= len(known)


SOME_SCORE = scored()
HOLDING = {
    "settled": {"closed_by": "cancelled"},
    "insolvency": {"is_insolvent": True},
    "feed_stale": {"feeds": ()},
    "mediation": {"mediation_since": date(2025, 10, 1)},
    "complaint": {"complaint_opened_on": date(2025, 10, 1)},
    "open_dispute": {"has_open_dispute": True},
    "admin_blockage": {"admin_blockage": "wrong_entity"},
    "insolvency_hint": {"insolvency_hint": DebtorStatement(date(2025, 10, 6), "{x}")},
    "plan_running": {"has_running_plan": True},
    "promise_running": {"promise": Promise(date(2025, 10, 6), date(2025, 10, 10))},
    "promise_unclear": {"unclear_promise": DebtorStatement(date(2025, 10, 6), "{x}")},
    "payment_announced": {"payment_announced_on": date(2025, 10, 8)},
    "small_balance": {"balance": "3.00"},
    "natural_person": {"is_natural_person": True},
    "strategic_account": {"is_strategic": True},
    "large_amount": {"balance": "90000.00"},
}
"""Facts on which each gate holds, alone."""
