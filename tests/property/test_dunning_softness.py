"""Risk, money, part payments and the payer's record: what makes dunning harder, and what never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.dunning import GRADES, Promise, StepTaken
from serving.dunning.words import TONES
from tests.dunning_samples import POLICY, decide

from .dunning_cases import accounts, amounts, days, open_accounts, scores

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
        account = replace(account, promise=Promise(promised_on - timedelta(days=9), promised_on, promised))
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


def is_meant_softer(decision):
    routes = {route.id: route for route in POLICY.spec.routes}
    rule = next(reason.rule_id for reason in decision.why if reason.rule_id.startswith("route."))
    return routes[rule.removeprefix("route.")].softer_on_purpose


def harshness(decision):
    step = decision.next_step
    return (len(TONES), 0) if step.channel == "task" else (TONES.index(step.tone), -step.on.toordinal())


@given(scores(), open_accounts, st.integers(1, 60), st.integers(0, 4), st.integers(0, 3), amounts, amounts)
@settings(max_examples=200, deadline=None)
def test_more_risk_or_money_is_never_softer_without_permission(
    score, account, late, stage, place, less, more
):
    on = score.due_on + timedelta(days=late)
    taken = StepTaken("standard", "step", stage, score.due_on + timedelta(days=stage)) if stage else None
    account = replace(account, last_step=taken, contacts=(), quiet_days=())
    less, more = sorted((max(less, Decimal(15)), max(more, Decimal(15))))

    def decided(grade, amount):
        of_it = replace(
            score, grade=grade, amount=amount, currency="EUR", cold_start_rung="own_history", p_late=0.9
        )
        return decide(of_it, replace(account, balance_amount=amount), POLICY, on)

    softer, harder = decided(GRADES[place], less), decided(GRADES[place + 1], less)
    assert is_meant_softer(harder) or harshness(harder) >= harshness(softer)
    richer = decided(GRADES[place], more)
    assert is_meant_softer(richer) or harshness(richer) >= harshness(softer)


@given(scores(), accounts, days, st.integers(10, 200))
@settings(max_examples=150, deadline=None)
def test_a_payer_late_once_in_ten_is_never_reinforced(score, account, on, due):
    account = replace(account, fallen_due_count=due, late_count=due // 10)
    assert decide(score, account, POLICY, on).sequence_id != "reinforced"
