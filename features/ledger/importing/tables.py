"""One ledger table cut out of one source, column by column, as the mapping says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.importing import cells
from features.ledger.importing.columns import with_column, with_filled_down
from features.ledger.importing.mapping import Formats, Table
from features.ledger.importing.reading import Reading, holds, raw, value
from features.ledger.importing.remarks import column_faults, column_remarks
from features.ledger.importing.sources import FILE, ReadSource
from features.ledger.importing.text_files import MALFORMED, ROW
from features.ledger.importing.unreadable import fault_rules, wholly_unreadable
from features.ledger.quarantine import split_by_rules
from features.ledger.report import Note
from features.ledger.schemas import KEYS
from features.messages import localized


@dataclass(frozen=True)
class BuiltTable:
    """A ledger table cut out of a source.

    Attributes:
        rows: readable rows in contract columns, with provenance; amounts as plain text.
        rejected: rows with unreadable cells: the raw cells, with `rule`.
        notes: rows left out by the mapping, rows folded into one, what looks wrong in a column.
        assumptions: what the mapping assumes.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    notes: tuple[Note, ...]
    assumptions: tuple[Note, ...]


def build_table(
    name: str,
    table: Table,
    source: ReadSource,
    formats: Formats,
    sources: Mapping[str, ReadSource] | None = None,
) -> BuiltTable:
    """Cut one ledger table out of a source.

    Args:
        name: the ledger table.
        table: its mapping.
        source: the rows of the export.
        formats: how dates, figures and yes/no are written unless a column says otherwise.
        sources: every source of the export, by name, for lookups.

    Raises:
        InvalidInputError: a column's every cell is unreadable, or its decimal sign cannot be inferred; with
            examples.
    """
    reading = Reading(name, formats, source.is_typed, sources or {})
    trimmed = source.rows.select(
        *[cells.text(pl.col(column), formats.empty).alias(column) for column in table.needed()],
        FILE,
        ROW,
        MALFORMED,
    )
    filled = with_filled_down(trimmed, table.columns)
    taken = filled.filter([holds(condition) for condition in table.where]) if table.where else filled
    read = taken
    faults: list[Fault] = []
    for column, spec in table.columns.items():
        try:
            read = with_column(read, column, spec, reading)
        except InvalidInputError as problem:
            faults += problem.faults
            continue
        whole = read.filter(~pl.col(MALFORMED))
        faults += wholly_unreadable(whole, column, spec, reading)
        faults += column_faults(whole, column, spec, reading)
    if faults:
        raise InvalidInputError(localized("columns of the export cannot be read as the mapping says"), faults)
    rules = {f"{name}.row: more cells than the header": pl.col(MALFORMED)}
    good, bad = split_by_rules(read, rules | fault_rules(name, table.columns, read))
    rows = good.select([pl.col(value(column)).alias(column) for column in table.columns] + [FILE, ROW])
    rejected = bad.select(
        [pl.col(raw(column)).alias(column) for column in table.columns] + [FILE, ROW, "rule", "other_rules"]
    )
    notes = _left_out(name, filled.height - taken.height)
    notes += column_remarks(read.filter(~pl.col(MALFORMED)), table, reading)
    if table.one_row_per_id:
        rows, folded = _one_row_per_id(name, rows)
        notes += folded
    assumptions = tuple(
        Note(localized("{name}.{column}: {assumption}", name=name, column=column, assumption=part.assumption))
        for column, spec in table.columns.items()
        for part in spec.parts()
        if part.assumption is not None
    )
    return BuiltTable(rows, rejected, tuple(notes), assumptions)


def _left_out(table: str, count: int) -> list[Note]:
    if not count:
        return []
    return [
        Note(
            localized(
                "{table}: rows of the export left out because `where` in the mapping says so", table=table
            ),
            count,
        )
    ]


def _one_row_per_id(table: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Note]]:
    """One row for each id, for tables that a flat export repeats.

    Equal rows become one. For customers, whose description drifts over the years, each column takes its
    most frequent value (the first in the alphabet among equals) and the customers concerned are counted;
    elsewhere rows that differ are left for the check to put aside.
    """
    key = KEYS[table][0]
    columns = [name for name in rows.columns if name not in (FILE, ROW)]
    distinct = rows.sort(FILE, ROW).unique(columns, keep="first", maintain_order=True)
    if table != "customers":
        return distinct, []
    drifting = distinct.filter(pl.col(key).is_duplicated() & pl.col(key).is_not_null())
    if drifting.is_empty():
        return distinct, []
    others = [name for name in columns if name != key]
    concerned = rows.join(drifting.select(key).unique(), on=key, how="semi")
    first = concerned.group_by(key).agg(pl.col(FILE).min(), pl.col(ROW).min())
    for name in others:
        votes = concerned.filter(pl.col(name).is_not_null()).group_by(key, name).len()
        chosen = votes.sort("len", name, descending=[True, False]).unique(
            key, keep="first", maintain_order=True
        )
        first = first.join(chosen.select(key, name), on=key, how="left", validate="1:1")
    settled = distinct.join(first.select(key), on=key, how="anti")
    note = Note(
        localized("customers described in several ways: each column takes its most frequent value"),
        first.height,
    )
    return pl.concat([settled, first.select(settled.columns)]), [note]
