"""What the shipped protocol does with trouble, persons, large amounts, currencies, tone and evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from serving.dunning import Case, Contact, DebtorStatement, Promise, StepTaken, TaskOpened
from tests.dunning_samples import POLICY, account, scored
from tests.dunning_samples import decided as decided_on

ON = date(2025, 10, 9)  # a Thursday, seven days past due
SCORE = scored()


def decided(on=ON, score=SCORE, policy=POLICY, balance="5000.00", **facts):
    return decided_on(Case(score, account(balance, **facts)), on, policy)


def rules(decision):
    return [reason.rule_id for reason in decision.why]


def with_natural_person_gate(**changes):
    gate = POLICY.spec.gates.natural_person.model_copy(update=changes)
    gates = POLICY.spec.gates.model_copy(update={"natural_person": gate})
    return replace(POLICY, spec=POLICY.spec.model_copy(update={"gates": gates}))


def test_an_unknown_legal_form_is_a_natural_person_unless_the_policy_proceeds():
    unknown = decided(is_natural_person=None)
    assert (unknown.gate_id, unknown.next_step.is_automatic) == ("natural_person", False)
    assert unknown.person_decides.because == "legal_form_unknown"
    lenient = with_natural_person_gate(when_unknown="proceed")
    assert decided(is_natural_person=None, policy=lenient).is_automatic_today
    assert decided(is_natural_person=True, policy=lenient).gate_id == "natural_person"


def test_only_reminders_of_the_tones_named_stay_automatic_for_natural_persons():
    lenient = with_natural_person_gate(automatic_tones=("courteous", "friendly"))
    friendly = decided(is_natural_person=True, policy=lenient)
    assert (friendly.next_step.tone, friendly.gate_id) == ("friendly", None)
    assert friendly.is_automatic_today
    assert "except for courteous, friendly reminders" in friendly.person_decides.why.en
    reminded = StepTaken("preventive", "friendly_email", 1, ON)
    formal = decided(date(2025, 10, 20), is_natural_person=True, policy=lenient, last_step=reminded)
    assert (formal.next_step.tone, formal.gate_id) == ("formal", "natural_person")
    assert not formal.next_step.is_automatic


@pytest.mark.parametrize(("chance", "step"), [(0.05, "friendly_email"), (0.9, "pre_due_reminder")])
def test_a_reminder_before_the_due_date_is_sent_only_where_it_pays(chance, step):
    # 4500 x chance x (5 days x 8 % / 365 + 0.1 %) = 0.47 at 5 % and 8.49 at 90 %, for 0.50 of cost
    score = scored(amount="4500.00", p_late=chance, curve=((0, chance), (30, chance)))
    assert decided(date(2025, 9, 25), score, balance="4500.00").next_step.step_id == step


def test_complaint_and_mediation_hold_dunning_and_the_complaint_is_a_task():
    complaint = decided(complaint_opened_on=date(2025, 10, 6))
    assert (complaint.gate_id, complaint.next_step.step_id) == ("complaint", "answer_complaint")
    assert "Complaint of 2025-10-06" in complaint.why[0].en
    mediation = decided(mediation_since=date(2025, 10, 6), complaint_opened_on=date(2025, 10, 6))
    assert (mediation.gate_id, mediation.next_step) == ("mediation", None)
    assert "Médiation en cours depuis le 06/10/2025" in mediation.why[0].fr


def test_a_mail_that_speaks_of_insolvency_is_a_task_with_its_quote():
    hint = {"insolvency_hint": DebtorStatement(date(2025, 10, 6), "Nous sommes en redressement judiciaire.")}
    decision = decided(**hint)
    assert (decision.gate_id, decision.next_step.step_id) == ("insolvency_hint", "check_insolvency")
    assert decision.hold_until == date(2025, 11, 5)
    assert "« Nous sommes en redressement judiciaire. »" in decision.why[0].fr
    assert decided(insolvency_hint=DebtorStatement(ON)).why[0].en.count("sentence not kept") == 1


def test_an_insolvency_mail_stops_dunning_until_task_or_days_end():
    hint = {"insolvency_hint": DebtorStatement(date(2025, 10, 6), "Redressement judiciaire.")}
    opened = TaskOpened("check_insolvency", "check_insolvency", date(2025, 10, 7))
    waiting = decided(**hint, tasks=(opened,))
    assert (waiting.gate_id, waiting.next_step) == ("insolvency_hint", None)
    assert decided(**hint, tasks=(replace(opened, closed_on=ON),)).gate_id is None
    assert decided(date(2025, 11, 5), **hint).gate_id is None
    earlier = replace(opened, opened_on=date(2025, 9, 1), closed_on=date(2025, 9, 2))
    assert decided(**hint, tasks=(earlier,)).gate_id == "insolvency_hint", "it was about an earlier mail"


SOON = "On règle dès que possible."


@pytest.mark.parametrize(
    "facts",
    [
        {"unclear_promise": DebtorStatement(date(2025, 10, 6), SOON)},
        {"promise": Promise(date(2025, 10, 6), date(2027, 10, 6), quote=SOON)},
        {"promise": Promise(date(2025, 10, 6), date(2025, 11, 21), quote=SOON)},
    ],
)
def test_a_promise_without_usable_date_opens_a_task_for_days(facts):
    decision = decided(**facts)
    assert (decision.gate_id, decision.next_step.step_id) == ("promise_unclear", "ask_for_a_date")
    assert decision.hold_until == date(2025, 10, 13)
    assert SOON in decision.why[0].en
    over = decided(date(2025, 10, 13), **facts)
    assert (over.gate_id, over.state) == (None, "overdue"), "and it is no broken promise"


def test_the_longest_promise_the_policy_allows_is_waited_for():
    promise = Promise(date(2025, 10, 6), date(2025, 11, 20))
    assert decided(promise=promise).gate_id == "promise_running"


def test_a_later_unclear_promise_takes_nothing_from_one_that_runs():
    running = Promise(date(2025, 10, 6), date(2025, 10, 10))
    decision = decided(promise=running, unclear_promise=DebtorStatement(date(2025, 10, 8), "Bientôt."))
    assert rules(decision)[:2] == ["gate.promise_running", "gate.promise_unclear"]


@pytest.mark.parametrize(
    ("balance", "paid_on", "gate"),
    [
        ("149.99", date(2025, 9, 28), "admin_blockage"),
        ("149.99", date(2025, 10, 12), "admin_blockage"),  # ten days past due
        ("149.99", date(2025, 10, 13), None),
        ("150.00", date(2025, 9, 28), None),  # three in a hundred
        ("14.99", date(2025, 9, 28), "small_balance"),
        ("149.99", None, None),  # no money came: the rest was credited
    ],
)
def test_a_small_part_missing_of_a_timely_payment_is_for_a_person(balance, paid_on, gate):
    decision = decided(date(2025, 10, 20), balance=balance, last_paid_on=paid_on)
    assert decision.gate_id == gate
    if gate == "admin_blockage":
        assert (decision.sequence_id, decision.next_step.step_id) == ("short_payment", "check_short_payment")
        assert "a small part of the payment is missing" in decision.why[0].en


def test_a_small_remainder_is_never_chased_by_a_machine():
    closed = TaskOpened("short_payment", "check_short_payment", date(2025, 10, 6), date(2025, 10, 7))
    decision = decided(balance="149.99", last_paid_on=date(2025, 10, 1), tasks=(closed,))
    assert decision.next_step.channel == "email", "a person closed the task: the rest is due"
    assert (decision.next_step.is_automatic, decision.approval_level) == (False, "collector")
    assert "short_payment" in rules(decision)


def test_a_task_is_opened_anew_when_the_trouble_is_a_new_one():
    opened = TaskOpened("complaint", "answer_complaint", date(2025, 9, 10), date(2025, 9, 12))
    again = decided(complaint_opened_on=date(2025, 10, 6), tasks=(opened,))
    assert again.next_step.step_id == "answer_complaint"
    since = TaskOpened("complaint", "answer_complaint", date(2025, 10, 7))
    assert decided(complaint_opened_on=date(2025, 10, 6), tasks=(opened, since)).next_step is None


@pytest.mark.parametrize(
    ("on", "day"),
    [(date(2025, 10, 11), date(2025, 10, 13)), (date(2025, 11, 11), date(2025, 11, 12))],
)
def test_a_task_falls_on_a_working_day_of_the_house(on, day):
    assert decided(on, has_open_dispute=True, country="DE").next_step.on == day


@pytest.mark.parametrize(
    ("balance", "gate", "level"),
    [("9999.99", None, None), ("10000.00", "large_amount", "account_manager")],
)
def test_a_person_decides_on_large_amounts(balance, gate, level):
    decision = decided(score=scored(amount=balance, grade="A"), balance=balance)
    assert (decision.gate_id, decision.approval_level) == (gate, level)
    assert decision.next_step.is_automatic == (gate is None)
    if gate:
        assert "10,000.00 EUR" in decision.why[0].en


def test_amounts_without_a_rate_are_named_and_part_of_no_total():
    owed = (("EUR", Decimal("900.00")), ("GBP", Decimal("70.00")), ("USD", Decimal("50.00")))
    decision = decided(
        outstanding_amounts=owed,
        exchange_rates=(("GBP", Decimal("1.2")),),
        credit_limit=Decimal("983.99"),
    )
    assert decision.other_currency_amounts == (("USD", Decimal("50.00")),)
    notes = {reason.rule_id: reason.en for reason in decision.why}
    assert "part of no total: 50.00 USD" in notes["note.other_currencies"]
    limit = "The customer owes 984.00 EUR, above its limit of 983.99 EUR"
    assert limit in notes["note.over_credit_limit"]


def test_text_messages_have_a_cap_of_their_own():
    score = scored(amount="500.00", segment="erratic", grade="C")
    reminded = StepTaken("small_amounts", "formal_email", 2, date(2025, 10, 16))
    on, sms = date(2025, 10, 23), tuple(Contact(date(2025, 10, day), "sms") for day in (2, 8))
    free = decided(on, score, balance="500.00", last_step=reminded)
    assert (free.next_step.channel, free.next_step.is_automatic) == ("sms", True)
    capped = decided(on, score, balance="500.00", last_step=reminded, contacts=sms)
    assert (capped.gate_id, capped.next_step.on) == ("contact_cap", date(2025, 11, 3))
    emails = tuple(replace(contact, channel="email") for contact in sms)
    assert decided(on, score, balance="500.00", last_step=reminded, contacts=emails).gate_id is None


def test_an_invoice_delivered_by_a_portal_is_reminded_of_there():
    decision = decided(delivery_channel="Portal ")
    assert (decision.next_step.channel, decision.next_step.is_automatic) == ("portal", True)
    assert decided(delivery_channel="post").next_step.channel == "email"


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"customer_since_on": date(2020, 10, 9)}, "tone.long_relation"),
        ({"customer_since_on": date(2020, 10, 28)}, None),
        ({"turnover_amounts": (("EUR", Decimal("100000.00")),)}, "tone.large_turnover"),
        ({"turnover_amounts": (("EUR", Decimal("90000.00")), ("USD", Decimal("1e6")))}, None),
    ],
)
def test_a_long_relation_or_a_large_turnover_softens_the_second_reminder(facts, rule):
    reminded = StepTaken("preventive", "friendly_email", 1, ON)
    decision = decided(date(2025, 10, 20), last_step=reminded, **facts)
    softened = (decision.next_step.tone, decision.next_step.template_id) == ("friendly", "second_reminder")
    assert softened == (rule is not None)
    assert (rule in rules(decision)) == softened
    bad_payer = decided(date(2025, 10, 20), scored(segment="erratic"), last_step=reminded, **facts)
    assert bad_payer.next_step.tone == "formal"


@pytest.mark.parametrize(
    ("due", "late", "sequence"),
    [(20, 2, "standard"), (20, 5, "standard"), (2, 2, "standard"), (20, 6, "reinforced")],
)
def test_a_payer_late_once_in_ten_is_never_dunned_with_force(due, late, sequence):
    decision = decided(score=scored(segment="erratic", grade="E"), fallen_due_count=due, late_count=late)
    assert decision.sequence_id == sequence
    assert ("evidence.reinforced" in rules(decision)) == (sequence == "standard")


def test_an_unknown_payment_record_is_no_evidence():
    decision = decided(score=scored(segment="erratic", grade="E"))
    assert decision.sequence_id == "standard"
    assert "(0 of 0 due dates" in next(why.en for why in decision.why if why.rule_id == "evidence.reinforced")


def test_a_customer_in_difficulty_is_called_first_and_reached_by_no_machine():
    score = scored(segment="in_difficulty", grade="E", amount="900.00")
    step = decided(date(2025, 10, 6), score, balance="900.00").next_step
    assert (step.step_id, step.channel, step.tone) == ("support_call", "call", "courteous")
    steps = POLICY.spec.sequences["accompaniment"].steps
    assert all(step.channel == "call" or step.approval for step in steps)


def test_a_reconstruction_of_a_past_day_has_no_conversation_and_nothing_automatic():
    live = decided()
    past = decided_on(Case(SCORE, account()), ON, is_live=False)
    assert (live.is_live, live.is_automatic_today, live.conversation is not None) == (True, True, True)
    assert (past.is_live, past.is_automatic_today, past.conversation) == (False, False, None)
    assert (past.sequence_id, past.next_step.on) == (live.sequence_id, live.next_step.on)
    assert rules(past)[-1] == "reconstruction"


@pytest.mark.parametrize(
    "notice",
    [
        StepTaken("reinforced", "mise_en_demeure", 2, date(2025, 9, 30)),
        StepTaken("an_older_sequence", "notice", 1, date(2025, 9, 30), "legal"),
    ],
)
def test_after_a_formal_notice_a_person_decides_whatever_its_stage(notice):
    decision = decided(last_step=notice)
    assert (decision.sequence_id, decision.next_step.step_id) == ("handover", "decide_next")
    reminder = replace(notice, step_id="letter", tone="firm")
    assert decided(last_step=reminder).next_step.channel != "task"
