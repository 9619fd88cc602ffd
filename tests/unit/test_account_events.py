"""What was published, agreed or asked about a customer reaches the policy on its day and moves its gates."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ledger import Ledger, empty_table
from serving.accounts import account_facts
from serving.accounts.events import has_readable_detail, quiet_days_of
from serving.dunning import DebtorStatement, Decision, Promise
from tests.dunning_samples import FRESH, POLICY, decide, scored
from tests.ledger_samples import frame

DUE = dt.date(2026, 2, 2)
ON = dt.date(2026, 3, 3)  # a Tuesday
GRACE = POLICY.spec.gates.plan_running.grace_days


def invoice(invoice_id: str = "F-1", **changes: Any) -> dict[str, Any]:
    row = {
        "invoice_id": invoice_id,
        "customer_id": "C-1",
        "kind": "invoice",
        "issued_on": dt.date(2026, 1, 2),
        "due_on": DUE,
        "amount": Decimal("3000.00"),
        "currency": "EUR",
    }
    return {**row, **changes}


def told(kind: str, day: dt.date, detail: str | None = None, invoice_id: str | None = None) -> dict[str, Any]:
    return {
        "customer_id": "C-1",
        "invoice_id": invoice_id,
        "kind": kind,
        "happened_at": dt.datetime.combine(day, dt.time(10), dt.UTC),
        "step_id": detail,
    }


def paid(day: dt.date, amount: str, invoice_id: str = "F-1") -> dict[str, Any]:
    money = {"invoice_id": invoice_id, "amount": Decimal(amount), "method": "transfer"}
    return {"payment_id": f"P-{day}-{amount}-{invoice_id}", "paid_on": day, "known_on": day, **money}


COMPANY = {"customer_id": "C-1", "country": "FR", "is_natural_person": False, "is_strategic": False}


def ledger(
    *interactions: dict[str, Any],
    invoices: tuple[dict[str, Any], ...] = (invoice(),),
    payments: tuple[dict[str, Any], ...] = (),
    rates: tuple[dict[str, Any], ...] | None = None,
) -> Ledger:
    tables = {
        "customers": frame("customers", [COMPANY]),
        "invoices": frame("invoices", list(invoices)),
        "payments": frame("payments", list(payments)) if payments else empty_table("payments"),
        "interactions": frame(
            "interactions", [{"interaction_id": f"I-{n}", **row} for n, row in enumerate(interactions)]
        ),
    }
    if rates is not None:
        tables["indicators"] = frame("indicators", [*rates])
    return Ledger.from_tables(tables)


def decided(held: Ledger, on: dt.date = ON, invoice_id: str = "F-1", currency: str = "EUR") -> Decision:
    facts = account_facts(held, [invoice_id], on, feeds=FRESH)[invoice_id]
    score = scored(invoice_id, due_on=DUE, issued_on=dt.date(2026, 1, 2), amount="3000.00", currency=currency)
    return decide(score, facts, POLICY, on)


def test_a_published_insolvency_closes_the_gate_from_its_day_and_never_before():
    held = ledger(told("insolvency_published", ON))
    assert decided(held, ON - dt.timedelta(days=1)).gate_id is None
    after = decided(held, ON)
    assert after.gate_id == "insolvency"
    assert after.next_step is not None
    assert after.next_step.deadline_on == dt.date(2026, 5, 3)
    assert "03/03/2026" in after.why[0].fr
    assert after.claim.refusal is not None


def test_later_notices_keep_the_deadline_and_closing_opens_the_gate():
    days = [dt.date(2025, 1, 10), dt.date(2025, 6, 2), dt.date(2026, 2, 20)]
    first, second, closing = days
    running = ledger(told("insolvency_published", first), told("insolvency_published", second))
    facts = account_facts(running, ["F-1"], ON, feeds=FRESH)["F-1"]
    assert (facts.is_insolvent, facts.insolvency_published_on) == (True, first)
    closed = ledger(
        told("insolvency_published", first),
        told("insolvency_published", second),
        told("insolvency_closed", closing),
    )
    assert decided(closed).gate_id is None
    assert decided(closed, closing - dt.timedelta(days=1)).gate_id == "insolvency"
    assert decided(closed, closing).gate_id is None
    again = ledger(
        told("insolvency_published", first),
        told("insolvency_closed", second),
        told("insolvency_published", closing),
    )
    assert account_facts(again, ["F-1"], ON)["F-1"].insolvency_published_on == closing


def test_a_mail_about_insolvency_is_a_hint_until_a_notice_closes_proceedings():
    def mail(day: dt.date) -> pl.DataFrame:
        labels = ("promise_to_pay", "payment_sent", "admin_block", "dispute", "insolvency")
        row = {
            "email_id": "E-1",
            "customer_id": "C-1",
            "sent_at": dt.datetime.combine(day, dt.time(9), dt.UTC),
            "direction": "inbound",
            "auto_reply": False,
            "invoice_id": None,
            "promise_date": None,
            "promise_amount": None,
            **{label: label == "insolvency" for label in labels},
        }
        return pl.DataFrame([row])

    closed_on = dt.date(2026, 2, 10)
    held = ledger(told("insolvency_closed", closed_on))
    before, after = closed_on - dt.timedelta(days=5), closed_on + dt.timedelta(days=5)
    assert account_facts(held, ["F-1"], ON, signals=mail(before))["F-1"].insolvency_hint is None
    told_since = account_facts(held, ["F-1"], ON, signals=mail(after))["F-1"]
    assert told_since.insolvency_hint == DebtorStatement(after)
    assert not told_since.is_insolvent, "a mail alone closes no account"


AGREED = dt.date(2026, 2, 10)
INSTALMENTS = (dt.date(2026, 2, 16), dt.date(2026, 3, 16), dt.date(2026, 4, 16))


def plan(invoice_id: str | None = "F-1") -> list[dict[str, Any]]:
    schedule = [
        told("plan_instalment", AGREED, f"{day}/1000.00", invoice_id=invoice_id) for day in INSTALMENTS
    ]
    return [told("plan_agreed", AGREED, invoice_id=invoice_id), *schedule]


@pytest.mark.parametrize("covered", ["F-1", None])
def test_a_plan_lasts_while_paid_and_breaks_with_a_missed_instalment(covered):
    missed = ledger(*plan(covered))
    last_day = INSTALMENTS[0] + dt.timedelta(days=GRACE)
    assert decided(missed, last_day).gate_id == "plan_running"
    broken = decided(missed, last_day + dt.timedelta(days=1))
    assert (broken.gate_id, broken.state) == (None, "broken_promise")
    kept = ledger(*plan(covered), payments=(paid(INSTALMENTS[0], "1000.00"),))
    held = decided(kept, ON)
    assert held.gate_id == "plan_running"
    assert held.hold_until == INSTALMENTS[1] + dt.timedelta(days=GRACE + 1)
    late = ledger(*plan(covered), payments=(paid(ON - dt.timedelta(days=1), "1000.00"),))
    assert decided(late, ON).gate_id == "plan_running", "money that came late mends the plan"


def test_a_plan_counts_money_since_the_agreement_until_paid_or_cancelled():
    earlier = ledger(*plan(), payments=(paid(AGREED - dt.timedelta(days=3), "1000.00"),))
    facts = account_facts(earlier, ["F-1"], ON)["F-1"]
    assert facts.plan_next_due_on == INSTALMENTS[0]
    part = ledger(*plan(), payments=(paid(INSTALMENTS[0], "999.00"),))
    assert account_facts(part, ["F-1"], ON)["F-1"].plan_next_due_on == INSTALMENTS[0]
    all_paid = ledger(
        *plan(), invoices=(invoice(amount=Decimal("3200.00")),), payments=(paid(INSTALMENTS[0], "3000.00"),)
    )
    facts = account_facts(all_paid, ["F-1"], ON)["F-1"]
    assert (facts.has_running_plan, facts.balance_amount) == (False, Decimal("200.00"))
    cancelled = ledger(*plan(), told("plan_cancelled", dt.date(2026, 2, 12)))
    assert decided(cancelled, dt.date(2026, 2, 16)).gate_id is None
    renewed = ledger(
        *plan(),
        told("plan_agreed", dt.date(2026, 2, 20), invoice_id="F-1"),
        told("plan_instalment", dt.date(2026, 2, 20), "2026-03-20/3000.00", invoice_id="F-1"),
    )
    assert account_facts(renewed, ["F-1"], ON)["F-1"].plan_next_due_on == dt.date(2026, 3, 20)


def test_a_plan_without_readable_schedule_lasts_a_while_and_is_not_broken():
    unreadable = [told("plan_agreed", AGREED), told("plan_instalment", AGREED, "end of month")]
    for events in ([told("plan_agreed", AGREED)], unreadable, [*plan(None), unreadable[1]]):
        decision = decided(ledger(*events), ON)
        assert (decision.gate_id, decision.hold_until) == ("plan_running", None)
        assert decided(ledger(*events), AGREED + dt.timedelta(days=91)).gate_id is None


def test_a_plan_covers_its_invoice_or_the_whole_account():
    both = (invoice(), invoice("F-2"))
    held = ledger(*plan("F-2"), invoices=both)
    assert decided(held, AGREED + dt.timedelta(days=1)).gate_id is None
    other = (paid(INSTALMENTS[0], "1000.00", "F-2"),)
    of_account = ledger(*plan(None), invoices=both, payments=other)
    assert account_facts(of_account, ["F-1"], ON)["F-1"].plan_next_due_on == INSTALMENTS[1]


def test_on_a_quiet_day_requested_by_the_customer_the_step_waits():
    asked = told("quiet_days_asked", dt.date(2026, 2, 27), "2026-03-02/2026-03-06")
    decision = decided(ledger(asked))
    assert decision.gate_id == "quiet_day"
    assert decision.next_step is not None
    assert decision.next_step.on == dt.date(2026, 3, 9)
    assert decided(ledger()).gate_id is None
    same_day = told("quiet_days_asked", ON, "2026-03-02/2026-03-06")
    assert decided(ledger(same_day)).gate_id == "quiet_day", "what is asked for today holds today"
    later = told("quiet_days_asked", ON + dt.timedelta(days=1), "2026-03-02/2026-03-06")
    assert decided(ledger(later)).gate_id is None


@given(st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)), st.integers(-5, 400), st.integers(-40, 40))
def test_quiet_days_are_the_days_asked_for_from_the_day_on(first, length, shift):
    last, on = first + dt.timedelta(days=length), first + dt.timedelta(days=shift)
    event = told("quiet_days_asked", first, f"{first}/{last}")
    days = quiet_days_of([event], on)
    readable = 0 <= length < 366
    assert has_readable_detail("quiet_days_asked", f"{first}/{last}") == readable
    expected = [first + dt.timedelta(days=n) for n in range(length + 1)] if readable else []
    assert list(days) == [day for day in expected if day >= on]


@pytest.mark.parametrize(
    ("kind", "detail", "readable"),
    [
        ("plan_instalment", "2026-04-15/500.00", True),
        ("plan_instalment", "2026-04-15/500", True),
        ("plan_instalment", "2026-02-30/500.00", False),
        ("plan_instalment", "2026-04-15/0", False),
        ("plan_instalment", "2026-04-15/1,50", False),
        ("plan_instalment", "0202-04-15/10.00", False),
        ("plan_instalment", None, False),
        ("quiet_days_asked", "2026-04-15/2026-04-14", False),
        ("quiet_days_asked", "next week", False),
        ("reminder_sent", None, True),
    ],
)
def test_the_detail_of_an_event_has_a_fixed_form(kind, detail, readable):
    assert has_readable_detail(kind, detail) == readable


def rate(value: float, published_on: dt.date, **changes: Any) -> dict[str, Any]:
    row = {"name": "exchange_rate_USD", "period": str(published_on), "value": value}
    return {**row, "published_on": published_on, **changes}


def test_a_foreign_balance_is_banded_by_the_newest_known_rate():
    dollars = (invoice(currency="USD", amount=Decimal("10500.00")), invoice("F-2"))
    yesterday, tomorrow = ON - dt.timedelta(days=1), ON + dt.timedelta(days=1)
    rates = (rate(0.9, yesterday), rate(0.5, ON), rate(1.5, tomorrow))
    held = ledger(invoices=dollars, rates=(*rates, rate(9.0, yesterday, country="US")))
    facts = account_facts(held, ["F-1", "F-2"], ON, feeds=FRESH)
    assert facts["F-1"].exchange_rates == (("USD", Decimal("0.5")),)
    assert facts["F-1"].outstanding_amounts == (("EUR", Decimal("3000.00")), ("USD", Decimal("10500.00")))
    assert decided(held, currency="USD").money_band == "medium"
    unknown = decided(ledger(invoices=dollars), currency="USD")
    assert unknown.money_band == "high", "a foreign balance without a rate is treated as the largest"


def test_reminders_of_one_day_and_channel_are_one_contact():
    day = ON - dt.timedelta(days=10)
    mails = [{**told("reminder_sent", day, invoice_id=f"F-{n}"), "channel": "email"} for n in (1, 2, 3)]
    call = told("call", day, invoice_id="F-1")
    facts = account_facts(ledger(*mails, call), ["F-1"], ON)["F-1"]
    found = [(contact.channel, contact.invoice_ids) for contact in facts.contacts]
    assert sorted(found) == [("call", ("F-1",)), ("email", ("F-1", "F-2", "F-3"))]


def test_facts_posted_today_count_and_ages_run_to_the_decision_day():
    held = ledger(told("plan_agreed", ON - dt.timedelta(days=90)), told("insolvency_published", ON))
    facts = account_facts(held, ["F-1"], ON)["F-1"]
    assert facts.has_running_plan, "90 days ago, not 91"
    assert facts.insolvency_published_on == ON


@pytest.mark.parametrize("kind", ["complaint", "mediation"])
def test_a_complaint_or_mediation_holds_from_its_day_until_it_is_closed(kind):
    opened, closed = ON - dt.timedelta(days=5), ON
    held = ledger(told(f"{kind}_opened", opened), told(f"{kind}_closed", closed))
    assert decided(held, opened - dt.timedelta(days=1)).gate_id is None
    assert decided(held, opened).gate_id == kind
    assert decided(held, closed - dt.timedelta(days=1)).gate_id == kind
    assert decided(held, closed).gate_id is None
    of_another = ledger(
        told(f"{kind}_opened", opened, invoice_id="F-2"), invoices=(invoice(), invoice("F-2"))
    )
    assert decided(of_another).gate_id is None


def test_a_text_message_is_a_contact_by_its_own_channel():
    sent = {**told("sms_sent", ON - dt.timedelta(days=10), invoice_id="F-1"), "channel": None}
    facts = account_facts(ledger(sent), ["F-1"], ON)["F-1"]
    assert [contact.channel for contact in facts.contacts] == ["sms"]


def test_a_task_that_was_closed_carries_the_day_of_it():
    task = {"sequence_id": "dispute", "invoice_id": "F-1"}
    opened = {**told("task_opened", ON - dt.timedelta(days=5)), **task, "step_id": "resolve_dispute"}
    closed = {**told("task_closed", ON - dt.timedelta(days=2)), **task}
    facts = account_facts(ledger(opened, closed), ["F-1"], ON)["F-1"]
    [found] = facts.tasks
    assert (found.opened_on, found.closed_on) == (ON - dt.timedelta(days=5), ON - dt.timedelta(days=2))


def test_credits_of_one_currency_are_set_against_balances_of_that_currency_only():
    credit = invoice("A-1", kind="credit_note", amount=Decimal("1000.00"), currency="USD")
    facts = account_facts(ledger(invoices=(invoice(), credit)), ["F-1"], ON)["F-1"]
    assert facts.unapplied_credit_amount == 0
    dollars = invoice("F-2", currency="USD", amount=Decimal("1500.00"))
    facts = account_facts(ledger(invoices=(invoice(), credit, dollars)), ["F-1", "F-2"], ON)
    assert {key: found.unapplied_credit_amount for key, found in facts.items()} == {
        "F-1": Decimal("0.00"),
        "F-2": Decimal("1000.00"),
    }


def test_the_payment_record_counts_due_invoices_and_late_ones():
    early, late = invoice("F-2"), invoice("F-3")
    running = invoice("F-4", due_on=ON + dt.timedelta(days=9))
    long_ago = invoice("F-5", due_on=ON - dt.timedelta(days=731))
    held = ledger(
        invoices=(invoice(), early, late, running, long_ago),
        payments=(paid(DUE, "3000.00", "F-2"), paid(DUE + dt.timedelta(days=1), "3000.00", "F-3")),
    )
    facts = account_facts(held, ["F-1"], ON)["F-1"]
    assert (facts.fallen_due_count, facts.late_count) == (3, 2), "the overdue one is late too"
    assert facts.turnover_amounts == (("EUR", Decimal("15000.00")),)
    assert account_facts(held, ["F-2"], ON)["F-2"].last_paid_on == DUE


def test_a_promise_by_phone_holds_and_one_cancelled_holds_no_more():
    due, heard = ON + dt.timedelta(days=6), ON - dt.timedelta(days=2)
    promised = told("promise_recorded", heard, f"{due}/500.00", invoice_id="F-1")
    held = account_facts(ledger(promised), ["F-1"], ON)["F-1"].promise
    assert held == Promise(heard, due, Decimal("500.00"))
    cancelled = told("promise_cancelled", ON, invoice_id="F-1")
    assert account_facts(ledger(promised, cancelled), ["F-1"], ON)["F-1"].promise is None
    of_another = told("promise_recorded", heard, str(due), invoice_id="F-2")
    both = ledger(of_another, invoices=(invoice(), invoice("F-2")))
    assert account_facts(both, ["F-1"], ON)["F-1"].promise is None
    assert decided(ledger(told("promise_recorded", heard, str(due)))).gate_id == "promise_running"


def test_only_the_disputed_part_is_disputed_and_parts_add_up():
    def dispute(number: int, amount: str | None, opened: dt.date = DUE) -> dict[str, Any]:
        part = None if amount is None else Decimal(amount)
        return {"dispute_id": f"D-{number}", "invoice_id": "F-1", "opened_on": opened, "amount": part}

    def disputed(*rows: dict[str, Any]) -> Decimal | None:
        held = replace(ledger(), disputes=frame("disputes", [*rows]))
        facts = account_facts(held, ["F-1"], ON)["F-1"]
        assert facts.has_open_dispute
        return facts.disputed_amount

    assert disputed(dispute(1, "200.00")) == Decimal("200.00")
    assert disputed(dispute(1, "200.00"), dispute(2, "50.00")) == Decimal("250.00")
    assert disputed(dispute(1, "200.00"), dispute(2, None)) is None, "all of it"
    assert disputed(dispute(1, "200.00"), dispute(2, None, ON + dt.timedelta(days=1))) == Decimal("200.00")


def test_what_bounced_is_neither_paid_late_nor_the_last_payment():
    late = paid(DUE + dt.timedelta(days=5), "1000.00")
    back = {
        **paid(DUE + dt.timedelta(days=9), "-1000.00"),
        "payment_id": "R-1",
        "method": "reversal",
        "reverses_payment_id": late["payment_id"],
    }
    before = account_facts(ledger(payments=(late,)), ["F-1"], ON)["F-1"]
    assert (len(before.late_part_payments), before.last_paid_on) == (1, late["paid_on"])
    after = account_facts(ledger(payments=(late, back)), ["F-1"], ON)["F-1"]
    assert (after.late_part_payments, after.last_paid_on) == ((), None)
    assert after.balance_amount == Decimal("3000.00")
