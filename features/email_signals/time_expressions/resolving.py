"""From a matched expression to the day it means; each resolver serves one or more families of expressions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from features.calendars import add_working_days, previous_working_day
from features.email_signals.time_expressions import calendar_days as days
from features.email_signals.time_expressions.patterns import (
    DAY_WORDS,
    EASTER_FEASTS,
    FIXED_FEASTS,
    MONTHS,
    NUMBERS,
    ORDINALS,
    UNIT_DAYS,
    WEEKDAYS,
)
from features.signal_labels import NO_SUCH_DAY, WEEKDAY_DIFFERS

_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_LEADS_A_DAY = re.compile(r"\b(?:on|by|before|for|until|till|out|due)(?: the)? $")


@dataclass(frozen=True, slots=True)
class Sending:
    """What decides how the days of a mail are meant.

    Attributes:
        on: day the mail was sent.
        country: whose working days are counted (ISO 3166 alpha-2); null counts Monday to Friday.
        is_american: the month comes first in ``1/17``.
        is_order_open: an English mail that shows neither American nor other habits.
    """

    on: dt.date
    country: str | None = None
    is_american: bool = False
    is_order_open: bool = False


class Moment(NamedTuple):
    """What an expression means; the fields are those of ``TimeExpression``."""

    on: dt.date | None
    tense: str
    since: dt.date | None = None
    weekday: int | None = None
    day: int | None = None
    has_date: bool = False
    doubt: str | None = None


Resolver = Callable[[re.Match[str], Sending], Moment | None]


def _single(day: dt.date | None, sending: Sending, weekday: int | None = None) -> Moment | None:
    """A single day, worked out from the day the mail was sent."""
    if day is None:
        return None
    tense = "future" if day > sending.on else "today" if day == sending.on else "past"
    return Moment(day, tense, weekday=weekday)


def _date(day: dt.date | None, sending: Sending, weekday: int | None = None) -> Moment | None:
    """A date named; a weekday named with it must be that day's."""
    single = _single(day, sending, weekday)
    if single is None or day is None:
        return None
    doubt = WEEKDAY_DIFFERS if weekday is not None and weekday != day.weekday() else None
    return single._replace(has_date=True, doubt=doubt)


def _stretch(since: dt.date, end: dt.date, sending: Sending, *, has_year: bool = False) -> Moment:
    """A stretch of days whose last is meant; once it has gone by only a year or the verb can tell what it is about."""
    gone_by = "past" if has_year else "open"
    tense = "future" if end > sending.on else "today" if end == sending.on else gone_by
    return Moment(end, tense, since=since)


def _week(friday: dt.date | None, sending: Sending) -> Moment | None:
    return _stretch(days.monday_of_week(friday), friday, sending) if friday else None


def _month(end: dt.date | None, sending: Sending, *, has_year: bool = False) -> Moment | None:
    return _stretch(end.replace(day=1), end, sending, has_year=has_year) if end else None


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else NUMBERS.get(text or "un", 1)


def _day_number(text: str) -> int:
    return DAY_WORDS.get(text) or int("".join(c for c in text if c.isdigit()))


def _named(names: dict[str, int], text: str | None) -> int | None:
    return names[text.rstrip(".")] if text else None


def _year(m: re.Match[str]) -> int | None:
    text = m.groupdict().get("year")
    return int(text) if text else None


def named_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """Day and named month, with or without a year: "le 15 janvier", "Friday, June 5th"."""
    month, day, year = MONTHS[m["month"].rstrip(".")], _day_number(m["day"]), _year(m)
    weekday = _named(WEEKDAYS, m.groupdict().get("weekday"))
    found = days.day_in_year(sending.on, month, day, year)
    if m.groupdict().get("next") and found is not None and found <= sending.on:
        found = days.valid_day(found.year + 1, month, day)
    if found is None and 29 <= day <= 31:
        return Moment(None, "open", has_date=True, doubt=NO_SUCH_DAY)
    return _date(found, sending, weekday)


