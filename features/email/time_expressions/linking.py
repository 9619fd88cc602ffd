"""Neighbouring moments that speak of one: a week and its weekday, a weekday and its date, the two ends of a range."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace

from features.email.time_expressions.calendar_days import day_of_month
from features.email.time_expressions.single_days import weekday_with_day
from features.email.values import TimeExpression
from features.signal_labels import PromiseDoubt

_LONGEST_GAP = 28
_WEEK_DAYS = 4
"""From Monday to the Friday that a whole week means."""
_LONGEST_MONTH = 30
"""Days from the first to the last of the longest month."""
_DETAIL = re.compile(
    r"(?:'s)?[ ,(:-]*(?:(?:le|la|du|de|en|on|of|the|a|un|soit|run|batch|virement|paiement|reglement|payment|transfer"
    r"|which|goes|out|qui|part|sort)[ ,(]+)*"
)
"""What may be between a moment and the words that make it precise."""
_CHOICE = re.compile(r" ?,? ?(?:ou|or|voire|/) ?(?:au pire |at worst )?(?:le |the |on |by )*")
_BETWEEN = re.compile(r"\b(?:entre|between) (?:le |the )?$")
_AND = re.compile(r" (?:et|and) (?:le |the )?")
_FROM = re.compile(r"\b(?:du|from)(?: the)?(?: |$)")
_UNTIL = re.compile(r"(?:au|to|until|till|a)\b")


def link_moments(
    folded: str, moments: Sequence[TimeExpression], sent_on: dt.date
) -> tuple[TimeExpression, ...]:
    """The same moments, each with the day that it means together with its neighbour.

    * a week and a weekday ("S21, le mardi", "Tuesday of week 21"): that day of that week;
    * a week or month and a day of the month ("next week, the 10th"): that day, when the stretch contains it;
    * a weekday and a date ("Friday (12th)"): that date, doubtful when the two disagree;
    * a range or a choice ("entre le 10 et le 15", "Monday or Tuesday"): its later end, for both.

    Args:
        folded: the text, folded.
        moments: moments found, in reading order.
        sent_on: day the mail was sent.
    """
    linked = list(moments)
    for index in range(1, len(linked)):
        first, second = linked[index - 1], linked[index]
        gap = folded[first.end : second.start]
        if second.start - first.end > _LONGEST_GAP or "\n" in gap:
            continue
        if _DETAIL.fullmatch(gap):
            linked[index - 1], linked[index] = _in_detail(first, second, sent_on)
        elif _is_range(folded, first, second, gap) and first.on is not None and second.on is not None:
            if second.on < first.on and second.day is not None:
                second = replace(second, on=day_of_month(first.on, second.day))
            last = max(first.on, second.on or first.on)
            linked[index - 1], linked[index] = replace(first, on=last), replace(second, on=last)
    return tuple(linked)


def _in_detail(
    first: TimeExpression, second: TimeExpression, sent_on: dt.date
) -> tuple[TimeExpression, TimeExpression]:
    for stretch, detail in ((first, second), (second, first)):
        day = _day_within(stretch, detail)
        if day is not None:
            both = {id(stretch): replace(stretch, on=day, since=None), id(detail): replace(detail, on=day)}
            return both[id(first)], both[id(second)]
    if first.weekday is None or first.has_date or second.on is None or not second.has_date:
        return first, second
    agreed = weekday_with_day(first.weekday, second.day, sent_on) if second.day else None
    day = second.on if agreed is None else agreed.on
    doubt: PromiseDoubt | None = "weekday_differs" if day and day.weekday() != first.weekday else None
    return replace(first, on=day, doubt=doubt), replace(second, on=day, doubt=doubt)


def _day_within(stretch: TimeExpression, detail: TimeExpression) -> dt.date | None:
    """The day of a week or month that a weekday or a day of the month picks out; null when it picks none."""
    if stretch.since is None or stretch.on is None or detail.since is not None:
        return None
    length = (stretch.on - stretch.since).days
    is_week = length == _WEEK_DAYS
    if detail.day is None and detail.weekday is not None:
        is_bare = detail.tense == "open"
        return stretch.since + dt.timedelta(days=detail.weekday) if is_week and is_bare else None
    if detail.day is None or length > _LONGEST_MONTH:
        return None
    within = (stretch.since + dt.timedelta(days=shift) for shift in range((6 if is_week else length) + 1))
    return next((day for day in within if day.day == detail.day), None)


def _is_range(folded: str, first: TimeExpression, second: TimeExpression, gap: str) -> bool:
    if _CHOICE.fullmatch(gap):
        return True
    before = folded[max(0, first.start - 12) : first.start]
    if _AND.fullmatch(gap):
        return bool(_BETWEEN.search(before))
    words = folded[first.start : first.end]
    is_from = bool(_FROM.match(words) or _FROM.search(before[-9:]))
    is_until = bool(_UNTIL.match(folded, second.start) and not gap.strip()) or bool(
        _UNTIL.fullmatch(gap.strip())
    )
    return is_from and is_until
