"""Reads the facts that came by event, for the merge with a ledger of record."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from features.ledger import Ledger
from serving.store.frames import store_dtypes, value_of_json
from serving.store.ingest.attribute_history import DATED_COLUMNS, NOTHING_KNOWN
from serving.store.ingest.customer_history import first_named_days
from serving.store.ingest.merging import HISTORY, EventFacts
from serving.store.reading import read_declared_feeds
from serving.store.tables import (
    BLANKED,
    ERASED_FACTS,
    FACT_COLUMNS,
    FACT_TABLES,
    FACTS,
    FEEDS,
    STATEMENTS,
    key_column,
)


def read_events(connection: Connection, batch: Ledger) -> EventFacts:
    """Return the facts and values of events that a batch does not replace.

    All rows of a table that the ledger of record does not deliver stay.

    Args:
        connection: of the store.
        batch: the ledger of record with which it is to be merged.
    """
    delivered = {name for name, _ in batch.tables()}
    facts: dict[str, pl.DataFrame] = {}
    statements: dict[str, pl.DataFrame] = {}
    for table in FACT_TABLES:
        stored = read_stored(connection, table)
        facts[table], statements[table] = read_event_facts(connection, table, stored)
        if table not in delivered:
            facts[table] = stored.drop("origin")
        if table == HISTORY:
            facts[table] = stored
    provided = connection.execute(select(FEEDS.c.name).where(FEEDS.c.is_provided)).scalars()
    before = read_before(connection, batch.customers["customer_id"])
    return EventFacts(facts, statements, read_declared_feeds(connection), before, frozenset(provided))


def read_event_facts(
    connection: Connection, table: str, stored: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what came by event for one table and is in no batch: whole facts, and values for facts of the batch.

    Args:
        connection: of the store.
        table: its name.
        stored: its facts in the store, with `origin`.
    """
    events = stored.filter(pl.col("origin") == "event").drop("origin")
    stated: dict[str, dict[str, Any]] = {}
    rows = connection.execute(
        select(STATEMENTS.c.fact_id, STATEMENTS.c.column_name, STATEMENTS.c.value).where(
            STATEMENTS.c.table_name == table
        )
    )
    for key, column, text in rows:
        stated.setdefault(key, {})[column] = json.loads(text)
    dtypes = dict(events.schema)
    statements = pl.DataFrame(
        [
            [
                key if name == key_column(table) else value_of_json(values.get(name), dtype)
                for name, dtype in dtypes.items()
            ]
            for key, values in sorted(stated.items())
        ],
        schema=dtypes,
        orient="row",
    )
    return events, statements


def read_before(connection: Connection, loaded_ids: pl.Series) -> pl.DataFrame:
    """Return the customers as they are known before a load: id, dated attributes, day on which each was first known.

    Args:
        connection: of the store.
        loaded_ids: the customers of the load: one that facts name and nobody described was known by its id.
    """
    customers = FACTS[BLANKED]
    columns = [customers.c[name] for name in ("customer_id", *DATED_COLUMNS)]
    dtypes = store_dtypes(BLANKED)
    schema = {name: dtypes[name] for name in ("customer_id", *DATED_COLUMNS)} | {"since_on": pl.Date()}
    rows = [
        (*row[:-1], row[-1].date()) for row in connection.execute(select(*columns, customers.c.received_at))
    ]
    new = sorted(set(loaded_ids) - {row[0] for row in rows})
    unknown = tuple(NOTHING_KNOWN[name] for name in DATED_COLUMNS)
    rows += [(key, *unknown, day) for key, day in sorted(first_named_days(connection, new).items())]
    return pl.DataFrame(rows, schema=schema, orient="row")


def read_stored(connection: Connection, table: str) -> pl.DataFrame:
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
