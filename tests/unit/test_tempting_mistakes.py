"""The mistakes found in published late-payment code, each shown not to be made here."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from features.asof import PaymentHistory, landmarks_at_issue, open_landmarks
from features.groups.catalogue import CATALOGUE, FEATURE_NAMES
from features.groups.compute import compute_features
from features.ledger.ledger import Ledger
from tests.ledger_samples import frame

D = dt.date


def invoice(
    invoice_id: str, issued: dt.date, due: dt.date, customer: str = "C1", **more: Any
) -> dict[str, Any]:
    base = {"invoice_id": invoice_id, "customer_id": customer, "kind": "invoice", "issued_on": issued}
    return base | {"due_on": due, "amount": Decimal("100.00"), "currency": "EUR"} | more


def payment(
    payment_id: str, invoice_id: str, paid: dt.date, amount: str = "100.00", **more: Any
) -> dict[str, Any]:
    base = {"payment_id": payment_id, "invoice_id": invoice_id, "paid_on": paid, "known_on": paid}
    return base | {"amount": Decimal(amount), "method": "transfer"} | more


def ledger(invoices: list[dict[str, Any]], payments: list[dict[str, Any]], *customers: str) -> Ledger:
    people = [{"customer_id": name, "is_strategic": False} for name in customers or ("C1",)]
    return Ledger(frame("customers", people), frame("invoices", invoices), frame("payments", payments))


def features(book: Ledger, as_of: dt.date) -> dict[str, dict[str, Any]]:
    """Features at a date of every invoice open then, by invoice."""
    answer = compute_features(PaymentHistory.from_ledger(book), open_landmarks(book, as_of))
    return {row["invoice_id"]: row for row in answer.iter_rows(named=True)}


def test_the_previous_invoice_teaches_nothing_before_it_is_paid() -> None:
    # shift(1) by invoice order would read the first invoice's 40 days of delay while it is still unpaid.
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 1, 20), D(2024, 2, 20))],
        [payment("P1", "I1", D(2024, 3, 11))],
    )
    at_issue = features(book, D(2024, 1, 20))["I2"]
    assert at_issue["history_depth"] == 0
    assert at_issue["days_late_last"] is None
    assert at_issue["late_share_all"] is None
    after = features(book, D(2024, 3, 12))["I2"]
    assert after["days_late_last"] == 40


def test_a_payment_is_known_from_the_day_after_its_booking() -> None:
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 2, 5), D(2024, 3, 5))],
        [payment("P1", "I1", D(2024, 2, 1), known_on=D(2024, 2, 5))],
    )
    assert features(book, D(2024, 2, 5))["I2"]["history_depth"] == 0
    assert features(book, D(2024, 2, 6))["I2"]["history_depth"] == 1


def test_three_part_payments_make_one_landmark_and_one_settlement() -> None:
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 3, 1), D(2024, 3, 31))],
        [payment(f"P{i}", "I1", D(2024, 2, 5 * i), "33.34") for i in (1, 2, 3)],
    )
    landmarks = landmarks_at_issue(book, D(2024, 1, 1), D(2025, 1, 1))
    assert landmarks["invoice_id"].to_list() == ["I1", "I2"]
    row = features(book, D(2024, 3, 1))["I2"]
    assert (row["history_depth"], row["outcome_count_all"], row["part_paid_share_all"]) == (1, 1, 1.0)
    assert row["days_late_last"] == 15  # the third part, 15 February, not the first
    assert row["payment_frequency_365d"] == 3
    assert row["first_part_share_mean_all"] == 0.333


def test_a_new_customers_late_share_is_unknown_and_not_zero() -> None:
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31), "C2"), invoice("I2", D(2024, 3, 1), D(2024, 3, 31))],
        [payment("P1", "I1", D(2024, 2, 20))],
        "C1",
        "C2",
    )
    row = features(book, D(2024, 3, 1))["I2"]
    assert row["late_share_365d"] is None
    assert row["is_often_late_365d"] is None
    assert row["outcome_count_all"] == 0
    # The prior fills it beside it, visibly: the one other customer was late on its one invoice.
    assert row["late_share_shrunk_all"] == 1.0
    assert row["own_history_weight"] == 0


def test_an_open_overdue_invoice_is_late_and_not_on_time() -> None:
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 2, 1), D(2024, 3, 1))], []
    )
    on_the_due_date = features(book, D(2024, 1, 31))["I1"]
    assert on_the_due_date["outcome_count_all"] == 0
    still_due_today = features(book, D(2024, 2, 1))["I2"]
    assert (still_due_today["outcome_count_all"], still_due_today["late_share_all"]) == (1, 1.0)
    assert still_due_today["overdue_count"] == 1


def test_no_input_derives_from_the_scored_invoices_clearing_date() -> None:
    invoices = [invoice("I1", D(2024, 1, 1), D(2024, 1, 31))]
    monday, friday = D(2024, 2, 5), D(2024, 3, 29)
    answers = [
        compute_features(
            PaymentHistory.from_ledger(book), landmarks_at_issue(book, D(2024, 1, 1), D(2024, 1, 2))
        )
        for book in (ledger(invoices, [payment("P1", "I1", paid)]) for paid in (monday, friday))
    ]
    assert answers[0].equals(answers[1])
    assert not [name for name in FEATURE_NAMES if "clear" in name or "settled_on" in name]


def test_a_payment_booked_late_withdraws_the_mark_it_proves_wrong() -> None:
    # Value date 30 January, booked 10 February: overdue in our books for ten days, yet paid in time.
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 2, 1), D(2024, 3, 1))],
        [payment("P1", "I1", D(2024, 1, 30), known_on=D(2024, 2, 10))],
    )
    assert features(book, D(2024, 2, 10))["I2"]["late_share_all"] == 1.0
    assert features(book, D(2024, 2, 11))["I2"]["late_share_all"] == 0.0


def test_a_credit_note_beside_the_cash_is_no_habit_of_part_payments() -> None:
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 3, 1), D(2024, 3, 31))],
        [
            payment("P1", "I1", D(2024, 1, 20), "10.00", method="credit_note"),
            payment("P2", "I1", D(2024, 1, 31), "90.00"),
        ],
    )
    row = features(book, D(2024, 3, 1))["I2"]
    assert (row["part_paid_share_all"], row["late_share_all"], row["days_late_last"]) == (0.0, 0.0, 0.0)


def test_every_column_says_what_a_null_means_and_where_it_comes_from() -> None:
    for column in CATALOGUE:
        assert column.null_meaning, column.name
        assert column.sources, column.name
        assert column.label.fr, column.name
        assert column.label.en, column.name
        assert column.label.fr != column.label.en, column.name
