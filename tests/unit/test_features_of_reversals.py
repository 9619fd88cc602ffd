"""What a bounced payment, a loss and a cancellation make of a customer's features, before and after they are known."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from features.asof import PaymentHistory
from features.ledger.ledger import Ledger
from tests.unit.test_tempting_mistakes import features, invoice, ledger, payment

D = dt.date
BOUNCED = {"method": "reversal", "reverses_payment_id": "P1"}
PAID_AND_BOUNCED = ledger(
    [
        invoice("I1", D(2024, 1, 1), D(2024, 1, 31)),
        invoice("I2", D(2024, 1, 1), D(2024, 6, 30)),
    ],
    [
        payment("P1", "I1", D(2024, 1, 20)),
        payment("R1", "I1", D(2024, 2, 10), "-100.00", **BOUNCED),
        payment("P2", "I1", D(2024, 3, 11)),
    ],
)


def seen(day: dt.date, book: Ledger = PAID_AND_BOUNCED) -> dict[str, Any]:
    return features(book, day)["I2"]


def test_before_the_bounce_is_known_the_payment_counts() -> None:
    at = seen(D(2024, 2, 10))
    assert (at["history_depth"], at["days_late_last"], at["late_share_all"]) == (1, -11, 0)
    assert (at["open_count"], at["open_amount_sum"]) == (0, 0)


def test_after_the_bounce_the_invoice_was_never_paid() -> None:
    at = seen(D(2024, 2, 11))
    assert (at["history_depth"], at["days_late_last"], at["days_late_max_all"]) == (0, None, None)
    assert (at["outcome_count_all"], at["late_count_all"]) == (1, 1)
    assert (at["open_count"], at["overdue_count"], at["open_amount_sum"]) == (1, 1, 100)


def test_paid_again_it_has_the_delay_of_the_second_payment() -> None:
    at = seen(D(2024, 3, 12))
    assert (at["history_depth"], at["days_late_last"], at["days_late_mean_all"]) == (1, 40, 40)
    assert (at["outcome_count_all"], at["late_count_all"], at["open_count"]) == (1, 1, 0)


def test_a_bounce_within_the_grace_takes_the_outcome_back() -> None:
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 1, 1), D(2024, 6, 30))],
        [
            payment("P1", "I1", D(2024, 1, 10)),
            payment("R1", "I1", D(2024, 1, 15), "-100.00", **BOUNCED),
        ],
    )
    counts = [seen(day, book)["outcome_count_all"] for day in (D(2024, 1, 11), D(2024, 1, 16), D(2024, 2, 1))]
    assert counts == [1, 0, 1]


def test_a_loss_is_late_and_never_a_settlement() -> None:
    book = ledger(
        [invoice("I1", D(2024, 1, 1), D(2024, 1, 31)), invoice("I2", D(2024, 1, 1), D(2024, 6, 30))],
        [payment("P1", "I1", D(2024, 1, 10), method="write_off")],
    )
    at = seen(D(2024, 1, 11), book)
    assert (at["history_depth"], at["late_count_all"], at["open_count"]) == (0, 1, 0)


def test_a_customer_costs_its_invoices_once_per_reopening() -> None:
    months = range(1, 7)
    invoices = [invoice(f"I{m}", D(2024, m, 1), D(2024, m, 28)) for m in months]
    payments = [payment(f"P{m}", f"I{m}", D(2024, m, 20)) for m in months]
    payments.append(payment("R1", "I1", D(2024, 2, 10), "-100.00", **BOUNCED))
    plain = PaymentHistory.from_ledger(ledger(invoices, payments[:-1])).base
    bounced = PaymentHistory.from_ledger(ledger(invoices, payments)).base
    assert plain.streams["settled"].size == 6
    # Epoch before the bounce: January's payment; after it: the five others.
    assert bounced.streams["settled"].size == 6
    assert bounced.streams["due_states"].size == 1 + 6
    assert plain.streams["due_states"] is plain.streams["due"]
    codes = bounced.epochs(np.array([0, 0, -1]), np.array([19763, 19764, 19764]))  # 10 and 11 February 2024
    assert codes.tolist() == [0, 1, -1]


def test_no_reopening_means_no_epochs() -> None:
    book = ledger([invoice("I1", D(2024, 1, 1), D(2024, 1, 31))], [payment("P1", "I1", D(2024, 1, 20))])
    base = PaymentHistory.from_ledger(book).base
    assert base.reopenings.size == 0
    assert base.streams["settlements"] is base.streams["settled"]
