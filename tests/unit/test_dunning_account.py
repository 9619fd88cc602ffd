"""One conversation a customer, a night within capacity, credits set against the oldest invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InvalidInputError
from serving.dunning import (
    Contact,
    Policy,
    allocate_unapplied_credits,
    decide_customer,
    decide_night,
    fill_capacity,
)
from serving.dunning.deciding.decide import decide_case
from tests.dunning_samples import MONDAY, POLICY, overdue_case, owed


def decide(item, policy=POLICY, on=MONDAY):
    return decide_case(item, policy, on)


def with_curve(item, curve):
    return replace(item, score=replace(item.score, unpaid_probability=curve))


def with_capacity(calls: int, letters: int, *, only_if_positive: bool = False) -> Policy:
    capacity = POLICY.spec.capacity.model_copy(
        update={"calls": calls, "letters": letters, "only_if_positive": only_if_positive}
    )
    return replace(POLICY, spec=POLICY.spec.model_copy(update={"capacity": capacity}))


def test_ten_invoices_make_one_conversation_with_the_total_of_all():
    decided = decide_customer([overdue_case(f"F-{n}") for n in range(10)], POLICY, MONDAY)
    talk = decided.conversation
    assert sorted(talk.invoice_ids) == [f"F-{n}" for n in range(10)]
    assert talk.totals == (("EUR", Decimal("50000.00")),)
    assert talk.channel == "email"
    assert [decision.invoice_id for decision in decided.decisions] == sorted(talk.invoice_ids)


def test_a_call_leads_an_email_and_each_invoice_keeps_its_stage():
    decided = decide_customer(
        [overdue_case("F-1"), overdue_case("F-2", balance="30000.00", stage=2, grade="E")], POLICY, MONDAY
    )
    assert (decided.conversation.lead_invoice_id, decided.conversation.channel) == ("F-2", "call")
    assert decided.conversation.invoice_ids == ("F-2", "F-1")
    assert [decision.next_step.stage for decision in decided.decisions] == [1, 3]


def test_amounts_in_two_currencies_are_never_added():
    rates = {"exchange_rates": (("USD", Decimal("0.9")),)}
    decided = decide_customer(
        [overdue_case("F-1", **rates), overdue_case("F-2", currency="USD", **rates)], POLICY, MONDAY
    )
    assert decided.conversation.totals == (("EUR", Decimal("5000.00")), ("USD", Decimal("5000.00")))
    assert decided.conversation.total_amount == Decimal("9500.00"), "in the policy's currency, by the rate"


def test_a_formal_notice_is_sent_alone_and_the_reminder_waits():
    decided = decide_customer(
        [overdue_case("F-1"), overdue_case("F-2", days_late=60, stage=4)], POLICY, MONDAY
    )
    assert decided.conversation.invoice_ids == ("F-2",)
    assert (decided.conversation.tone, decided.conversation.approval_level) == ("legal", "credit_manager")
    waiting = decided.decisions[0]
    assert (waiting.gate_id, waiting.next_step.on) == ("contact_cap", MONDAY + timedelta(days=3))
    assert waiting.why[0].rule_id == "gate.contact_cap"


def test_a_formal_notice_leads_over_a_call():
    notice, call = (
        overdue_case("F-1", days_late=60, stage=4),
        overdue_case("F-2", balance="30000.00", stage=2, grade="E"),
    )
    decided = decide_customer([notice, call], POLICY, MONDAY)
    assert (decided.conversation.lead_invoice_id, decided.conversation.tone) == ("F-1", "legal")
    assert decided.decisions[1].next_step.on == MONDAY + timedelta(days=3)


def test_a_disputed_invoice_stays_out_of_the_conversation():
    decided = decide_customer(
        [overdue_case("F-1"), overdue_case("F-2", has_open_dispute=True)], POLICY, MONDAY
    )
    assert decided.conversation.invoice_ids == ("F-1",)
    assert decided.decisions[1].gate_id == "open_dispute"


def test_one_strategic_flag_makes_the_whole_conversation_wait_for_a_person():
    decided = decide_customer([overdue_case("F-1"), overdue_case("F-2", is_strategic=True)], POLICY, MONDAY)
    assert (decided.conversation.is_automatic, decided.conversation.approval_level) == (
        False,
        "account_manager",
    )


def test_no_contact_today_is_no_conversation():
    contacted = (Contact(MONDAY - timedelta(days=1), "email"),)
    decided = decide_customer(
        [overdue_case("F-1", contacts=contacted), overdue_case("F-2", contacts=contacted)], POLICY, MONDAY
    )
    assert decided.conversation is None
    assert {decision.gate_id for decision in decided.decisions} == {"contact_cap"}


def test_invoices_of_two_customers_or_given_twice_are_refused():
    with pytest.raises(InvalidInputError) as refused:
        decide_customer([overdue_case("F-1"), overdue_case("F-1", customer_id="C-2")], POLICY, MONDAY)
    assert "2 customers, for example C-1, C-2; expected the invoices of exactly one customer" in str(
        refused.value
    )
    assert "invoices given twice, for example F-1" in str(refused.value)
    with pytest.raises(InvalidInputError, match="0 customers"):
        decide_customer([], POLICY, MONDAY)


cases = st.lists(
    st.builds(
        overdue_case,
        st.sampled_from([f"F-{n}" for n in range(8)]),
        days_late=st.integers(-12, 80),
        balance=st.sampled_from(["80.00", "900.00", "5000.00", "60000.00"]),
        stage=st.integers(0, 5),
        grade=st.sampled_from("ABCDE"),
        segment=st.sampled_from(["prompt", "erratic", "punctual_slow_process", None]),
        has_open_dispute=st.sampled_from([False, False, True]),
        contacts=st.sampled_from([(), (Contact(MONDAY - timedelta(days=2), "call"),)]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda item: item.receivable_id,
)


@given(cases, st.randoms())
@settings(max_examples=100, deadline=None)
def test_whatever_the_invoices_there_is_one_contact_and_nothing_is_dropped(items, order):
    decided = decide_customer(items, POLICY, MONDAY)
    assert [decision.invoice_id for decision in decided.decisions] == sorted(
        item.receivable_id for item in items
    )
    joined = decided.conversation.invoice_ids if decided.conversation else ()
    assert len(set(joined)) == len(joined)
    for decision in decided.decisions:
        alone = decide(next(item for item in items if item.receivable_id == decision.receivable_id))
        if alone.is_contact_today and decision.invoice_id not in joined:
            assert decision.next_step.on > MONDAY
            assert (decision.next_step.stage, decision.next_step.tone) == (
                alone.next_step.stage,
                alone.next_step.tone,
            )
            assert decision.conversation is None
        else:
            of_talk, step = None, alone.next_step
            if decision.invoice_id in joined:
                of_talk = decided.conversation
                step = replace(step, is_automatic=step.is_automatic and of_talk.is_automatic)
            assert decision == replace(alone, next_step=step, conversation=of_talk)
    shuffled = list(items)
    order.shuffle(shuffled)
    assert decide_customer(shuffled, POLICY, MONDAY) == decided


def test_capacity_goes_to_the_highest_net_benefit_with_ties_by_invoice():
    callers = [
        overdue_case(f"F-{n}", customer_id=f"C-{n}", balance=balance, stage=2, grade="E")
        for n, balance in enumerate(["40000.00", "20000.00", "40000.00", "90000.00"])
    ]
    decisions = [decide(item) for item in callers]
    assert {decision.next_step.channel for decision in decisions} == {"call"}
    plan = fill_capacity(decisions, calls=2, letters=0)
    assert [decision.invoice_id for decision in plan.kept] == ["F-0", "F-3"]
    assert [item.decision.invoice_id for item in plan.deferred] == ["F-1", "F-2"]
    assert plan.deferred[0].why.en == "Tonight's capacity is used up."
    assert fill_capacity(reversed(decisions), calls=2, letters=0) == plan


@given(
    st.lists(
        st.tuples(st.sampled_from(["30000.00", "45000.00", "90000.00"]), st.floats(0.2, 1.0)), max_size=6
    ),
    st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_no_other_choice_of_calls_brings_more_than_the_one_made(portfolio, calls):
    decisions = []
    for number, (balance, chance) in enumerate(portfolio):
        item = overdue_case(f"F-{number}", balance=balance, stage=2, grade="E")
        decisions.append(decide(with_curve(item, ((0, chance),))))
    callers = [decision for decision in decisions if decision.next_step.channel == "call"]
    kept = [d for d in fill_capacity(decisions, calls, 0).kept if d.next_step.channel == "call"]

    def total(chosen):
        return sum(decision.benefit.net_amount for decision in chosen)

    assert len(kept) == min(calls, len(callers))
    assert all(total(kept) >= total(others) for others in combinations(callers, len(kept)))


def test_letters_do_not_use_up_calls_and_emails_use_up_nothing():
    items = [
        overdue_case("F-1"),
        overdue_case("F-2", days_late=60, stage=4),
        overdue_case("F-3", balance="40000.00", stage=2, grade="E"),
    ]
    decisions = [decide(item) for item in items]
    assert [d.next_step.channel for d in decisions] == ["email", "registered_letter", "call"]
    assert [d.invoice_id for d in fill_capacity(decisions, calls=0, letters=1).kept] == ["F-1", "F-2"]
    assert [d.invoice_id for d in fill_capacity(decisions, calls=1, letters=0).kept] == ["F-1", "F-3"]


def test_a_letter_above_its_expected_gain_waits_by_policy():
    decision = decide(overdue_case("F-1", days_late=60, stage=4, balance="500.00", segment="erratic"))
    assert decision.next_step.channel == "registered_letter"
    assert decision.benefit.net_amount < 0
    assert fill_capacity([decision], 5, 5).kept == (decision,)
    (deferred,) = fill_capacity([decision], 5, 5, only_if_positive=True).deferred
    assert deferred.why.fr == "Coûte plus que le gain attendu."


def test_a_call_above_its_expected_gain_becomes_an_email():
    good_payer = {"stage": 2, "days_late": 40, "grade": "A", "segment": "prompt"}
    cheap = decide(overdue_case("F-1", balance="500.00", **good_payer))
    dear = decide(overdue_case("F-1", balance="50000.00", **good_payer))
    assert (cheap.next_step.channel, cheap.next_step.is_fallback, cheap.next_step.stage) == ("email", True, 3)
    assert "cheaper_channel" in [reason.rule_id for reason in cheap.why]
    assert (dear.next_step.channel, dear.next_step.is_fallback, dear.next_step.stage) == ("call", False, 3)


def test_the_cheaper_channel_has_caps_and_delivery_of_its_own():
    good_payer = {"stage": 2, "days_late": 40, "grade": "A", "segment": "prompt", "balance": "500.00"}
    rules = POLICY.spec.contact_rules
    one_email = rules.caps[0].model_copy(update={"channel": "email", "days": 30})
    capped = rules.model_copy(update={"caps": (*rules.caps, one_email)})
    policy = replace(POLICY, spec=POLICY.spec.model_copy(update={"contact_rules": capped}))
    contacts = (Contact(MONDAY - timedelta(days=10), "email"),)
    waits = decide(overdue_case("F-1", contacts=contacts, **good_payer), policy)
    assert (waits.next_step.is_fallback, waits.gate_id) == (True, "contact_cap")
    assert waits.next_step.on == waits.hold_until == MONDAY + timedelta(days=21), "20 days on is a Sunday"
    assert decide(overdue_case("F-1", contacts=contacts, **good_payer)).next_step.on == MONDAY
    assert decide(overdue_case("F-1", delivery_channel="portal", **good_payer)).next_step.channel == "portal"


def test_the_standard_call_is_made_whatever_it_is_expected_to_bring():
    step = decide(overdue_case("F-1", stage=2, days_late=30, balance="1000.00")).next_step
    assert (step.channel, step.is_fallback) == ("call", False)


def test_the_net_benefit_is_the_hand_calculation_and_marked_assumed():
    benefit = decide(overdue_case("F-1", stage=2, balance="50000.00", grade="E")).benefit
    # 0.9 x 50000 x (8 days x 8 % / 365 + 0.3 %) = 213.90
    assert (benefit.gain_amount, benefit.cost_amount, benefit.net_amount) == (
        Decimal("213.90"),
        Decimal("15.00"),
        Decimal("198.90"),
    )
    assert benefit.is_assumed


def test_an_invoice_that_will_be_paid_anyway_gains_nothing_from_a_call():
    item = overdue_case("F-1", stage=2, balance="50000.00", grade="E")  # 20 days late, 8 days to save
    paid_soon = with_curve(item, ((15, 1.0), (30, 0.0), (60, 0.0)))
    stays = with_curve(item, ((15, 1.0), (30, 0.8), (60, 0.5)))
    assert decide(paid_soon).benefit.gain_amount == 0
    assert decide(stays).benefit.gain_amount == Decimal("190.14")  # 0.8 x 50000 x 0.0047534


def test_a_customer_whose_call_waits_still_gets_its_email():
    night_cases = [
        overdue_case("F-1", customer_id="C-1", balance="90000.00", stage=2, grade="E"),
        overdue_case("F-2", customer_id="C-2", balance="40000.00", stage=2, grade="E"),
        overdue_case("F-3", customer_id="C-2"),
    ]
    night = decide_night(night_cases, with_capacity(1, 0), MONDAY)
    first, second = night.accounts
    assert (first.conversation.channel, first.conversation.invoice_ids) == ("call", ("F-1",))
    assert (second.conversation.channel, second.conversation.invoice_ids) == ("email", ("F-3",))
    waiting = second.decisions[0]
    assert (waiting.invoice_id, waiting.next_step.channel) == ("F-2", "call")
    assert waiting.next_step.on > MONDAY
    assert "capacity" in [reason.rule_id for reason in waiting.why]
    assert [item.decision.invoice_id for item in night.deferred] == ["F-2"]
    assert decide_night(reversed(night_cases), with_capacity(1, 0), MONDAY) == night


def test_credits_cover_the_oldest_due_invoice_first():
    balances = {
        "F-2": owed(date(2025, 9, 1), "100.00"),
        "F-1": owed(date(2025, 9, 1), "50.00"),
        "F-0": owed(date(2025, 10, 1), "80.00"),
        "F-9": owed(date(2025, 1, 1), "-5.00"),
    }
    assert allocate_unapplied_credits({"EUR": Decimal("170.00")}, balances) == {
        "F-1": Decimal("50.00"),
        "F-2": Decimal("100.00"),
        "F-0": Decimal("20.00"),
        "F-9": Decimal("0.00"),
    }
    assert sum(allocate_unapplied_credits({"EUR": Decimal("999.00")}, balances).values()) == Decimal("230.00")


def test_a_credit_in_another_currency_covers_nothing():
    balances = {
        "F-1": owed(date(2025, 9, 1), "100.00"),
        "F-2": owed(date(2025, 9, 2), "100.00", "USD"),
    }
    credits_of = {"USD": Decimal("150.00"), "EUR": Decimal("-3.00")}
    assert allocate_unapplied_credits(credits_of, balances) == {"F-1": Decimal(0), "F-2": Decimal("100.00")}


def test_one_conversation_about_a_large_total_waits_for_a_person():
    decided = decide_customer([overdue_case("F-1"), overdue_case("F-2", balance="4999.99")], POLICY, MONDAY)
    assert (decided.conversation.is_automatic, decided.decisions[0].is_automatic_today) == (True, True)
    large = decide_customer([overdue_case("F-1"), overdue_case("F-2")], POLICY, MONDAY)
    assert (large.conversation.is_automatic, large.conversation.approval_level) == (False, "account_manager")
    assert not any(decision.next_step.is_automatic for decision in large.decisions)
    foreign = decide_customer([overdue_case("F-1"), overdue_case("F-2", currency="USD")], POLICY, MONDAY)
    assert not foreign.conversation.is_automatic, "an amount without a rate counts as large"
    assert foreign.conversation.total_amount is None
