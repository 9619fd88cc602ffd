"""Each gate on its own: when it holds, until when, what is done instead."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from features.errors import InvalidInputError
from features.words import Text
from serving.dunning import Case, Contact, FeedDay, Promise, StepTaken, TaskOpened
from serving.dunning.deciding.steps.contact_days import is_in_period
from serving.dunning.policy.schema import QuietPeriod
from tests.dunning_samples import POLICY, account, scored
from tests.dunning_samples import decided as decided_on

DUE = date(2025, 10, 2)
ON = date(2025, 10, 9)  # a Thursday, seven days past due
SCORE = scored()


def decided(on=ON, score=SCORE, policy=POLICY, **changes):
    balance = changes.pop("balance_amount", "5000.00")
    return decided_on(Case(score, account(balance, **changes)), on, policy)


def test_without_any_gate_the_step_of_the_day_is_automatic():
    decision = decided()
    assert (decision.gate_id, decision.next_step.step_id, decision.next_step.on) == (
        None,
        "friendly_email",
        ON,
    )
    assert decision.is_automatic_today
    assert not decision.requires_approval


@pytest.mark.parametrize(
    "facts",
    [
        {"closed_by": "paid"},
        {"closed_by": "written_off"},
        {"closed_by": "cancelled"},
        {"balance_amount": Decimal("0.00")},
        {"unapplied_credit_amount": Decimal("5000.00")},
        {"balance_amount": Decimal("-20.00")},
    ],
)
def test_nothing_left_to_pay_means_nothing_asked(facts):
    decision = decided(**facts)
    assert (decision.gate_id, decision.next_step) == ("settled", None)
    assert decision.claim.claimed_amount == 0


REMINDED = StepTaken("preventive", "friendly_email", 1, date(2025, 10, 7))


def test_a_customer_that_paid_after_a_reminder_is_thanked_once():
    paid = {"closed_by": "paid", "balance_amount": Decimal("0.00"), "last_step": REMINDED}
    step = decided(**paid).next_step
    assert (step.step_id, step.on, step.is_automatic) == ("thanks", ON, True)
    thanked = TaskOpened("thanks", "thanks", ON)
    assert decided(**paid, tasks=(thanked,)).next_step is None


@pytest.mark.parametrize(
    "facts",
    [
        {"closed_by": "paid"},  # never reminded
        {"closed_by": "paid", "last_step": StepTaken("preventive", "pre_due_reminder", 0, date(2025, 9, 25))},
        {"closed_by": "credited", "last_step": REMINDED},
        {"closed_by": "written_off", "last_step": REMINDED},
        {"closed_by": "cancelled", "last_step": REMINDED},
        {"closed_by": "paid", "last_step": REMINDED, "has_open_dispute": True},
        {"closed_by": "paid", "last_step": REMINDED, "feeds": ()},
        {"balance_amount": Decimal("0.00"), "last_step": REMINDED},  # credits cover it, no money came
    ],
)
def test_nobody_is_thanked_without_a_payment_that_followed_a_reminder(facts):
    decision = decided(**facts)
    assert (decision.gate_id, decision.next_step) == ("settled", None)


def test_thanks_to_a_natural_person_wait_for_a_person():
    decision = decided(closed_by="paid", last_step=REMINDED, is_natural_person=True)
    assert (decision.next_step.is_automatic, decision.approval_level) == (False, "credit_manager")


def feeds(payments, invoices=ON):
    return (FeedDay("payments", payments), FeedDay("invoices", invoices))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (feeds(date(2025, 10, 6)), "payments known to 2025-10-06, 3 working days ago (limit 2)"),
        (
            feeds(date(2025, 10, 6), date(2025, 10, 1)),
            "; invoices known to 2025-10-01, 6 working days ago (limit 5)",
        ),
        (feeds(None), "payments: never delivered (limit 2 working days)"),
        ((FeedDay("invoices", ON),), "payments: never delivered"),
    ],
)
def test_a_feed_too_old_or_of_unknown_age_stops_everything(known, words):
    decision = decided(feeds=known)
    assert (decision.gate_id, decision.next_step, decision.sequence_id) == ("feed_stale", None, "hold")
    assert words in decision.why[0].en
    assert "None" not in decision.why[0].fr


def test_new_invoices_do_not_make_old_payments_fresh():
    assert decided(feeds=feeds(date(2025, 5, 11), invoices=ON)).gate_id == "feed_stale"


def test_a_feed_at_its_limit_is_fresh_and_weekends_are_free():
    assert decided(feeds=feeds(date(2025, 10, 7))).gate_id is None
    tuesday, friday_before = date(2025, 10, 14), date(2025, 10, 10)
    assert decided(tuesday, feeds=feeds(friday_before, tuesday)).gate_id != "feed_stale"
    wednesday = tuesday + timedelta(days=1)
    assert decided(wednesday, feeds=feeds(friday_before, tuesday)).gate_id == "feed_stale"


def test_insolvency_stops_dunning_and_declares_the_claim_in_time():
    decision = decided(is_insolvent=True, insolvency_published_on=date(2025, 12, 31), on=date(2026, 1, 5))
    assert (decision.gate_id, decision.sequence_id) == ("insolvency", "insolvency")
    step = decision.next_step
    assert (step.step_id, step.channel, step.deadline_on) == ("declare_claim", "task", date(2026, 2, 28))
    assert decision.approval_level == "credit_manager"
    assert decision.claim.indemnity_amount is None
    assert "L441-10" in decision.claim.refusal.fr
    unpublished = decided(is_insolvent=True)
    assert unpublished.next_step.deadline_on is None
    assert "published on: not known" in unpublished.why[0].en


def test_insolvency_is_acted_on_even_when_the_feed_is_stale():
    decision = decided(is_insolvent=True, feeds=())
    assert decision.gate_id == "insolvency"
    assert [reason.rule_id for reason in decision.why] == ["gate.insolvency", "gate.feed_stale"]


def test_a_dispute_becomes_work_inside_the_house():
    decision = decided(has_open_dispute=True)
    assert (decision.gate_id, decision.next_step.channel) == ("open_dispute", "task")


def test_a_blockage_is_fixed_not_chased_and_named():
    decision = decided(admin_blockage="purchase_order_missing")
    assert (decision.sequence_id, decision.next_step.step_id) == ("fix_the_paperwork", "fix_the_paperwork")
    assert "numéro de commande manquant" in decision.why[0].fr
    assert "purchase order number missing" in decision.why[0].en


def test_a_running_plan_waits_for_its_next_instalment():
    decision = decided(has_running_plan=True, plan_next_due_on=date(2025, 11, 3))
    assert (decision.gate_id, decision.next_step, decision.hold_until) == (
        "plan_running",
        None,
        date(2025, 11, 7),
    )
    assert "03/11/2025" in decision.why[0].fr


def test_an_instalment_missed_beyond_the_grace_breaks_the_plan():
    grace = POLICY.spec.gates.plan_running.grace_days
    kept = decided(has_running_plan=True, plan_next_due_on=ON - timedelta(days=grace))
    assert kept.gate_id == "plan_running"
    broken = decided(has_running_plan=True, plan_next_due_on=ON - timedelta(days=grace + 1))
    assert broken.gate_id is None
    assert broken.state == "broken_promise"
    assert "plan_broken" in [reason.rule_id for reason in broken.why]
    assert broken.next_step is not None


@pytest.mark.parametrize(
    ("facts", "gate", "grace"),
    [
        ({"promise": Promise(date(2025, 10, 1), date(2025, 10, 10))}, "promise_running", 3),
        ({"payment_announced_on": date(2025, 10, 10)}, "payment_announced", 5),
    ],
)
def test_money_on_its_way_is_waited_for_until_the_grace_has_passed(facts, gate, grace):
    last = date(2025, 10, 10) + timedelta(days=grace)
    held = decided(on=last, **facts)
    assert (held.gate_id, held.next_step, held.hold_until) == (gate, None, last + timedelta(days=1))
    assert decided(on=last + timedelta(days=1), **facts).gate_id is None


@pytest.mark.parametrize(
    ("promised", "gate"), [("2499.99", None), ("2500.00", "promise_running"), (None, "promise_running")]
)
def test_a_promise_of_a_small_part_holds_nothing_and_breaks_nothing(promised, gate):
    amount = None if promised is None else Decimal(promised)
    promise = Promise(date(2025, 10, 1), date(2025, 10, 10), amount)
    assert decided(promise=promise).gate_id == gate
    later = decided(on=date(2025, 10, 20), promise=promise)
    assert later.state == ("overdue" if gate is None else "broken_promise")


@pytest.mark.parametrize(("left", "state"), [("2000.00", "overdue"), ("2000.01", "broken_promise")])
def test_a_promise_is_kept_when_the_amount_promised_was_paid(left, state):
    promise = Promise(date(2025, 10, 1), date(2025, 10, 3), Decimal("3000.00"))
    assert decided(balance_amount=Decimal(left), promise=promise).state == state


def test_a_broken_promise_changes_the_route():
    broken = Promise(date(2025, 10, 1), date(2025, 10, 3))
    assert decided(promise=broken).sequence_id == "standard", "a good payer"
    bad = decided(promise=broken, score=scored(segment="erratic"), fallen_due_count=10, late_count=5)
    assert (bad.state, bad.sequence_id) == ("broken_promise", "reinforced")


@pytest.mark.parametrize(
    ("balance", "gate"), [("14.99", "small_balance"), ("15.00", None), ("0.00", "settled")]
)
def test_a_balance_too_small_to_bother_anyone_about_is_held(balance, gate):
    decision = decided(balance_amount=Decimal(balance))
    assert decision.gate_id == gate
    if gate == "small_balance":
        assert (decision.next_step, decision.sequence_id) == (None, "hold")
        assert decision.why[0].fr == "Solde trop petit pour déranger le client (14,99 EUR)."


def test_a_small_balance_is_measured_in_the_policys_currency():
    yen = {"score": scored(currency="JPY"), "balance_amount": "1000.00"}
    assert decided(**yen, exchange_rates=(("JPY", Decimal("0.006")),)).gate_id == "small_balance"
    assert decided(**yen).gate_id == "large_amount", "without a rate an amount is never small"


def test_the_due_date_itself_is_not_overdue():
    assert [decided(on=DUE + timedelta(days=shift)).state for shift in (-1, 0, 1)] == [
        "before_due",
        "before_due",
        "overdue",
    ]


def test_a_day_outside_the_days_known_is_refused():
    with pytest.raises(InvalidInputError, match="on: 9999-12-31 is outside the days known"):
        decided(on=date(9999, 12, 31))


def test_the_higher_of_two_approvals_is_asked_for():
    decision = decided(is_natural_person=True, is_strategic=True)
    assert (decision.gate_id, decision.approval_level) == ("natural_person", "credit_manager")
    assert "Credit manager" in decision.why[0].en
    assert [reason.rule_id for reason in decision.why[:2]] == [
        "gate.natural_person",
        "gate.strategic_account",
    ]


def test_a_contact_two_days_ago_about_another_invoice_moves_the_step():
    decision = decided(contacts=(Contact(date(2025, 10, 7), "call", ("F-2",)),))
    assert (decision.gate_id, decision.hold_until) == ("contact_cap", date(2025, 10, 10))
    assert decision.next_step.on == date(2025, 10, 10)
    assert decided(contacts=(Contact(date(2025, 10, 7), "task"),)).gate_id is None
    assert decided(contacts=(Contact(date(2025, 10, 6), "call"),)).gate_id is None


def test_five_contacts_in_thirty_days_are_the_most():
    contacts = tuple(Contact(ON - timedelta(days=age), "email") for age in (29, 20, 15, 10, 5))
    decision = decided(contacts=contacts)
    assert (decision.gate_id, decision.next_step.on) == ("contact_cap", ON + timedelta(days=1))


@pytest.mark.parametrize(
    ("on", "country", "moved_to"),
    [
        (date(2025, 10, 11), "FR", date(2025, 10, 13)),  # Saturday
        (date(2025, 11, 11), "FR", date(2025, 11, 12)),  # armistice
        (date(2025, 11, 11), "DE", date(2025, 11, 11)),  # an ordinary Tuesday in Germany
        (date(2025, 12, 24), "FR", date(2026, 1, 2)),  # end of the year
        (date(2025, 11, 11), None, date(2025, 11, 12)),  # the policy's country
    ],
)
def test_the_payers_calendar_moves_the_step(on, country, moved_to):
    decision = decided(on=on, country=country)
    assert decision.next_step.on == moved_to
    assert decision.gate_id == (None if moved_to == on else "quiet_day")


@pytest.mark.parametrize(
    ("language", "written_in"), [("fr-BE", "fr"), ("FR", "fr"), ("de", "en"), (None, "fr")]
)
def test_the_text_is_french_for_french_speakers_else_english(language, written_in):
    assert decided(language=language).next_step.language == written_in


def test_a_day_the_customer_asked_for_is_quiet():
    assert decided(quiet_days=(ON,)).next_step.on == date(2025, 10, 10)


def test_a_step_of_a_later_day_is_no_gate_today():
    decision = decided(on=date(2025, 10, 3))
    assert (decision.gate_id, decision.next_step.on) == (None, ON)


def test_a_quiet_period_may_run_over_the_new_year_or_not():
    words = Text("x", "x")
    winter = QuietPeriod(id="w", begins="12-24", ends="01-01", label=words)
    august = QuietPeriod(id="a", begins="08-01", ends="08-15", label=words)
    assert [is_in_period(date(2025, 12, day), winter) for day in (23, 24, 31)] == [False, True, True]
    assert is_in_period(date(2026, 1, 1), winter)
    assert not is_in_period(date(2026, 1, 2), winter)
    assert [is_in_period(date(2025, 8, day), august) for day in (1, 15, 16)] == [True, True, False]


def test_a_reminder_that_cannot_arrive_before_due_is_dropped():
    before = decided(on=date(2025, 9, 30)).next_step
    assert (before.step_id, before.on) == ("pre_due_reminder", date(2025, 9, 30))
    late = decided(on=DUE).next_step
    assert (late.step_id, late.on) == ("friendly_email", ON)


def test_a_foreign_balance_without_rate_is_large_and_claims_nothing():
    score = scored(currency="USD", segment="punctual_slow_process")
    decision = decided(score=score)
    assert (decision.money_band, decision.sequence_id, decision.benefit.net_amount) == (
        "high",
        "key_account",
        None,
    )
    assert "foreign currency" in decision.claim.refusal.en
    with_rate = decided(score=score, exchange_rates=(("USD", Decimal("0.9")),))
    assert (with_rate.money_band, with_rate.sequence_id) == ("medium", "preventive")
