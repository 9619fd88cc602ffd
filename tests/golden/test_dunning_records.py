"""Decisions kept by the first version are still read and can be replayed.

`dunning/decisions_version_1.jsonl` was written by version 1 of the policy package on four invented invoices.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from serving.dunning import DebtorStatement, FeedDay, Promise, TaskOpened, load_policy, read_records
from serving.dunning.replay import replay

KEPT = Path(__file__).parent / "dunning" / "decisions_version_1.jsonl"
ON = date(2025, 10, 20)


def as_parquet(folder):
    """The same records in the columns that a Parquet file of version 1 is read from."""
    records = [json.loads(line) for line in KEPT.read_text("utf-8").splitlines()]
    rows = [
        {"decided_on": ON, **{name: json.dumps(item[name]) for name in ("score", "account", "decision")}}
        for item in records
    ]
    path = folder / "stored.parquet"
    pl.DataFrame(rows).write_parquet(path)
    return path


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_facts_of_version_one_are_read_as_version_two(tmp_path, form):
    plain, insolvent, foreign, credited = read_records(KEPT if form == "jsonl" else as_parquet(tmp_path))
    assert plain.account.feeds == (
        FeedDay("payments", date(2025, 10, 18)),
        FeedDay("invoices", date(2025, 10, 18)),
    )
    assert plain.account.outstanding_amounts == (("EUR", Decimal("900.00")),)
    assert not insolvent.account.is_insolvent, "without an official notice it was a mail"
    assert insolvent.account.insolvency_hint == DebtorStatement(ON)
    assert insolvent.account.tasks == (TaskOpened("insolvency", "declare_claim", date(2025, 10, 6)),)
    assert foreign.account.exchange_rates == (("USD", Decimal("0.9")),)
    assert foreign.account.promise == Promise(ON, date(2025, 10, 27), Decimal("500.00"))
    assert foreign.account.feeds == (FeedDay("payments", None), FeedDay("invoices", None))
    assert credited.account.closed_by == "credited"


def test_a_night_of_the_first_version_can_be_replayed():
    records = read_records(KEPT)
    assert {record.decision.policy_version for record in records if record.decision} == {"1.1.0"}
    report = replay(records, load_policy())
    assert (report.total.decisions, report.undecided) == (4, 0)
    gates = {item.after.invoice_id: (item.before.gate_id, item.after.gate_id) for item in report.differences}
    assert gates["F-2"] == ("insolvency", "insolvency_hint")
