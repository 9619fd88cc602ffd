"""One ledger column read from the cells of an export: the raw cell, its value, and why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import polars as pl

from features.ledger.importing import cells
from features.ledger.importing.lookups import with_lookup
from features.ledger.importing.mapping import RUNNING_NUMBER, TEMPLATE_PARTS, Column, template_columns
from features.ledger.importing.reading import Reading, fault, holds, patterns, raw, signed, value
from features.ledger.importing.sources import FILE
from features.ledger.importing.text_files import ROW
from features.ledger.schemas import table_dtypes
from features.terms import due_dates

AMOUNTS: Final = (pl.Decimal(18, 2), pl.Float64())
NO_WORD: Final = "word not in the mapping"


def with_filled_down(rows: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Rows beside which the cells that are above them are written, for columns that are filled down.

    Needs every row of the source in its order, before any is left out.
    """
    filled = {
        _filled(part): pl.when(pl.all_horizontal(holds(condition) for condition in part.fill_down))
        .then(pl.coalesce(part.source or []))
        .forward_fill()
        .over(FILE)
        for column in columns.values()
        for part in column.parts()
        if part.fill_down is not None
    }
    return rows.with_columns(**filled) if filled else rows


def _filled(part: Column) -> str:
    return f"\0filled {part.model_dump_json()}"


def with_column(read: pl.DataFrame, column: str, spec: Column, reading: Reading) -> pl.DataFrame:
    """The frame with the raw cell, the value and the fault of one ledger column."""
    return _with_part(
        read, column, spec, table_dtypes(reading.table)[column], f"{reading.table}.{column}", reading
    )


def _with_part(
    read: pl.DataFrame, column: str, spec: Column, dtype: pl.DataType, where: str, reading: Reading
) -> pl.DataFrame:
    if spec.first_of is not None:
        return _with_first(read, column, spec.first_of, dtype, where, reading)
    if spec.terms is not None:
        return _with_due_date(read, column, spec, reading)
    if spec.lookup is not None:
        read = with_lookup(read, column, spec.lookup, reading)
    else:
        read = _with_raw(read, column, spec).with_columns(pl.lit(None, pl.String).alias(fault(column)))
    return _with_value(read, column, spec, dtype, where, reading)


