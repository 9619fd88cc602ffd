"""The nightly load: the ledger of record replaces earlier loads; facts of events that it does not contain remain."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from sqlalchemy import Connection, delete, func, insert, select, update

from features.ledger import Ledger, table_dtypes
from features.ledger.ledger import KNOWN_TIMES
from serving.store.database import advance_counter
from serving.store.frames import ledger_frame
from serving.store.ingest.event_facts import read_before, read_erased, read_event_facts, read_stored
from serving.store.ingest.facts import mark_changed, note_statements
from serving.store.ingest.merging import (
    HISTORY,
    MergedTable,
    agreeing_customers,
    fact_frame,
    merge_history,
    merge_table,
    sound_instalments,
    without_circles,
)
from serving.store.known_ids import attach_pending, has_pending, rebuild_known_ids
from serving.store.mail_signals import forget_signals
from serving.store.tables import (
    BLANKED,
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


@dataclass(frozen=True)
class TableLoad:
    """What a load changed in one table, in rows.

    Attributes:
        added: ids that were unknown.
        corrected: ids known with another content; the ledger of record wins.
        removed: ids of earlier loads that the ledger no longer contains.
        kept_events: ids received by event that the ledger does not contain yet.
        skipped_erased: ids erased on request, not loaded again.
        contradicted: ids for which an event differs from the ledger of record, with the columns.
    """

    added: int
    corrected: int
    removed: int
    kept_events: int
    skipped_erased: int
    contradicted: tuple[str, ...] = ()


def load_tables(connection: Connection, ledger: Ledger, loaded_at: dt.datetime) -> dict[str, TableLoad]:
    """Load a ledger of record, merged with the events it does not contain; return what changed by table."""
    given = dict(ledger.tables())
    touched: set[str] = set()
    report: dict[str, TableLoad] = {}
    owners: dict[str, str] = {}
    before = read_before(connection, ledger.customers["customer_id"])
    for table in FACT_TABLES:
        frame = given.get(table)
        if table == HISTORY:
            load, customers = _load_history(connection, frame, before, loaded_at)
            if frame is not None or customers:
                report[table] = load
            touched |= customers
        elif frame is not None:
            report[table], customers = _load_table(
                connection, table, frame, owners, loaded_at, given.get(HISTORY)
            )
            touched |= customers
        loaded = None if frame is None else loaded_at
        _note_feed(connection, table, loaded, _newest(connection, table, loaded_at))
        if table == "invoices":
            owners = _owners(connection)
            if has_pending(connection):  # what waited is compared with the batch under the id that it meant
                rebuild_known_ids(connection)
                touched |= attach_pending(connection, None, owners)
        elif table in FOLLOWS_INVOICE:
            touched |= _follow_invoices(connection, table, owners)
    rebuild_known_ids(connection)
    touched |= attach_pending(connection, None, owners)
    _note_completeness(connection, ledger.feeds)
    if "instalments" in report:
        report["instalments"] = _with_unsound(connection, report["instalments"])
    indicators_changed = _load_indicators(connection, ledger.indicators, loaded_at)
    if touched or indicators_changed:
        mark_changed(connection, touched)
    advance_counter(connection, "generation")
    return report


def _newest(connection: Connection, table: str, at: dt.datetime) -> dt.date | None:
    """Return the last day until an instant on which a fact of the table became known; null when it contains none."""
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


def _load_history(
    connection: Connection, frame: pl.DataFrame | None, before: pl.DataFrame, loaded_at: dt.datetime
) -> tuple[TableLoad, set[str]]:
    """Load the history of customers, and note what the load of the customers has changed."""
    facts, key = FACTS[HISTORY], key_column(HISTORY)
    stored = read_stored(connection, HISTORY)
    empty = pl.DataFrame(schema=table_dtypes(HISTORY))
    batch = fact_frame(HISTORY, empty if frame is None else frame)
    beside = stored if frame is None else stored.filter(pl.col("origin") != "batch")
    after = read_stored(connection, BLANKED).drop("origin")
    whole, contradicted = merge_history(batch, beside, before, after, loaded_at.astimezone(dt.UTC).date())
    gone = stored.join(whole, on=stored.columns, how="anti", nulls_equal=True)
    new = whole.join(stored, on=stored.columns, how="anti", nulls_equal=True)
    for chunk in in_chunks(gone[key].to_list()):
        connection.execute(delete(facts).where(facts.c[key].in_(chunk)))
    if new.height:
        rows = [{**row, "received_at": loaded_at} for row in new.iter_rows(named=True)]
        connection.execute(insert(facts), rows)
    content = stored.drop("origin").columns
    changed = pl.concat(
        [
            new.join(gone, on=content, how="anti", nulls_equal=True),
            gone.join(new, on=content, how="anti", nulls_equal=True),
        ]
    )
    corrected = new.join(gone, on=key, how="semi").join(changed, on=key, how="semi").height
    load = TableLoad(
        added=new.join(stored, on=key, how="anti").height,
        corrected=corrected,
        removed=gone.join(whole, on=key, how="anti").height,
        kept_events=whole.filter(pl.col("origin") == "event").height,
        skipped_erased=0,
        contradicted=contradicted,
    )
    return load, set(changed["customer_id"].to_list())


def _with_unsound(connection: Connection, load: TableLoad) -> TableLoad:
    """Name the invoices whose instalments by event do not make them up: they are due as a whole."""
    stored = read_stored(connection, "instalments").filter(pl.col("origin") == "event")
    if stored.is_empty():
        return load
    invoices = ledger_frame("invoices", read_stored(connection, "invoices"))
    parts = ledger_frame("instalments", stored).join(invoices, on="invoice_id", how="semi")
    sound = sound_instalments(parts, invoices)
    unsound = parts.join(sound, on="invoice_id", how="anti")["invoice_id"].unique().sort()
    named = tuple(f"{invoice_id} (instalments)" for invoice_id in unsound)
    return replace(load, contradicted=(*load.contradicted, *named))


def _merged(
    connection: Connection,
    table: str,
    batch: pl.DataFrame,
    stored: pl.DataFrame,
    history: pl.DataFrame | None,
) -> MergedTable:
    """What the one rule makes of a table."""
    events, statements = read_event_facts(connection, table, stored)
    merged = merge_table(table, batch, events, statements, read_erased(connection, table))
    if table == BLANKED and history is not None:
        return replace(merged, batch=agreeing_customers(merged.batch, fact_frame(HISTORY, history)))
    if table == "customer_merges":
        kept, left_out = without_circles(merged.batch, merged.events)
        return replace(merged, events=kept, contradicted=(*merged.contradicted, *left_out))
    return merged


def _load_table(
    connection: Connection,
    table: str,
    frame: pl.DataFrame,
    owners: dict[str, str],
    loaded_at: dt.datetime,
    history: pl.DataFrame | None,
) -> tuple[TableLoad, set[str]]:
    key, facts = key_column(table), FACTS[table]
    stored = read_stored(connection, table)
    columns = stored.columns[:-1]
    merged = _merged(connection, table, fact_frame(table, frame), stored, history)
    new = merged.batch
    same = stored.join(new, on=columns, how="semi", nulls_equal=True)
    different = new.join(same, on=key, how="anti")
    corrected = stored.join(different, on=key, how="semi")
    gone = stored.join(new, on=key, how="anti")
    removed = gone.join(merged.events, on=key, how="anti")  # of the batch, or overruled by it
    first_received = _first_received(connection, corrected[key]) if table == BLANKED else {}
    for chunk in in_chunks(removed[key].to_list() + corrected[key].to_list()):
        connection.execute(delete(facts).where(facts.c[key].in_(chunk)))
        if table == "emails":
            forget_signals(connection, chunk)
    rows = [
        _row(table, values, owners, first_received.get(values[key], loaded_at))
        for values in different.iter_rows(named=True)
    ]
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


def _first_received(connection: Connection, ids: pl.Series) -> dict[str, dt.datetime]:
    """When each of these customers was first described: a correction does not make it a new one."""
    customers = FACTS[BLANKED]
    found: dict[str, dt.datetime] = {}
    for chunk in in_chunks(ids.to_list()):
        statement = select(customers.c.customer_id, customers.c.received_at)
        rows = connection.execute(statement.where(customers.c.customer_id.in_(chunk)))
        found |= {row[0]: row[1] for row in rows}
    return found


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
    """Record that a table was loaded; one that contains a fact is provided, whoever delivered it."""
    values: dict[str, Any] = {"loaded_at": loaded_at, "known_on": known_on}
    is_provided = loaded_at is not None or known_on is not None
    if is_provided:
        values["is_provided"] = True
    if connection.execute(update(FEEDS).where(FEEDS.c.name == table).values(**values)).rowcount == 0:
        connection.execute(insert(FEEDS).values(name=table, **{"is_provided": is_provided, **values}))
