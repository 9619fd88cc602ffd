"""What looks wrong in a column that can be read: two orders of dates, dropped signs, cents, a date for an id."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.errors import Fault
from features.ledger.importing import cells
from features.ledger.importing.columns import AMOUNTS
from features.ledger.importing.mapping import Column, Table
from features.ledger.importing.reading import Reading, patterns, raw, signed, value
from features.ledger.report import Note
from features.ledger.schemas import table_dtypes
from features.messages import localized

#: Fewer whole amounts say nothing of the unit they are written in.
_FEWEST_AMOUNTS: Final = 3
_SHOWN: Final = 3
_DATE_WITH_SIGNS: Final = r"^\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}$"


def column_faults(rows: pl.DataFrame, column: str, spec: Column, reading: Reading) -> list[Fault]:
    """A fault when a column of customers contains nothing but dates: it is not the column that was meant.

    Args:
        rows: whole rows, with the raw cells and values of the column.
        column: the ledger column.
        spec: its mapping.
        reading: the table it belongs to.
    """
    if column != "customer_id" or spec.source is None:
        return []
    ids = rows[value(column)].drop_nulls()
    if ids.len() < 2 or not ids.str.contains(_DATE_WITH_SIGNS).all():
        return []
    return [
        Fault(
            localized("every cell of {source!r} is a date", source=" + ".join(spec.source)),
            where=f"{reading.table}.{column}",
            expected=localized("the customer"),
            remedy=localized(
                "name the column of the customer; where the report writes it on a line of its own "
                "above its rows, add `fill_down` with the conditions that such a line meets"
            ),
            count=ids.len(),
            examples=tuple(repr(text) for text in ids.unique().sort().head(_SHOWN)),
        )
    ]


def column_remarks(rows: pl.DataFrame, table: Table, reading: Reading) -> list[Note]:
    """Notes on the columns of a table.

    Args:
        rows: whole rows, with raw cells, values and signed figures.
        table: its mapping.
        reading: the table's name and formats.
    """
    notes: list[Note] = []
    for column, spec in table.columns.items():
        dtype = table_dtypes(reading.table)[column]
        if dtype == pl.Date:
            notes += _two_orders(rows[raw(column)], f"{reading.table}.{column}", spec, reading)
        elif dtype in AMOUNTS and spec.source is not None:
            notes += _lost_signs(rows, column, spec, table, reading)
            if spec.scale is None and column == "amount" and reading.table == "invoices":
                notes += _whole_amounts(rows[value(column)], f"{reading.table}.{column}")
    return notes


def _two_orders(texts: pl.Series, where: str, spec: Column, reading: Reading) -> list[Note]:
    found = cells.two_orders(texts)
    if found is None:
        return []
    as_read = " / ".join(patterns(spec, reading.formats) or [cells.ISO_DATE])
    shown = ", ".join(repr(text) for text in found.either.head(_SHOWN))
    text = localized(
        "{where}: days are written in two orders, such as {day_first!r} and {month_first!r}; "
        "{ambiguous} could be either and were read as {as_read}",
        where=where,
        day_first=found.day_first,
        month_first=found.month_first,
        ambiguous=found.either.len(),
        as_read=as_read,
    )
    if shown:
        text = localized("{sentence}, for example {examples}", sentence=text, examples=shown)
    return [Note(text, found.either.len())]


def _lost_signs(rows: pl.DataFrame, column: str, spec: Column, table: Table, reading: Reading) -> list[Note]:
    """Amounts below zero that `absolute` turns into debts or receipts."""
    if not spec.absolute:
        return []
    figure = pl.col(signed(column))
    suspects = rows
    if reading.table == "invoices" and "kind" in table.columns:
        suspects = rows.filter(pl.col(value("kind")).ne_missing("credit_note"))
    negative = suspects.filter(figure.str.starts_with("-"))
    # A column that is negative throughout is written in the other sign; one with both signs means something by them.
    if negative.is_empty() or (reading.table != "invoices" and negative.height == suspects.height):
        return []
    shown = ", ".join(negative[raw(column)].unique().sort().head(_SHOWN).to_list())
    where = f"{reading.table}.{column}"
    if reading.table != "invoices":
        text = localized(
            "{where}: `absolute` takes the sign of some amounts only, which then count like the others: {shown}",
            where=where,
            shown=shown,
        )
        return [Note(text, negative.height)]
    origin = ", ".join(spec.source or [])
    keys = f"kind: {{from: {origin}, by_sign: {{positive: invoice, negative: credit_note}}}}"
    text = localized(
        "{where}: `absolute` takes the sign of amounts below zero, which become debts: {shown}; "
        "if they are credit notes, say so with `{keys}`",
        where=where,
        shown=shown,
        keys=keys,
    )
    return [Note(text, negative.height)]


def _whole_amounts(values: pl.Series, where: str) -> list[Note]:
    """Amounts without any decimal: perhaps they are cents."""
    amounts = values.drop_nulls()
    if amounts.len() < _FEWEST_AMOUNTS or not amounts.str.contains(r"^-?\d{3,}$").all():
        return []
    return [
        Note(
            localized(
                "{where}: no amount has decimals; if they are in cents, set `scale: 0.01`", where=where
            ),
            amounts.len(),
        )
    ]
