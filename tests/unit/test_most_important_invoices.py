"""Which open invoices a run shows: money of several currencies is compared in one, or not at all."""

from __future__ import annotations

import json

import polars as pl

from models.explanation.reasons import REASON_TYPE
from pipelines.cli.run import most_important


def test_money_is_compared_in_one_currency_and_without_a_rate_not_at_all():
    rates = json.dumps({"exchange_rates": [["USD", "0.5"]]})
    owed = [("E1", "60.00", "EUR"), ("U1", "100.00", "USD"), ("U2", "140.00", "USD"), ("S1", "900.00", "SEK")]
    decisions = pl.DataFrame(
        {
            "invoice_id": [key for key, _, _ in owed],
            "balance_amount": pl.Series([amount for _, amount, _ in owed]).cast(pl.Decimal(18, 2)),
            "currency": [currency for _, _, currency in owed],
            "sequence_id": "standard",
            "gate_id": None,
            "account": rates,
            "score": json.dumps({"due_on": "2026-01-31"}),
        }
    )
    scores = pl.DataFrame(
        {
            "invoice_id": decisions["invoice_id"],
            "p_late_30": 0.5,
            "reasons": pl.Series([[]] * 4, dtype=REASON_TYPE),
        }
    )
    shown = most_important(scores, decisions, "en", "EUR")
    assert shown["invoice_id"].to_list() == ["U2", "E1", "U1"]
    assert shown["stake"].to_list() == [35.0, 30.0, 25.0]
