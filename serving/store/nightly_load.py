"""The nightly load: the ledger of record replaces earlier loads and keeps what events brought since."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, delete, func, insert, select, update

from features.ledger import Ledger
from features.ledger.ledger import KNOWN_TIMES
from serving.store.database import advance_counter
from serving.store.frames import store_dtypes, value_of_json
from serving.store.known_ids import adopt_awaited, hold_level
from serving.store.mail_signals import forget_signals
from serving.store.merging import fact_frame, merge_table
from serving.store.tables import (
    ERASED_FACTS,
    FACT_COLUMNS,
    FACT_TABLES,
    FACTS,
    FEEDS,
    FOLLOWS_INVOICE,
    INDICATORS,
    STATEMENTS,
    UtcInstant,
    in_chunks,
    key_column,
    owner_of,
)
from serving.store.taking_in import mark_changed, note_statements


@dataclass(frozen=True)
class TableLoad:
    """What a load changed in one table, in rows.

    Attributes:
        added: ids that were unknown.
        corrected: ids known with another content; the ledger of record wins.
        removed: ids of earlier loads that the ledger no longer holds.
        kept_events: ids received by event that the ledger does not hold yet.
        skipped_erased: ids erased on request, not taken in again.
        contradicted: ids of which an event said otherwise than the ledger of record, with the columns.
    """

    added: int
    corrected: int
    removed: int
    kept_events: int
    skipped_erased: int
    contradicted: tuple[str, ...] = ()


def load_tables(connection: Connection, ledger: Ledger, loaded_at: dt.datetime) -> dict[str, TableLoad]:
    """Make the store hold the given ledger and the events it does not know yet; say what changed."""
    given = dict(ledger.tables())
    touched: set[str] = set()
    report: dict[str, TableLoad] = {}
    owners: dict[str, str] = {}
    for table in FACT_TABLES:
        frame = given.get(table)
        if frame is not None:
            report[table], customers = _load_table(connection, table, frame, owners, loaded_at)
            touched |= customers
        loaded = None if frame is None else loaded_at
        _note_feed(connection, table, loaded, _newest(connection, table, loaded_at))
        if table == "invoices":
            owners = _owners(connection)
        elif table in FOLLOWS_INVOICE:
            touched |= _follow_invoices(connection, table, owners)
    hold_level(connection)
    touched |= adopt_awaited(connection, None, owners)
    _note_completeness(connection, ledger.feeds)
    indicators_changed = _load_indicators(connection, ledger.indicators, loaded_at)
    if touched or indicators_changed:
        mark_changed(connection, touched)
    advance_counter(connection, "generation")
    return report


def _newest(connection: Connection, table: str, at: dt.datetime) -> dt.date | None:
    """Return the last day until an instant on which a fact of the table became known; null when it holds none."""
    days: list[dt.date] = []
    for name in KNOWN_TIMES[table]:
        column = FACTS[table].c[name]
        until = at if isinstance(column.type, UtcInstant) else at.date()
        newest = connection.execute(select(func.max(column)).where(column <= until)).scalar()
        if newest is not None:
            days.append(newest.date() if isinstance(newest, dt.datetime) else newest)
    return max(days, default=None)


def _owners(connection: Connection) -> dict[str, str]:
    """Return who owes each known invoice."""
    invoices = FACTS["invoices"]
    rows = connection.execute(select(invoices.c.invoice_id, invoices.c.customer_id))
    return {row[0]: row[1] for row in rows}


def read_event_facts(
    connection: Connection, table: str, held: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what events said of one table and no batch has said: whole facts, and columns of facts of the batch.

    Args:
        connection: of the store.
        table: its name.
        held: its facts in the store, with `origin`.
    """
    events = held.filter(pl.col("origin") == "event").drop("origin")
    said: dict[str, dict[str, Any]] = {}
    rows = connection.execute(
        select(STATEMENTS.c.fact_id, STATEMENTS.c.column_name, STATEMENTS.c.value).where(
            STATEMENTS.c.table_name == table
        )
    )
    for key, column, text in rows:
        said.setdefault(key, {})[column] = json.loads(text)
    dtypes = dict(events.schema)
    statements = pl.DataFrame(
        [
            [
                key if name == key_column(table) else value_of_json(values.get(name), dtype)
                for name, dtype in dtypes.items()
            ]
            for key, values in sorted(said.items())
        ],
        schema=dtypes,
        orient="row",
    )
    return events, statements


def read_held(connection: Connection, table: str) -> pl.DataFrame:
    """Return the facts of one table in the store, with their key and `origin`."""
    facts, key = FACTS[table], key_column(table)
    columns = list(dict.fromkeys([key, *FACT_COLUMNS[table]]))
    return pl.DataFrame(
        [tuple(row) for row in connection.execute(select(*(facts.c[n] for n in columns), facts.c.origin))],
        schema={key: pl.String, **store_dtypes(table), "origin": pl.String},
        orient="row",
    )


