"""What an expression of time means, and what decides it: the parts that the resolvers share."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from features.email.time_expressions import calendar_days as days
from features.email.time_expressions.patterns import DAY_WORDS, MONTHS, NUMBERS
from features.signal_labels import PromiseDoubt


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
    doubt: PromiseDoubt | None = None


Resolver = Callable[[re.Match[str], Sending], Moment | None]
"""Gives the moment that a matched expression means; null when it means none."""


def single_day(day: dt.date | None, sending: Sending, weekday: int | None = None) -> Moment | None:
    """A single day, with the tense that its place before or after the day of sending gives; null without a day."""
    if day is None:
        return None
    tense = "future" if day > sending.on else "today" if day == sending.on else "past"
    return Moment(day, tense, weekday=weekday)


def named_date(day: dt.date | None, sending: Sending, weekday: int | None = None) -> Moment | None:
    """A date that the words name; doubtful when the weekday named with it is another."""
    single = single_day(day, sending, weekday)
    if single is None or day is None:
        return None
    doubt: PromiseDoubt | None = (
        "weekday_differs" if weekday is not None and weekday != day.weekday() else None
    )
    return single._replace(has_date=True, doubt=doubt)


def period(since: dt.date, end: dt.date, sending: Sending, *, is_told_of: bool = False) -> Moment:
    """A stretch of days whose last is meant.

    Once it has gone by it is past where the words say so ("in April", "fin mai 2025"); otherwise only the verb
    beside it can say what it is about ("fin mai", "S21").
    """
    gone_by = "past" if is_told_of else "open"
    tense = "future" if end > sending.on else "today" if end == sending.on else gone_by
    return Moment(end, tense, since=since)


def whole_week(friday: dt.date | None, sending: Sending) -> Moment | None:
    """A calendar week, which runs to its Friday; null without one."""
    return period(days.monday_of_week(friday), friday, sending) if friday else None


def whole_month(end: dt.date | None, sending: Sending, *, is_told_of: bool = False) -> Moment | None:
    """A calendar month, which runs to its last day; null without one."""
    return period(end.replace(day=1), end, sending, is_told_of=is_told_of) if end else None


def counted(text: str | None) -> int:
    """A number in figures or letters; 1 when there is none ("dans la semaine")."""
    return int(text) if text and text.isdigit() else NUMBERS.get(text or "un", 1)


def day_number(text: str) -> int:
    """A day of the month in letters or figures: "quinze", "15th", "1er"."""
    return DAY_WORDS.get(text) or int("".join(c for c in text if c.isdigit()))


def number_named(names: dict[str, int], text: str | None) -> int | None:
    """The number of a weekday or month by its name, full or short; null without a name."""
    return names[text.rstrip(".")] if text else None


def year_named(m: re.Match[str]) -> int | None:
    """The year that the expression gives; null when it gives none."""
    text = m.groupdict().get("year")
    return int(text) if text else None


def end_of_month_meant(m: re.Match[str], sending: Sending) -> dt.date | None:
    """Last day of the month that a phrase such as "du mois prochain" or "of July" names."""
    text = m["when"].rstrip(".")
    if text in MONTHS:
        return days.end_of_named_month(sending.on, MONTHS[text])
    return days.month_end(sending.on.year, sending.on.month + (text in ("mois prochain", "next month")))
