"""Reads the history as ledger tables: the reading half of the history store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Connection, func, literal, or_, select, union_all

from features.ledger import Ledger, table_dtypes
from features.ledger.receivables import receivable_ids
from features.signal_labels import signals_schema
from serving.store.frames import frame_of
from serving.store.ingest.merging import NAMING_CUSTOMERS, merges_of_known, sound_instalments, with_customers
from serving.store.known_ids import CUSTOMERS
from serving.store.overrides import Overrides
from serving.store.tables import (
    CHANGES,
    COUNTERS,
    FACT_COLUMNS,
    FACTS,
    FEEDS,
    FOLLOWS_INVOICE,
    INDICATORS,
    KNOWN_IDS,
    in_chunks,
)


@dataclass(frozen=True)
class Moment:
    """A moment of the store.

    Attributes:
        change: number of the last change of any history.
        context: number of the last change of anything that the features of other customers are made of.
        generation: number of the last nightly load.
        night: number of the last replacement of the night's scores.
    """

    change: int
    context: int
    generation: int
    night: int


@dataclass(frozen=True)
class HistoryAtMoment:
    """The ledger at one moment of the store, with the overrides then in force and the signals of mails."""

    ledger: Ledger
    moment: Moment
    overrides: Overrides = field(default_factory=dict)
    signals: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=signals_schema()))


@dataclass(frozen=True)
class FeedState:
    """How fresh one kind of fact is.

    Attributes:
        name: ledger table.
        is_provided: false when no source ever delivered this kind: its facts are unknown, not nil.
        loaded_at: instant of the last nightly load that delivered it; null before the first.
        known_on: last day on which a fact of this kind became known, by load or event; null when none did.
        received_at: instant of the last event of this kind; null before the first.
        complete_through_on: day through which the source declares it complete, with the load or by event; null where
            it does not.
    """

    name: str
    is_provided: bool
    loaded_at: dt.datetime | None
    known_on: dt.date | None
    received_at: dt.datetime | None
    complete_through_on: dt.date | None = None


def read_moment(connection: Connection) -> Moment:
    """Return the present moment of the store."""
    statement = select(COUNTERS.c.name, COUNTERS.c.value).where(
        COUNTERS.c.name.in_(field.name for field in fields(Moment))
    )
    rows = dict(tuple(row) for row in connection.execute(statement))
    return Moment(**{field.name: int(rows[field.name]) for field in fields(Moment)})


def read_changed_since(connection: Connection, change: int) -> dict[str, int]:
    """Return the last change of each customer whose history changed after the given one."""
    statement = select(CHANGES.c.customer_id, CHANGES.c.change).where(CHANGES.c.change > change)
    return {row[0]: int(row[1]) for row in connection.execute(statement.order_by(CHANGES.c.customer_id))}


def read_feeds(connection: Connection) -> tuple[FeedState, ...]:
    """Return the freshness of every kind of fact that was ever delivered or declared, sorted by name."""
    columns = [FEEDS.c[name.name] for name in fields(FeedState)]
    rows = connection.execute(select(*columns, FEEDS.c.declared_through_on).order_by(FEEDS.c.name))
    states = ((FeedState(*row[:-1]), row[-1]) for row in rows)
    return tuple(
        replace(state, complete_through_on=_later(state.complete_through_on, declared))
        for state, declared in states
    )


def read_declared_feeds(connection: Connection) -> pl.DataFrame:
    """Return the days through which events declare feeds complete, as the ledger's table of feeds."""
    statement = select(FEEDS.c.name, FEEDS.c.declared_through_on).where(
        FEEDS.c.declared_through_on.is_not(None)
    )
    rows = [tuple(row) for row in connection.execute(statement)]
    return pl.DataFrame(rows, schema=table_dtypes("feeds"), orient="row")


def _later(one: dt.date | None, other: dt.date | None) -> dt.date | None:
    return max((day for day in (one, other) if day is not None), default=None)


def read_pending(connection: Connection) -> dict[str, int]:
    """Return how many instalments, payments and disputes wait for their invoice."""
    return {
        table: int(
            connection.execute(
                select(func.count()).select_from(FACTS[table]).where(FACTS[table].c.customer_id.is_(None))
            ).scalar_one()
        )
        for table in FOLLOWS_INVOICE
    }


def read_pending_of(connection: Connection, invoice_ids: Sequence[str]) -> dict[str, dict[str, pl.DataFrame]]:
    """Return the facts that wait for some invoices, by invoice and table; an invoice without any is left out."""
    found: dict[str, dict[str, pl.DataFrame]] = {}
    for table in FOLLOWS_INVOICE:
        facts = FACTS[table]
        columns = [facts.c[name] for name in FACT_COLUMNS[table]]
        for chunk in in_chunks(invoice_ids):
            waits = facts.c.customer_id.is_(None) & facts.c.invoice_id.in_(chunk)
            frame = frame_of(table, [tuple(row) for row in connection.execute(select(*columns).where(waits))])
            for (invoice_id,), part in frame.partition_by("invoice_id", as_dict=True).items():
                found.setdefault(str(invoice_id), {})[table] = part
    return found


