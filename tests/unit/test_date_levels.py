"""The dates hold what they say: eight in ten payments between the first and the last, on data that fit the curve."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from models.hazard.date_levels import USUAL_LEVELS, JudgedDates, fit_date_levels
from models.hazard.hazard import UnpaidCurves, curves_from_margins
from models.hazard.payable_days import NO_HABIT, nearest_payable_day
from models.hazard.payment_date import quantile_days
from models.intervals import hazard_rows, intervals_for

INTERVALS = intervals_for(0)
DUE = dt.date(2025, 3, 3)


def _judged(count: int, seed: int, spread: float = 1.0) -> JudgedDates:
    """Invoices whose margins, stretched by `spread`, are the truth; paid on working days only."""
    random = np.random.default_rng(seed)
    dpd = np.full(count, -30, dtype=np.int64)
    rows = hazard_rows(dpd, INTERVALS)
    margins = random.normal(-1.0, 1.0, count)[rows.landmark] + random.normal(0, 0.3, len(rows))
    true = curves_from_margins(margins * spread, rows, dpd, INTERVALS)
    late = np.array(
        [
            int(quantile_days(_one(true, place), [share])[0, 0])
            for place, share in enumerate(random.random(count))
        ]
    )
    due = [DUE + dt.timedelta(days=int(move)) for move in random.integers(0, 200, count)]
    as_of = [day - dt.timedelta(days=30) for day in due]
    paid = [
        nearest_payable_day(day + dt.timedelta(days=int(days)), seen, "FR")
        for day, seen, days in zip(due, as_of, late, strict=True)
    ]
    return JudgedDates(
        curves=curves_from_margins(margins, rows, dpd, INTERVALS),
        as_of=as_of,
        due_on=due,
        countries=["FR"] * count,
        habits=[NO_HABIT] * count,
        days_late=np.array([(day - on).days for day, on in zip(paid, due, strict=True)], dtype=np.float64),
        days_until_cutoff=np.full(count, 400),
    )


def _one(curves: UnpaidCurves, place: int) -> UnpaidCurves:
    own = slice(place, place + 1)
    return UnpaidCurves(curves.days_past_due[own], curves.start[own], curves.unpaid[own], INTERVALS)


def _coverage(judged: JudgedDates, early: float, late: float) -> float:
    def days(level: float) -> np.ndarray:
        read = quantile_days(judged.curves, [level])[0].tolist()
        return np.array(
            [
                (nearest_payable_day(due + dt.timedelta(days=day), seen, "FR") - due).days
                for due, seen, day in zip(judged.due_on, judged.as_of, read, strict=True)
            ]
        )

    return float(((judged.days_late >= days(early)) & (judged.days_late <= days(late))).mean())


@pytest.mark.parametrize("spread", [0.8, 1.0, 1.3])
def test_eight_in_ten_unseen_payments_lie_between_the_dates(spread: float) -> None:
    levels = fit_date_levels(_judged(1500, seed=1, spread=spread))
    assert _coverage(_judged(1500, seed=2, spread=spread), levels.early, levels.late) == pytest.approx(
        0.8, abs=0.03
    )


def test_with_few_invoices_the_levels_stay_near_the_usual_ones() -> None:
    few = fit_date_levels(_judged(5, seed=3))
    assert abs(few.early - USUAL_LEVELS.early) < 0.01
    assert abs(few.late - USUAL_LEVELS.late) < 0.01
    assert fit_date_levels(None) == USUAL_LEVELS


def test_dates_not_yet_passed_at_the_cut_off_do_not_judge() -> None:
    judged = _judged(300, seed=4)
    assert fit_date_levels(replace(judged, days_until_cutoff=np.full(300, -60))) == USUAL_LEVELS


def test_what_is_learnt_after_the_cut_off_changes_nothing() -> None:
    judged = replace(_judged(300, seed=5), days_until_cutoff=np.full(300, 20))
    later = np.where(judged.days_late >= 20, np.inf, judged.days_late)
    assert fit_date_levels(judged) == fit_date_levels(replace(judged, days_late=later))
