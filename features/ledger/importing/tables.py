"""One ledger table cut out of one source, column by column, as the mapping says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.importing import cells
from features.ledger.importing.mapping import (
    RUNNING_NUMBER,
    TEMPLATE_PARTS,
    Column,
    Condition,
    Formats,
    Table,
    template_columns,
)
from features.ledger.importing.sources import FILE, ReadSource
from features.ledger.importing.text_files import MALFORMED, ROW
from features.ledger.quarantine import split_by_rules
from features.ledger.report import Note
from features.ledger.schemas import KEYS, table_dtypes
from features.terms import due_dates

_AMOUNTS: Final = (pl.Decimal(18, 2), pl.Float64())


@dataclass(frozen=True)
class BuiltTable:
    """A ledger table cut out of a source.

    Attributes:
        rows: readable rows in contract columns, with provenance; amounts as plain text.
        rejected: rows with unreadable cells: the raw cells, with `rule`.
        notes: rows left out by the mapping, rows folded into one.
        assumptions: what the mapping assumes.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    notes: tuple[Note, ...]
    assumptions: tuple[Note, ...]


def build_table(name: str, table: Table, source: ReadSource, formats: Formats) -> BuiltTable:
    """Cut one ledger table out of a source.

    Args:
        name: the ledger table.
        table: its mapping.
        source: the rows of the export.
        formats: how dates, figures and yes/no are written unless a column says otherwise.

    Raises:
        InvalidInputError: a column's every cell is unreadable, or its decimal sign cannot be told; with
            examples.
    """
    needed = table.needed()
    trimmed = source.rows.select(
        *[cells.text(pl.col(column), formats.empty).alias(column) for column in needed], FILE, ROW, MALFORMED
    )
    taken = trimmed.filter([_holds(condition) for condition in table.where]) if table.where else trimmed
    read = taken
    faults: list[Fault] = []
    rules: dict[str, pl.Expr] = {f"{name}.row: more cells than the header": pl.col(MALFORMED)}
    for column, spec in table.columns.items():
        try:
            read = _with_column(read, name, column, spec, formats, is_typed=source.is_typed)
        except InvalidInputError as problem:
            faults += problem.faults
            continue
        rules |= _rules(name, column, spec)
        faults += _wholly_unreadable(read, name, column, spec, formats)
    if faults:
        raise InvalidInputError("columns of the export cannot be read as the mapping says", faults)
    good, bad = split_by_rules(read, rules)
    rows = good.select([pl.col(_value(column)).alias(column) for column in table.columns] + [FILE, ROW])
    rejected = bad.select(
        [pl.col(_raw(column)).alias(column) for column in table.columns] + [FILE, ROW, "rule", "other_rules"]
    )
    notes = _left_out(name, trimmed.height - taken.height)
    if table.one_row_per_id:
        rows, folded = _one_row_per_id(name, rows)
        notes += folded
    assumptions = tuple(
        Note(f"{name}.{column}: {spec.assumption.en}", f"{name}.{column} : {spec.assumption.fr}")
        for column, spec in table.columns.items()
        if spec.assumption is not None
    )
    return BuiltTable(rows, rejected, tuple(notes), assumptions)


def _value(column: str) -> str:
    return f"\0value {column}"


def _raw(column: str) -> str:
    return f"\0raw {column}"


def _holds(condition: Condition) -> pl.Expr:
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


def _with_column(
    read: pl.DataFrame, table: str, column: str, spec: Column, formats: Formats, *, is_typed: bool
) -> pl.DataFrame:
    """The frame with the raw cell and the read value of one ledger column."""
    read = _with_raw(read, column, spec)
    cell = pl.col(_raw(column))
    if spec.terms is not None:
        return _with_due_date(read, column, spec, formats, is_typed=is_typed)
    if spec.values is not None:
        cell = _translated(cell, spec)
    dtype = table_dtypes(table)[column]
    if dtype == pl.Date:
        value = cells.days(cell, _patterns(spec, formats), is_typed=is_typed)
        if spec.shift_days:
            value += pl.duration(days=spec.shift_days)
    elif isinstance(dtype, pl.Datetime):
        value = _instant(cell, _patterns(spec, formats), formats.time_zone)
    elif dtype in _AMOUNTS:
        value = _amount(read, table, column, spec, formats, is_typed=is_typed)
    elif dtype == pl.Boolean:
        value = cells.flags(cell, spec.yes or formats.yes, spec.no or formats.no)
    else:
        value = cell.str.zfill(spec.zero_pad) if spec.zero_pad else cell
    return read.with_columns(value.alias(_value(column)))