def read_ledger_tables(
    connection: Connection, customer_ids: Sequence[str] | None = None, *, with_mail_texts: bool = True
) -> Ledger:
    """Return the ledger of all customers, or of the given ones.

    Without the texts of e-mails, which are most of a store, subjects and bodies are empty.

    Customers who have facts but were never described are derived: id only, everything else unknown. Instalments,
    payments and disputes that wait for their invoice are left out, and so are instalments that do not make up their
    invoice, and merges of customers nobody knows. A merge belongs to both its customers. Indicators and feeds are
    always complete.
    """
    feeds = read_feeds(connection)
    provided = {feed.name for feed in feeds if feed.is_provided}
    tables: dict[str, pl.DataFrame] = {}
    for table in FACT_COLUMNS:
        frame = frame_of(table, _rows(connection, table, customer_ids, with_mail_texts=with_mail_texts))
        if table in {"customers", "invoices", "payments"} or table in provided:
            tables[table] = frame
    if "instalments" in tables:
        tables["instalments"] = _sound(connection, tables["instalments"], tables["invoices"], customer_ids)
    if "customer_merges" in tables:
        tables["customer_merges"] = _of_known(connection, tables["customer_merges"])
    tables["customers"] = _with_derived_customers(connection, tables["customers"], customer_ids)
    if "indicators" in provided:
        tables["indicators"] = _indicators(connection)
    declared = [(feed.name, feed.complete_through_on) for feed in feeds if feed.complete_through_on]
    if declared:
        tables["feeds"] = pl.DataFrame(declared, schema=table_dtypes("feeds"), orient="row")
    return Ledger.from_tables(tables)


def _rows(
    connection: Connection, table: str, customer_ids: Sequence[str] | None, *, with_mail_texts: bool
) -> list[Sequence[Any]]:
    facts = FACTS[table]
    unread = () if with_mail_texts or table != "emails" else ("subject", "body")
    statement = select(
        *(literal("").label(name) if name in unread else facts.c[name] for name in FACT_COLUMNS[table])
    )
    if customer_ids is None:
        if table in FOLLOWS_INVOICE:
            statement = statement.where(facts.c.customer_id.is_not(None))
        return [tuple(row) for row in connection.execute(statement)]
    rows: list[Sequence[Any]] = []
    for chunk in in_chunks(customer_ids):
        of_them: ColumnElement[bool] = facts.c.customer_id.in_(chunk)
        if table == "customer_merges":
            of_them = or_(of_them, facts.c.merged_into_id.in_(chunk))
        rows += [tuple(row) for row in connection.execute(statement.where(of_them))]
    # A merge is found by both its customers.
    return list(dict.fromkeys(rows)) if table == "customer_merges" else rows


def _sound(
    connection: Connection, parts: pl.DataFrame, invoices: pl.DataFrame, customer_ids: Sequence[str] | None
) -> pl.DataFrame:
    """The instalments that make up their invoice; an invoice of another customer may have the id of one of them."""
    if customer_ids is not None and not parts.is_empty():
        facts, ids = FACTS["invoices"], parts.select(receivable_ids()).to_series().to_list()
        columns = [facts.c[name] for name in FACT_COLUMNS["invoices"]]
        for chunk in in_chunks(ids):
            taken = connection.execute(select(*columns).where(facts.c.invoice_id.in_(chunk)))
            invoices = pl.concat([invoices, frame_of("invoices", [tuple(row) for row in taken])])
        invoices = invoices.unique("invoice_id")
    return sound_instalments(parts, invoices)


def _of_known(connection: Connection, merges: pl.DataFrame) -> pl.DataFrame:
    """The merges of two customers that are both known."""
    ids = pl.concat([merges["customer_id"], merges["merged_into_id"]]).unique().to_list()
    known: list[str] = []
    for chunk in in_chunks(ids):
        is_it = (KNOWN_IDS.c.kind == CUSTOMERS) & KNOWN_IDS.c.id.in_(chunk)
        known += connection.execute(select(KNOWN_IDS.c.id).where(is_it)).scalars()
    return merges_of_known(merges, pl.Series(known, dtype=pl.String))


def _with_derived_customers(
    connection: Connection, customers: pl.DataFrame, customer_ids: Sequence[str] | None
) -> pl.DataFrame:
    named = union_all(*(select(FACTS[table].c.customer_id) for table in NAMING_CUSTOMERS)).subquery()
    ids: Iterable[str]
    if customer_ids is None:
        statement = select(named.c.customer_id).where(named.c.customer_id.is_not(None)).distinct()
        ids = connection.execute(statement).scalars()
    else:
        described = set(customers["customer_id"].to_list())
        ids = _present(connection, [key for key in customer_ids if key not in described])
    missing = sorted(set(ids) - set(customers["customer_id"].to_list()))
    return with_customers(customers, pl.Series(missing, dtype=pl.String))


def _present(connection: Connection, customer_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for table in NAMING_CUSTOMERS:
        column = FACTS[table].c.customer_id
        for chunk in in_chunks(customer_ids):
            found |= set(connection.execute(select(column).where(column.in_(chunk)).distinct()).scalars())
    return found


def _indicators(connection: Connection) -> pl.DataFrame:
    dtypes = table_dtypes("indicators")
    rows = connection.execute(select(*(INDICATORS.c[name] for name in dtypes)).order_by(INDICATORS.c.line))
    return pl.DataFrame([tuple(row) for row in rows], schema=dtypes, orient="row")