def day_in_letters(m: re.Match[str], sending: Sending) -> Moment | None:
    """Day in letters and named month: "le quinze juin", "the twelfth of June"."""
    return named_day(m, sending)


def iso_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day in ISO form: 2026-06-30."""
    return _date(days.valid_day(int(m[1]), int(m[2]), int(m[3])), sending)


def numeric_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """Day and month in figures; the order is the sender's, unless only the other gives the weekday or a near day."""
    first, second, year = int(m["first"]), int(m["second"]), _year(m)
    weekday = _named(WEEKDAYS, m.groupdict().get("weekday"))
    orders = [(second, first), (first, second)] if sending.is_american else [(first, second), (second, first)]
    if second > 12:
        orders = [(second, first)]
    elif not sending.is_american and not sending.is_order_open:
        orders = orders[:1]
    read = [
        moment
        for day, month in orders
        if 1 <= month <= 12
        and (moment := _date(days.day_in_year(sending.on, month, day, year), sending, weekday)) is not None
    ]
    if weekday is not None:
        read.sort(key=lambda moment: moment.doubt is not None)
    elif sending.is_order_open and _LEADS_A_DAY.search(m.string, max(0, m.start() - 12), m.start()):
        read.sort(key=lambda moment: not _is_plausible(moment, sending))
    return read[0] if read else None


def _is_plausible(moment: Moment, sending: Sending) -> bool:
    return moment.on is not None and 0 <= (moment.on - sending.on).days <= days.PLAUSIBLE_DAYS_AHEAD


