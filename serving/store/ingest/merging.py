"""The one rule by which the ledger of record and the facts of events become one ledger. Pure: frames in, frames out.

For an id that both contain, the batch wins. Columns that are null in the batch and may be completed later (the closing
day of a dispute, the cancellation of an invoice, what is unknown of a customer) are taken from the event. A difference
between event and batch is reported. Facts of events that the batch does not contain remain. What was erased on request
is not loaded again; of a customer only what identifies is left blank.

Three tables are more than their rows. The instalments of an invoice and the history of a customer are those of the
batch as soon as it contains one row of them; merges by event that make a circle with those of the batch are left out.
Where the batch contains no history of a customer, a changed attribute makes a row of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from features.ids import resolved_ids
from features.ledger import KEYS, Ledger, table_dtypes
from features.ledger.customers_at import customers_at, in_circles
from features.ledger.table_rules import broken_instalment_rules
from serving.store.facts import COMPLETED_LATER
from serving.store.frames import ledger_column, ledger_frame, store_frame
from serving.store.ingest.attribute_history import DATED_COLUMNS, Described, HistoryRow, dated, with_change
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
HISTORY: Final = "customer_history"
#: Tables whose rows count together: the column that says what they belong to.
_WHOLE: Final = {"instalments": "invoice_id"}
#: Tables whose facts make a customer known that was never described; a payment counts when it is on account.
NAMING_CUSTOMERS: Final = ("invoices", "payments", "emails", "interactions")


@dataclass(frozen=True)
class EventFacts:
    """Facts and single values that came by event and that no batch contains, as store frames with their key column.

    Attributes:
        facts: whole facts, by table: every row of a table that the batch does not deliver; of `customer_history`
            every row, with its `origin`.
        statements: single columns of facts in the batch, by table; null: the event gave no value.
        feeds: days through which feeds are declared complete, in the columns of the ledger.
        before: the customers as they were known before the merge: id, dated attributes, and `since_on`, the day on
            which each was first known.
        provided: tables that a source has delivered, be it without a row.
    """

    facts: Mapping[str, pl.DataFrame]
    statements: Mapping[str, pl.DataFrame]
    feeds: pl.DataFrame
    before: pl.DataFrame
    provided: frozenset[str]


@dataclass(frozen=True)
class MergedTable:
    """One table after the merge.

    Attributes:
        batch: the rows of the batch, completed by events, without what was erased.
        events: the rows that only events contain.
        completed: values of events in place of nulls of the batch: key, and the columns filled in.
        contradicted: ids for which an event differs from the batch, with the columns; the batch wins.
        erased_count: rows of the batch left out because they were erased on request.
    """

    batch: pl.DataFrame
    events: pl.DataFrame
    completed: pl.DataFrame
    contradicted: tuple[str, ...]
    erased_count: int


def fact_frame(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a ledger table in the columns of the store, its key column first."""
    columns = list(dict.fromkeys([key_column(table), *FACT_COLUMNS[table]]))
    return store_frame(table, frame).with_columns(fact_keys(table)).select(columns)


