"""Bringing a delivered table into its contract's columns and types, cell by cell, exactly.

Text is read in canonical form (ISO dates, dot as decimal sign, true/false); typed columns are converted
without loss. A cell that cannot be converted puts its row aside with the raw value; it never becomes null
in silence.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ids import normal_ids, refused_characters
from features.ledger.quarantine import PROVENANCE, split_by_rules, with_provenance
from features.ledger.report import Note
from features.ledger.schemas import REQUIRED_TABLES, SCHEMAS, id_columns, table_dtypes
from features.messages import localized
from features.words import one_of

#: Columns that may be absent though their cells may not be empty, and what is then assumed.
ABSENT_COLUMN_MEANS: Final[dict[str, tuple[pl.Expr, Note]]] = {
    "customers.is_strategic": (
        pl.lit(value=False),
        Note(localized("no customer is marked strategic")),
    ),
    "invoices.kind": (
        pl.lit("invoice"),
        Note(
            localized("every row of invoices is an invoice, none a credit note"),
        ),
    ),
    "instalments.number": (
        pl.int_range(1, pl.len() + 1).over("invoice_id", order_by=["due_on", "amount"]),
        Note(
            localized("instalments are numbered in the order of their due dates"),
        ),
    ),
    "instalments.kind": (
        pl.lit("instalment"),
        Note(
            localized("no instalment is marked as retention money"),
        ),
    ),
    "payments.known_on": (
        pl.col("paid_on"),
        Note(
            localized("payments are taken as known on the day they were paid (known_on = paid_on)"),
        ),
    ),
}
_KEPT_AS_WRITTEN: Final = frozenset({"emails.subject", "emails.body"})
_CURRENCY: Final = "currency"
_AMOUNT: Final = pl.Decimal(18, 2)
_TEXT_AMOUNT: Final = r"^[+-]?\d{1,15}(\.\d+)?$"
#: What a program writes of an amount that it stores in binary: 2309.7899999999995 is 2309.79.
_NOISE: Final = r"^[+-]?\d{1,15}\.\d{2}(?:0{6,}|9{6,})\d{0,4}$"


def refuse_wrong_shape(tables: Mapping[str, pl.DataFrame], *, needs_invoices: bool) -> None:
    """Refuse tables that lack what a ledger must have, all faults at once.

    Args:
        tables: table name to rows.
        needs_invoices: whether an invoices table without rows is a fault.

    Raises:
        InvalidInputError: a table is unknown or missing, a required column is missing, or there is no
            invoice.
    """
    faults = [
        Fault(localized("is not a ledger table"), where=name, expected=one_of(name, sorted(SCHEMAS)))
        for name in sorted(set(tables) - set(SCHEMAS))
    ]
    faults += [
        Fault(
            localized("table is missing"),
            where=name,
            remedy=localized("deliver {name}.parquet or {name}.csv", name=name),
        )
        for name in REQUIRED_TABLES
        if name not in tables
    ]
    for name in SCHEMAS:
        if name in tables:
            faults += _missing_columns(name, tables[name].columns)
            faults += unusable_columns(name, tables[name])
    if needs_invoices and "invoices" in tables and tables["invoices"].height == 0:
        faults.append(
            Fault(localized("holds no row"), where="invoices", expected=localized("at least one invoice"))
        )
    if faults:
        raise InvalidInputError(localized("this is not a ledger"), faults)


def _missing_columns(table: str, columns: list[str]) -> list[Fault]:
    schema = SCHEMAS[table].columns()
    unused = [name for name in columns if name not in schema and name not in PROVENANCE]
    return [
        Fault(
            localized("column is missing"),
            where=f"{table}.{name}",
            expected=one_of(name, sorted(unused))
            if unused
            else localized("columns {schema}", schema=tuple(schema)),
            remedy=localized("rename the column, or name it in the mapping"),
        )
        for name, column in schema.items()
        if name not in columns and not column.nullable and f"{table}.{name}" not in ABSENT_COLUMN_MEANS
    ]


def unusable_columns(table: str, frame: pl.DataFrame) -> list[Fault]:
    """Columns of a contract whose cells are lists, structures, bytes or spans instead of one plain value."""
    return [
        Fault(
            localized("cells are of type {dtype}", dtype=str(dtype)),
            where=f"{table}.{name}",
            expected=localized("one text, figure, day or flag each"),
        )
        for name, dtype in frame.schema.items()
        if name in table_dtypes(table) and is_unusable(dtype)
    ]


def is_unusable(dtype: pl.DataType) -> bool:
    """Whether a type cannot represent any value of a ledger."""
    return dtype.is_nested() or dtype in (pl.Object, pl.Binary, pl.Duration)


def _as_plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Categories, times of day and durations as text, so that every column is text, figure, day, instant or flag."""
    texts = [
        n for n, dtype in frame.schema.items() if dtype in (pl.Categorical, pl.Enum, pl.Time, pl.Duration)
    ]
    return frame.with_columns(pl.col(texts).cast(pl.String)) if texts else frame


