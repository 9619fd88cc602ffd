"""The one rule by which the ledger of record and the facts of events become one ledger. Pure: frames in, frames out.

For an id that both hold the batch wins. What the batch leaves open and may be filled in later (the closing day of a
dispute, the cancellation of an invoice, what is not known of a customer) is taken from the event. Where the event says
otherwise the difference is reported. Facts of events that the batch does not hold stay. What was erased on request is
not taken in again; of a customer only what identifies is left blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from features.ids import resolved_ids
from features.ledger import KEYS, Ledger, table_dtypes
from serving.store.facts import COMPLETED_LATER
from serving.store.frames import ledger_column, ledger_frame, store_frame
from serving.store.tables import (
    BLANKED,
    FACT_COLUMNS,
    FACT_TABLES,
    FOLLOWS_INVOICE,
    IDENTIFYING,
    fact_keys,
    key_column,
    store_column,
)

_SHOWN: Final = 3
#: Tables whose facts make a customer known that was never described; a payment counts when it is on account.
NAMING_CUSTOMERS: Final = ("invoices", "payments", "emails", "interactions")


@dataclass(frozen=True)
class EventFacts:
    """What events said and no batch has said yet, as store frames with their key column.

    Attributes:
        facts: whole facts, by table.
        statements: single columns of facts that the batch holds, by table; null is not stated.
        feeds: days through which feeds are declared complete, in the columns of the ledger.
    """

    facts: Mapping[str, pl.DataFrame]
    statements: Mapping[str, pl.DataFrame]
    feeds: pl.DataFrame


@dataclass(frozen=True)
class MergedTable:
    """One table after the merge.

    Attributes:
        batch: the rows of the batch, completed by what events said, without what was erased.
        events: the rows that only events hold.
        completed: what events said in place of a null of the batch: key, and the column where it was filled in.
        contradicted: ids of which an event says otherwise than the batch, with the columns; the batch wins.
        erased_count: rows of the batch not taken in because they were erased on request.
    """

    batch: pl.DataFrame
    events: pl.DataFrame
    completed: pl.DataFrame
    contradicted: tuple[str, ...]
    erased_count: int


def fact_frame(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a ledger table as the store keeps it, with its key column first."""
    columns = list(dict.fromkeys([key_column(table), *FACT_COLUMNS[table]]))
    return store_frame(table, frame).with_columns(fact_keys(table)).select(columns)


def fillable_columns(table: str) -> tuple[str, ...]:
    """Return the columns that an event may fill in where the batch says nothing."""
    if table == BLANKED:
        return tuple(column for column in FACT_COLUMNS[table] if column not in KEYS[table])
    return tuple(store_column(table, column) for column in COMPLETED_LATER.get(table, ()))


def merge_table(
    table: str, batch: pl.DataFrame, events: pl.DataFrame, statements: pl.DataFrame, erased: pl.Series
) -> MergedTable:
    """Merge the facts of one table.

    Args:
        table: its name.
        batch: the ledger of record, as `fact_frame` gives it.
        events: whole facts that came by event and no batch has held, in the same columns.
        statements: what events said of facts that a batch has held, in the same columns; null is not stated.
        erased: keys erased on request.
    """
    key, columns = key_column(table), FACT_COLUMNS[table]
    is_erased = pl.col(key).is_in(erased.implode())
    offered = batch if table == BLANKED else batch.filter(~is_erased)
    if table == BLANKED:  # "not strategic" is what a source writes that does not know: a person's word stays
        offered = offered.with_columns(is_strategic=pl.when("is_strategic").then(pl.lit(value=True)))
    said = pl.concat([events, statements]).join(offered, on=key, how="semi")
    fillable = fillable_columns(table)
    both = offered.join(
        said.rename({column: f"\0said {column}" for column in columns if column != key}),
        on=key,
        how="left",
        validate="1:1",
        maintain_order="left",
    )
    is_filled = {
        column: pl.col(column).is_null() & pl.col(f"\0said {column}").is_not_null() for column in fillable
    }
    merged = both.with_columns(pl.coalesce(column, f"\0said {column}").alias(column) for column in fillable)
    differing = [
        pl.when(
            pl.col(f"\0said {column}").is_not_null() & pl.col(f"\0said {column}").ne_missing(pl.col(column))
        )
        .then(pl.lit(ledger_column(column)))
        .otherwise(None)
        .alias(column)
        for column in columns
        if column != key
    ]
    contradictions = merged.select(pl.col(key).alias("\0key"), *differing).filter(
        pl.any_horizontal(pl.exclude("\0key").is_not_null())
    )
    contradicted = [
        f"{row[0]} ({', '.join(name for name in row[1:] if name is not None)})"
        for row in contradictions.iter_rows()
    ]
    completed = both.select(
        key, *(pl.when(is_filled[column]).then(f"\0said {column}").alias(column) for column in fillable)
    ).filter(
        pl.any_horizontal(*(pl.col(column).is_not_null() for column in fillable))
        if fillable
        else pl.lit(value=False)
    )
    rows, own = merged.select(batch.columns), events.join(offered, on=key, how="anti")
    if table == BLANKED:
        rows = rows.with_columns(pl.col("is_strategic").fill_null(value=False))
        rows, own = (
            frame.with_columns(
                pl.when(~is_erased).then(pl.col(column)).alias(column) for column in IDENTIFYING
            )
            for frame in (rows, own)
        )
    return MergedTable(rows, own, completed, tuple(sorted(contradicted)), batch.height - offered.height)


