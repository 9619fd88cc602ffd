"""Calendar arithmetic behind spoken dates; every function takes the day the mail was sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

DAYS_KEPT_PAST = 120
"""A day named without its year that lies at most this many days back is that day gone by, never next year's."""
PLAUSIBLE_DAYS_AHEAD = 120
"""A promised day further ahead is not relied on: payers seldom commit so far ahead, and most such readings are
mistakes."""
_YEAR_DAYS = 365


def nearest_occurrence(sent_on: dt.date, of_year: Callable[[int], dt.date | None]) -> dt.date | None:
    """The occurrence meant when a day, week, month, quarter or feast is named without its year.

    It is the first one that has not gone by for more than ``DAYS_KEPT_PAST`` days. So "week 21" in week 23 is the
    week that has just gone by and not next year's, "15 January" in December is next month's, and nothing is ever
    moved more than 245 days ahead.

    Args:
        sent_on: day the mail was sent.
        of_year: the day in a given year; null when that year has none (week 53, 29 February).

    Returns:
        The day; null when no year gives one in that window.
    """
    earliest = sent_on - dt.timedelta(days=DAYS_KEPT_PAST)
    for year in (sent_on.year - 1, sent_on.year, sent_on.year + 1):
        day = of_year(year)
        if day is not None and earliest <= day < earliest + dt.timedelta(days=_YEAR_DAYS):
            return day
    return None


def next_weekday(sent_on: dt.date, weekday: int) -> dt.date:
    """First such weekday strictly after the day the mail was sent."""
    return sent_on + dt.timedelta(days=(weekday - sent_on.weekday() - 1) % 7 + 1)


def monday_of_week(day: dt.date) -> dt.date:
    """Monday of the calendar week (Monday to Sunday) of that day."""
    return day - dt.timedelta(days=day.weekday())


def friday_of_week(day: dt.date) -> dt.date:
    """Friday of the calendar week (Monday to Sunday) of that day."""
    return monday_of_week(day) + dt.timedelta(days=4)


def friday_of_iso_week(sent_on: dt.date, week: int, year: int | None = None) -> dt.date | None:
    """Friday of the numbered week (ISO 8601); null when there is no such week."""

    def of_year(number: int) -> dt.date | None:
        try:
            return dt.date.fromisocalendar(number, week, 5)
        except ValueError:
            return None

    return of_year(year) if year else nearest_occurrence(sent_on, of_year)


def friday_of_week_of(sent_on: dt.date, day: int) -> dt.date | None:
    """Friday of the week that contains such a day of the month: the running week or the first to come."""
    for shift in range(-1, 3):
        candidate = _day_in_month(sent_on, shift, day)
        if candidate is not None and friday_of_week(candidate) >= sent_on:
            return friday_of_week(candidate)
    return None


def month_end(year: int, month: int) -> dt.date:
    """Last day of a month; month 13 and beyond run into the following year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def end_of_named_month(sent_on: dt.date, month: int, year: int | None = None) -> dt.date | None:
    """Last day of the named month, of the year given or of the nearest one."""
    return month_end(year, month) if year else nearest_occurrence(sent_on, lambda y: month_end(y, month))


def end_of_quarter(sent_on: dt.date, quarter: int, year: int | None = None) -> dt.date | None:
    """Last day of a quarter, of the year given or of the nearest one."""
    return end_of_named_month(sent_on, quarter * 3, year)


def day_in_year(sent_on: dt.date, month: int, day: int, year: int | None) -> dt.date | None:
    """The day meant by day and month, year given or nearest; null when the calendar has no such day."""
    if year is not None:
        return valid_day(year + 2000 if year < 100 else year, month, day)
    return nearest_occurrence(sent_on, lambda number: valid_day(number, month, day))


def day_of_month(sent_on: dt.date, day: int) -> dt.date | None:
    """Next such day of the month, the day of sending included; null when no coming month has it."""
    candidates = (_day_in_month(sent_on, shift, day) for shift in range(3))
    return next((found for found in candidates if found is not None and found >= sent_on), None)


def is_missing_from_month(sent_on: dt.date, day: int) -> bool:
    """Whether the running month, not yet at its last day, has no such day ("le 31" in June)."""
    last = month_end(sent_on.year, sent_on.month)
    return last.day < day <= 31 and sent_on < last


def day_of_month_on_weekday(sent_on: dt.date, day: int, weekday: int) -> dt.date | None:
    """Such a day of the month that falls on the weekday: the next to come, else the one last gone by."""
    coming = day_of_month(sent_on, day)
    if coming is not None and coming.weekday() == weekday:
        return coming
    gone_by = (_day_in_month(sent_on, shift, day) for shift in (0, -1))
    last = next((found for found in gone_by if found is not None and found < sent_on), None)
    return last if last is not None and last.weekday() == weekday else None


def weekday_in_month(year: int, month: int, weekday: int, number: int) -> dt.date:
    """The first to fourth such weekday of a month (number 1 to 4), the last one for number -1."""
    last = month_end(year, month)
    if number < 0:
        return last - dt.timedelta(days=(last.weekday() - weekday) % 7)
    first = last.replace(day=1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def months_later(sent_on: dt.date, months: int) -> dt.date | None:
    """The same day some months later, or the last day of that month when it is shorter."""
    end = month_end(sent_on.year, sent_on.month + months)
    return valid_day(end.year, end.month, min(sent_on.day, end.day))


def _day_in_month(sent_on: dt.date, shift: int, day: int) -> dt.date | None:
    end = month_end(sent_on.year, sent_on.month + shift)
    return valid_day(end.year, end.month, day)


def valid_day(year: int, month: int, day: int) -> dt.date | None:
    """The civil day, null when it does not exist or lies outside 1990 to 2100."""
    if not 1990 <= year <= 2100:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def easter_sunday(year: int) -> dt.date:
    """Easter Sunday (Meeus, Jones and Butcher's algorithm for the Gregorian calendar)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    offset = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * offset) // 451
    month, day = divmod(h + offset - 7 * m + 114, 31)
    return dt.date(year, month, day + 1)