def _patterns(spec: Column, formats: Formats) -> Sequence[str]:
    return ["%Y-%m-%d"] if spec.constant is not None else spec.dates or formats.dates


def _with_raw(read: pl.DataFrame, column: str, spec: Column) -> pl.DataFrame:
    """The frame with the text a ledger column starts from."""
    if spec.constant is not None:
        return read.with_columns(pl.lit(spec.constant).alias(_raw(column)))
    if spec.template is not None:
        return _with_template(read, column, spec.template)
    if spec.terms is not None:
        return read.with_columns(pl.col(spec.terms.wording).alias(_raw(column)))
    return read.with_columns(pl.coalesce(spec.source or []).alias(_raw(column)))


def _with_template(read: pl.DataFrame, column: str, template: str) -> pl.DataFrame:
    """An id put together from other columns; null where one of them is empty.

    The running number {#} counts rows that would otherwise get the same id, in the order of their whole
    content, so that it does not depend on the order of the export.
    """
    names = template_columns(template)
    pieces = [
        pl.col(part) if part in names else pl.lit("\0" if part == RUNNING_NUMBER else part)
        for part in TEMPLATE_PARTS.split(template)
        if part
    ]
    base = pl.concat_str(pieces)
    if f"{{{RUNNING_NUMBER}}}" not in template:
        return read.with_columns(base.alias(_raw(column)))
    content = [name for name in read.columns if not name.startswith("\0") and name not in (FILE, ROW)]
    ordered = read.with_columns(base.alias(_raw(column))).sort([*content, FILE, ROW], nulls_last=True)
    number = pl.int_range(1, pl.len() + 1).over(_raw(column)).cast(pl.String)
    numbered = ordered.with_columns(pl.col(_raw(column)).str.replace("\0", number, literal=True))
    return numbered.sort(FILE, ROW)


def _with_due_date(
    read: pl.DataFrame, column: str, spec: Column, formats: Formats, *, is_typed: bool
) -> pl.DataFrame:
    """The due date that the wording of the terms gives, counted from the issue date."""
    if spec.terms is None:
        raise ValueError("the column is not derived from terms")
    issued = cells.days(pl.col(spec.terms.issued_on), _patterns(spec, formats), is_typed=is_typed)
    issued_on = read.select(issued.alias("issued_on"))["issued_on"]
    due = due_dates(read[spec.terms.wording], issued_on, spec.terms.reading)
    return read.with_columns(due.alias(_value(column)), issued_on.is_null().alias(_issue_unread(column)))


def _issue_unread(column: str) -> str:
    return f"\0issue date unread for {column}"


def _translated(cell: pl.Expr, spec: Column) -> pl.Expr:
    """Words of the export replaced by those of the mapping."""
    words = {word: meaning or None for word, meaning in (spec.values or {}).items()}
    default = cell if spec.otherwise == "keep" else None
    return cell.replace_strict(words, default=default, return_dtype=pl.String)


def _amount(
    read: pl.DataFrame, table: str, column: str, spec: Column, formats: Formats, *, is_typed: bool
) -> pl.Expr:
    """An amount as plain text, signed as the mapping says."""
    raw = read[_raw(column)]
    sign = spec.decimal or formats.decimal or _decimal_sign(raw, f"{table}.{column}", spec, is_typed=is_typed)
    thousands = spec.thousands if spec.thousands is not None else formats.thousands
    value = cells.amounts(pl.col(_raw(column)), sign, thousands, is_typed=is_typed)
    if spec.absolute:
        return value.str.strip_prefix("-")
    if spec.negate:
        return pl.when(value.str.starts_with("-")).then(value.str.strip_prefix("-")).otherwise("-" + value)
    return value


def _decimal_sign(raw: pl.Series, where: str, spec: Column, *, is_typed: bool) -> str:
    """The decimal sign of a column the mapping says nothing about; a constant is written with a dot."""
    return "." if spec.constant is not None else cells.decimal_sign(raw, where, is_typed=is_typed)