def fillable_columns(table: str) -> tuple[str, ...]:
    """Return the columns that an event may fill in where the batch has null."""
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
        events: whole facts that came by event and are in no batch, in the same columns.
        statements: values that events gave for facts of a batch, in the same columns; null: no value was given.
        erased: keys erased on request.
    """
    key, columns = key_column(table), FACT_COLUMNS[table]
    is_erased = pl.col(key).is_in(erased.implode())
    offered = batch if table == BLANKED else batch.filter(~is_erased)
    if table == BLANKED:  # a source that does not know writes "not strategic": what an event stated stays
        offered = offered.with_columns(is_strategic=pl.when("is_strategic").then(pl.lit(value=True)))
    stated = pl.concat([events, statements]).join(offered, on=key, how="semi")
    fillable = fillable_columns(table)
    both = offered.join(
        stated.rename({column: f"\0event {column}" for column in columns if column != key}),
        on=key,
        how="left",
        validate="1:1",
        maintain_order="left",
    )
    is_filled = {
        column: pl.col(column).is_null() & pl.col(f"\0event {column}").is_not_null() for column in fillable
    }
    merged = both.with_columns(pl.coalesce(column, f"\0event {column}").alias(column) for column in fillable)
    differing = [
        pl.when(
            pl.col(f"\0event {column}").is_not_null() & pl.col(f"\0event {column}").ne_missing(pl.col(column))
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
        key, *(pl.when(is_filled[column]).then(f"\0event {column}").alias(column) for column in fillable)
    ).filter(
        pl.any_horizontal(*(pl.col(column).is_not_null() for column in fillable))
        if fillable
        else pl.lit(value=False)
    )
    rows, own = merged.select(batch.columns), events.join(offered, on=key, how="anti")
    if table in _WHOLE:
        whole = _WHOLE[table]
        beside = own.join(offered, on=whole, how="semi")
        contradicted += [f"{name} ({KEYS[table][-1]})" for name in beside[key]]
        own = own.join(offered, on=whole, how="anti")
    if table == BLANKED:
        rows = rows.with_columns(pl.col("is_strategic").fill_null(value=False))
        rows, own = (
            frame.with_columns(
                pl.when(~is_erased).then(pl.col(column)).alias(column) for column in IDENTIFYING
            )
            for frame in (rows, own)
        )
    return MergedTable(rows, own, completed, tuple(sorted(contradicted)), batch.height - offered.height)


def agreeing_customers(customers: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """Return customers that agree with the newest row of their history, which wins. Both as store frames."""
    concerned = customers.join(history, on="customer_id", how="semi")
    if concerned.is_empty():
        return customers
    described = customers_at(ledger_frame(BLANKED, concerned), ledger_frame(HISTORY, history))
    now = fact_frame(BLANKED, described).select(customers.columns)
    return pl.concat([customers.join(concerned, on="customer_id", how="anti"), now])


def merge_history(
    batch: pl.DataFrame, stored: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, day: dt.date
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Merge the histories of customers' attributes, with a row for each customer that changed.

    Args:
        batch: the history of the ledger of record, as `fact_frame` gives it.
        stored: rows that the store contains and the batch does not replace, in the same columns, with `origin`.
        before: the customers as they were known before, as in `EventFacts`.
        after: the customers after the merge, as a store frame.
        day: the day on which the change became known.

    Returns:
        The history with `origin`, and the statements of events that the batch overrules.
    """
    given = batch.with_columns(origin=pl.lit("batch"))
    replaced, kept = (stored.join(batch, on="customer_id", how=how) for how in ("semi", "anti"))
    stated = replaced.filter(pl.col("origin") == "event")
    overruled = stated.join(batch, on=batch.columns, how="anti", nulls_equal=True)
    contradicted = tuple(f"{key} (valid_from_on)" for key in overruled[key_column(HISTORY)].sort())
    is_today = pl.col("customer_id").is_in(
        kept.filter(pl.col("valid_from_on") == day)["customer_id"].implode()
    )
    known = before.rename({name: f"\0before {name}" for name in DATED_COLUMNS})
    moved = after.join(known, on="customer_id", how="inner", validate="1:1").filter(
        is_today
        | pl.any_horizontal([pl.col(name).ne_missing(pl.col(f"\0before {name}")) for name in DATED_COLUMNS])
    )
    moved = moved.join(batch, on="customer_id", how="anti")
    histories: dict[str, dict[dt.date, HistoryRow]] = {}
    for row in kept.join(moved, on="customer_id", how="semi").iter_rows(named=True):
        histories.setdefault(row["customer_id"], {})[row["valid_from_on"]] = HistoryRow(
            dated(row), row["origin"]
        )
    made = []
    for row in moved.iter_rows(named=True):
        earlier = {name: row[f"\0before {name}"] for name in DATED_COLUMNS}
        customer_id = row["customer_id"]
        history = with_change(
            histories.get(customer_id, {}), Described(earlier, row["since_on"]), dated(row), day
        )
        made += [
            {"customer_id": customer_id, "valid_from_on": each, **found.attributes, "origin": found.origin}
            for each, found in history.items()
        ]
    columns = {name: dtype for name, dtype in stored.schema.items() if name != key_column(HISTORY)}
    noted = pl.DataFrame(made, schema=columns).with_columns(fact_keys(HISTORY)).select(stored.columns)
    unmoved = kept.join(moved, on="customer_id", how="anti")
    return pl.concat([given.select(stored.columns), unmoved, noted]), contradicted