def _with_first(
    read: pl.DataFrame, column: str, parts: Sequence[Column], dtype: pl.DataType, where: str, reading: Reading
) -> pl.DataFrame:
    """The first origin whose cell is not empty counts, whether or not it can be read."""
    names = [f"{column} {number}" for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        read = _with_part(read, name, part, dtype, where, reading)
    chosen: dict[str, pl.Expr] = {}
    for of in (value, fault):
        first = pl.lit(None)
        for name in reversed(names):
            first = pl.when(pl.col(raw(name)).is_not_null()).then(pl.col(of(name))).otherwise(first)
        chosen[of(column)] = first
    return read.with_columns(pl.coalesce([raw(name) for name in names]).alias(raw(column)), **chosen)


def _with_raw(read: pl.DataFrame, column: str, spec: Column) -> pl.DataFrame:
    """The frame with the text a ledger column starts from."""
    if spec.constant is not None:
        return read.with_columns(pl.lit(spec.constant).alias(raw(column)))
    if spec.template is not None:
        return _with_template(read, column, spec.template)
    if spec.fill_down is not None:
        return read.with_columns(pl.col(_filled(spec)).alias(raw(column)))
    return read.with_columns(pl.coalesce(spec.source or []).alias(raw(column)))


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
        return read.with_columns(base.alias(raw(column)))
    content = [name for name in read.columns if not name.startswith("\0") and name not in (FILE, ROW)]
    ordered = read.with_columns(base.alias(raw(column))).sort([*content, FILE, ROW], nulls_last=True)
    number = pl.int_range(1, pl.len() + 1).over(raw(column)).cast(pl.String)
    numbered = ordered.with_columns(pl.col(raw(column)).str.replace("\0", number, literal=True))
    return numbered.sort(FILE, ROW)


def _with_due_date(read: pl.DataFrame, column: str, spec: Column, reading: Reading) -> pl.DataFrame:
    """The due date that the wording of the terms gives, counted from the issue date."""
    if spec.terms is None:
        raise ValueError("the column is not derived from terms")
    wording = pl.col(spec.terms.wording)
    issued = _days(pl.col(spec.terms.issued_on), spec, reading)
    issued_on = read.select(issued.alias("issued_on"))["issued_on"]
    due = due_dates(read[spec.terms.wording], issued_on, spec.terms.reading)
    fails = wording.is_not_null() & pl.lit(due.is_null() & issued_on.is_not_null())
    return read.with_columns(
        wording.alias(raw(column)),
        due.alias(value(column)),
        pl.when(fails).then(pl.lit("unreadable terms")).alias(fault(column)),
    )


def _days(cell: pl.Expr, spec: Column, reading: Reading) -> pl.Expr:
    return cells.days(
        cell, patterns(spec, reading.formats), is_typed=reading.is_typed, time_zone=reading.formats.time_zone
    )


def _with_value(
    read: pl.DataFrame, column: str, spec: Column, dtype: pl.DataType, where: str, reading: Reading
) -> pl.DataFrame:
    """The frame with the value of a column and why it is missing; a raw cell that has a fault already stays unread."""
    given = pl.when(pl.col(fault(column)).is_null()).then(pl.col(raw(column)))
    cell = _translated(given, spec) if spec.values is not None else given
    unreadable: str | None = None
    if dtype == pl.Date:
        found, unreadable = _days(cell, spec, reading), "unreadable date"
        if spec.shift_days:
            found += pl.duration(days=spec.shift_days)
    elif isinstance(dtype, pl.Datetime):
        found, unreadable = (
            _instant(cell, patterns(spec, reading.formats), reading.formats.time_zone),
            "unreadable instant",
        )
    elif dtype in AMOUNTS:
        read, found = _amount(read, column, cell, spec, where, reading)
        unreadable = "unreadable amount"
    elif dtype == pl.Boolean:
        found = cells.flags(cell, spec.yes or reading.formats.yes, spec.no or reading.formats.no)
        unreadable = "unreadable flag"
    elif spec.by_sign is not None:
        read, found = _by_sign(read, column, cell, spec, where, reading)
        unreadable = "unreadable amount"
    else:
        found = cell.str.zfill(spec.zero_pad) if spec.zero_pad else cell
    why = pl.col(fault(column))
    if spec.values is not None and spec.otherwise == "refuse":
        unknown = given.is_not_null() & ~given.is_in(list(spec.values))
        why = pl.coalesce(why, pl.when(unknown).then(pl.lit(NO_WORD)))
    if unreadable is not None:
        is_unread = cell.is_not_null() & found.is_null()
        if spec.by_sign is not None:
            is_unread &= pl.col(signed(column)).is_null()
        why = pl.coalesce(why, pl.when(is_unread).then(pl.lit(unreadable)))
    return read.with_columns(found.alias(value(column)), why.alias(fault(column)))


def _translated(cell: pl.Expr, spec: Column) -> pl.Expr:
    """Words of the export replaced by those of the mapping."""
    words = {word: meaning or None for word, meaning in (spec.values or {}).items()}
    default = cell if spec.otherwise == "keep" else None
    return cell.replace_strict(words, default=default, return_dtype=pl.String)


def _figures(
    read: pl.DataFrame, column: str, cell: pl.Expr, spec: Column, where: str, reading: Reading
) -> pl.Series:
    """The cells of a column as plain figures with a dot, exactly as many decimals as were written."""
    written = cells.without_exponents(read.select(cell.alias("cell"))["cell"])
    sign: str | None = spec.decimal or reading.formats.decimal
    if sign is None:
        sign = (
            "."
            if spec.constant is not None
            else cells.decimal_sign(written, where, is_typed=reading.is_typed)
        )
    thousands = spec.thousands if spec.thousands is not None else reading.formats.thousands
    figures = cells.amounts(pl.col("cell"), sign, thousands, is_typed=reading.is_typed)
    return written.to_frame().select(figures).to_series()


def _amount(
    read: pl.DataFrame, column: str, cell: pl.Expr, spec: Column, where: str, reading: Reading
) -> tuple[pl.DataFrame, pl.Expr]:
    """An amount as plain text, scaled and signed as the mapping says, and beside it the figure as it was signed."""
    figure = _figures(read, column, cell, spec, where, reading)
    if spec.scale is not None:
        figure = (
            figure.to_frame("figure").select(cells.scaled(pl.col("figure"), Decimal(spec.scale))).to_series()
        )
    read = read.with_columns(figure.alias(signed(column)))
    found = pl.col(signed(column))
    if spec.absolute:
        return read, found.str.strip_prefix("-")
    if spec.negate:
        return read, pl.when(found.str.starts_with("-")).then(found.str.strip_prefix("-")).otherwise(
            "-" + found
        )
    return read, found


def _by_sign(
    read: pl.DataFrame, column: str, cell: pl.Expr, spec: Column, where: str, reading: Reading
) -> tuple[pl.DataFrame, pl.Expr]:
    """The word that the sign of a figure means; null for zero."""
    if spec.by_sign is None:
        raise ValueError("the column is not told by a sign")
    read = read.with_columns(_figures(read, column, cell, spec, where, reading).alias(signed(column)))
    figure = pl.col(signed(column)).cast(pl.Float64, strict=False)
    word = (
        pl.when(figure > 0)
        .then(pl.lit(spec.by_sign.positive, pl.String))
        .when(figure < 0)
        .then(pl.lit(spec.by_sign.negative, pl.String))
    )
    return read, word


def _instant(cell: pl.Expr, formats: Sequence[str], time_zone: str) -> pl.Expr:
    """An instant as ISO text in UTC; text with an offset is left to the contract's own reading.

    Local times are those of the mapping's time zone; one that occurs twice (end of summer time) is taken as the
    first, one that never occurs (start of summer time) stays unread.
    """
    signs = [cells.strptime_format(pattern) for pattern in formats]
    signs += [f"%Y-%m-%d{gap}%H:%M{seconds}" for gap in ("T", " ") for seconds in ("", ":%S", ":%S%.f")]
    local = [cell.str.to_datetime(sign, strict=False, time_unit="us") for sign in signs if "%H" in sign]
    local += [
        cells.days(cell, [sign], is_typed=False).cast(pl.Datetime("us")) for sign in signs if "%H" not in sign
    ]
    placed = pl.coalesce(local).dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
    utc = placed.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00")
    has_offset = cell.str.contains(r"\d{2}:\d{2}.*([Zz]|[+-]\d{2}:?\d{2})$")
    return pl.when(has_offset).then(cell).otherwise(utc)
