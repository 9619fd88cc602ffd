"""Resolvers of expressions that mean the last day of a week, month, quarter or year, or no single day."""

from __future__ import annotations

import datetime as dt
import re

from features.email.time_expressions import calendar_days as days
from features.email.time_expressions.moments import (
    Moment,
    Sending,
    end_of_month_meant,
    number_named,
    period,
    whole_month,
    whole_week,
    year_named,
)
from features.email.time_expressions.patterns import MONTHS, ORDINALS

_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_IN_A_MONTH = re.compile(r"(?:en|in|during|au mois de|au mois d') ?")
_LONGEST_WEEK_RANGE = 4
_LEAP_WEEK = 53
"""The week (ISO 8601) that some years have and most have not."""


def week_of(m: re.Match[str], sending: Sending) -> Moment | None:
    """The week that contains a day: "semaine du 15", "week of 15 June"."""
    number, month = int(m["day"]), number_named(MONTHS, m["month"])
    if month is None:
        return whole_week(days.friday_of_week_of(sending.on, number), sending)
    day = days.day_in_year(sending.on, month, number, None)
    return whole_week(days.friday_of_week(day), sending) if day else None


def week_number(m: re.Match[str], sending: Sending) -> Moment | None:
    """A numbered week, or the later of two that follow each other closely: "S21", "week 24", "semaine 24 ou 25"."""
    week, later = int(m["week"]), int(m["later"] or 0)
    if week < later <= week + _LONGEST_WEEK_RANGE:
        week = later
    friday = days.friday_of_iso_week(sending.on, week, year_named(m))
    if friday is None and week == _LEAP_WEEK:
        return Moment(None, "open", doubt="no_such_day")
    return whole_week(friday, sending)


def next_week(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The calendar week to come."""
    return whole_week(days.friday_of_week(sending.on) + dt.timedelta(days=7), sending)


def week_after_next(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The calendar week after the one to come."""
    return whole_week(days.friday_of_week(sending.on) + dt.timedelta(days=14), sending)


def week_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The n-th week of a named month, running to the n-th Friday: "deuxième semaine de juillet"."""
    end = end_of_month_meant(m, sending)
    if end is None:
        return None
    return whole_week(days.weekday_in_month(end.year, end.month, _FRIDAY, ORDINALS[m["nth"]]), sending)


def this_week(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The running calendar week, the next one when its Friday has gone by."""
    friday = days.friday_of_week(sending.on)
    if friday > sending.on:
        return whole_week(friday, sending)
    friday += dt.timedelta(days=7 if friday < sending.on else 0)
    return Moment(friday, "open", since=days.monday_of_week(friday))


def weekend(m: re.Match[str], sending: Sending) -> Moment | None:
    """A weekend, running to its Sunday; "before the weekend" is the Friday."""
    before = m.groupdict().get("before")
    last = _SUNDAY - sending.on.weekday() + (7 if m.groupdict().get("next") else 0)
    sunday = sending.on + dt.timedelta(days=last)
    if before:
        return this_week(m, sending)
    return period(sunday - dt.timedelta(days=_SUNDAY - _SATURDAY), sunday, sending)


def end_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """A named month, running to its last day: "fin mai", "in July"."""
    year = year_named(m)
    end = days.end_of_named_month(sending.on, MONTHS[m["month"].rstrip(".")], year)
    is_told_of = year is not None or _IN_A_MONTH.match(m.group()) is not None
    return whole_month(end, sending, is_told_of=is_told_of)


def half_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The first fortnight of a named month runs to its 15th, the second to its last day."""
    end = days.end_of_named_month(sending.on, MONTHS[m["month"].rstrip(".")], year_named(m))
    if end is None:
        return None
    if ORDINALS[m["nth"]] == 1:
        return period(end.replace(day=1), end.replace(day=15), sending)
    return period(end.replace(day=16), end, sending)


def end_of_this_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of the running month."""
    return whole_month(days.month_end(sending.on.year, sending.on.month), sending)


def end_of_next_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of the month to come."""
    return whole_month(days.month_end(sending.on.year, sending.on.month + 1), sending)


def last_day_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of a month, said as such."""
    return whole_month(end_of_month_meant(m, sending), sending)


def quarter(m: re.Match[str], sending: Sending) -> Moment | None:
    """A quarter, running to its last day; without a number the running one."""
    parts = m.groupdict()
    named = parts.get("a") or parts.get("b")
    number = int(named) if named else ORDINALS.get(parts.get("nth") or "", (sending.on.month - 1) // 3 + 1)
    end = days.end_of_quarter(sending.on, number, year_named(m))
    return period(days.valid_day(end.year, end.month - 2, 1) or end, end, sending) if end else None


def end_of_year(m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of a year, without a number of the running one."""
    year = year_named(m) or sending.on.year
    return period(dt.date(year, 1, 1), dt.date(year, 12, 31), sending)


def vague(_m: re.Match[str], _sending: Sending) -> Moment | None:
    """A moment to come without a single day."""
    return Moment(None, "future")


def past(_m: re.Match[str], _sending: Sending) -> Moment | None:
    """A moment gone by."""
    return Moment(None, "past")
