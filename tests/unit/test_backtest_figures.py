"""The figures of a backtest against hand calculation."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from models.evaluation import metrics
from models.evaluation.backtest_report import html_report
from models.evaluation.backtest_summary import customer_draws

predictions = (
    st.integers(5, 60)
    .flatmap(
        lambda n: st.tuples(
            st.lists(st.sampled_from([0.05, 0.2, 0.2, 0.41, 0.5, 0.77, 0.9]), min_size=n, max_size=n),
            st.lists(st.booleans(), min_size=n, max_size=n),
        )
    )
    .filter(lambda pair: len(set(pair[1])) == 2)
)


@given(predictions, st.integers(0, 5))
@settings(deadline=None)
def test_a_weight_counts_like_so_many_repeated_predictions(pair, seed):
    chance, event = np.asarray(pair[0]), np.asarray(pair[1])
    weight = np.random.default_rng(seed).integers(0, 4, chance.size).astype(float)
    rows = np.repeat(np.arange(chance.size), weight.astype(int))
    assume(rows.size)
    for figure in (metrics.auc, metrics.log_loss, metrics.brier):
        repeated = figure(chance[rows], event[rows])
        assert figure(chance, event, weight) == (None if repeated is None else pytest.approx(repeated))


def test_ranking_loss_and_distance_by_hand():
    """Three of the four pairs of an event and a non-event are in order, one is tied."""
    chance, event = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert metrics.auc(chance, event) == pytest.approx(3.5 / 4)
    assert metrics.average_precision(chance, event) == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)
    assert metrics.log_loss(chance, event) == pytest.approx(-np.log([0.9, 0.5, 0.5, 0.9]).mean())
    assert metrics.brier(chance, event) == pytest.approx((0.01 + 0.25 + 0.25 + 0.01) / 4)


def test_certainty_that_was_wrong_costs_a_finite_loss():
    assert metrics.log_loss(np.array([0.0]), np.array([True])) == pytest.approx(-np.log(1e-6))


def test_bins_of_distinct_predictions_are_those_of_scikit_learn():
    random = np.random.default_rng(3)
    chance = random.random(500)
    event = random.random(500) < chance
    observed, predicted = calibration_curve(event, chance, n_bins=10, strategy="quantile")
    bins = metrics.reliability(chance, event)
    assert [one.observed for one in bins] == pytest.approx(observed.tolist())
    assert [one.predicted for one in bins] == pytest.approx(predicted.tolist())
    assert sum(one.count for one in bins) == 500


@given(predictions)
@settings(deadline=None)
def test_the_parts_of_the_brier_score_add_up(pair):
    chance, event = np.asarray(pair[0]), np.asarray(pair[1])
    parts = metrics.brier_parts(chance, event)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert whole == pytest.approx(metrics.brier(chance, event))
    assert parts.reliability >= 0


def test_one_outcome_only_has_no_auc():
    assert metrics.auc(np.array([0.1, 0.9]), np.array([True, True])) is None


def test_a_forecast_equal_to_the_observed_shares_is_calibrated():
    chance = np.repeat([0.2, 0.8], 50)
    event = np.r_[np.repeat([True, False], [10, 40]), np.repeat([True, False], [40, 10])]
    assert metrics.expected_calibration_error(chance, event) == pytest.approx(0.0)
    assert metrics.expected_calibration_error(1 - chance, event) == pytest.approx(0.6)


def test_late_money_captured_by_the_top_tenth():
    """By hand: 20 invoices, two chosen by probability x amount: 1,000 and 500 of 1,600 late."""
    amount = np.full(20, 10.0)
    amount[[0, 1, 2]] = [1000.0, 500.0, 100.0]
    chance = np.full(20, 0.5)
    event = np.zeros(20, dtype=bool)
    event[[0, 1, 2]] = True
    assert metrics.top_decile_capture(chance, event, amount) == pytest.approx(1500 / 1600)


def test_dates_that_stay_open_count_as_later_in_the_coverage():
    p10, p50, p90 = np.zeros(4), np.full(4, 5.0), np.full(4, 10.0)
    actual = np.array([5.0, -1.0, 20.0, np.inf])
    found = metrics.date_errors(p10, p50, p90, actual)
    assert found is not None
    assert (found.coverage, found.below_p10, found.above_p90) == (0.25, 0.25, 0.5)
    assert found.median_absolute_days == 6.0


def test_resampling_draws_whole_customers():
    customers = pl.Series(["a", "b", "a", "c", "b", "a"])
    for draw in customer_draws(customers, 20, 3):
        assert draw[0] == draw[2] == draw[5]
        assert draw[1] == draw[4]
        assert draw[[0, 1, 3]].sum() == 3


def test_the_report_holds_plots_and_escapes_names():
    chances = {
        "observed": 2, "event_share": 0.5, "mean_probability": 0.5, "auc": 0.5, "average_precision": 0.5,
        "log_loss": 0.69, "brier": 0.25, "ece": 0.1, "top_decile_capture": None,
        "reliability": [{"count": 2, "predicted": 0.5, "observed": 0.5}], "intervals": {"auc": [0.4, 0.6]},
    }  # fmt: skip
    figures = {
        "known_before": "2025-01-01",
        "grace_days": 0,
        "origins": [],
        "models": {
            "encours": {"n": 2, **chances, "p_late_30": None, "date": None, "by": {"a<b": {"x&y": {"n": 2}}}}
        },
        "difference": {},
    }
    page = html_report(figures)
    assert page.count("<svg") == 5
    assert "by a&lt;b" in page
    assert "x&amp;y" in page
    assert "0.5000 [0.4000, 0.6000]" in page
