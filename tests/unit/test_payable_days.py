"""Predicted dates fall on days the payer pays: its working days, its runs where a habit is evident."""

from __future__ import annotations

import datetime as dt
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.calendars import is_working_day
from models.hazard.feature_matrix import FeatureMatrix
from models.hazard.payable_days import (
    NO_HABIT,
    RUN_COLUMNS,
    RunHabit,
    nearest_payable_day,
    run_habit,
    run_habits,
)

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
HABITS = st.one_of(
    st.just(NO_HABIT),
    st.builds(RunHabit, weekday=st.integers(0, 4)),
    st.builds(RunHabit, month_days=st.lists(st.integers(1, 31), min_size=1, max_size=2).map(tuple)),
)


@given(day=DAYS, later=st.integers(0, 40), wait=st.integers(-60, 60), habit=HABITS)
def test_payment_dates_are_ordered_working_days_from_the_as_of_date_on(
    day: date, later: int, wait: int, habit: RunHabit
) -> None:
    not_before = day + dt.timedelta(days=wait)
    found = nearest_payable_day(day, not_before, "FR", habit)
    assert found >= not_before
    assert is_working_day(found, "FR")
    assert nearest_payable_day(day + dt.timedelta(days=later), not_before, "FR", habit) >= found


@given(day=DAYS, weekday=st.integers(0, 4))
def test_a_weekly_payer_pays_within_three_days_except_for_holidays(day: date, weekday: int) -> None:
    found = nearest_payable_day(day, date(2000, 1, 1), "FR", RunHabit(weekday=weekday))
    run = min(
        (day + dt.timedelta(days=move) for move in range(-6, 7)),
        key=lambda each: (each.weekday() != weekday, abs((each - day).days)),
    )
    assert abs((run - day).days) <= 3
    assert run <= found <= run + dt.timedelta(days=5)
    assert found == run or not is_working_day(run, "FR")


@pytest.mark.parametrize(
    ("day", "habit", "expected"),
    [
        (date(2025, 3, 11), RunHabit(month_days=(10, 25)), date(2025, 3, 10)),
        (date(2025, 3, 19), RunHabit(month_days=(10, 25)), date(2025, 3, 25)),
        # 31 in a month of 30 days is its last day.
        (date(2025, 4, 28), RunHabit(month_days=(31,)), date(2025, 4, 30)),
        # The nearest run lies in the month before, across a new year.
        (date(2026, 1, 4), RunHabit(month_days=(30,)), date(2025, 12, 30)),
        # The 15th is a Sunday: the run is made on the Monday.
        (date(2025, 6, 14), RunHabit(month_days=(15,)), date(2025, 6, 16)),
    ],
)
def test_a_monthly_payer_pays_on_its_nearest_run(day: date, habit: RunHabit, expected: date) -> None:
    assert nearest_payable_day(day, date(2020, 1, 1), "FR", habit) == expected


def _told(**values: float | None) -> list[float | None]:
    return [values.get(name.removesuffix("_365d")) for name in RUN_COLUMNS]


def test_a_habit_needs_more_payments_than_chance_would_gather() -> None:
    due = date(2025, 3, 12)
    weekly = {"preferred_weekday": 3.0, "preferred_weekday_share": 0.75}
    assert run_habit(_told(**weekly, payment_frequency=4.0), due) == NO_HABIT
    assert run_habit(_told(**weekly, payment_frequency=16.0), due) == RunHabit(weekday=3)
    scattered = {"preferred_weekday": 3.0, "preferred_weekday_share": 0.45}
    assert run_habit(_told(**scattered, payment_frequency=400.0), due) == NO_HABIT


def test_the_second_day_of_the_month_is_told_by_the_next_run() -> None:
    monthly = {
        "preferred_weekday": 1.0,
        "preferred_weekday_share": 0.3,
        "preferred_day_of_month": 10.0,
        "preferred_days_of_month_share": 0.9,
        "payment_frequency": 20.0,
    }
    # From the 12th the next run is thirteen days away, on the 25th.
    due = date(2025, 3, 12)
    assert run_habit(_told(**monthly, days_due_to_next_run=13.0), due).month_days == (10, 25)
    # From the 27th it is the 10th again, which tells nothing new.
    assert run_habit(_told(**monthly, days_due_to_next_run=14.0), date(2025, 3, 27)).month_days == (10,)


def test_the_last_day_of_a_short_month_is_no_second_day() -> None:
    told = _told(
        preferred_day_of_month=31.0,
        preferred_days_of_month_share=0.9,
        days_due_to_next_run=18.0,
        payment_frequency=20.0,
    )
    assert run_habit(told, date(2025, 4, 12)).month_days == (31,)


def test_without_the_features_there_is_no_habit() -> None:
    features = FeatureMatrix(("amount",), np.array([[1.0, 2.0]]))
    assert run_habits(features, [date(2025, 1, 1)] * 2) == [NO_HABIT, NO_HABIT]