def read_erased(connection: Connection, table: str) -> pl.Series:
    """Return the keys of one table that were erased on request."""
    statement = select(ERASED_FACTS.c.fact_id).where(ERASED_FACTS.c.table_name == table)
    return pl.Series(list(connection.execute(statement).scalars()), dtype=pl.String)


def _load_table(
    connection: Connection, table: str, frame: pl.DataFrame, owners: dict[str, str], loaded_at: dt.datetime
) -> tuple[TableLoad, set[str]]:
    key, facts = key_column(table), FACTS[table]
    held = read_held(connection, table)
    columns = held.columns[:-1]
    events, statements = read_event_facts(connection, table, held)
    merged = merge_table(table, fact_frame(table, frame), events, statements, read_erased(connection, table))
    new = merged.batch
    same = held.join(new, on=columns, how="semi", nulls_equal=True)
    different = new.join(same, on=key, how="anti")
    corrected = held.join(different, on=key, how="semi")
    gone = held.join(new, on=key, how="anti")
    removed = gone.filter(pl.col("origin") == "batch")
    for chunk in in_chunks(removed[key].to_list() + corrected[key].to_list()):
        connection.execute(delete(facts).where(facts.c[key].in_(chunk)))
        if table == "emails":
            forget_signals(connection, chunk)
    rows = [_row(table, values, owners, loaded_at) for values in different.iter_rows(named=True)]
    if rows:
        connection.execute(insert(facts), rows)
    confirmed = same.filter(pl.col("origin") == "event")[key].to_list()
    for chunk in in_chunks(confirmed):
        connection.execute(update(facts).where(facts.c[key].in_(chunk)).values(origin="batch"))
    changed = pl.concat([different, corrected.select(columns), removed.select(columns)])
    load = TableLoad(
        added=different.height - corrected.height,
        corrected=corrected.height,
        removed=removed.height,
        kept_events=gone.height - removed.height,
        skipped_erased=merged.erased_count,
        contradicted=merged.contradicted,
    )
    connection.execute(delete(STATEMENTS).where(STATEMENTS.c.table_name == table))
    note_statements(
        connection,
        table,
        [
            (row[key], column, row[column])
            for row in merged.completed.iter_rows(named=True)
            for column in merged.completed.columns
            if column != key
        ],
    )
    return load, _customers_in(table, changed, owners)


def _row(
    table: str, values: dict[str, Any], owners: dict[str, str], loaded_at: dt.datetime
) -> dict[str, Any]:
    row = {**values, "origin": "batch", "received_at": loaded_at}
    if table in FOLLOWS_INVOICE:
        row["customer_id"] = owner_of(table, values, owners)
    return row


def _customers_in(table: str, rows: pl.DataFrame, owners: dict[str, str]) -> set[str]:
    found = {owner_of(table, row, owners) for row in rows.iter_rows(named=True)}
    if table == "customer_merges":
        found |= set(rows["merged_into_id"].to_list())
    return {customer for customer in found if customer is not None}


def _follow_invoices(connection: Connection, table: str, owners: dict[str, str]) -> set[str]:
    """Give what names an invoice to the customer who owes it now; return the customers concerned."""
    facts = FACTS[table]
    of_invoices = facts.c.invoice_id.is_not(None)
    rows = connection.execute(select(facts.c.invoice_id, facts.c.customer_id).where(of_invoices).distinct())
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


def _note_completeness(connection: Connection, feeds: pl.DataFrame | None) -> None:
    """Record through which day the source says that each table is complete; nothing is said without a feeds table."""
    declared = {} if feeds is None else dict(feeds.select("name", "complete_through_on").iter_rows())
    connection.execute(update(FEEDS).values(complete_through_on=None))
    for name, day in sorted(declared.items()):
        values = {"complete_through_on": day}
        if connection.execute(update(FEEDS).where(FEEDS.c.name == name).values(**values)).rowcount == 0:
            connection.execute(insert(FEEDS).values(name=name, is_provided=False, **values))


def _note_feed(connection: Connection, table: str, loaded_at: dt.datetime | None, known_on: Any) -> None:
    values: dict[str, Any] = {"loaded_at": loaded_at, "known_on": known_on}
    if loaded_at is not None:
        values["is_provided"] = True
    if connection.execute(update(FEEDS).where(FEEDS.c.name == table).values(**values)).rowcount == 0:
        connection.execute(
            insert(FEEDS).values(name=table, **{"is_provided": loaded_at is not None, **values})
        )
