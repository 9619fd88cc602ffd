"""What was published, agreed or asked about a customer reaches the policy from the day after and moves its gates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ledger import Ledger, empty_table, table_dtypes
from serving.account_events import has_readable_detail, quiet_days_of
from serving.account_facts import account_facts, read_accounts
from serving.dunning import Decision, ScoredInvoice, decide, load_policy

POLICY = load_policy()
DUE = dt.date(2026, 2, 2)
ON = dt.date(2026, 3, 3)  # a Tuesday
GRACE = POLICY.spec.gates.plan_running.grace_days


def table(name: str, *rows: dict[str, Any]) -> pl.DataFrame:
    columns = table_dtypes(name)
    return pl.DataFrame([{**dict.fromkeys(columns), **row} for row in rows], schema=columns)


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


def ledger(
    *interactions: dict[str, Any],
    invoices: tuple[dict[str, Any], ...] = (invoice(),),
    payments: tuple[dict[str, Any], ...] = (),
    rates: tuple[dict[str, Any], ...] | None = None,
) -> Ledger:
    tables = {
        "customers": table("customers", {"customer_id": "C-1", "country": "FR", "is_strategic": False}),
        "invoices": table("invoices", *invoices),
        "payments": table("payments", *payments) if payments else empty_table("payments"),
        "interactions": table(
            "interactions", *({"interaction_id": f"I-{n}", **row} for n, row in enumerate(interactions))
        ),
    }
    if rates is not None:
        tables["indicators"] = table("indicators", *rates)
    return Ledger.from_tables(tables)


def decided(held: Ledger, on: dt.date = ON, invoice_id: str = "F-1", currency: str = "EUR") -> Decision:
    facts = account_facts(held, [invoice_id], on, feed_age_hours=1.0)[invoice_id]
    score = ScoredInvoice(
        invoice_id,
        "C-1",
        on,
        dt.date(2026, 1, 2),
        DUE,
        Decimal("3000.00"),
        facts.balance_amount,
        currency,
        p_late=0.9,
        unpaid_probability=((0, 0.9), (30, 0.6)),
        grade="C",
        cold_start_rung="own_history",
        rfm_segment="prompt",
    )
    return decide(score, facts, POLICY, on)


def test_a_published_insolvency_closes_the_gate_from_the_next_day_and_never_before():
    held = ledger(told("insolvency_published", ON))
    assert decided(held, ON).gate_id is None
    after = decided(held, ON + dt.timedelta(days=1))
    assert after.gate_id == "insolvency"
    assert after.next_step is not None
    assert after.next_step.deadline_on == dt.date(2026, 5, 3)
    assert "03/03/2026" in after.why[0].fr
    assert after.claim.refusal is not None


def test_later_notices_do_not_move_the_deadline_and_a_closing_notice_opens_the_gate():
    days = [dt.date(2025, 1, 10), dt.date(2025, 6, 2), dt.date(2026, 2, 20)]
    first, second, closing = days
    running = ledger(told("insolvency_published", first), told("insolvency_published", second))
    facts = account_facts(running, ["F-1"], ON, feed_age_hours=1.0)["F-1"]
    assert (facts.is_insolvent, facts.insolvency_published_on) == (True, first)
    closed = ledger(
        told("insolvency_published", first),
        told("insolvency_published", second),
        told("insolvency_closed", closing),
    )
    assert decided(closed).gate_id is None
    assert decided(closed, closing).gate_id == "insolvency"
    again = ledger(
        told("insolvency_published", first),
        told("insolvency_closed", second),
        told("insolvency_published", closing),
    )
    assert account_facts(again, ["F-1"], ON)["F-1"].insolvency_published_on == closing


def test_an_insolvency_told_by_mail_ends_with_the_notice_that_closes_it():
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
    assert not account_facts(held, ["F-1"], ON, signals=mail(before))["F-1"].is_insolvent
    assert account_facts(held, ["F-1"], ON, signals=mail(after))["F-1"].is_insolvent


AGREED = dt.date(2026, 2, 10)
INSTALMENTS = (dt.date(2026, 2, 16), dt.date(2026, 3, 16), dt.date(2026, 4, 16))


def plan(invoice_id: str | None = "F-1") -> list[dict[str, Any]]:
    schedule = [
        told("plan_instalment", AGREED, f"{day}/1000.00", invoice_id=invoice_id) for day in INSTALMENTS
    ]
    return [told("plan_agreed", AGREED, invoice_id=invoice_id), *schedule]


@pytest.mark.parametrize("covered", ["F-1", None])
def test_a_plan_holds_while_its_instalments_come_in_and_breaks_when_one_is_missed(covered):
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


def test_a_plan_counts_money_since_the_agreement_and_ends_when_all_is_paid_or_it_is_cancelled():
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


def test_a_plan_without_a_readable_schedule_holds_for_a_while_rather_than_being_called_broken():
    unreadable = [told("plan_agreed", AGREED), told("plan_instalment", AGREED, "end of month")]
    for events in ([told("plan_agreed", AGREED)], unreadable, [*plan(None), unreadable[1]]):
        decision = decided(ledger(*events), ON)
        assert (decision.gate_id, decision.hold_until) == ("plan_running", None)
        assert decided(ledger(*events), AGREED + dt.timedelta(days=91)).gate_id is None


def test_a_plan_of_another_invoice_holds_nothing_and_one_of_the_account_counts_all_its_payments():
    both = (invoice(), invoice("F-2"))
    held = ledger(*plan("F-2"), invoices=both)
    assert decided(held, AGREED + dt.timedelta(days=1)).gate_id is None
    other = (paid(INSTALMENTS[0], "1000.00", "F-2"),)
    of_account = ledger(*plan(None), invoices=both, payments=other)
    assert account_facts(of_account, ["F-1"], ON)["F-1"].plan_next_due_on == INSTALMENTS[1]


def test_on_a_day_the_customer_asked_to_be_left_alone_the_step_waits():
    asked = told("quiet_days_asked", dt.date(2026, 2, 27), "2026-03-02/2026-03-06")
    decision = decided(ledger(asked))
    assert decision.gate_id == "quiet_day"
    assert decision.next_step is not None
    assert decision.next_step.on == dt.date(2026, 3, 9)
    assert decided(ledger()).gate_id is None
    same_day = told("quiet_days_asked", ON, "2026-03-02/2026-03-06")
    assert decided(ledger(same_day)).gate_id is None, "known from the next day on"


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


def test_a_foreign_balance_is_banded_by_the_newest_rate_published_before_the_day():
    dollars = (invoice(currency="USD", amount=Decimal("10500.00")), invoice("F-2"))
    rates = (rate(0.9, ON - dt.timedelta(days=2)), rate(0.5, ON - dt.timedelta(days=1)), rate(1.5, ON))
    held = ledger(invoices=dollars, rates=(*rates, rate(9.0, ON - dt.timedelta(days=1), country="US")))
    facts = account_facts(held, ["F-1", "F-2"], ON, feed_age_hours=1.0)
    assert facts["F-1"].exchange_rate == Decimal("0.5")
    assert facts["F-2"].exchange_rate is None
    assert facts["F-1"].outstanding_amount == Decimal("5250.00") + Decimal("3000.00")
    assert decided(held, currency="USD").money_band == "medium"
    unknown = decided(ledger(invoices=dollars), currency="USD")
    assert unknown.money_band == "high", "a foreign balance without a rate is treated as the largest"


def test_reminders_of_one_day_by_one_channel_are_one_contact_about_all_their_invoices():
    day = ON - dt.timedelta(days=10)
    mails = [{**told("reminder_sent", day, invoice_id=f"F-{n}"), "channel": "email"} for n in (1, 2, 3)]
    call = told("call", day, invoice_id="F-1")
    facts = account_facts(ledger(*mails, call), ["F-1"], ON)["F-1"]
    found = [(contact.channel, contact.invoice_ids) for contact in facts.contacts]
    assert sorted(found) == [("call", ("F-1",)), ("email", ("F-1", "F-2", "F-3"))]


def test_what_was_posted_today_is_seen_but_days_are_counted_from_the_day_of_the_decision():
    held = ledger(told("plan_agreed", ON - dt.timedelta(days=90)), told("insolvency_published", ON))
    tomorrow = ON + dt.timedelta(days=1)
    facts = read_accounts(held, ["C-1"], tomorrow, on=ON).facts(["F-1"])["F-1"]
    assert facts.has_running_plan, "90 days ago, not 91"
    assert facts.insolvency_published_on == ON
