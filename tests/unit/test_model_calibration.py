"""Calibration: nothing without data, mild with little, right with much, never against the order of the model."""

from __future__ import annotations

import numpy as np
import pytest

from models.hazard.calibration import JudgedCurves, fit_calibration, identity_calibration
from models.hazard.hazard import curves_from_margins
from models.intervals import hazard_rows, intervals_for

INTERVALS = intervals_for(0)
WIDTH = len(INTERVALS.bounds)


def _judged(count: int, seed: int, stretch: float = 1.0, wild: float = 0.0) -> JudgedCurves:
    """Landmarks whose true log-odds are the model's times `stretch`; a share `wild` ignores the model."""
    random = np.random.default_rng(seed)
    margins = random.normal(-0.5, 1.2, (count, 1)) + random.normal(-0.3, 0.3, (1, WIDTH))
    truth = np.where(
        random.random((count, 1)) < wild, random.normal(-0.5, 0.2, (count, WIDTH)), stretch * margins
    )
    settles = random.random((count, WIDTH)) < 1 / (1 + np.exp(-truth))
    is_unpaid = ~(np.cumsum(settles, axis=1) > 0)
    everything = np.ones((count, WIDTH), dtype=bool)
    return JudgedCurves(
        margins=np.broadcast_to(margins, (count, WIDTH)).copy(),
        is_ahead=everything,
        is_observed=everything,
        is_unpaid=is_unpaid,
        weight=np.ones(count),
        time_slice=random.integers(0, 3, count),
    )


def test_without_data_nothing_changes():
    judged = _judged(3, 1)
    nothing = JudgedCurves(*(getattr(judged, name)[:0] for name in JudgedCurves.__dataclass_fields__))
    assert fit_calibration(nothing) == identity_calibration(WIDTH)
    rows = hazard_rows(np.array([-30]), INTERVALS)
    margins = np.linspace(-1, 1, len(rows))
    plain = curves_from_margins(margins, rows, np.array([-30]), INTERVALS)
    kept = identity_calibration(WIDTH).curves(margins, rows, np.array([-30]), INTERVALS)
    assert np.array_equal(plain.unpaid, kept.unpaid)


def test_a_model_too_sure_of_itself_is_tempered():
    found = fit_calibration(_judged(6000, 2, stretch=0.6))
    assert np.mean(found.slope[:4]) == pytest.approx(0.6, abs=0.08)


def test_an_honest_model_is_left_alone():
    found = fit_calibration(_judged(6000, 3))
    assert np.mean(found.slope[:4]) == pytest.approx(1.0, abs=0.07)
    assert np.abs(found.shift).max() < 0.08
    assert found.portfolio_share <= 0.02


def test_few_data_move_it_little():
    found = fit_calibration(_judged(12, 4, stretch=0.3))
    assert np.abs(np.asarray(found.slope) - 1.0).max() < 0.25


def test_invoices_that_follow_no_habit_are_allowed_for():
    tame, wild = fit_calibration(_judged(6000, 5)), fit_calibration(_judged(6000, 5, wild=0.15))
    assert wild.portfolio_share > tame.portfolio_share
    assert np.mean(wild.slope[:4]) < np.mean(tame.slope[:4])


def test_calibrated_curves_still_fall_and_keep_the_order_of_landmarks():
    calibration = fit_calibration(_judged(3000, 6, stretch=0.5, wild=0.1))
    random = np.random.default_rng(7)
    dpd = np.full(50, -30)
    rows = hazard_rows(dpd, INTERVALS)
    level = np.sort(random.normal(0, 2, 50))
    curves = calibration.curves(level[rows.landmark], rows, dpd, INTERVALS)
    assert (np.diff(curves.unpaid, axis=1) <= 1e-15).all()
    assert (np.diff(curves.at(0)) <= 1e-15).all()
