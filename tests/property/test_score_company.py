"""A score is the same alone, in any batch, in any order, on any number of threads; curves fall; dates are in order."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InvalidInputError
from models.bundle import load_bundle, write_bundle
from models.explanation.reasons import REASON_TYPE
from models.hazard.exact_math import exact_exp, exact_log
from models.hazard.feature_matrix import FeatureMatrix
from models.prediction import predict_curves
from models.score import score, score_frame, scorer
from models.target import HORIZONS
from tests.model_samples import bundle, overdue, unseen

VIEWS = [unseen(), overdue(-5), overdue(12), overdue(75), overdue(500)]


def _everything() -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.concat([features for features, _ in VIEWS]), pl.concat([landmarks for _, landmarks in VIEWS])


FEATURES, LANDMARKS = _everything()
SCORES = score(bundle(), FEATURES, LANDMARKS).frame()

SCHEMA = {
    "invoice_id": pl.String,
    "customer_id": pl.String,
    "as_of": pl.Date,
    "p_late": pl.Float64,
    "p_late_30": pl.Float64,
    **{f"unpaid_probability_{k}d": pl.Float64 for k in HORIZONS},
    "payment_date_p10": pl.Date,
    "payment_date_p50": pl.Date,
    "payment_date_p90": pl.Date,
    "grade": pl.String,
    "history_depth": pl.Int64,
    "cold_start_rung": pl.String,
    "rfm_segment": pl.String,
    "has_unpriced_amounts": pl.Boolean,
    "model_version": pl.String,
    "feature_version": pl.String,
    "explained_days": pl.Int64,
    "explained_probability": pl.Float64,
    "base_probability": pl.Float64,
    "calibration_contribution": pl.Float64,
    "reasons": REASON_TYPE,
}


def test_the_files_of_the_night_keep_their_columns():
    assert list(SCORES.schema.items()) == list(pl.Schema(SCHEMA).items())
    plain = score(bundle(), FEATURES, LANDMARKS, with_reasons=False).frame()
    assert plain.columns == list(SCHEMA)[:-5]
    assert plain.equals(SCORES.select(plain.columns))


@given(st.lists(st.integers(0, LANDMARKS.height - 1), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_a_score_is_the_same_to_the_last_bit_in_any_company(chosen):
    scored = score(bundle(), FEATURES[chosen], LANDMARKS[chosen])
    assert scored.frame().equals(SCORES[chosen], null_equal=True)
    alone = [score(bundle(), FEATURES[[place]], LANDMARKS[[place]]).rows()[0] for place in chosen]
    assert alone == scored.rows()


def test_scores_do_not_depend_on_how_many_are_scored_at_a_time(monkeypatch):
    monkeypatch.setattr(scorer, "AT_A_TIME", 23)
    assert score(bundle(), FEATURES, LANDMARKS).frame().equals(SCORES, null_equal=True)
    assert score_frame(bundle(), FEATURES, LANDMARKS).equals(SCORES, null_equal=True)


def test_no_landmarks_have_no_scores_and_every_column():
    nothing = score(bundle(), FEATURES[:0], LANDMARKS[:0])
    assert nothing.frame().schema == SCORES.schema
    assert nothing.frame().is_empty()
    assert nothing.rows() == []


def test_a_matrix_of_other_landmarks_is_refused():
    with pytest.raises(InvalidInputError, match=r"3 rows of features for 2 landmarks"):
        score(bundle(), FeatureMatrix.of_frame(FEATURES[:3]), LANDMARKS[:2])


def test_a_score_is_the_same_on_one_thread_and_two(tmp_path):
    folder = write_bundle(bundle(), tmp_path / "model")
    for threads in (1, 2):
        loaded = load_bundle(folder, threads=threads)
        assert score(loaded, FEATURES, LANDMARKS).frame().equals(SCORES)


def test_probabilities_lie_between_0_and_1_and_fall_with_the_horizon():
    curve = SCORES.select(f"unpaid_probability_{k}d" for k in HORIZONS).to_numpy()
    assert (curve >= 0).all()
    assert (curve <= 1).all()
    assert (np.diff(curve, axis=1) <= 0).all()
    whole = predict_curves(bundle(), FeatureMatrix.of_frame(FEATURES), LANDMARKS).unpaid
    assert (np.diff(whole, axis=1) <= 1e-15).all()


def test_invoices_in_the_same_interval_are_compared_with_one_base():
    assert SCORES["base_probability"].is_between(0.0, 1.0).all()
    days_past_due = (LANDMARKS["as_of"] - LANDMARKS["due_on"]).dt.total_days().to_numpy()
    interval = pl.Series("interval", bundle().intervals.start(days_past_due))
    bases = SCORES.with_columns(interval).group_by("interval").agg(pl.col("base_probability").n_unique())
    assert bases.height >= 5
    assert bases["base_probability"].to_list() == [1] * bases.height


def test_horizons_already_behind_are_certain():
    overdue_by = (LANDMARKS["as_of"] - LANDMARKS["due_on"]).dt.total_days()
    for k in HORIZONS:
        behind = SCORES.filter((overdue_by > k).to_list())
        assert (behind[f"unpaid_probability_{k}d"] == 1.0).all()


def test_dates_are_ordered_working_days_from_the_as_of_date_on():
    assert (SCORES["payment_date_p10"] >= SCORES["as_of"]).all()
    assert (SCORES["payment_date_p50"] >= SCORES["payment_date_p10"]).all()
    assert (SCORES["payment_date_p90"] >= SCORES["payment_date_p50"]).all()
    assert SCORES["payment_date_p50"].dt.weekday().max() <= 5


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=600))
@settings(deadline=None)
def test_exp_and_log_of_one_value_do_not_depend_on_its_neighbours(values):
    array = np.asarray(values)
    assert exact_exp(array).tolist() == [math.exp(value) for value in values]
    positive = np.exp(array)
    assert exact_log(positive).tolist() == [math.log(value) for value in positive.tolist()]
