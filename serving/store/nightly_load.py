"""The nightly load: the ledger of record replaces earlier loads and keeps what events brought since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, delete, insert, select, update

from features.ledger import Ledger
from features.ledger.ledger import KNOWN_TIMES
from serving.store.database import advance_counter
from serving.store.frames import store_frame
from serving.store.tables import (
    BLANKED,
    ERASED_FACTS,
    FACT_COLUMNS,
    FACTS,
    FEEDS,
    FOLLOWS_INVOICE,
    IDENTIFYING,
    INDICATORS,
)
from serving.store.taking_in import mark_changed

_CHUNK = 500
_FIRST = ("customers", "invoices")


@dataclass(frozen=True)
class TableLoad:
    """What a load changed in one table, in rows.

    Attributes:
        added: ids that were unknown.
        corrected: ids known with another content; the ledger of record wins.
        removed: ids of earlier loads that the ledger no longer holds.
        kept_events: ids received by event that the ledger does not hold yet.
        skipped_erased: ids erased on request, not taken in again.
    """

    added: int
    corrected: int
    removed: int
    kept_events: int
    skipped_erased: int


def load_tables(connection: Connection, ledger: Ledger, loaded_at: dt.datetime) -> dict[str, TableLoad]:
    """Make the store hold the given ledger and the events it does not know yet; say what changed."""
    given = dict(ledger.tables())
    touched: set[str] = set()
    report: dict[str, TableLoad] = {}
    owners: dict[str, str] = {}
    for table in ("customers", "invoices", *(name for name in FACT_COLUMNS if name not in _FIRST)):
        frame = given.get(table)
        if frame is None:
            _note_feed(connection, table, None, None)
        else:
            report[table], customers = _load_table(connection, table, frame, owners, loaded_at)
            touched |= customers
            _note_feed(connection, table, loaded_at, _newest(table, frame))
        if table == "invoices":
            owners = _owners(connection)
        elif table in FOLLOWS_INVOICE:
            touched |= _follow_invoices(connection, table, owners)
    indicators_changed = _load_indicators(connection, ledger.indicators, loaded_at)
    if touched or indicators_changed:
        mark_changed(connection, touched)
    advance_counter(connection, "generation")
    return report


def _newest(table: str, frame: pl.DataFrame) -> dt.date | None:
    """Return the last day on which a fact of the table became known; null when it holds no dated fact."""
    days = [frame.select(pl.col(column).cast(pl.Date).max()).item() for column in KNOWN_TIMES[table]]
    return max((day for day in days if day is not None), default=None)


def _owners(connection: Connection) -> dict[str, str]:
    """Return who owes each known invoice."""
    invoices = FACTS["invoices"]
    rows = connection.execute(select(invoices.c.invoice_id, invoices.c.customer_id))
    return {row[0]: row[1] for row in rows}


def _load_table(
    connection: Connection, table: str, frame: pl.DataFrame, owners: dict[str, str], loaded_at: dt.datetime
) -> tuple[TableLoad, set[str]]:
    columns = list(FACT_COLUMNS[table])
    key = columns[0]
    facts = FACTS[table]
    offered = store_frame(table, frame)
    erased = _erased(connection, table)
    if table == BLANKED:
        is_erased = pl.col(key).is_in(erased[key].implode())
        new = offered.with_columns(
            pl.when(~is_erased).then(pl.col(column)).alias(column) for column in IDENTIFYING
        )
    else:
        new = offered.join(erased, on=key, how="anti")
    held = pl.DataFrame(
        [tuple(row) for row in connection.execute(select(*(facts.c[n] for n in columns), facts.c.origin))],
        schema={**new.schema, "origin": pl.String},
        orient="row",
    )
    same = held.join(new, on=columns, how="semi", nulls_equal=True)
    different = new.join(same, on=key, how="anti")
    corrected = held.join(different, on=key, how="semi")
    gone = held.join(new, on=key, how="anti")
    removed = gone.filter(pl.col("origin") == "batch")
    for chunk in _chunked(removed[key].to_list() + corrected[key].to_list()):
        connection.execute(delete(facts).where(facts.c[key].in_(chunk)))
    rows = [_row(table, values, owners, loaded_at) for values in different.iter_rows(named=True)]
    if rows:
        connection.execute(insert(facts), rows)
    confirmed = same.filter(pl.col("origin") == "event")[key].to_list()
    for chunk in _chunked(confirmed):
        connection.execute(update(facts).where(facts.c[key].in_(chunk)).values(origin="batch"))
    changed = pl.concat([different, corrected.select(columns), removed.select(columns)])
    load = TableLoad(
        added=different.height - corrected.height,
        corrected=corrected.height,
        removed=removed.height,
        kept_events=gone.height - removed.height,
        skipped_erased=offered.height - new.height,
    )
    return load, _customers_in(table, changed, owners)


def _erased(connection: Connection, table: str) -> pl.DataFrame:
    statement = select(ERASED_FACTS.c.fact_id).where(ERASED_FACTS.c.table_name == table)
    keys = list(connection.execute(statement).scalars())
    return pl.DataFrame({FACT_COLUMNS[table][0]: keys}, schema={FACT_COLUMNS[table][0]: pl.String})


def _row(
    table: str, values: dict[str, Any], owners: dict[str, str], loaded_at: dt.datetime
) -> dict[str, Any]:
    row = {**values, "origin": "batch", "received_at": loaded_at}
    if table in FOLLOWS_INVOICE:
        row["customer_id"] = owners.get(values["invoice_id"])
    return row


def _customers_in(table: str, rows: pl.DataFrame, owners: dict[str, str]) -> set[str]:
    if table in FOLLOWS_INVOICE:
        return {owners[key] for key in rows["invoice_id"].to_list() if key in owners}
    return set(rows["customer_id"].to_list())


def _follow_invoices(connection: Connection, table: str, owners: dict[str, str]) -> set[str]:
    """Give payments or disputes to the customer who owes the invoice now; return the customers concerned."""
    facts = FACTS[table]
    rows = connection.execute(select(facts.c.invoice_id, facts.c.customer_id).distinct())
    moved = {row[0]: (row[1], owners.get(row[0])) for row in rows if row[1] != owners.get(row[0])}
    for invoice_id, (_, owner) in sorted(moved.items()):
        connection.execute(update(facts).where(facts.c.invoice_id == invoice_id).values(customer_id=owner))
    return {customer for pair in moved.values() for customer in pair if customer is not None}


def _load_indicators(connection: Connection, indicators: pl.DataFrame | None, loaded_at: dt.datetime) -> bool:
    if indicators is None:
        _note_feed(connection, "indicators", None, None)
        return False
    rows = indicators.sort(["name", "sector", "country", "period", "published_on"], nulls_last=False)
    connection.execute(delete(INDICATORS))
    if rows.height:
        connection.execute(
            insert(INDICATORS), [{**row, "line": line} for line, row in enumerate(rows.iter_rows(named=True))]
        )
    _note_feed(connection, "indicators", loaded_at, rows["published_on"].max() if rows.height else None)
    return True


def _note_feed(connection: Connection, table: str, loaded_at: dt.datetime | None, known_on: Any) -> None:
    values: dict[str, Any] = {"loaded_at": loaded_at, "known_on": known_on}
    if loaded_at is not None:
        values["is_provided"] = True
    if connection.execute(update(FEEDS).where(FEEDS.c.name == table).values(**values)).rowcount == 0:
        connection.execute(
            insert(FEEDS).values(name=table, **{"is_provided": loaded_at is not None, **values})
        )


def _chunked(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
