"""When a customer makes payment runs, and how far a due date lies from the next one.

Companies settle in runs: every Thursday, or on the 10th and the 25th. An invoice due the day after a run waits for
the next. A run habit is only read from at least `MINIMUM_RUNS` payment days in the last year.
"""

from __future__ import annotations

import numpy as np

from features.asof.dates import (
    BoolArray,
    Float64Array,
    Int64Array,
    days_of_month,
    days_to_month_end,
    months,
    weekdays,
)
from features.asof.reader import known, ratio
from features.asof.view import LandmarkView
from features.groups.columns import FeatureColumn, FeatureGroup, declare
from features.messages import Text

NAME = "payment_runs"
WINDOW = 365
MINIMUM_RUNS = 4
HABIT_SHARE = 0.5
"""Share of payment days a weekday, or two days of the month, must gather to be called a habit."""
_AUGUST, _DECEMBER, _JANUARY = 8, 12, 1
_YEAR_END_FIRST_DAY, _YEAR_START_LAST_DAY = 20, 5
_NO_RUNS = "fewer than four payment days in the last year"
_NO_HABIT = "no habitual weekday or day of the month"

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "preferred_weekday", (WINDOW,), unit="weekday", minimum=0, maximum=6, null=_NO_RUNS,
             label_fr="jour de paiement préféré", label_en="preferred payment weekday"),
    *declare(NAME, "preferred_weekday_share", (WINDOW,), unit="share", null=_NO_RUNS,
             label_fr="part des paiements ce jour de la semaine", label_en="share of payment days on that weekday"),
    *declare(NAME, "preferred_day_of_month", (WINDOW,), unit="day of month", minimum=1, maximum=31, null=_NO_RUNS,
             label_fr="quantième de paiement préféré", label_en="preferred payment day of the month"),
    *declare(NAME, "preferred_days_of_month_share", (WINDOW,), unit="share", null=_NO_RUNS,
             label_fr="part des paiements sur les deux quantièmes préférés",
             label_en="share of payment days on the two preferred days of the month"),
    *declare(NAME, "batch_share", (WINDOW,), unit="share", null="no payment in the window",
             label_fr="part des paiements réglant plusieurs factures",
             label_en="share of payment days settling several invoices"),
    *declare(NAME, "invoices_per_payment_mean", (WINDOW,), unit="count", minimum=1, null="no payment in the window",
             label_fr="factures réglées par paiement", label_en="invoices paid per payment day"),
    *declare(NAME, "days_due_to_next_run", unit="days", minimum=0, direction=1, null=_NO_HABIT,
             label_fr="jours entre l'échéance et le prochain passage de paiement habituel",
             label_en="days from the due date to the payer's next usual run"),
    *declare(NAME, "working_days_due_to_next_run", unit="working days", minimum=0, direction=1, null=_NO_HABIT,
             label_fr="jours ouvrés entre l'échéance et le prochain passage de paiement habituel",
             label_en="working days from the due date to the payer's next usual run"),
    *declare(NAME, "is_due_in_august", unit="flag", direction=1, null="never null", sources=("invoices",),
             label_fr="échéance en août", label_en="due in August"),
    *declare(NAME, "is_due_at_year_end", unit="flag", null="never null", sources=("invoices",),
             label_fr="échéance entre le 20 décembre et le 5 janvier",
             label_en="due between 20 December and 5 January"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Run habits of each landmark's customer and the distance of the due date to its next usual run."""
    read, due = view.customer, view.landmarks.due_on
    runs = read.size("paydays", WINDOW)
    enough = runs >= MINIMUM_RUNS
    by_weekday, by_day = (
        read.counts("paydays", "weekday", WINDOW),
        read.counts("paydays", "day_of_month", WINDOW),
    )
    rows = np.arange(len(view))
    weekday, first = by_weekday.argmax(axis=1), by_day.argmax(axis=1)
    on_weekday, on_first = by_weekday[rows, weekday], by_day[rows, first]
    others = by_day.copy()
    others[rows, first] = -1
    second = others.argmax(axis=1)
    on_second = others[rows, second]
    weekday_share = known(ratio(on_weekday, runs), enough)
    days_share = known(ratio(on_first + on_second, runs), enough)
    to_run, has_habit = _days_to_next_run(
        due, weekday, first + 1, np.where(on_second > 0, second, first) + 1, weekday_share, days_share
    )
    august = months(due) == _AUGUST
    return {
        "preferred_weekday_365d": known(weekday, enough),
        "preferred_weekday_share_365d": weekday_share,
        "preferred_day_of_month_365d": known(first + 1, enough),
        "preferred_days_of_month_share_365d": days_share,
        "batch_share_365d": ratio(read.total("paydays", "batch", WINDOW), runs),
        "invoices_per_payment_mean_365d": ratio(read.total("paydays", "invoices", WINDOW), runs),
        "days_due_to_next_run": known(to_run, has_habit),
        "working_days_due_to_next_run": known(view.working_days(due, due + to_run), has_habit),
        "is_due_in_august": august.astype(np.float64),
        "is_due_at_year_end": _at_year_end(due).astype(np.float64),
    }


def _days_to_next_run(
    due: Int64Array,
    weekday: Int64Array,
    first: Int64Array,
    second: Int64Array,
    weekday_share: Float64Array,
    days_share: Float64Array,
) -> tuple[Int64Array, BoolArray]:
    """Days from each due date to the next run of the stronger habit, and whether there is a habit at all.

    A share gathered by two days of the month counts as strong as a weekday's; the weekday wins a tie.
    """
    weekly = (weekday_share >= HABIT_SHARE) & ~(days_share > weekday_share)
    monthly = ~weekly & (days_share >= HABIT_SHARE)
    to_weekday = (weekday - weekdays(due)) % 7
    to_day = np.minimum(_days_to_day_of_month(due, first), _days_to_day_of_month(due, second))
    return np.where(weekly, to_weekday, np.where(monthly, to_day, 0)), weekly | monthly


def _days_to_day_of_month(days: Int64Array, wanted: Int64Array) -> Int64Array:
    """Days to the next such day of the month; in a month too short for it, its last day."""
    today, left = days_of_month(days), days_to_month_end(days)
    this_month = np.minimum(wanted, today + left)
    next_length = days_of_month(days + left + 1 + days_to_month_end(days + left + 1))
    next_month = left + np.minimum(wanted, next_length)
    return np.where(this_month >= today, this_month - today, next_month)


def _at_year_end(days: Int64Array) -> BoolArray:
    month, day = months(days), days_of_month(days)
    december = (month == _DECEMBER) & (day >= _YEAR_END_FIRST_DAY)
    january = (month == _JANUARY) & (day <= _YEAR_START_LAST_DAY)
    return np.asarray(december | january)


GROUP = FeatureGroup(NAME, Text("passages de paiement", "payment runs"), COLUMNS, compute)