def without_circles(merges: pl.DataFrame, events: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the merges by event that make no circle with the others, and the ids of those that do.

    Args:
        merges: the merges of the batch, as a store frame.
        events: those that only events contain.
    """
    circles = in_circles(pl.concat([merges, events.select(merges.columns)]))
    is_circle = pl.col("customer_id").is_in(pl.Series(circles, dtype=pl.String).implode())
    left_out = events.filter(is_circle)["customer_id"].sort()
    return events.filter(~is_circle), tuple(f"{name} (merged_into_id)" for name in left_out)


def sound_instalments(instalments: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """Return the instalments that make up their invoice; where they do not, it is due as a whole.

    Args:
        instalments: in the ledger's columns, of these invoices.
        invoices: at least the invoices named, and those that have the id of a receivable.
    """
    if instalments.is_empty():
        return instalments
    return instalments.join(broken_instalment_rules(instalments, invoices), on="invoice_id", how="anti")


def merges_of_known(merges: pl.DataFrame, customer_ids: pl.Series) -> pl.DataFrame:
    """Return the merges of two customers that are both known."""
    known = customer_ids.implode()
    return merges.filter(pl.col("customer_id").is_in(known) & pl.col("merged_into_id").is_in(known))


def merge_facts(
    batch: Ledger, events: EventFacts, erased: Mapping[str, pl.Series], day: dt.date
) -> tuple[Ledger, dict[str, MergedTable]]:
    """Merge a ledger of record with the facts of events into the ledger that counts, and say what became of each table.

    Facts of events whose invoice is not known wait: they are not in the ledger. Customers that are only named are in it
    by their id. A feed is complete through the later day of the two; indicators are those of the batch.

    Args:
        batch: the checked ledger of record.
        events: facts and values of events that no batch contains.
        erased: keys erased on request, by table.
        day: the day of the merge.
    """
    given = dict(batch.tables())
    merged: dict[str, MergedTable] = {}
    whole: dict[str, pl.DataFrame] = {}
    for table in FACT_TABLES:
        frame, own = given.get(table), events.facts[table]
        if (frame is None and own.is_empty() and table not in events.provided) or table == HISTORY:
            continue
        rows = fact_frame(table, pl.DataFrame(schema=table_dtypes(table)) if frame is None else frame)
        if table == "instalments":
            own = _of_known_invoices(table, own, whole["invoices"]["invoice_id"])
        merged[table] = merge_table(table, rows, own, events.statements[table], erased[table])
        if table == BLANKED and given.get(HISTORY) is not None:
            history = fact_frame(HISTORY, given[HISTORY])
            agreed = agreeing_customers(merged[table].batch, history)
            merged[table] = replace(merged[table], batch=agreed)
        if table == "customer_merges":
            beside, left_out = without_circles(merged[table].batch, merged[table].events)
            merged[table] = replace(
                merged[table], events=beside, contradicted=(*merged[table].contradicted, *left_out)
            )
        whole[table] = pl.concat([merged[table].batch, merged[table].events])
    for table in FOLLOWS_INVOICE:
        if table in whole:
            whole[table] = _of_known_invoices(table, whole[table], whole["invoices"]["invoice_id"])
    tables = {table: ledger_frame(table, frame) for table, frame in whole.items()}
    past = _whole_history(given.get(HISTORY), events, whole[BLANKED], day)
    if past is not None:
        tables[HISTORY] = past
    tables["customers"] = with_named_customers(tables["customers"], tables)
    if "instalments" in tables:
        tables["instalments"] = sound_instalments(tables["instalments"], tables["invoices"])
    if "customer_merges" in tables:
        tables["customer_merges"] = merges_of_known(
            tables["customer_merges"], tables["customers"]["customer_id"]
        )
    shared = {name: frame for name, frame in given.items() if name not in FACT_TABLES}
    declared = [frame for frame in (given.get("feeds"), events.feeds) if frame is not None and frame.height]
    if declared:
        latest = pl.concat(declared).group_by("name").agg(pl.col("complete_through_on").max())
        shared["feeds"] = latest.sort("name")
    return Ledger.from_tables({**tables, **shared}), merged


def _whole_history(
    given: pl.DataFrame | None, events: EventFacts, customers: pl.DataFrame, day: dt.date
) -> pl.DataFrame | None:
    """The ledger's history after the merge; null where nobody has ever delivered or made one."""
    stored = events.facts[HISTORY]
    if given is not None:
        stored = stored.filter(pl.col("origin") != "batch")
    batch = fact_frame(HISTORY, pl.DataFrame(schema=table_dtypes(HISTORY)) if given is None else given)
    history, _ = merge_history(batch, stored, events.before, customers, day)
    if given is None and history.is_empty() and HISTORY not in events.provided:
        return None
    return ledger_frame(HISTORY, history)


def _of_known_invoices(table: str, facts: pl.DataFrame, invoices: pl.Series) -> pl.DataFrame:
    """Facts whose invoice is known, under its id; of two tables of instalments that mean one invoice, the first."""
    named, _ = resolved_ids(facts["invoice_id"], invoices)
    known = named.is_null() | named.is_in(invoices.implode())
    renamed = facts.with_columns(named.alias("invoice_id"), pl.col("invoice_id").alias("\0named"))
    found = renamed.filter(known)
    if table in _WHOLE:
        ordered = found.sort(pl.col("\0named") != pl.col("invoice_id"), "\0named")
        is_first = pl.col("\0named") == pl.col("\0named").first().over("invoice_id")
        found = ordered.filter(is_first).with_columns(fact_keys(table))
    return found.drop("\0named")


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