def unused_columns(table: str, frame: pl.DataFrame) -> list[Note]:
    """A note per column that is in no contract, naming the contract column it may have been meant for."""
    notes = []
    for name in frame.columns:
        if name not in table_dtypes(table) and name not in PROVENANCE:
            absent = [column for column in table_dtypes(table) if column not in frame.columns]
            close = difflib.get_close_matches(name, absent, n=1, cutoff=0.75)
            text = localized("{table}: column {name!r} is not used", table=table, name=name)
            if close:
                text = localized("{sentence}; did you mean {nearest}?", sentence=text, nearest=close[0])
            notes.append(Note(text))
    return notes


def conform(table: str, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[Note]]:
    """A delivered table in its contract's columns and types, with provenance columns.

    Args:
        table: name of the ledger table.
        frame: its rows in any types; columns beyond the contract are left out.

    Returns:
        The rows whose every cell could be converted; the others, as they came, with `rule`; and the
        assumptions made for absent columns.
    """
    frame = _as_plain(frame)
    dtypes = table_dtypes(table)
    notes = [
        note
        for column, (_, note) in ABSENT_COLUMN_MEANS.items()
        if column.split(".")[0] == table and column.split(".")[1] not in frame.columns
    ]
    given = {name: frame.schema[name] for name in dtypes if name in frame.columns}
    raw = with_provenance(frame).select([*given, *PROVENANCE]).with_columns(_trimmed(table, frame))
    ids = [name for name in id_columns(table) if given.get(name) == pl.String]
    raw = raw.with_columns(normal_ids(raw[name]) for name in ids)
    converted = {
        name: _convert(pl.col(name), given[name], dtype) for name, dtype in dtypes.items() if name in given
    }
    faults: dict[str, pl.Expr] = {
        f"{table}.{name}: control or invisible character": refused_characters(pl.col(name)) for name in ids
    }
    for name, value in converted.items():
        if given[name] == dtypes[name]:
            continue
        unreadable = pl.col(name).is_not_null() & value.is_null()
        if dtypes[name] == _AMOUNT:
            too_fine = _has_more_than_two_decimals(pl.col(name), given[name])
            faults[f"{table}.{name}: more than two decimals"] = too_fine
            unreadable &= ~too_fine
        faults[f"{table}.{name}: {_unreadable(dtypes[name])}"] = unreadable
    good, bad = split_by_rules(raw, faults)
    notes += _noise(table, good, [n for n in given if given[n] == pl.String and dtypes[n] == _AMOUNT])
    typed = good.with_columns(**converted)
    for name, dtype in dtypes.items():
        if name not in given:
            default = ABSENT_COLUMN_MEANS.get(f"{table}.{name}")
            value = default[0] if default is not None else pl.lit(None)
            typed = typed.with_columns(value.cast(dtype).alias(name))
    return typed.select([*dtypes, *PROVENANCE]), bad, notes


def _noise(table: str, rows: pl.DataFrame, columns: list[str]) -> list[Note]:
    """A note per column whose amounts carry the rounding noise of a program."""
    notes = []
    for name in columns:
        noisy = rows.filter(pl.col(name).str.contains(_NOISE))[name]
        if noisy.len():
            shown = noisy.sort().item(0)
            notes.append(
                Note(
                    localized(
                        "{table}.{name}: amounts with a program's rounding noise are taken to the cent, "
                        "such as {shown}",
                        table=table,
                        name=name,
                        shown=shown,
                    ),
                    noisy.len(),
                )
            )
    return notes


def _trimmed(table: str, frame: pl.DataFrame) -> list[pl.Expr]:
    """Text cells without blanks around them, empty ones null; the words of an e-mail stay as written.

    Ids are left to their own normal form; currency codes are taken in any case.
    """
    texts = [
        name
        for name, dtype in frame.schema.items()
        if dtype == pl.String
        and name in table_dtypes(table)
        and name not in id_columns(table)
        and f"{table}.{name}" not in _KEPT_AS_WRITTEN
    ]
    written = [c.split(".")[1] for c in _KEPT_AS_WRITTEN if c.split(".")[0] == table]
    trimmed = [pl.col(name).str.strip_chars() for name in texts]
    return (
        [pl.when(text != "").then(text) for text in trimmed if text.meta.output_name() != _CURRENCY]
        + [_currency() for name in texts if name == _CURRENCY]
        + [pl.col(name).fill_null("") for name in written if name in frame.columns]
    )


def _currency() -> pl.Expr:
    """Currency codes in capitals; what is no code of three letters stays as written."""
    code = pl.col(_CURRENCY).str.strip_chars()
    is_code = code.str.contains(r"^[A-Za-z]{3}$")
    return pl.when(is_code).then(code.str.to_uppercase()).when(code != "").then(code)


