"""Civil days as integers: days since 1970-01-01, with a value for 'never'."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import polars as pl

Int64Array = npt.NDArray[np.int64]
Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

NEVER = 100_000
"""A day after every real one (2243); means 'not known to have happened'."""

EPOCH = dt.date(1970, 1, 1)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> dt.date:
    """The civil day of a day number."""
    return EPOCH + dt.timedelta(days=int(number))


def day_numbers(column: pl.Series, *, missing: int = NEVER) -> Int64Array:
    """Day numbers of a Date column; null becomes `missing`."""
    if column.null_count() == 0:
        return column.to_physical().to_numpy().astype(np.int64)
    return column.cast(pl.Int32).cast(pl.Int64).fill_null(missing).to_numpy()


def day_expression(column: str) -> pl.Expr:
    """Day numbers of a Date column in an expression; null stays null."""
    return pl.col(column).cast(pl.Int32).cast(pl.Int64)


def weekdays(days: Int64Array) -> Int64Array:
    """Weekday of each day number, Monday 0 to Sunday 6 (1970-01-01 was a Thursday)."""
    return (days + 3) % 7


def months(days: Int64Array) -> Int64Array:
    """Calendar month of each day number, 1 to 12."""
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1)


def days_of_month(days: Int64Array) -> Int64Array:
    """Day of the month of each day number, 1 to 31."""
    as_dates = days.astype("datetime64[D]")
    return np.asarray((as_dates - as_dates.astype("datetime64[M]")).astype(np.int64) + 1)


def days_to_month_end(days: Int64Array) -> Int64Array:
    """Days from each day to the last day of its month, 0 on that day."""
    as_dates = days.astype("datetime64[D]")
    first_of_next = (as_dates.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return np.asarray((first_of_next - as_dates).astype(np.int64) - 1)