def merge_facts(
    batch: Ledger, events: EventFacts, erased: Mapping[str, pl.Series]
) -> tuple[Ledger, dict[str, MergedTable]]:
    """Merge a ledger of record with the facts of events into the ledger that counts, and say what became of each table.

    Facts of events whose invoice is not known wait: they are not in the ledger. Customers that are only named are in it
    by their id. A feed is complete through the later day of the two; indicators are those of the batch.

    Args:
        batch: the checked ledger of record.
        events: what events said and no batch has said yet.
        erased: keys erased on request, by table.
    """
    given = dict(batch.tables())
    merged: dict[str, MergedTable] = {}
    whole: dict[str, pl.DataFrame] = {}
    for table in FACT_TABLES:
        frame, own = given.get(table), events.facts[table]
        if frame is None and own.is_empty():
            continue
        held = fact_frame(table, pl.DataFrame(schema=table_dtypes(table)) if frame is None else frame)
        merged[table] = merge_table(table, held, own, events.statements[table], erased[table])
        whole[table] = pl.concat([merged[table].batch, merged[table].events])
    invoices = whole["invoices"]["invoice_id"]
    for table in FOLLOWS_INVOICE:
        if table in whole:
            named, _ = resolved_ids(whole[table]["invoice_id"], invoices)
            known = named.is_null() | named.is_in(invoices.implode())
            whole[table] = whole[table].with_columns(named.alias("invoice_id")).filter(known)
    tables = {table: ledger_frame(table, frame) for table, frame in whole.items()}
    tables["customers"] = with_named_customers(tables["customers"], tables)
    shared = {name: frame for name, frame in given.items() if name not in FACT_TABLES}
    declared = [frame for frame in (given.get("feeds"), events.feeds) if frame is not None and frame.height]
    if declared:
        latest = pl.concat(declared).group_by("name").agg(pl.col("complete_through_on").max())
        shared["feeds"] = latest.sort("name")
    return Ledger.from_tables({**tables, **shared}), merged


def with_named_customers(customers: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the customers with those that other tables name: id only, everything else unknown."""
    named = [tables[name]["customer_id"] for name in NAMING_CUSTOMERS if name in tables]
    ids = pl.concat(named).drop_nulls().unique() if named else pl.Series(dtype=pl.String)
    return with_customers(customers, ids.filter(~ids.is_in(customers["customer_id"].implode())))


def with_customers(customers: pl.DataFrame, missing: pl.Series) -> pl.DataFrame:
    """Return the customers with these ids, of which nothing else is known."""
    if missing.is_empty():
        return customers
    dtypes = table_dtypes("customers")
    derived = missing.alias("customer_id").to_frame().with_columns(is_strategic=pl.lit(value=False))
    filled = derived.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in dtypes.items() if name not in derived.columns
    ).select(list(dtypes))
    return pl.concat([customers, filled]).sort("customer_id")


def examples_of(contradicted: tuple[str, ...]) -> str:
    """Return the first contradicted ids, for a report."""
    shown = ", ".join(contradicted[:_SHOWN])
    return f"{shown}, ..." if len(contradicted) > _SHOWN else shown
