"""Resolvers of expressions that mean one day."""

from __future__ import annotations

import datetime as dt
import re

from features.calendars import add_working_days, previous_working_day
from features.email.time_expressions import calendar_days as days
from features.email.time_expressions.moments import (
    Moment,
    Sending,
    counted,
    day_number,
    end_of_month_meant,
    named_date,
    number_named,
    single_day,
    year_named,
)
from features.email.time_expressions.patterns import (
    EASTER_FEASTS,
    FIXED_FEASTS,
    MONTHS,
    ORDINALS,
    UNIT_DAYS,
    WEEKDAYS,
)

_MONTHS_OF_YEAR = range(1, 13)
_LAST_DAYS = range(29, 32)
"""Days that some months have and some have not."""
_NO_SUCH_DAY = Moment(None, "open", has_date=True, doubt="no_such_day")
"""A date that the calendar lacks: "31 juin", "29/02" in most years."""
_LEADS_A_DAY = re.compile(r"\b(?:on|by|before|for|until|till|out|due)(?: the)? $")


def named_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """Day and named month, with or without a year: "le 15 janvier", "Friday, June 5th"."""
    month, day, year = MONTHS[m["month"].rstrip(".")], day_number(m["day"]), year_named(m)
    weekday = number_named(WEEKDAYS, m.groupdict().get("weekday"))
    found = days.day_in_year(sending.on, month, day, year)
    if m.groupdict().get("next") and found is not None and found <= sending.on:
        found = days.valid_day(found.year + 1, month, day)
    if found is None and day in _LAST_DAYS:
        return _NO_SUCH_DAY
    return named_date(found, sending, weekday)


def day_in_letters(m: re.Match[str], sending: Sending) -> Moment | None:
    """Day in letters and named month: "le quinze juin", "the twelfth of June"."""
    return named_day(m, sending)


def iso_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day in ISO form: 2026-06-30."""
    month, day = int(m[2]), int(m[3])
    found = days.valid_day(int(m[1]), month, day)
    if found is None and month in _MONTHS_OF_YEAR and day in _LAST_DAYS:
        return _NO_SUCH_DAY
    return named_date(found, sending)


def numeric_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """Day and month in figures; the order is the sender's, unless only the other gives the weekday or a near day."""
    first, second, year = int(m["first"]), int(m["second"]), year_named(m)
    weekday = number_named(WEEKDAYS, m.groupdict().get("weekday"))
    orders = [(second, first), (first, second)] if sending.is_american else [(first, second), (second, first)]
    if second > 12:
        orders = [(second, first)]
    elif not sending.is_american and not sending.is_order_open:
        orders = orders[:1]
    read = [
        moment
        for day, month in orders
        if month in _MONTHS_OF_YEAR
        and (moment := named_date(days.day_in_year(sending.on, month, day, year), sending, weekday))
        is not None
    ]
    if weekday is not None:
        read.sort(key=lambda moment: moment.doubt is not None)
    elif sending.is_order_open and _LEADS_A_DAY.search(m.string, max(0, m.start() - 12), m.start()):
        read.sort(key=lambda moment: not _is_plausible(moment, sending))
    if not read and any(day in _LAST_DAYS and month in _MONTHS_OF_YEAR for day, month in orders):
        return _NO_SUCH_DAY
    return read[0] if read else None


def _is_plausible(moment: Moment, sending: Sending) -> bool:
    return moment.on is not None and 0 <= (moment.on - sending.on).days <= days.PLAUSIBLE_DAYS_AHEAD


