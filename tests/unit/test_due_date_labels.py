"""How many labels would change if due dates were recomputed from their wordings."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from features.ledger.ledger import Ledger
from features.settlement.due_date_labels import due_date_labels
from features.terms import EndOfMonthReading
from tests.ledger_samples import frame

D = dt.date


def book() -> Ledger:
    """Three invoices of 5 October 2024 in 45 days end of month: due 30 November or 15 December (DGCCRF, L441-10)."""
    issued = D(2024, 10, 5)
    due = {"A": D(2024, 12, 15), "B": D(2024, 12, 15), "C": D(2024, 12, 15), "D": D(2024, 12, 15)}
    invoices = [
        {
            "invoice_id": name,
            "customer_id": "C1",
            "kind": "invoice",
            "issued_on": issued,
            "due_on": day,
            "amount": Decimal("100.00"),
            "currency": "EUR",
            "terms": "45 jours fin de mois" if name != "D" else "selon accord",
        }
        for name, day in due.items()
    ]
    paid = {"A": D(2024, 12, 10), "B": D(2024, 11, 20)}
    payments = [
        {
            "payment_id": f"P{name}",
            "invoice_id": name,
            "paid_on": day,
            "known_on": day,
            "amount": Decimal("100.00"),
        }
        for name, day in paid.items()
    ]
    customers = [{"customer_id": "C1", "is_strategic": False}]
    return Ledger(frame("customers", customers), frame("invoices", invoices), frame("payments", payments))


def test_labels_that_change_are_counted_in_each_reading() -> None:
    # By hand: A, paid on 10 December, is late against 30 November only; B is on time either way; C is open: on
    # 11 December it is late against 30 November and not decided against 15 December; D cannot be read.
    report = due_date_labels(book(), D(2024, 12, 11), EndOfMonthReading.MONTH_END_THEN_DAYS)
    days_first, month_end_first = report.changes
    assert days_first.reading is EndOfMonthReading.DAYS_THEN_MONTH_END
    assert (days_first.due_dates_changed, days_first.largest_shift_days) == (3, 15)
    assert (days_first.on_time_to_late, days_first.late_to_on_time, days_first.undecided) == (1, 0, 1)
    assert (days_first.compared, days_first.labels_changed) == (2, 1)
    assert (month_end_first.due_dates_changed, month_end_first.labels_changed) == (0, 0)
    assert (report.due_dates.agreeing, report.due_dates.unreadable) == (3, 1)
    assert report.by_terms.row(0) == ("45 jours fin de mois", 3, 1, 0)


def test_an_open_invoice_past_both_due_dates_is_late_either_way() -> None:
    report = due_date_labels(book(), D(2025, 1, 10), EndOfMonthReading.MONTH_END_THEN_DAYS)
    assert report.changes[0].undecided == 0
    assert report.changes[0].compared == 3


def test_the_change_is_told_in_french_and_english() -> None:
    change = due_date_labels(book(), D(2024, 12, 11), EndOfMonthReading.MONTH_END_THEN_DAYS).changes[0]
    assert (
        "échéances différentes : 3 (écart maximal en jours : 15) ; étiquettes changées : 1 sur 2 jugées"
        in (change.sentence("fr"))
    )
    assert "labels that change: 1 of 2 decided, 0 of them from late to on time and 1 the other way" in (
        change.sentence("en")
    )


def test_nothing_known_after_the_date_changes_the_report() -> None:
    early = due_date_labels(book(), D(2024, 12, 1), EndOfMonthReading.MONTH_END_THEN_DAYS).changes[0]
    assert (early.compared, early.undecided) == (1, 2)
