"""What is read of a ledger column: the raw cell, its value, why it cannot be read; and which rows are taken at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from features.ledger.importing import cells
from features.ledger.importing.mapping import Column, Condition, Formats
from features.ledger.importing.sources import ReadSource


def raw(column: str) -> str:
    """Name of the column with the text a ledger column starts from."""
    return f"\0raw {column}"


def value(column: str) -> str:
    """Name of the column with the value read; null where nothing is there or nothing can be read."""
    return f"\0value {column}"


def fault(column: str) -> str:
    """Name of the column that says why a cell cannot be read; null where it can."""
    return f"\0fault {column}"


def signed(column: str) -> str:
    """Name of the column with an amount before the mapping dropped its sign."""
    return f"\0signed {column}"


@dataclass(frozen=True)
class Reading:
    """What reading a table's columns needs beside its rows.

    Attributes:
        table: the ledger table.
        formats: how dates, figures and yes/no are written unless a column says otherwise.
        is_typed: figures and dates may be in machine form.
        sources: every source of the export, for lookups.
    """

    table: str
    formats: Formats
    is_typed: bool
    sources: Mapping[str, ReadSource] = field(default_factory=dict)


def holds(condition: Condition) -> pl.Expr:
    """Whether a row satisfies a condition; an empty cell satisfies only is_empty and not_in."""
    cell = pl.col(condition.column)
    if condition.is_empty is not None:
        return cell.is_null() if condition.is_empty else cell.is_not_null()
    if condition.equals is not None:
        return (cell == condition.equals).fill_null(value=False)
    if condition.is_in is not None:
        return cell.is_in(condition.is_in).fill_null(value=False)
    if condition.not_in is not None:
        return ~cell.is_in(condition.not_in).fill_null(value=False)
    if condition.starts_with is not None:
        starts = [cell.str.starts_with(word) for word in condition.starts_with]
        return pl.any_horizontal(starts).fill_null(value=False)
    if condition.matches is not None:
        return cell.str.contains(condition.matches).fill_null(value=False)
    figure = pl.coalesce(
        cells.amounts(cell, sign, None, is_typed=False).cast(pl.Float64, strict=False) for sign in (",", ".")
    )
    held = figure > condition.above if condition.above is not None else figure < condition.below
    return held.fill_null(value=False)


def patterns(spec: Column, formats: Formats) -> Sequence[str]:
    """The date formats of a column; a constant is written in ISO form."""
    return [cells.ISO_DATE] if spec.constant is not None else spec.dates or formats.dates
