"""Rows of the store as ledger tables, and back: the same types and order as the nightly batch reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from features.cents import amount_in_cents, cents_as_amount
from features.ledger import KEYS, empty_table, table_dtypes
from serving.store.facts import Fact
from serving.store.tables import FACT_COLUMNS


def ledger_column(column: str) -> str:
    """Return the ledger's name of a store column."""
    return column.removesuffix("_cents").removeprefix("stated_")


def store_dtypes(table: str) -> dict[str, pl.DataType]:
    """Return the polars types of a table's facts, in ledger order; money as whole cents."""
    return {
        column: pl.Int64() if isinstance(dtype, pl.Decimal) else dtype
        for column, dtype in zip(FACT_COLUMNS[table], table_dtypes(table).values(), strict=True)
    }


def frame_of(table: str, rows: Iterable[Sequence[Any]]) -> pl.DataFrame:
    """Return the ledger table made of store rows, sorted by its key.

    Args:
        table: name of the ledger table.
        rows: values in the order of `FACT_COLUMNS[table]`.
    """
    listed = list(rows)
    if not listed:
        return empty_table(table)
    return ledger_frame(table, pl.DataFrame(listed, schema=store_dtypes(table), orient="row"))


def ledger_frame(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a store frame as the ledger table, sorted by its key."""
    return frame.select(
        (cents_as_amount(column) if column.endswith("_cents") else pl.col(column)).alias(
            ledger_column(column)
        )
        for column in FACT_COLUMNS[table]
    ).sort(KEYS[table])


def store_frame(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a ledger table with the store's columns (money in cents), in the store's order."""
    return frame.select(
        (
            amount_in_cents(ledger_column(column))
            if column.endswith("_cents")
            else pl.col(ledger_column(column)).cast(dtype)
        ).alias(column)
        for column, dtype in store_dtypes(table).items()
    )


def value_of_json(value: Any, dtype: pl.DataType | type[pl.DataType]) -> Any:
    """Return a value stored as JSON in the type of its column: days and instants are stored as ISO text.

    Args:
        value: as JSON gives it.
        dtype: polars type of the column.
    """
    if not isinstance(value, str) or dtype == pl.String:
        return value
    return dt.date.fromisoformat(value) if dtype == pl.Date else dt.datetime.fromisoformat(value)


def facts_of(table: str, frame: pl.DataFrame) -> Iterator[Fact]:
    """Return each row of a ledger table as a fact; the instalments of an invoice are one."""
    rows = store_frame(table, frame)
    if table == "instalments":
        for (invoice_id,), parts in rows.group_by("invoice_id", maintain_order=True):
            listed = tuple(parts.drop("invoice_id").iter_rows(named=True))
            yield Fact(table, {"invoice_id": invoice_id}, parts=listed)
        return
    for row in rows.iter_rows(named=True):
        yield Fact(table, row)


def to_cents(amount: Decimal) -> int:
    """Return an amount as a whole number of cents; a fraction of a cent is a fault of the caller."""
    cents = amount * 100
    if cents != cents.to_integral_value():
        raise ValueError("an amount has at most two decimals")
    return int(cents)


def readable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return store values as they are shown to a person: money as decimal text, days as ISO text."""
    shown: dict[str, Any] = {}
    for column, value in values.items():
        if column.endswith("_cents") and value is not None:
            value = str((Decimal(value) / 100).quantize(Decimal("0.01")))
        elif isinstance(value, dt.date):
            value = value.isoformat()
        shown[ledger_column(column)] = value
    return shown