def in_units(m: re.Match[str], sending: Sending) -> Moment | None:
    """A counted delay: "sous 8 jours", "within 48 hours", "dans un mois"; working days by the payer's calendar."""
    unit, parts = m["unit"], m.groupdict()
    count = _number(parts["count"])
    if unit in ("h", "heures", "hours", "hrs"):
        return _single(sending.on + dt.timedelta(days=-(-count // 24)), sending)
    if unit in ("mois", "month", "months"):
        return _single(days.months_later(sending.on, count), sending)
    if UNIT_DAYS[unit] == 1 and (parts.get("working") or parts.get("ouvres")):
        return _single(add_working_days(sending.on, count, sending.country), sending)
    return _single(sending.on + dt.timedelta(days=UNIT_DAYS[unit] * count), sending)


def week_from(m: re.Match[str], sending: Sending) -> Moment | None:
    """A week from today or from tomorrow: "a week today", "tomorrow week"."""
    return _single(sending.on + dt.timedelta(days=8 if "tomorrow" in m.group() else 7), sending)


def weekday_shifted(m: re.Match[str], sending: Sending) -> Moment | None:
    """Some weeks after the next such weekday: "lundi en huit", "Friday week", "two weeks on Monday"."""
    weeks = _number(m.groupdict().get("weeks"))
    shift = 14 if m["shift"] and re.search(r"quinze|15|fortnight", m["shift"]) else 7 * weeks
    weekday = WEEKDAYS[m["weekday"].rstrip(".")]
    return _single(days.next_weekday(sending.on, weekday) + dt.timedelta(days=shift), sending, weekday)


def weekday_of_next_week(m: re.Match[str], sending: Sending) -> Moment | None:
    """The weekday of the calendar week to come."""
    weekday = WEEKDAYS[m["weekday"].rstrip(".")]
    monday = days.monday_of_week(sending.on) + dt.timedelta(days=7)
    return _single(monday + dt.timedelta(days=weekday), sending, weekday)


def weekday_next(m: re.Match[str], sending: Sending) -> Moment | None:
    """The next such weekday, said to come: "vendredi prochain", "this Friday"."""
    weekday = WEEKDAYS[m["weekday"].rstrip(".")]
    return _single(days.next_weekday(sending.on, weekday), sending, weekday)


def weekday_bare(m: re.Match[str], sending: Sending) -> Moment | None:
    """A weekday and nothing else: the next one, unless the verb tells of the past."""
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
    return Moment(coming, "open", weekday=weekday, has_date=True, doubt=WEEKDAY_DIFFERS)


def week_of(m: re.Match[str], sending: Sending) -> Moment | None:
    """The week that holds a day: "semaine du 15", "week of 15 June"."""
    number, month = int(m["day"]), _named(MONTHS, m["month"])
    if month is None:
        return _week(days.friday_of_week_of(sending.on, number), sending)
    day = days.day_in_year(sending.on, month, number, None)
    return _week(days.friday_of_week(day), sending) if day else None


def week_number(m: re.Match[str], sending: Sending) -> Moment | None:
    """A numbered week: "S21", "week 24"."""
    return _week(days.friday_of_iso_week(sending.on, int(m["week"]), _year(m)), sending)


def next_week(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The calendar week to come."""
    return _week(days.friday_of_week(sending.on) + dt.timedelta(days=7), sending)


def week_after_next(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The calendar week after the one to come."""
    return _week(days.friday_of_week(sending.on) + dt.timedelta(days=14), sending)


def middle_of_week(m: re.Match[str], sending: Sending) -> Moment | None:
    """The middle of a week: its Wednesday, of the running week or the next once it has gone by."""
    wednesday = days.monday_of_week(sending.on) + dt.timedelta(days=2)
    is_next = m.groupdict().get("next") or wednesday <= sending.on
    return _single(wednesday + dt.timedelta(days=7 if is_next else 0), sending)


def week_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The n-th week of a named month, running to the n-th Friday: "deuxième semaine de juillet"."""
    end = _end_of_month_meant(m, sending)
    if end is None:
        return None
    return _week(days.weekday_in_month(end.year, end.month, _FRIDAY, ORDINALS[m["nth"]]), sending)


def this_week(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The running calendar week, the next one when its Friday has gone by."""
    friday = days.friday_of_week(sending.on)
    if friday > sending.on:
        return _week(friday, sending)
    friday += dt.timedelta(days=7 if friday < sending.on else 0)
    return Moment(friday, "open", since=days.monday_of_week(friday))


def weekend(m: re.Match[str], sending: Sending) -> Moment | None:
    """A weekend, running to its Sunday; "before the weekend" is the Friday."""
    before = m.groupdict().get("before")
    last = _SUNDAY - sending.on.weekday() + (7 if m.groupdict().get("next") else 0)
    sunday = sending.on + dt.timedelta(days=last)
    if before:
        return this_week(m, sending)
    return _stretch(sunday - dt.timedelta(days=_SUNDAY - _SATURDAY), sunday, sending)


def end_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """A named month, running to its last day: "fin mai", "in July"."""
    year = _year(m)
    end = days.end_of_named_month(sending.on, MONTHS[m["month"].rstrip(".")], year)
    return _month(end, sending, has_year=year is not None)


def middle_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The middle of a named month: its 15th."""
    return _date(days.day_in_year(sending.on, MONTHS[m["month"].rstrip(".")], 15, _year(m)), sending)


def half_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The first fortnight of a named month runs to its 15th, the second to its last day."""
    end = days.end_of_named_month(sending.on, MONTHS[m["month"].rstrip(".")], _year(m))
    if end is None:
        return None
    if ORDINALS[m["nth"]] == 1:
        return _stretch(end.replace(day=1), end.replace(day=15), sending)
    return _stretch(end.replace(day=16), end, sending)


def middle_of_this_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The middle of the running month, of the next one once it has gone by."""
    return Moment(days.day_of_month(sending.on, 15), "future")


def end_of_this_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of the running month."""
    return _month(days.month_end(sending.on.year, sending.on.month), sending)


def end_of_next_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of the month to come."""
    return _month(days.month_end(sending.on.year, sending.on.month + 1), sending)


def day_of_next_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day of the month to come: "le 5 du mois prochain"."""
    end = days.month_end(sending.on.year, sending.on.month + 1)
    return _date(days.valid_day(end.year, end.month, _day_number(m["day"])), sending)


def day_of_this_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day of the running month: "le 15 courant", "the 15th of this month"."""
    return _date(days.valid_day(sending.on.year, sending.on.month, int(m["day"])), sending)


def _end_of_month_meant(m: re.Match[str], sending: Sending) -> dt.date | None:
    """Last day of the month that a phrase such as "du mois prochain" or "of July" names."""
    text = m["when"].rstrip(".")
    if text in MONTHS:
        return days.end_of_named_month(sending.on, MONTHS[text])
    return days.month_end(sending.on.year, sending.on.month + (text in ("mois prochain", "next month")))


def weekday_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The n-th weekday of a month: "le premier lundi de juillet", "the last Friday of the month"."""
    end = _end_of_month_meant(m, sending)
    if end is None:
        return None
    weekday, number = WEEKDAYS[m["weekday"].rstrip(".")], ORDINALS[m["nth"]]
    found = days.weekday_in_month(end.year, end.month, weekday, number)
    if found < sending.on and m["when"].rstrip(".") in ("mois", "month"):
        found = days.weekday_in_month(end.year, end.month + 1, weekday, number)
    return _single(found, sending, weekday)


def last_working_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """The last working day of a month, by the payer's calendar."""
    end = _end_of_month_meant(m, sending)
    return _single(previous_working_day(end, sending.country), sending) if end else None


def last_day_of_month(m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of a month, said as such."""
    return _month(_end_of_month_meant(m, sending), sending)


def quarter(m: re.Match[str], sending: Sending) -> Moment | None:
    """A quarter, running to its last day; without a number the running one."""
    parts = m.groupdict()
    named = parts.get("a") or parts.get("b")
    number = int(named) if named else ORDINALS.get(parts.get("nth") or "", (sending.on.month - 1) // 3 + 1)
    end = days.end_of_quarter(sending.on, number, _year(m))
    return _stretch(days.valid_day(end.year, end.month - 2, 1) or end, end, sending) if end else None


def end_of_year(m: re.Match[str], sending: Sending) -> Moment | None:
    """The last day of a year, without a number of the running one."""
    year = _year(m) or sending.on.year
    return _stretch(dt.date(year, 1, 1), dt.date(year, 12, 31), sending)


def feast(m: re.Match[str], sending: Sending) -> Moment | None:
    """A feast with a fixed day."""
    month, day = FIXED_FEASTS[m["feast"]]
    return _single(days.day_in_year(sending.on, month, day, None), sending)


def easter_feast(m: re.Match[str], sending: Sending) -> Moment | None:
    """A feast counted from Easter Sunday."""
    after = dt.timedelta(days=EASTER_FEASTS[m["feast"]])
    return _single(
        days.nearest_occurrence(sending.on, lambda year: days.easter_sunday(year) + after), sending
    )


def tomorrow(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The day after the mail was sent."""
    return Moment(sending.on + dt.timedelta(days=1), "future")


def after_tomorrow(_m: re.Match[str], sending: Sending) -> Moment | None:
    """Two days after the mail was sent."""
    return Moment(sending.on + dt.timedelta(days=2), "future")


def ordinal_day(m: re.Match[str], sending: Sending) -> Moment | None:
    """A day of the month and nothing else: the next one, unless the verb tells of the past."""
    number = _day_number(m["day"])
    if days.is_missing_from_month(sending.on, number):
        return Moment(None, "open", day=number, has_date=True, doubt=NO_SUCH_DAY)
    day = days.day_of_month(sending.on, number)
    return Moment(day, "open", day=number, has_date=True) if day else None


def first_of_month(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The first day of the month to come."""
    return _date(days.day_of_month(sending.on, 1), sending)


def vague(_m: re.Match[str], _sending: Sending) -> Moment | None:
    """A moment to come without a single day."""
    return Moment(None, "future")


def past(_m: re.Match[str], _sending: Sending) -> Moment | None:
    """A moment gone by."""
    return Moment(None, "past")


def today(_m: re.Match[str], sending: Sending) -> Moment | None:
    """The day the mail was sent."""
    return Moment(sending.on, "today")
