"""Days as whole numbers: working days by country, payment runs by customer, slow seasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import holidays
import numpy as np
import numpy.typing as npt
import polars as pl

from data_samples.generator.settings import COUNTRIES, WorldSettings

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

COUNTRY_CODES: tuple[str, ...] = tuple(COUNTRIES)
SUPPLIER_COUNTRY = "FR"
LONGEST_RUN_GAP = 31


@dataclass(frozen=True)
class DayCalendar:
    """The days of the world and of its tail; day 0 is the first day of the world.

    Attributes:
        start: civil day of day 0.
        length: number of days, the tail after the end of the ledger included.
        month: month number (0 = first of the world) of each day.
        month_of_year: 1 to 12 for each day.
        day_of_month: 1 to 31 for each day.
        weekday: 0 (Monday) to 6 for each day.
        working: country x day, true on working days.
        speed: country x day, payment speed of the season (1 = ordinary).
    """

    start: date
    length: int
    month: IntArray
    month_of_year: IntArray
    day_of_month: IntArray
    weekday: IntArray
    working: BoolArray
    speed: FloatArray

    @classmethod
    def from_settings(cls, settings: WorldSettings) -> DayCalendar:
        """The calendar that covers the ledger, the longest terms and the tail."""
        length = settings.days + settings.tail_days + 1
        days = np.datetime64(settings.start, "D") + np.arange(length)
        months = days.astype("datetime64[M]")
        month_of_year = months.astype(np.int64) % 12 + 1
        day_of_month = (days - months).astype(np.int64) + 1
        weekday = (days.astype(np.int64) + 3) % 7
        years = range(int(str(days[0])[:4]), int(str(days[-1])[:4]) + 1)
        working = np.empty((len(COUNTRY_CODES), length), dtype=np.bool_)
        speed = np.ones((len(COUNTRY_CODES), length))
        year_end = ((month_of_year == 12) & (day_of_month >= 24)) | (
            (month_of_year == 1) & (day_of_month <= 2)
        )
        for row, code in enumerate(COUNTRY_CODES):
            closed = np.array(_public_holidays(code, years), dtype="datetime64[D]")
            working[row] = (weekday < 5) & ~np.isin(days, closed)
            speed[row, month_of_year == 8] = COUNTRIES[code].august
            speed[row, year_end] = settings.year_end_speed
        month = (months - months[0]).astype(np.int64)
        return cls(settings.start, length, month, month_of_year, day_of_month, weekday, working, speed)

    def to_dates(self, days: IntArray) -> pl.Series:
        """Civil days of day numbers; negative numbers lie before the world."""
        epoch = (self.start - date(1970, 1, 1)).days
        return pl.Series((np.asarray(days) + epoch).astype(np.int32)).cast(pl.Date)

    def working_day_from(self, country: int, days: IntArray) -> IntArray:
        """The day itself if it is a working day of the country, else the next one."""
        return self.add_working_days(country, days, np.zeros(len(days), dtype=np.int64))

    def add_working_days(self, country: int, days: IntArray, count: IntArray) -> IntArray:
        """The day `count` working days after the first working day from `days` on (last day at most)."""
        open_days = np.flatnonzero(self.working[country])
        position = np.searchsorted(open_days, days) + count
        reached: IntArray = open_days[np.minimum(position, len(open_days) - 1)]
        return reached


@cache
def _public_holidays(country: str, years: range) -> tuple[date, ...]:
    return tuple(sorted(holidays.country_holidays(country, years=years)))


def run_schedule(
    calendar: DayCalendar, country: IntArray, run_kind: npt.NDArray[np.str_], run_weekday: IntArray
) -> npt.NDArray[np.int8]:
    """Payment runs of every customer: customer x day, days since the run before (0 = no run that day).

    A run that falls on a closed day takes place on the next working day of the payer's country.
    """
    gaps = np.zeros((len(country), calendar.length), dtype=np.int8)
    keys = np.array([f"{c}|{k}|{w}" for c, k, w in zip(country, run_kind, run_weekday, strict=True)])
    for key in np.unique(keys):
        code, kind, weekday = str(key).split("|")
        wanted = _scheduled_days(calendar, kind, int(weekday))
        runs = np.unique(calendar.working_day_from(int(code), wanted))
        row = np.zeros(calendar.length, dtype=np.int8)
        row[runs] = np.minimum(np.diff(runs, prepend=runs[0] - 1), LONGEST_RUN_GAP)
        gaps[keys == key] = row
    return gaps


def _scheduled_days(calendar: DayCalendar, kind: str, weekday: int) -> IntArray:
    if kind == "daily":
        wanted = np.ones(calendar.length, dtype=np.bool_)
    elif kind == "weekly":
        wanted = calendar.weekday == weekday
    elif kind == "twice_weekly":
        wanted = (calendar.weekday == 1) | (calendar.weekday == 3)
    elif kind == "tenth_and_25th":
        wanted = (calendar.day_of_month == 10) | (calendar.day_of_month == 25)
    else:
        wanted = calendar.day_of_month == 28
    return np.flatnonzero(wanted)
