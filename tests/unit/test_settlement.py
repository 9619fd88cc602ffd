"""Timelines of one receivable: what it is said to be on each day, and why."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from features.asof import open_landmarks
from features.settings import LedgerSettings
from features.settlement import settlement_at, settlement_episodes, still_open
from tests.ledger_samples import day, invoice, ledger, payment
from tests.settlement_samples import episodes


def states(payments, on, settings=None, **values):
    """What closed F1 (None while open), as known strictly before each of these days."""
    found = settlement_episodes(ledger([invoice(**values)], payments), settings)
    return [settlement_at(found, day(offset))["closed_by"].item() for offset in on]


def rows(payments, settings=None, **values):
    """Episodes of F1 as (value date, known, reopened), in days after the first."""

    def offset(found):
        return None if found is None else (found - day(0)).days

    found = settlement_episodes(ledger([invoice(**values)], payments), settings)
    columns = ("settled_on", "settlement_known_on", "reopened_on")
    return [
        tuple(offset(row[name]) for name in columns) for row in found.iter_rows(named=True) if row["episode"]
    ]


def test_a_payment_settles_from_the_day_after_it_is_known():
    assert states([payment("p", "1000.00", 20, known=22)], [20, 22, 23]) == [None, None, "paid"]


def test_a_bounced_debit_reopens_from_the_day_after_the_bounce_is_known():
    paid = [
        payment("p", "1000.00", 20, method="direct_debit"),
        payment("r", "-1000.00", 24, known=27, method="reversal", reverses_payment_id="p"),
    ]
    assert states(paid, [20, 21, 27, 28, 200]) == [None, "paid", "paid", None, None]
    assert rows(paid) == [(20, 20, 27)]


def test_an_unpaid_cheque_paid_again_is_settled_when_it_was_paid_again():
    paid = [
        payment("p", "1000.00", 20, method="cheque"),
        payment("r", "-1000.00", 26, method="reversal"),
        payment("q", "1000.00", 40, known=41),
    ]
    assert rows(paid) == [(20, 20, 26), (40, 41, None)]
    assert states(paid, [26, 27, 41, 42]) == ["paid", None, None, "paid"]


def test_half_a_bounce_and_a_part_payment_after_it_reopen_and_settle():
    paid = [
        payment("p", "1000.00", 20),
        payment("r", "-400.00", 25, method="reversal"),
        payment("q", "150.00", 30),
        payment("s", "250.00", 35),
    ]
    assert rows(paid) == [(20, 20, 25), (35, 35, None)]


def test_what_is_settled_and_undone_on_one_day_never_was():
    paid = [payment("p", "1000.00", 20), payment("r", "-1000.00", 20, method="reversal")]
    assert rows(paid) == []
    assert states(paid, [20, 21, 100]) == [None, None, None]


def test_a_late_booking_does_not_move_an_earlier_value_date():
    paid = [payment("p", "1000.00", 20), payment("q", "500.00", 5, known=60)]
    assert rows(paid) == [(20, 20, None)]


def test_cents_within_tolerance_settle_and_more_do_not():
    assert states([payment("p", "999.95", 20)], [21]) == ["paid"]
    assert states([payment("p", "999.94", 20)], [21]) == [None]
    assert states([payment("p", "999.00", 20)], [21], LedgerSettings(settled_tolerance=Decimal("1"))) == [
        "paid"
    ]


def test_a_write_off_closes_without_pay():
    given_up = [payment("p", "300.00", 20), payment("w", "700.00", 90, method="write_off")]
    assert states(given_up, [90, 91]) == [None, "written_off"]
    assert rows(given_up) == [(None, 90, None)]


def test_money_after_a_write_off_does_not_change_the_state():
    found = [payment("w", "1000.00", 90, method="write_off"), payment("p", "1000.00", 200)]
    assert states(found, [91, 201]) == ["written_off", "written_off"]


def test_a_write_off_taken_back_reopens():
    taken_back = [
        payment("w", "1000.00", 90, method="write_off"),
        payment("r", "-1000.00", 120, method="reversal", reverses_payment_id="w"),
        payment("p", "1000.00", 130),
    ]
    assert states(taken_back, [91, 121, 131]) == ["written_off", None, "paid"]
    assert rows(taken_back)[-1] == (130, 130, None)


def test_credit_notes_alone_credit_and_cash_beside_them_pays():
    credited = [payment("c", "1000.00", 10, method="credit_note")]
    assert states(credited, [11]) == ["credited"]
    both = [payment("c", "100.00", 10, method="credit_note"), payment("p", "900.00", 20)]
    assert states(both, [21]) == ["paid"]


@pytest.mark.parametrize("method", ["on_account", "offset", "card", "bill_of_exchange", "other", None])
def test_other_ways_to_pay_pay(method):
    assert states([payment("p", "1000.00", 20, method=method)], [21]) == ["paid"]


def test_a_discount_row_settles_on_the_day_the_rest_was_paid():
    taken = [payment("p", "980.00", 8), payment("d", "20.00", 45, method="discount")]
    assert rows(taken) == [(8, 45, None)]
    assert states(taken, [45, 46]) == [None, "discounted"]


def test_a_discount_granted_by_the_terms_needs_no_row_of_its_own():
    terms = "2/10 net 30"
    assert states([payment("p", "980.00", 10)], [11], terms=terms) == ["discounted"]
    assert states([payment("p", "980.00", 11)], [12], terms=terms) == [None]
    assert states([payment("p", "979.94", 10)], [12], terms=terms) == [None]
    assert rows([payment("p", "980.00", 10)], terms=terms) == [(10, 10, None)]


def test_a_discount_is_counted_on_what_credit_notes_leave():
    paid = [payment("c", "100.00", 5, method="credit_note"), payment("p", "882.00", 9)]
    assert states(paid, [10], terms="2/10 net 30") == ["discounted"]
    credited = [payment("c", "985.00", 5, method="credit_note")]
    assert states(credited, [10], terms="2/10 net 30") == [None]


def test_a_bounced_discounted_payment_owes_the_whole_amount():
    paid = [
        payment("p", "980.00", 8),
        payment("r", "-980.00", 12, method="reversal"),
        payment("q", "980.00", 20),
    ]
    assert states(paid, [9, 13, 21], terms="2/10 net 30") == ["discounted", None, None]


def test_settings_accept_a_discount_where_terms_grant_none():
    accepted = LedgerSettings(accepted_discount_share=Decimal("0.03"), accepted_discount_days=15)
    paid = [payment("p", "970.00", 15)]
    assert states(paid, [16]) == [None]
    assert states(paid, [16], accepted, terms="30 jours") == ["discounted"]
    assert states(paid, [16], accepted, terms="2/10 net 30") == [None]


def test_a_cancelled_invoice_is_closed_for_good_and_never_paid():
    assert states([], [12, 13, 400], cancelled_on=day(12)) == [None, "cancelled", "cancelled"]
    paid = [payment("p", "1000.00", 5), payment("r", "-1000.00", 20, method="refund")]
    assert states(paid, [6, 13, 21], cancelled_on=day(12)) == ["paid", "cancelled", "cancelled"]


def test_open_landmarks_follow_the_state_of_each_day():
    bounced = ledger(
        [invoice(), invoice("F2", cancelled_on=day(40)), invoice("F3")],
        [
            payment("p", "1000.00", 20),
            payment("r", "-1000.00", 25, method="reversal"),
            payment("w", "1000.00", 50, invoice_id="F3", method="write_off"),
        ],
    )

    def still_open(offset):
        return open_landmarks(bounced, day(offset))["invoice_id"].to_list()

    assert still_open(21) == ["F2", "F3"]
    assert still_open(26) == ["F1", "F2", "F3"]
    assert still_open(41) == ["F1", "F3"]
    assert still_open(51) == ["F1"]


def test_a_landmark_is_open_before_settlement_and_after_its_reversal():
    known = episodes(
        {
            "a": [(day(4), day(4))],
            "b": [(day(4), day(5))],
            "c": [(None, None)],
            "d": [(day(1), day(1), day(4)), (day(9), day(9))],
            "e": [(day(1), day(1), day(5))],
        }
    )
    landmarks = pl.DataFrame({"invoice_id": list("abcde"), "as_of": [day(5)] * 5})
    assert still_open(landmarks, known)["invoice_id"].to_list() == ["b", "c", "d"]
