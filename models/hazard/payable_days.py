"""On which days a payer pays: its working days, and its payment runs where its past shows a habit.

A company that settles every Thursday, or on the 10th and the 25th, does not pay on a Tuesday. A predicted
day is moved to the nearest run of such a payer, for all others to the nearest working day of its country; never
before the as-of date.
"""

from __future__ import annotations

import datetime as dt
import math
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import polars as pl

from features.calendars import is_working_day, next_working_day, previous_working_day
from features.groups.payment_runs import HABIT_SHARE
from models.hazard.feature_matrix import FeatureMatrix

DEFAULT_COUNTRY: Final = "FR"
"""Whose working days count for a payer without a country."""

RUN_COLUMNS: Final = (
    "preferred_weekday_365d",
    "preferred_weekday_share_365d",
    "preferred_day_of_month_365d",
    "preferred_days_of_month_share_365d",
    "days_due_to_next_run",
    "payment_frequency_365d",
)
"""The features of a payer's payment runs, in the order `run_habit` takes them."""

EVIDENT_SHARE: Final = 0.3
"""Share by which runs must exceed what chance gathers on one day: one over the square root of the payment days.

Of four payment days, two share a weekday more often than not; taking that for a habit made dates worse
(docs/decisions.md)."""


@dataclass(frozen=True)
class RunHabit:
    """When a payer makes its runs; neither means that no habit shows.

    Attributes:
        weekday: 0 for Monday.
        month_days: days of the month; in a shorter month, its last day.
    """

    weekday: int | None = None
    month_days: tuple[int, ...] = ()


NO_HABIT: Final = RunHabit()


def run_habit(told: Sequence[float | None], due_on: dt.date) -> RunHabit:
    """The habit that a landmark's features show; the weekday wins a tie, as in `features.groups.payment_runs`.

    Args:
        told: the values of `RUN_COLUMNS`. Few payment days show no habit, however regular they look; the distance
            from the due date to the next run gives the second day of the month.
        due_on: due date of the landmark.
    """
    weekday, weekday_share, month_day, month_days_share, days_to_next_run, payment_days = told
    weekly, monthly = weekday_share or 0.0, month_days_share or 0.0
    needed = max(HABIT_SHARE, EVIDENT_SHARE + 1.0 / math.sqrt(max(payment_days or 0.0, 1.0)))
    if weekday is not None and weekly >= needed and weekly >= monthly:
        return RunHabit(weekday=int(weekday))
    if month_day is None or monthly < needed:
        return NO_HABIT
    days = {int(month_day)}
    if days_to_next_run is not None:
        following = due_on + dt.timedelta(days=int(days_to_next_run))
        is_cut_short = following.day == _month_length(following) < int(month_day)
        if not is_cut_short:
            days.add(following.day)
    return RunHabit(month_days=tuple(sorted(days)))


def run_habits(features: FeatureMatrix, due_on: Sequence[dt.date]) -> list[RunHabit]:
    """The habit of each landmark's payer; no habit where the features that show it are absent.

    Args:
        features: of the landmarks.
        due_on: due date of each landmark.
    """
    if not features.has(RUN_COLUMNS):
        return [NO_HABIT] * len(features)
    columns = [features.column(name).tolist() for name in RUN_COLUMNS]
    return [
        run_habit([None if value != value else value for value in row], due)
        for *row, due in zip(*columns, due_on, strict=True)
    ]


def countries_of(landmarks: pl.DataFrame) -> Sequence[str]:
    """The country whose working days count for each landmark."""
    if "country" not in landmarks.columns:
        return [DEFAULT_COUNTRY] * landmarks.height
    return [country or DEFAULT_COUNTRY for country in landmarks["country"].to_list()]


@lru_cache(maxsize=1 << 16)
def nearest_payable_day(
    day: dt.date, not_before: dt.date, country: str, habit: RunHabit = NO_HABIT
) -> dt.date:
    """The day nearest to a predicted one on which the payer can be expected to pay.

    Args:
        day: the predicted day.
        not_before: the as-of date.
        country: whose working days count.
        habit: of the payer.

    Returns:
        A working day on or after `not_before`. Of two days equally near, the later one.
    """
    wanted = max(day, not_before)
    if habit.weekday is not None:
        run = wanted + dt.timedelta(days=(habit.weekday - wanted.weekday() + 3) % 7 - 3)
        return next_working_day(run if run >= not_before else run + dt.timedelta(days=7), country)
    if habit.month_days:
        return next_working_day(_nearest_run(wanted, not_before, habit.month_days), country)
    if is_working_day(wanted, country):
        return wanted
    after, before = next_working_day(wanted, country), previous_working_day(wanted, country)
    return before if before >= not_before and wanted - before < after - wanted else after


def _nearest_run(wanted: dt.date, not_before: dt.date, month_days: tuple[int, ...]) -> dt.date:
    first = wanted.replace(day=1)
    months = (
        (first - dt.timedelta(days=1)).replace(day=1),
        first,
        first + dt.timedelta(days=_month_length(first)),
    )
    runs = [
        run
        for month in months
        for day in month_days
        if (run := month.replace(day=min(day, _month_length(month)))) >= not_before
    ]
    return min(runs, key=lambda run: (abs(run - wanted), wanted - run))


def _month_length(day: dt.date) -> int:
    return monthrange(day.year, day.month)[1]
