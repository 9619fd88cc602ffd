"""An invoice being created changes an account as if the ledger held it already."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import Ledger, read_ledger, rows_of_customers
from serving.accounts import NewInvoice, account_facts, read_accounts
from tests.dunning_samples import FRESH

SAMPLE = Path(__file__).parents[2] / "data_samples" / "ledger"
LEDGER = read_ledger(SAMPLE)
CUSTOMERS = LEDGER.customers["customer_id"].sort().to_list()
FIRST, LAST = dt.date(2025, 1, 1), dt.date(2026, 6, 30)


def part_of(customer_id: str) -> Ledger:
    return rows_of_customers(LEDGER, [customer_id])


def with_rows(ledger: Ledger, table: str, rows: list[dict[str, Any]]) -> Ledger:
    held = dict(ledger.tables())[table]
    added = pl.DataFrame([{**dict.fromkeys(held.columns), **row} for row in rows], schema=held.schema)
    return Ledger.from_tables({**dict(ledger.tables()), table: pl.concat([held, added])})


new_invoices = st.lists(
    st.tuples(
        st.dates(FIRST, LAST),
        st.integers(0, 90),
        st.decimals("0.01", "90000", places=2),
        st.sampled_from([None, "reminder_sent", "lifecycle_207", "lifecycle_208", "task_opened"]),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=40, deadline=None)
@given(customer_id=st.sampled_from(CUSTOMERS), day=st.dates(FIRST, LAST), made=new_invoices)
def test_a_new_invoice_counts_as_if_the_ledger_held_it(
    customer_id: str, day: dt.date, made: list[tuple[dt.date, int, Decimal, str | None]]
) -> None:
    part = part_of(customer_id)
    new, rows, events = [], [], []
    for number, (issued_on, days, amount, kind) in enumerate(made):
        issued_on = min(issued_on, day - dt.timedelta(days=1))
        new.append(
            NewInvoice(f"NEW-{number}", customer_id, issued_on, issued_on + dt.timedelta(days=days), amount)
        )
        rows.append({**vars(new[-1]), "kind": "invoice", "currency": "EUR"})
        if kind is not None:
            at = dt.datetime.combine(issued_on, dt.time(9), dt.UTC)
            about = {"customer_id": customer_id, "invoice_id": f"NEW-{number}", "happened_at": at}
            events.append({"interaction_id": f"NEW-{number}", "kind": kind, **about})
    part = with_rows(part, "interactions", events)
    held = part.invoices.filter((pl.col("kind") == "invoice") & (pl.col("issued_on") < day))
    wanted = [*(invoice.invoice_id for invoice in new), *held["invoice_id"].tail(5).to_list()]
    quick = read_accounts(part, [customer_id], day).facts(wanted, FRESH, new)
    assert quick == account_facts(with_rows(part, "invoices", rows), wanted, day, feeds=FRESH)


def test_what_is_issued_later_is_not_owed_yet() -> None:
    customer_id = LEDGER.invoices.group_by("customer_id").len().sort("len", "customer_id")["customer_id"][-1]
    part, day = part_of(customer_id), dt.date(2025, 9, 1)
    past = part.invoices.filter((pl.col("kind") == "invoice") & (pl.col("issued_on") < day))
    assert 0 < past.height < part.invoices.height
    accounts = read_accounts(part, [customer_id], day)
    assert set(accounts.invoice_ids) == set(past["invoice_id"])
    wanted = past["invoice_id"].to_list()
    assert accounts.facts(wanted) == account_facts(LEDGER, wanted, day)
