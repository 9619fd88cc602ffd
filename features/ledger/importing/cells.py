"""Cells of an export read as the ledger's types, by expressions over whole columns.

What cannot be read is left null here; the caller puts such rows aside with their raw value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.conform import to_instant
from features.messages import Message, localized

#: Blanks and marks people put between thousands: blank, no-break, narrow no-break, thin, figure space, apostrophes.
USUAL_THOUSANDS: Final = (" ", "\u00a0", "\u202f", "\u2009", "\u2007", "'", "\u2019")
ISO_DATE: Final = "%Y-%m-%d"
EXCEL_SERIAL: Final = "excel"
#: A figure as a program writes it; three decimals are left out, for they may be thousands.
_MACHINE_FIGURE: Final = r"^-?\d+(\.(\d{1,2}|\d{4,}))?$"
_TIME_OF_DAY: Final = r"[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?$"
#: ISO instants that say how far their clock is from UTC.
_WITH_OFFSET: Final = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})$"
_SCIENTIFIC: Final = r"^[+-]?\d+(\.\d+)?[eE][+-]?\d{1,2}$"
#: Two numbers and a year: which of the two is the day is a matter of habit.
_TWO_NUMBERS: Final = r"^(\d{1,2})[/.\-](\d{1,2})[/.\-]\d{2,4}"
_EXCEL_EPOCH: Final = "1899-12-30"
_FRIENDLY: Final = (
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("dd", "%d"),
    ("d", "%d"),
    ("mi", "%M"),
    ("mm", "%m"),
    ("m", "%m"),
    ("hh", "%H"),
    ("ss", "%S"),
)
#: Formats tried to suggest the right one when a mapping's formats read nothing.
_COMMON_FORMATS: Final = (
    "yyyy-mm-dd",
    "dd/mm/yyyy",
    "mm/dd/yyyy",
    "dd.mm.yyyy",
    "dd-mm-yyyy",
    "yyyymmdd",
    "dd/mm/yy",
    "yyyy/mm/dd",
    EXCEL_SERIAL,
)


def text(column: pl.Expr, empty: Sequence[str] = ()) -> pl.Expr:
    """A cell without blanks around it (no-break ones included); null when nothing or a word for nothing is left."""
    trimmed = column.str.strip_chars(" \t\r\n\u00a0\u202f\u2009\ufeff")
    return pl.when((trimmed != "") & ~trimmed.is_in(list(empty))).then(trimmed)


def strptime_format(pattern: str) -> str:
    """A date format in strptime signs; "dd/mm/yyyy" and "%d/%m/%Y" mean the same.

    >>> strptime_format("dd/mm/yyyy")
    '%d/%m/%Y'
    """
    if "%" in pattern or pattern == EXCEL_SERIAL:
        return pattern
    signs = dict(_FRIENDLY)
    return re.sub("|".join(signs), lambda found: signs[found.group()], pattern.lower())


def format_fault(pattern: str) -> Message | None:
    """What is wrong with a date format, None when it can be used."""
    if pattern == EXCEL_SERIAL:
        return None
    signs = strptime_format(pattern)
    found = set(re.findall(r"%[-_]?([a-zA-Z])", signs))
    has_day, has_year = found & {"d", "e", "j"}, found & {"Y", "y", "D", "F"}
    has_month = found & {"m", "b", "B", "h", "j"}
    if not (found & {"D", "F"} or (has_day and has_month and has_year)):
        return localized("date format {pattern!r} lacks day, month or year", pattern=pattern)
    try:
        pl.Series(["x"]).str.to_datetime(signs, strict=False)
        pl.Series(["x"]).str.to_date(signs, strict=False)
    except pl.exceptions.PolarsError as problem:
        reason = str(problem).splitlines()[0]
        return localized("date format {pattern!r} cannot be used: {reason}", pattern=pattern, reason=reason)
    return None


def days(cell: pl.Expr, patterns: Sequence[str], *, is_typed: bool, time_zone: str = "UTC") -> pl.Expr:
    """A civil day by the first format that fits; ISO where none is given.

    An instant with an offset (2024-02-29T23:30:00Z) is the civil day it falls on in the time zone; a time of day
    without one says nothing about the day and is left out.

    Args:
        cell: trimmed text.
        patterns: formats such as "dd/mm/yyyy", "%d/%m/%Y" or "excel" (day count of a workbook).
        is_typed: machine dates (2024-01-31) are also understood.
        time_zone: where the civil days of instants are counted.
    """
    formats = [strptime_format(pattern) for pattern in patterns] or [ISO_DATE]
    placed = pl.when(cell.str.contains(_WITH_OFFSET)).then(cell)
    instant = to_instant(placed, pl.String()).dt.convert_time_zone(time_zone).dt.date()
    bare = cell.str.replace(_TIME_OF_DAY, "")
    readings = [instant, *(_day(cell, pattern, time_zone) for pattern in formats)]
    readings += [_day(bare, pattern) for pattern in formats if "%H" not in pattern and "%I" not in pattern]
    if is_typed:
        readings.append(_day(bare, ISO_DATE))
    return pl.coalesce(readings)


def _day(cell: pl.Expr, pattern: str, time_zone: str = "UTC") -> pl.Expr:
    if pattern == EXCEL_SERIAL:
        serial = pl.when(cell.str.contains(r"^\d{4,6}(\.\d+)?$")).then(cell).cast(pl.Float64, strict=False)
        return (pl.lit(_EXCEL_EPOCH).str.to_date() + pl.duration(days=serial.floor().cast(pl.Int64))).cast(
            pl.Date
        )
    if "%z" in pattern or "%:z" in pattern:
        instant = cell.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
        return instant.dt.convert_time_zone(time_zone).dt.date()
    if "%H" in pattern or "%M" in pattern:
        return cell.str.to_datetime(pattern, strict=False, time_unit="us").dt.date()
    if "%Y" in pattern:  # a year of two digits is not the year 24
        whole_year = cell.str.contains(r"\d{4}")
        return pl.when(whole_year).then(cell).str.to_date(pattern, strict=False)
    return cell.str.to_date(pattern, strict=False)


def fitting_formats(cells: pl.Series) -> list[str]:
    """Common date formats that read every non-empty cell of a column."""
    filled = cells.drop_nulls()
    if filled.is_empty():
        return []
    frame = filled.to_frame("cell")
    return [
        pattern
        for pattern in _COMMON_FORMATS
        if frame.select(_day(pl.col("cell"), strptime_format(pattern)).is_not_null().all()).item()
    ]


def amounts(cell: pl.Expr, decimal: str, thousands: Sequence[str] | None, *, is_typed: bool) -> pl.Expr:
    """An amount as plain text with a dot (1234.50, -3), exactly as many decimals as were written.

    Thousands must be in groups of three, so that 1.50 is never taken for 150. A sign may lead or trail,
    an amount in brackets is negative, a currency sign or code is ignored.

    Args:
        cell: trimmed text.
        decimal: the decimal sign.
        thousands: signs between thousands; None for blanks, apostrophes and the other of dot and comma.
        is_typed: figures in machine form (1234.5) are also understood.
    """
    other = "," if decimal == "." else "."
    separators = [*USUAL_THOUSANDS, other] if thousands is None else list(thousands)
    group = "".join(re.escape(sign) for sign in separators)
    point = re.escape(decimal)
    bare = (
        cell.str.replace_all("\u2212", "-", literal=True)
        .str.replace(r"^(?:EUR|USD|GBP|CHF|[€$£])[\s\u00a0\u202f]*", "")
        .str.replace(r"[\s\u00a0\u202f]*(?:EUR|USD|GBP|CHF|[€$£])$", "")
    )
    is_negative = bare.str.contains(r"^\(.*\)$|^-|-$")
    figure = (
        bare.str.replace(r"^\((.*)\)$", "$1")
        .str.replace(r"^[+-][\s\u00a0\u202f]*", "")
        .str.replace(r"-$", "")
    )
    shape = rf"^\d*(?:{point}\d+)?$"
    if group:
        shape = rf"^\d{{1,3}}(?:[{group}]\d{{3}})+(?:{point}\d+)?$|{shape}"
    fits = figure.str.contains(shape) & figure.str.contains(r"\d")
    plain = (figure.str.replace_all(f"[{group}]", "") if group else figure).str.replace(
        decimal, ".", literal=True
    )
    plain = pl.when(plain.str.starts_with(".")).then("0" + plain).otherwise(plain)
    signed = pl.when(is_negative).then("-" + plain).otherwise(plain)
    local = pl.when(fits).then(signed)
    if not is_typed:
        return local
    machine = pl.when(cell.str.contains(_MACHINE_FIGURE)).then(cell)
    return pl.coalesce(machine, local)


def without_exponents(cells: pl.Series) -> pl.Series:
    """Figures in scientific form (1.5E+3) written out; everything else as it is."""
    scientific = cells.filter(cells.str.contains(_SCIENTIFIC)).unique().drop_nulls()
    if scientific.is_empty():
        return cells
    return cells.replace({text: f"{Decimal(text):f}" for text in scientific.to_list()})


def scaled(figure: pl.Expr, factor: Decimal) -> pl.Expr:
    """Plain figures times a factor, exactly (2990 times 0.01 is 29.9)."""
    product = (figure.cast(pl.Decimal(38, 10), strict=False) * pl.lit(factor)).cast(pl.String)
    return product.str.strip_chars_end("0").str.strip_chars_end(".")


@dataclass(frozen=True)
class DateOrders:
    """In which orders the days and months of a column are written.

    Attributes:
        day_first, month_first: a cell that can only be read so.
        either: cells that can be read both ways, smallest first.
    """

    day_first: str
    month_first: str
    either: pl.Series


def two_orders(cells: pl.Series) -> DateOrders | None:
    """The orders of a column that is written in both; None for any other."""
    filled = cells.drop_nulls().unique().sort()
    numbers = filled.to_frame("cell").select(
        "cell",
        first=pl.col("cell").str.extract(_TWO_NUMBERS, 1).cast(pl.Int64),
        second=pl.col("cell").str.extract(_TWO_NUMBERS, 2).cast(pl.Int64),
    )
    day_first = numbers.filter(pl.col("first").is_between(13, 31) & (pl.col("second") <= 12))["cell"]
    month_first = numbers.filter(pl.col("second").is_between(13, 31) & (pl.col("first") <= 12))["cell"]
    if day_first.is_empty() or month_first.is_empty():
        return None
    is_either = (pl.col("first") <= 12) & (pl.col("second") <= 12) & (pl.col("first") != pl.col("second"))
    return DateOrders(day_first.item(0), month_first.item(0), numbers.filter(is_either)["cell"])


def decimal_sign(cells: pl.Series, where: str, *, is_typed: bool) -> str:
    """The decimal sign a column uses, where the mapping does not say it.

    Args:
        cells: trimmed text.
        where: table and column, for the message.
        is_typed: figures in machine form (1234.5) say nothing about the others.

    Raises:
        InvalidInputError: the cells can be read both ways, or use both signs.
    """
    figures = cells.drop_nulls().unique()
    if is_typed:
        figures = figures.filter(~figures.str.contains(_MACHINE_FIGURE))
    verdicts: dict[str, str] = {}
    for sign, other in ((",", "."), (".", ",")):
        point, group = re.escape(sign), re.escape(other)
        last_of_two = rf"{group}.*{point}\d*\D*$"
        not_three_digits = rf"{point}(?:\d{{1,2}}|\d{{4,}})\D*$"
        other_is_group = rf"{group}\d{{3}}{group}\d{{3}}"
        shape = rf"{last_of_two}|{not_three_digits}|^\D*0{point}\d|{other_is_group}"
        decides = figures.filter(figures.str.contains(shape) & ~figures.str.contains(rf"{point}.*{point}"))
        if decides.len():
            verdicts[sign] = decides.sort().item(0)
    if len(verdicts) == 1:
        return next(iter(verdicts))
    if len(verdicts) == 2:
        shown = " and ".join(repr(value) for value in verdicts.values())
        raise InvalidInputError(
            localized("an amount column uses two decimal signs"), [_say_decimal(where, shown)]
        )
    doubtful = figures.filter(figures.str.contains(r"[.,]")).sort()
    if doubtful.len():
        raise InvalidInputError(
            localized("an amount column can be read in two ways"),
            [_say_decimal(where, repr(doubtful.item(0)))],
        )
    return "."


def _say_decimal(where: str, shown: str) -> Fault:
    return Fault(
        localized("the decimal sign cannot be told from {shown}", shown=shown),
        where=where,
        expected=localized("decimal: ',' or decimal: '.'"),
        remedy=localized("say it in the mapping, under formats or for the column"),
    )


def flags(cell: pl.Expr, yes: Sequence[str], no: Sequence[str]) -> pl.Expr:
    """True and false by the words for them, whatever their case."""
    words = {word.lower(): True for word in yes} | {word.lower(): False for word in no}
    return cell.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def suggested_formats(cells: pl.Series) -> Message:
    """What to write for a date column whose formats read nothing, in words."""
    fitting = fitting_formats(cells)
    return (
        localized("these fit: {formats}", formats=fitting) if fitting else localized("no common format fits")
    )
