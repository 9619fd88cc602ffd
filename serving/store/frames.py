"""Rows of the store as ledger tables, and back: the same types and order as the nightly batch reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import polars as pl

from serving.store.facts import Fact
from serving.store.tables import FACT_COLUMNS

MONEY: Final = pl.Decimal(18, 2)
INSTANT: Final = pl.Datetime("us", "UTC")


def ledger_column(column: str) -> str:
    """Return the ledger's name of a store column."""
    return column.removesuffix("_cents")


def _store_dtype(column: str) -> pl.DataType | type[pl.DataType]:
    if column.endswith("_on"):
        return pl.Date
    if column.endswith("_at"):
        return INSTANT
    if column.endswith("_cents"):
        return pl.Int64
    if column.startswith("is_"):
        return pl.Boolean
    return pl.String


def frame_of(table: str, rows: Iterable[Sequence[Any]]) -> pl.DataFrame:
    """Return the ledger table made of store rows, sorted by its key.

    Args:
        table: name of the ledger table.
        rows: values in the order of `FACT_COLUMNS[table]`.
    """
    columns = FACT_COLUMNS[table]
    frame = pl.DataFrame(
        list(rows), schema={column: _store_dtype(column) for column in columns}, orient="row"
    )
    money = [
        (pl.col(column).cast(pl.Decimal(20, 2)) / pl.lit(100, dtype=pl.Int64))
        .cast(MONEY)
        .alias(ledger_column(column))
        for column in columns
        if column.endswith("_cents")
    ]
    return (
        frame.with_columns(money)
        .select([ledger_column(column) for column in columns])
        .sort(ledger_column(columns[0]))
    )


def store_frame(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a ledger table with the store's columns (money in cents), in the store's order."""
    expressions = []
    for column in FACT_COLUMNS[table]:
        source = pl.col(ledger_column(column))
        if column.endswith("_cents"):
            source = (source.cast(pl.Decimal(30, 2)) * 100).round(0).cast(pl.Int64)
        expressions.append(source.cast(_store_dtype(column)).alias(column))
    return frame.select(expressions)


def facts_of(table: str, frame: pl.DataFrame) -> Iterator[Fact]:
    """Return each row of a ledger table as a fact."""
    for row in store_frame(table, frame).iter_rows(named=True):
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
