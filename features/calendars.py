"""Working days in the payer's country: weekends and public holidays, nothing else.

Source: the `holidays` package (public holidays of the country, no regional ones). Where the country is
unknown or has no calendar there, working days are Monday to Friday and no holiday is counted; `has_calendar`
says which case it is. A payer abroad does not pay on its own holidays, so the payer's country is what to
give.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Final, Literal

import holidays
import numpy as np
import numpy.typing as npt
import polars as pl

#: Years for which public holidays are laid out; outside them only weekends are known.
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2075
_SATURDAY_AND_SUNDAY: Final = frozenset({5, 6})


@cache
def _supported_countries() -> frozenset[str]:
    return frozenset(holidays.list_supported_countries(include_aliases=False))


def has_calendar(country: str | None) -> bool:
    """Whether the public holidays of this country (ISO 3166 alpha-2) are known."""
    return country in _supported_countries()


@cache
def public_holidays(country: str | None) -> tuple[dt.date, ...]:
    """Public holidays of a country from FIRST_YEAR to LAST_YEAR, in order; empty for an unknown country."""
    if country is None or not has_calendar(country):
        return ()
    return tuple(sorted(holidays.country_holidays(country, years=range(FIRST_YEAR, LAST_YEAR + 1))))


@cache
def _working_calendar(country: str | None) -> np.busdaycalendar:
    """Weekend and holidays of a country in the form numpy counts with."""
    weekend = set(_SATURDAY_AND_SUNDAY)
    if country is not None and has_calendar(country):
        weekend = set(holidays.country_holidays(country, years=LAST_YEAR).weekend)
    mask = [weekday not in weekend for weekday in range(7)]
    days = np.array(public_holidays(country), dtype="datetime64[D]")
    return np.busdaycalendar(weekmask=mask, holidays=days)


def is_working_day(day: dt.date, country: str | None) -> bool:
    """Whether banks and offices of the country work on that day.

    >>> is_working_day(dt.date(2024, 7, 14), "FR")
    False
    """
    return bool(np.is_busday(np.datetime64(day, "D"), busdaycal=_working_calendar(country)))


def next_working_day(day: dt.date, country: str | None) -> dt.date:
    """The day itself when it is a working day, otherwise the first working day after it.

    >>> next_working_day(dt.date(2024, 5, 1), "FR")
    datetime.date(2024, 5, 2)
    """
    return _moved(day, 0, "forward", country)


def previous_working_day(day: dt.date, country: str | None) -> dt.date:
    """The day itself when it is a working day, otherwise the last working day before it."""
    return _moved(day, 0, "backward", country)


def add_working_days(day: dt.date, count: int, country: str | None) -> dt.date:
    """The `count`-th working day after a day (before it when negative); 0 gives `next_working_day`."""
    return _moved(day, count, "forward" if count <= 0 else "backward", country)


def working_days_between(start: dt.date, end: dt.date, country: str | None) -> int:
    """Number of working days d with start <= d < end; negative when end lies before start.

    >>> working_days_between(dt.date(2024, 5, 6), dt.date(2024, 5, 13), "FR")  # 8 and 9 May: holidays
    3
    """
    first, last, sign = (start, end, 1) if start <= end else (end, start, -1)
    count = np.busday_count(
        np.datetime64(first, "D"), np.datetime64(last, "D"), busdaycal=_working_calendar(country)
    )
    return sign * int(count)


def working_days_between_columns(starts: pl.Series, ends: pl.Series, countries: pl.Series) -> pl.Series:
    """`working_days_between` row by row for whole columns (Int64); null where a day is null.

    Args:
        starts: first days, Date.
        ends: days before which counting stops, Date.
        countries: ISO 3166 alpha-2 of the payer, null for unknown.
    """
    frame = pl.DataFrame(
        {"start": starts, "end": ends, "country": countries, "row": np.arange(starts.len())},
        schema_overrides={"country": pl.String},
    )
    known = frame.filter(pl.col("start").is_not_null() & pl.col("end").is_not_null())
    parts = [
        pl.DataFrame({"row": part["row"], "count": _count_between(part, part["country"][0])})
        for part in known.partition_by("country", maintain_order=True)
    ]
    counts = pl.concat(parts) if parts else pl.DataFrame(schema={"row": pl.Int64, "count": pl.Int64})
    return (
        frame.select("row")
        .join(counts, on="row", how="left", validate="1:1")
        .sort("row")["count"]
        .alias("working_days")
    )


def _count_between(part: pl.DataFrame, country: str | None) -> pl.Series:
    """Signed working-day counts of rows that share one country."""
    start = part["start"].to_numpy().astype("datetime64[D]")
    end = part["end"].to_numpy().astype("datetime64[D]")
    first, last = np.minimum(start, end), np.maximum(start, end)
    counts = np.busday_count(first, last, busdaycal=_working_calendar(country)).astype(np.int64)
    return pl.Series(np.where(start <= end, counts, -counts))


def _moved(day: dt.date, count: int, roll: Literal["forward", "backward"], country: str | None) -> dt.date:
    """A day rolled onto a working day, then moved by working days."""
    calendar = _working_calendar(country)
    moved = np.busday_offset(np.datetime64(day, "D"), count, roll=roll, busdaycal=calendar)
    return dt.date.fromisoformat(str(moved))


def count_working_days(
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    countries: Sequence[str | None],
    places: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Working days d with start <= d < end for arrays of day numbers (days since 1970-01-01), row by row.

    Args:
        starts: first days.
        ends: days before which counting stops; before the start, the count is negative.
        countries: ISO 3166 alpha-2 of each payer, null for unknown.
        places: which of the countries each row belongs to.
    """
    distinct = list(dict.fromkeys(countries))
    codes = np.array([distinct.index(country) for country in countries], dtype=np.int64).take(places)
    first, last = (
        np.minimum(starts, ends).astype("datetime64[D]"),
        np.maximum(starts, ends).astype("datetime64[D]"),
    )
    counts = np.zeros(len(starts), dtype=np.int64)
    for code, country in enumerate(distinct):
        rows = np.flatnonzero(codes == code)
        counts[rows] = np.busday_count(first[rows], last[rows], busdaycal=_working_calendar(country))
    return np.where(ends < starts, -counts, counts)
