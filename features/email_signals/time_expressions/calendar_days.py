"""Calendar arithmetic behind spoken dates; every function takes the day the mail was sent."""

from __future__ import annotations

import datetime as dt

_DAYS_KEPT_PAST = 120


def next_weekday(sent_on: dt.date, weekday: int) -> dt.date:
    """First such weekday strictly after the day the mail was sent."""
    return sent_on + dt.timedelta(days=(weekday - sent_on.weekday() - 1) % 7 + 1)


def friday_of_week(day: dt.date) -> dt.date:
    """Friday of the calendar week (Monday to Sunday) of that day."""
    return day + dt.timedelta(days=4 - day.weekday())


def friday_of_iso_week(sent_on: dt.date, week: int) -> dt.date | None:
    """Friday of the numbered week, of this year or the next when it has gone by; null when there is no such week."""
    for year in (sent_on.isocalendar().year, sent_on.isocalendar().year + 1):
        try:
            friday = dt.date.fromisocalendar(year, week, 5)
        except ValueError:
            return None
        if friday >= sent_on - dt.timedelta(days=7):
            return friday
    return None


def month_end(year: int, month: int) -> dt.date:
    """Last day of a month; month 13 and beyond run into the following year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def quarter_end(year: int, quarter: int) -> dt.date:
    """Last day of a quarter."""
    return month_end(year, quarter * 3)


def next_month_end(sent_on: dt.date, month: int) -> dt.date:
    """Last day of the named month: this year's, or next year's when it has gone by."""
    end = month_end(sent_on.year, month)
    return end if end >= sent_on else month_end(sent_on.year + 1, month)


def day_in_year(sent_on: dt.date, month: int, day: int, year: int | None) -> dt.date | None:
    """The day meant by day and month, year given or not; null when the calendar has no such day.

    Without a year it is the nearest one: a day at most 120 days gone by is past, otherwise the next to come.
    """
    if year is not None:
        return valid_day(year + 2000 if year < 100 else year, month, day)
    candidates = [valid_day(sent_on.year + shift, month, day) for shift in (-1, 0, 1)]
    earliest = sent_on - dt.timedelta(days=_DAYS_KEPT_PAST)
    return next(
        (candidate for candidate in candidates if candidate is not None and candidate >= earliest), None
    )


def day_of_month(sent_on: dt.date, day: int) -> dt.date | None:
    """Next such day of the month, the day of sending included; null when no coming month has it."""
    for shift in range(3):
        month_index = sent_on.month - 1 + shift
        candidate = valid_day(sent_on.year + month_index // 12, month_index % 12 + 1, day)
        if candidate is not None and candidate >= sent_on:
            return candidate
    return None


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
