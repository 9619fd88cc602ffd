"""Whatever comes by event, in whatever order, the online history gives the features of the whole ledger."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from features.asof import PaymentHistory, open_landmarks
from features.groups.compute import compute_features
from features.ledger import KEYS, Ledger, table_dtypes
from features.ledger.customers_at import customers_at
from features.ledger.schemas import DATED_ATTRIBUTES
from features.settings import LedgerSettings
from serving.scoring.customer_history import OnlineHistory
from serving.store import facts_of, open_store, sqlite_url

from .conftest import AS_OF, NOW


def part_of(ledger: Ledger, share: float, seed: int) -> tuple[Ledger, list[tuple[str, pl.DataFrame]]]:
    """A ledger with a share of the rows of each table, and the rows left out."""
    kept, left = {}, []
    for name, frame in ledger.tables():
        if name == "indicators":
            kept[name] = frame
            continue
        some = 0.5 if name.startswith("customer_") else share
        is_kept = pl.Series([random.Random(f"{seed}{name}{i}").random() < some for i in range(frame.height)])
        kept[name] = frame.filter(is_kept)
        left.append((name, frame.filter(~is_kept)))
    return Ledger.from_tables(kept), left


def with_changes(ledger: Ledger) -> Ledger:
    """The ledger with customers whose attributes changed, and customers that were merged two by two and in chains."""
    ids = ledger.customers["customer_id"].sort().to_list()
    known = [AS_OF - dt.timedelta(days) for days in (400, 90, 1, 0)]
    rows_of = {row["customer_id"]: row for row in ledger.customers.iter_rows(named=True)}
    history = [
        {
            **{name: rows_of[ids[place]][name] for name in DATED_ATTRIBUTES},
            "customer_id": ids[place],
            "valid_from_on": day,
            "sector": sector,
            "country": "FR",
            "bureau_score": score,
        }
        for place in range(0, 40, 5)
        for day, sector, score in ((known[0], "41", 40.0), (known[place % 3], "46", 60.0))
    ]
    merges = [
        {"customer_id": ids[place], "merged_into_id": ids[place + 1], "merged_on": known[place % 4]}
        for place in range(20)
        if place % 3 < 2
    ]
    rows = {"customer_history": history, "customer_merges": merges}
    frames = {
        name: pl.DataFrame(
            [{column: row.get(column) for column in table_dtypes(name)} for row in given],
            schema=table_dtypes(name),
        )
        .unique(KEYS[name])
        .sort(KEYS[name])
        for name, given in rows.items()
    }
    return replace(ledger, customers=customers_at(ledger.customers, frames["customer_history"]), **frames)


@pytest.mark.parametrize("seed", [1])
def test_events_in_any_order_give_the_features_of_the_whole_ledger(
    ledger: Ledger, tmp_path: Path, seed: int
) -> None:
    ledger = with_changes(ledger)
    first, left = part_of(ledger, 0.97, seed)
    store = open_store(sqlite_url(tmp_path / "store.db"), b"k" * 40)
    store.load_ledger(first, NOW)
    online = OnlineHistory(store, LedgerSettings())
    events = [fact for name, frame in left for fact in facts_of(name, frame)]
    random.Random(seed).shuffle(events)
    assert len(events) > 200
    for start in range(0, len(events), 60):
        store.ingest(events[start : start + 60], NOW)
        knowledge = asyncio.run(online.current())
    assert knowledge.moment == store.moment()
    assert knowledge.changed, "the events were laid over the base"
    whole = store.history().ledger
    # While only some of a history is told, what a customer is at present is noted beside it as known today.
    is_told = pl.col("valid_from_on") < NOW.date()
    whole = replace(whole, customer_history=whole.customer_history.filter(is_told))
    assert all(getattr(whole, name).equals(frame, null_equal=True) for name, frame in ledger.tables())
    landmarks = open_landmarks(ledger, AS_OF)
    batch = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
    assert compute_features(knowledge.history, landmarks).equals(batch, null_equal=True)
    for row in landmarks.head(20).iter_rows(named=True):
        held = knowledge.invoice(row["invoice_id"])
        assert held is not None
        assert held["due_on"] == row["due_on"]
        part = knowledge.part_of(row["customer_id"])
        assert part is not None
        wanted = ledger.invoices.filter(pl.col("customer_id") == row["customer_id"])
        assert part.ledger.invoices.sort("invoice_id").equals(wanted.sort("invoice_id"), null_equal=True)
    store.close()
