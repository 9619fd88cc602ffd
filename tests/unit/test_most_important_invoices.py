"""Which open invoices a run shows: money of several currencies is compared in one, or not at all."""

from __future__ import annotations

from decimal import Decimal

from serving.dunning import DecisionRecord
from serving.night.stakes import most_at_stake
from tests.dunning_samples import MONDAY, POLICY, account, scored


def record(
    invoice_id: str, owed: str, currency: str, p_late_30: float | None = 0.5, **score
) -> DecisionRecord:
    return DecisionRecord(
        MONDAY,
        scored(invoice_id, amount=owed, currency=currency, p_late_30=p_late_30, **score),
        account(owed, exchange_rates=(("USD", Decimal("0.5")),)),
    )


def test_money_is_compared_in_one_currency_and_only_with_rates():
    owed = [("E1", "60.00", "EUR"), ("U1", "100.00", "USD"), ("U2", "140.00", "USD"), ("S1", "900.00", "SEK")]
    most = most_at_stake([record(*values) for values in owed], POLICY, 10)
    assert [(item.record.score.invoice_id, item.amount) for item in most] == [
        ("U2", 35.0), ("E1", 30.0), ("U1", 25.0),
    ]  # fmt: skip


def test_ties_go_by_receivable_and_what_has_no_score_is_left_out():
    records = [
        record("B", "10.00", "EUR"),
        record("A", "10.00", "EUR", instalment_number=2, instalment_count=3, instalment_kind="instalment"),
        record("C", "99.00", "EUR", p_late_30=None),
        record("D", "1.00", "EUR"),
    ]
    most = most_at_stake(records, POLICY, 2)
    assert [item.record.score.receivable_id for item in most] == ["A#2", "B"]