def _convert(column: pl.Expr, given: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """A column brought from the type it came in to the contract's; null where that cannot be done."""
    if given == wanted:
        return column
    if wanted == pl.String:
        return _to_text(column, given)
    if wanted == pl.Date:
        return _to_date(column, given)
    if wanted == _AMOUNT:
        return _to_amount(column, given)
    if wanted == pl.Boolean:
        return _to_flag(column, given)
    if wanted == pl.Int64:
        return _to_whole_number(column, given)
    if wanted == pl.Float64:
        is_figure = given.is_numeric() or given in (pl.String, pl.Null)
        return column.cast(pl.Float64, strict=False) if is_figure else pl.lit(None, pl.Float64)
    return to_instant(column, given)


def _to_text(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    """Ids that a tool turned into floats (12345.0) lose the artificial ".0"; everything else as it prints."""
    text = column.cast(pl.String, strict=False)
    return text.str.replace(r"\.0$", "") if given.is_float() else text


def _to_whole_number(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    if given == pl.String:
        return pl.when(column.str.contains(r"^\d{1,9}(\.0)?$")).then(column).cast(pl.Float64).cast(pl.Int64)
    if given.is_float():
        return pl.when(column == column.round()).then(column).cast(pl.Int64, strict=False)
    is_figure = given.is_numeric() or given == pl.Null
    return column.cast(pl.Int64, strict=False) if is_figure else pl.lit(None, pl.Int64)


def _to_date(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    if given == pl.Datetime:
        return column.dt.date()
    if given == pl.String:
        day = column.str.extract(r"^(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}.*)?$")
        return day.str.to_date("%Y-%m-%d", strict=False)
    return pl.lit(None, pl.Date) if given != pl.Null else column.cast(pl.Date)


def to_instant(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    """Instants in UTC; a text or column without an offset is taken as UTC already, a day as its 00:00."""
    utc = pl.Datetime("us", "UTC")
    if isinstance(given, pl.Datetime):
        placed = column.dt.replace_time_zone("UTC") if given.time_zone is None else column
        return placed.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    if given == pl.Date:
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if given != pl.String:
        return column.cast(utc) if given == pl.Null else pl.lit(None, utc)
    text = column.str.replace(" ", "T").str.replace(r"[Zz]$", "+00:00")
    text = text.str.replace(r"([+-]\d{2})(\d{2})$", "$1:$2")
    full = pl.when(text.str.contains(r"^\d{4}-\d{2}-\d{2}$")).then(text + "T00:00").otherwise(text)
    placed = pl.when(full.str.contains(r"[+-]\d{2}:\d{2}$")).then(full).otherwise(full + "+00:00")
    return pl.coalesce(
        placed.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
        for pattern in ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M%:z")
    )


def _to_amount(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    if given == pl.String:
        noisy = pl.when(column.str.contains(_NOISE)).then(column).cast(pl.Decimal(38, 17), strict=False)
        exact = pl.when(column.str.contains(_TEXT_AMOUNT)).then(column).cast(_AMOUNT, strict=False)
        return pl.coalesce(noisy.round(2).cast(_AMOUNT, strict=False), exact)
    if given.is_float():
        fits = column.is_finite() & (column.abs() < 1e13)
        cents = pl.when(fits).then((column * 100).round()).cast(pl.Int64, strict=False)
        return (cents.cast(pl.Decimal(38, 2)) / 100).cast(_AMOUNT, strict=False)
    if given.is_numeric() or given == pl.Null:
        return column.cast(_AMOUNT, strict=False)
    return pl.lit(None, _AMOUNT)


def _has_more_than_two_decimals(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    """Amounts that two decimals cannot represent; a binary float may only miss them by its own rounding."""
    if given == pl.String:
        return column.str.contains(r"^[+-]?\d+\.\d{2}\d*[1-9]") & ~column.str.contains(_NOISE)
    if given.is_float():
        distance = (column - (column * 100).round() / 100).abs()
        return distance > 1e-9 + 1e-15 * column.abs()
    if isinstance(given, pl.Decimal) and given.scale > 2:
        return column != column.cast(_AMOUNT, strict=False)
    return pl.lit(value=False)


def _to_flag(column: pl.Expr, given: pl.DataType) -> pl.Expr:
    if given == pl.String:
        lower = column.str.to_lowercase()
        return lower.replace_strict({"true": True, "1": True, "false": False, "0": False}, default=None)
    if given.is_integer():
        return pl.when(column.is_in([0, 1])).then(column.cast(pl.Boolean))
    return column.cast(pl.Boolean) if given == pl.Null else pl.lit(None, pl.Boolean)


def _unreadable(dtype: pl.DataType) -> str:
    """What to call a cell that could not be converted to this type."""
    if dtype == pl.Date:
        return "unreadable date"
    if isinstance(dtype, pl.Datetime):
        return "unreadable instant"
    if dtype == _AMOUNT:
        return "unreadable amount"
    return "unreadable flag" if dtype == pl.Boolean else "unreadable number"