def _instant(cell: pl.Expr, patterns: Sequence[str], time_zone: str) -> pl.Expr:
    """An instant as ISO text in UTC; text with an offset is left to the contract's own reading.

    Local times are those of the mapping's time zone; one that occurs twice (end of summer time) is taken as the
    first, one that never occurs (start of summer time) stays unread.
    """
    formats = [cells.strptime_format(pattern) for pattern in patterns]
    formats += [f"%Y-%m-%d{gap}%H:%M{seconds}" for gap in ("T", " ") for seconds in ("", ":%S", ":%S%.f")]
    local = [cell.str.to_datetime(sign, strict=False, time_unit="us") for sign in formats if "%H" in sign]
    local += [
        cells.days(cell, [sign], is_typed=False).cast(pl.Datetime("us"))
        for sign in formats
        if "%H" not in sign
    ]
    placed = pl.coalesce(local).dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
    utc = placed.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00")
    has_offset = cell.str.contains(r"\d{2}:\d{2}.*([Zz]|[+-]\d{2}:?\d{2})$")
    return pl.when(has_offset).then(cell).otherwise(utc)


def _rules(table: str, column: str, spec: Column) -> dict[str, pl.Expr]:
    """What makes a row of this column unreadable."""
    raw, value = pl.col(_raw(column)), pl.col(_value(column))
    dtype = table_dtypes(table)[column]
    if spec.terms is not None:
        wording_fails = raw.is_not_null() & value.is_null() & ~pl.col(_issue_unread(column))
        return {f"{table}.{column}: unreadable terms": wording_fails}
    rules: dict[str, pl.Expr] = {}
    left = raw
    if spec.values is not None and spec.otherwise == "refuse":
        unknown = raw.is_not_null() & ~raw.is_in(list(spec.values))
        rules[f"{table}.{column}: word not in the mapping"] = unknown
    if spec.values is not None:
        left = _translated(raw, spec)
    unreadable = left.is_not_null() & value.is_null()
    if dtype == pl.Date:
        rules[f"{table}.{column}: unreadable date"] = unreadable
    elif dtype in _AMOUNTS:
        rules[f"{table}.{column}: unreadable amount"] = unreadable
    elif dtype == pl.Boolean:
        rules[f"{table}.{column}: unreadable flag"] = unreadable
    elif isinstance(dtype, pl.Datetime):
        rules[f"{table}.{column}: unreadable instant"] = unreadable
    return rules


def _wholly_unreadable(
    read: pl.DataFrame, table: str, column: str, spec: Column, formats: Formats
) -> list[Fault]:
    """A fault when several rows have this column and not one cell of it can be read: the mapping is wrong."""
    rules = _rules(table, column, spec)
    whole = read.filter(~pl.col(MALFORMED) & pl.col(_raw(column)).is_not_null())
    if spec.constant is not None or whole.height < 2 or not rules:
        return []
    for rule, broken in rules.items():
        if whole.select(broken.all()).item():
            raw = whole[_raw(column)]
            examples = tuple(repr(value) for value in raw.unique().sort().head(3))
            expected, remedy = "", "correct the mapping of this column"
            if rule.endswith("date"):
                expected = "dates as " + " or ".join(_patterns(spec, formats) or ["yyyy-mm-dd"])
                remedy = f"set `dates` in the mapping; {cells.suggested_formats(raw)}"
            elif rule.endswith("terms"):
                expected = "wordings such as '30 jours', '45 jours fin de mois', 'net 30'"
            elif rule.endswith("mapping"):
                expected = f"one of {', '.join(spec.values or {})}"
                remedy = "add the words under `values`, or set `otherwise: keep`"
            elif rule.endswith("flag"):
                expected = f"one of {', '.join([*(spec.yes or formats.yes), *(spec.no or formats.no)])}"
            origin = " + ".join(spec.needed())
            return [
                Fault(
                    f"not one cell of {origin!r} can be read: {rule.split(': ')[1]}",
                    where=f"{table}.{column}",
                    expected=expected,
                    remedy=remedy,
                    count=whole.height,
                    examples=examples,
                )
            ]
    return []


def _left_out(table: str, count: int) -> list[Note]:
    if not count:
        return []
    return [
        Note(
            f"{table}: rows of the export left out because `where` in the mapping says so",
            f"{table} : lignes de l'export écartées par `where` dans le mappage",
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
        "customers described in several ways: each column takes its most frequent value",
        "clients décrits de plusieurs façons : chaque colonne prend sa valeur la plus fréquente",
        first.height,
    )
    return pl.concat([settled, first.select(settled.columns)]), [note]
