"""What holds for every score, every account and every day, under the default policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from serving.dunning import (
    GATE_IDS,
    GRADES,
    SEGMENTS,
    AccountFacts,
    Contact,
    PartPayment,
    ScoredInvoice,
    StepTaken,
    decide,
    decision_from_json,
    decision_to_json,
    load_policy,
    message_for,
)
from serving.dunning.deciding.contact_days import blocking_gate
from serving.dunning.deciding.decide import ALREADY_DONE
from serving.dunning.deciding.facts import FIRST_DAY, LAST_DAY
from serving.dunning.deciding.gates import stopping_gates
from serving.dunning.deciding.routing import in_policy_currency
from serving.dunning.legal import covered_until
from serving.dunning.words import BLOCKAGE_KINDS, CHANNELS, COLD_START_RUNGS, TONES

POLICY = load_policy()
FIRST, LAST = date(2019, 6, 1), date(2027, 6, 30)
STOPPING = GATE_IDS[:9]

days = st.dates(FIRST, LAST)
amounts = st.decimals(Decimal("0.01"), Decimal("250000"), places=2)
shares = st.floats(0, 1)
sequence_ids = st.sampled_from([*POLICY.spec.sequences, "a_sequence_of_an_older_policy"])
steps_taken = st.builds(
    StepTaken, sequence_ids, st.just("step"), st.integers(-2, 6), days, st.none() | st.sampled_from(TONES)
)
contacts = st.lists(st.builds(Contact, days, st.sampled_from(CHANNELS)), max_size=6).map(tuple)


@st.composite
def scores(draw):
    due_on = draw(days)
    amount = draw(amounts)
    curve = tuple(
        zip((0, 7, 15, 30, 60, 90), sorted(draw(st.tuples(*[shares] * 6)), reverse=True), strict=True)
    )
    return ScoredInvoice(
        "F-1",
        "C-1",
        as_of=draw(days),
        issued_on=due_on - timedelta(days=draw(st.integers(0, 90))),
        due_on=due_on,
        amount=amount,
        open_amount=amount,
        currency=draw(st.sampled_from(["EUR", "EUR", "USD"])),
        p_late=draw(st.none() | shares),
        unpaid_probability=draw(st.sampled_from([(), curve])),
        grade=draw(st.none() | st.sampled_from(GRADES)),
        history_depth=draw(st.integers(0, 500)),
        cold_start_rung=draw(st.sampled_from(COLD_START_RUNGS)),
        rfm_segment=draw(st.none() | st.sampled_from(SEGMENTS)),
    )


optional_days = st.none() | days
accounts = st.builds(
    AccountFacts,
    balance_amount=st.decimals(Decimal("-500"), Decimal("250000"), places=2),
    unapplied_credit_amount=st.just(Decimal("0.00")) | amounts,
    is_settled=st.booleans(),
    is_settled_by_credit=st.booleans(),
    ledger_feed_age_hours=st.none() | st.floats(0, 500),
    has_open_dispute=st.booleans(),
    is_insolvent=st.booleans(),
    insolvency_published_on=optional_days,
    payment_announced_on=optional_days,
    promise_due_on=optional_days,
    promise_amount=st.none() | amounts,
    has_running_plan=st.booleans(),
    plan_next_due_on=optional_days,
    admin_blockage=st.none() | st.sampled_from(BLOCKAGE_KINDS),
    is_natural_person=st.none() | st.booleans(),
    is_strategic=st.booleans(),
    contacts=contacts,
    quiet_days=st.lists(days, max_size=3).map(tuple),
    last_step=st.none() | steps_taken,
    last_task=st.none() | steps_taken,
    country=st.sampled_from([None, "FR", "DE", "AE", "ZZ"]),
    language=st.sampled_from([None, "fr", "en", "de"]),
    late_part_payments=st.lists(st.builds(PartPayment, days, amounts), max_size=2).map(tuple),
    exchange_rate=st.none() | st.decimals(Decimal("0.1"), Decimal("10"), places=4),
)
# An account on which no gate stops dunning, with everything else free.
open_accounts = accounts.map(
    lambda account: replace(
        account,
        balance_amount=abs(account.balance_amount) + 200,
        unapplied_credit_amount=Decimal("0.00"),
        is_settled=False,
        ledger_feed_age_hours=1.0,
        has_open_dispute=False,
        is_insolvent=False,
        payment_announced_on=None,
        promise_due_on=None,
        has_running_plan=False,
        admin_blockage=None,
    )
)


def holding(score, account, on):
    balance = in_policy_currency(account.net_balance_amount, score, account, POLICY)
    return stopping_gates(account, POLICY, on, balance)


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_every_case_is_decided_twice_the_same_with_reasons_in_both_languages(score, account, on):
    decision = decide(score, account, POLICY, on)
    assert decision == decide(score, account, POLICY, on)
    assert decision.why
    assert all(reason.fr and reason.en and "{" not in reason.fr + reason.en for reason in decision.why)
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
    assert decision.gate_id in STOPPING
    gate = getattr(POLICY.spec.gates, hits[0].gate_id)
    assert decision.sequence_id == gate.sequence
    same_invoice = replace(other, currency=score.currency, due_on=score.due_on)
    assert decide(same_invoice, account, POLICY, on).next_step == decision.next_step


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_while_a_gate_stops_dunning_the_customer_hears_nothing_but_thanks(score, account, on):
    assume(holding(score, account, on))
    step = decide(score, account, POLICY, on).next_step
    assert step is None or step.channel == "task" or step.step_id == "thanks"
    if step is not None and step.step_id == "thanks":
        assert account.is_settled
        assert account.last_step.stage > 0


@given(scores(), open_accounts, days, st.none() | st.floats(36.01, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_stale_or_unknown_feed_means_no_step_at_all(score, account, on, age):
    decision = decide(score, replace(account, ledger_feed_age_hours=age), POLICY, on)
    assert (decision.gate_id, decision.next_step) == ("feed_stale", None)
    with_claim_to_declare = replace(account, ledger_feed_age_hours=age, is_insolvent=True)
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
def test_no_step_is_automatic_for_a_natural_person_or_a_strategic_account(score, account, on):
    for flagged in (replace(account, is_natural_person=True), replace(account, is_strategic=True)):
        decision = decide(score, flagged, POLICY, on)
        assert decision.gate_id in ("natural_person", "strategic_account")
        assert decision.requires_approval
        assert decision.next_step is None or not decision.next_step.is_automatic


@given(scores(), open_accounts, days, st.lists(st.integers(0, 32), max_size=7))
@settings(max_examples=100, deadline=None)
def test_a_contact_falls_on_the_first_day_on_which_the_customer_may_be_contacted(score, account, on, ages):
    account = replace(
        account, contacts=tuple(Contact(on - timedelta(days=age), "email") for age in ages), last_step=None
    )
    step = decide(score, account, POLICY, on).next_step
    if step is None or step.channel == "task":
        return
    assert step.on >= on
    for cap in POLICY.spec.contact_rules.caps:
        recent = [c for c in account.contacts if step.on - timedelta(days=cap.days) < c.on <= step.on]
        assert len(recent) < cap.contacts
    spec = next(
        item
        for item in POLICY.spec.sequences[decide(score, account, POLICY, on).sequence_id].steps
        if item.id == step.step_id
    )
    day = max(on, score.due_on + timedelta(days=spec.day))
    while day < step.on:
        assert blocking_gate(day, account, POLICY) is not None
        day += timedelta(days=1)
    assert blocking_gate(step.on, account, POLICY) is None


@given(scores(), open_accounts, days, st.integers(0, 6), days)
@settings(max_examples=100, deadline=None)
def test_stages_follow_each_other_one_by_one_however_late_the_invoice_is(score, account, on, stage, taken_on):
    taken = StepTaken("preventive", "step", stage, taken_on)
    step = decide(score, replace(account, last_step=taken), POLICY, on).next_step
    if step is not None and step.channel != "task" and on > score.due_on:
        assert step.stage == stage + 1
        assert step.on >= taken_on + timedelta(days=POLICY.spec.contact_rules.minimum_days_between_steps)


# Falling through the money bands changes the sequence only for some segments and grades: look there.
band_crossings = st.tuples(
    st.sampled_from(["prompt", "improving", "punctual_slow_process", "erratic", "in_difficulty"]),
    st.sampled_from(GRADES),
    st.decimals(Decimal("9000"), Decimal("60000"), places=2),
    st.lists(st.sampled_from([0.9, 0.5, 0.2, 0.05]), min_size=1, max_size=3),
)
old_promises = st.none() | st.tuples(st.integers(4, 20), st.none() | amounts)


@given(scores(), open_accounts, band_crossings, st.integers(-15, 40), st.integers(0, 3), old_promises)
@settings(max_examples=200, deadline=None)
def test_part_payments_never_harden_skip_or_bring_forward_a_step(
    score, account, crossing, late, stage, promise
):
    segment, grade, amount, kept_shares = crossing
    score = replace(
        score, rfm_segment=segment, grade=grade, amount=amount, currency="EUR", cold_start_rung="own_history"
    )
    on = score.due_on + timedelta(days=late)
    taken = None
    if stage:
        taken = StepTaken("reinforced", "step", stage, score.due_on + timedelta(days=stage))
    account = replace(account, balance_amount=amount, last_step=taken, contacts=(), quiet_days=())
    if promise is not None:
        days_ago, promised = promise
        promised_on = on - timedelta(days=days_ago)
        account = replace(account, promise_due_on=promised_on, promise_amount=promised)
    before = decide(score, account, POLICY, on).next_step
    for kept in kept_shares:
        balance = (account.balance_amount * Decimal(str(kept))).quantize(Decimal("0.01"))
        account = replace(account, balance_amount=balance)
        decision = decide(score, account, POLICY, on)
        after = decision.next_step
        if after is None:
            assert (decision.gate_id, balance < 15) == ("small_balance", True)
            return
        assert after.stage <= max(before.stage, 1)
        assert TONES.index(after.tone) <= TONES.index(before.tone)
        if after.tone == before.tone:
            assert after.on >= before.on
        before = after


@given(scores(), accounts, days)
@settings(max_examples=100, deadline=None)
def test_nothing_is_asked_for_beyond_the_balance_net_of_credits_and_what_is_claimed(score, account, on):
    decision = decide(score, account, POLICY, on)
    assert decision.balance_amount == account.balance_amount - account.unapplied_credit_amount
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
    message = message_for(decision, score, account, POLICY)
    assert (message is None) == (decision.next_step is None)
    if message is not None:
        assert message.language == language
        assert message.subject
        assert "{" not in message.subject + message.body
        assert "  " not in message.body


@given(scores(), accounts, st.sampled_from([FIRST_DAY, LAST_DAY]), st.sampled_from([FIRST_DAY, LAST_DAY]))
@settings(max_examples=40, deadline=None)
def test_the_first_and_last_days_known_are_decided_too(score, account, due_on, on):
    decision = decide(replace(score, due_on=due_on), account, POLICY, on)
    assert decision.why


task_facts = st.sampled_from(
    [{"has_open_dispute": True}, {"is_insolvent": True}, {"admin_blockage": "other"}]
)


@given(scores(), open_accounts, days, task_facts)
@settings(max_examples=60, deadline=None)
def test_a_task_that_is_already_open_is_not_opened_again(score, account, on, facts):
    account = replace(account, last_task=None, **facts)
    first = decide(score, account, POLICY, on)
    assert first.next_step.channel == "task"
    opened = StepTaken(first.sequence_id, first.next_step.step_id, 0, on)
    again = decide(score, replace(account, last_task=opened), POLICY, on)
    assert again.sequence_id == first.sequence_id
    assert again.next_step is None
    assert ALREADY_DONE in again.why
