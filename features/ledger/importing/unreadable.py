"""Cells that cannot be read: the rules their rows break, and columns of which not one can be read."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.errors import Fault
from features.ledger.importing import cells
from features.ledger.importing.columns import NO_WORD
from features.ledger.importing.lookups import AMBIGUOUS, NOT_FOUND
from features.ledger.importing.mapping import Column
from features.ledger.importing.reading import Reading, fault, patterns, raw
from features.ledger.report import rule_fault
from features.messages import Message, localized


def wholly_unreadable(rows: pl.DataFrame, column: str, spec: Column, reading: Reading) -> list[Fault]:
    """A fault when several rows have this column and not one cell of it can be read: the mapping is wrong.

    Args:
        rows: whole rows.
        column: the ledger column.
        spec: its mapping.
        reading: the table it belongs to.
    """
    filled = rows.filter(pl.col(raw(column)).is_not_null())
    whys = filled[fault(column)]
    if spec.constant is not None or filled.height < 2 or whys.null_count() or whys.n_unique() > 1:
        return []
    why = str(whys.item(0))
    origin = " + ".join(spec.needed())
    part = next((part for part in spec.parts() if part.values is not None), spec)
    expected: Message | None = None
    remedy = localized("correct the mapping of this column")
    if why == "unreadable date":
        known = patterns(spec, reading.formats) or ["yyyy-mm-dd"]
        expected = localized("dates as {patterns}", patterns=" / ".join(known))
        remedy = localized(
            "set `dates` in the mapping; {formats}", formats=cells.suggested_formats(filled[raw(column)])
        )
    elif why == "unreadable terms":
        expected = localized("wordings such as '30 jours', '45 jours fin de mois', 'net 30'")
    elif why == NO_WORD:
        expected = localized("one of {known}", known=list(part.values or {}))
        remedy = localized("add the words under `values`, or set `otherwise: keep`")
    elif why == "unreadable flag":
        words = [*(spec.yes or reading.formats.yes), *(spec.no or reading.formats.no)]
        expected = localized("one of {known}", known=words)
    elif why == NOT_FOUND:
        lookup = spec.lookups()[0]
        expected = localized(
            "values of {keys!r} in source {source!r}", keys=" + ".join(lookup.keys), source=lookup.source
        )
        remedy = localized("name under `by` and `key` the columns that hold the same ids in both sources")
    elif why == AMBIGUOUS:
        lookup = spec.lookups()[0]
        expected = localized(
            "one {take!r} for each {keys!r} in source {source!r}",
            take=" / ".join(lookup.take),
            keys=" + ".join(lookup.keys),
            source=lookup.source,
        )
        remedy = localized("add a column to `by` and `key`, or a condition to `where` of the lookup")
    return [
        Fault(
            localized("not one cell of {origin!r} can be read: {why}", origin=origin, why=rule_fault(why)),
            where=f"{reading.table}.{column}",
            expected=expected or "",
            remedy=remedy,
            count=filled.height,
            examples=tuple(repr(text) for text in filled[raw(column)].unique().sort().head(3)),
        )
    ]


def fault_rules(table: str, columns: Mapping[str, Column], rows: pl.DataFrame) -> dict[str, pl.Expr]:
    """The rules that unreadable cells of these columns break, in column order."""
    return {
        f"{table}.{column}: {why}": pl.col(fault(column)) == why
        for column in columns
        for why in rows[fault(column)].drop_nulls().unique().sort().to_list()
    }