def in_units(m: re.Match[str], sending: Sending) -> Moment | None:
    """A counted delay: "sous 8 jours", "within 48 hours", "dans un mois"; working days by the payer's calendar."""
    unit, parts = m["unit"], m.groupdict()
    count = counted(parts["count"])
    if unit in ("h", "heures", "hours", "hrs"):
        return single_day(sending.on + dt.timedelta(days=-(-count // 24)), sending)
    if unit in ("mois", "month", "months"):
        return single_day(days.months_later(sending.on, count), sending)
    if UNIT_DAYS[unit] == 1 and (parts.get("working") or parts.get("ouvres")):
        return single_day(add_working_days(sending.on, count, sending.country), sending)
    return single_day(sending.on + dt.timedelta(days=UNIT_DAYS[unit] * count), sending)


def week_from(m: re.Match[str], sending: Sending) -> Moment | None:
    """A week from today or from tomorrow: "a week today", "tomorrow week"."""
    return single_day(sending.on + dt.timedelta(days=8 if "tomorrow" in m.group() else 7), sending)


def weekday_shifted(m: re.Match[str], sending: Sending) -> Moment | None:
    """Some weeks after the next such weekday: "lundi en huit", "Friday week", "two weeks on Monday"."""
    weeks = counted(m.groupdict().get("weeks"))
    shift = 14 if m["shift"] and re.search(r"quinze|15|fortnight", m["shift"]) else 7 * weeks
    weekday = WEEKDAYS[m["weekday"].rstrip(".")]
    return single_day(days.next_weekday(sending.on, weekday) + dt.timedelta(days=shift), sending, weekday)


def weekday_of_next_week(m: re.Match[str], sending: Sending) -> Moment | None:
    """The weekday of the calendar week to come."""
    weekday = WEEKDAYS[m["weekday"].rstrip(".")]
    monday = days.monday_of_week(sending.on) + dt.timedelta(days=7)
    return single_day(monday + dt.timedelta(days=weekday), sending, weekday)


def weekday_next(m: re.Match[str], sending: Sending) -> Moment | None:
    """The next such weekday, said to come: "vendredi prochain", "this Friday"."""
    weekday = WEEKDAYS[m["weekday"].rstrip(".")]
    return single_day(days.next_weekday(sending.on, weekday), sending, weekday)


def weekday_bare(m: re.Match[str], sending: Sending) -> Moment | None:
    """A weekday and nothing else: the next one, unless the verb is in the past."""
    weekday = WEEKDAYS[m["weekday"].rstrip(".")]
    return Moment(days.next_weekday(sending.on, weekday), "open", weekday=weekday)


def weekday_and_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """Weekday and day of the month: "vendredi 12"; they must agree."""
    weekday, number = WEEKDAYS[m["weekday"].rstrip(".")], int(m["day"])
    return weekday_with_day(weekday, number, sending.on)


def weekday_with_day(weekday: int, number: int, sent_on: dt.date) -> Moment | None:
    """The day that is such a weekday and such a day of the month; doubtful when no near one is both."""
    agreed = days.day_of_month_on_weekday(sent_on, number, weekday)
    if agreed is not None:
        return Moment(agreed, "future" if agreed > sent_on else "open", weekday=weekday, has_date=True)
    coming = days.day_of_month(sent_on, number)
    if coming is None:
        return None
    return Moment(coming, "open", weekday=weekday, has_date=True, doubt="weekday_differs")


def middle_of_week(m: re.Match[str], sending: Sending) -> Moment | None:
    """The middle of a week: its Wednesday, of the running week or the next once it has gone by."""
    wednesday = days.monday_of_week(sending.on) + dt.timedelta(days=2)
    is_next = m.groupdict().get("next") or wednesday <= sending.on
    return single_day(wednesday + dt.timedelta(days=7 if is_next else 0), sending)


def middle_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The middle of a named month: its 15th."""
    return named_date(
        days.day_in_year(sending.on, MONTHS[m["month"].rstrip(".")], 15, year_named(m)), sending
    )


def middle_of_this_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The middle of the running month, of the next one once it has gone by."""
    return Moment(days.day_of_month(sending.on, 15), "future")


def day_of_next_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day of the month to come: "le 5 du mois prochain"."""
    end = days.month_end(sending.on.year, sending.on.month + 1)
    return named_date(days.valid_day(end.year, end.month, day_number(m["day"])), sending)


def day_of_this_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day of the running month: "le 15 courant", "the 15th of this month"."""
    return named_date(days.valid_day(sending.on.year, sending.on.month, int(m["day"])), sending)


def weekday_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The n-th weekday of a month: "le premier lundi de juillet", "the last Friday of the month"."""
    end = end_of_month_meant(m, sending)
    if end is None:
        return None
    weekday, number = WEEKDAYS[m["weekday"].rstrip(".")], ORDINALS[m["nth"]]
    found = days.weekday_in_month(end.year, end.month, weekday, number)
    if found < sending.on and m["when"].rstrip(".") in ("mois", "month"):
        found = days.weekday_in_month(end.year, end.month + 1, weekday, number)
    return single_day(found, sending, weekday)


def last_working_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """The last working day of a month, by the payer's calendar."""
    end = end_of_month_meant(m, sending)
    return single_day(previous_working_day(end, sending.country), sending) if end else None


def feast(m: re.Match[str], sending: Sending) -> Moment | None:
    """A feast with a fixed day."""
    month, day = FIXED_FEASTS[m["feast"]]
    return single_day(days.day_in_year(sending.on, month, day, None), sending)


def easter_feast(m: re.Match[str], sending: Sending) -> Moment | None:
    """A feast counted from Easter Sunday."""
    after = dt.timedelta(days=EASTER_FEASTS[m["feast"]])
    return single_day(
        days.nearest_occurrence(sending.on, lambda year: days.easter_sunday(year) + after), sending
    )


def tomorrow(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The day after the mail was sent."""
    return Moment(sending.on + dt.timedelta(days=1), "future")


def after_tomorrow(_m: re.Match[str], sending: Sending) -> Moment | None:
    """Two days after the mail was sent."""
    return Moment(sending.on + dt.timedelta(days=2), "future")


def ordinal_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day of the month and nothing else: the next one, unless the verb is in the past."""
    number = day_number(m["day"])
    if days.is_missing_from_month(sending.on, number):
        return Moment(None, "open", day=number, has_date=True, doubt="no_such_day")
    day = days.day_of_month(sending.on, number)
    return Moment(day, "open", day=number, has_date=True) if day else None


def first_of_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The first day of the month to come."""
    return named_date(days.day_of_month(sending.on, 1), sending)


def today(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The day the mail was sent."""
    return Moment(sending.on, "today")
