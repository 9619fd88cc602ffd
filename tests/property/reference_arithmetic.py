"""Means, quantiles, windows and working days, the slow and obvious way."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from features.calendars import is_working_day
from tests.property.reference_facts import DAY


def divide(top: float, bottom: float) -> float | None:
    return top / bottom if bottom else None


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def quantile(values: Iterable[int], share: Fraction) -> float | None:
    """The value at that share of the sorted row; between two values, halfway."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    return (ordered[math.floor(place)] + ordered[math.ceil(place)]) / 2


def spread(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    middle = sum(values) / len(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))


def within(day: dt.date, t: dt.date, window: int | None, until: int = 0) -> bool:
    """Known in the `window` days before t, the last `until` left out; t itself is never within."""
    return day < t - until * DAY and (window is None or day >= t - window * DAY)


def clipped(value: float | None, low: float = 0.0, high: float = 1.0) -> float | None:
    return None if value is None else min(max(value, low), high)


def working_days(start: dt.date, end: dt.date, country: str | None) -> int:
    if end < start:
        return -working_days(end, start, country)
    return sum(is_working_day(start + k * DAY, country) for k in range((end - start).days))
