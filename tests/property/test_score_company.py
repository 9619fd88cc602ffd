"""A score is the same alone, in any batch, in any order, on any number of threads; curves fall; dates are in order."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models import scoring
from models.bundle import load_bundle, write_bundle
from models.exact_math import exact_exp, exact_log
from models.scoring import predict_curves, score_landmarks
from models.target import HORIZONS
from tests.model_samples import bundle, overdue, unseen

VIEWS = [unseen(), overdue(-5), overdue(12), overdue(75), overdue(500)]


def _everything() -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.concat([features for features, _ in VIEWS]), pl.concat([landmarks for _, landmarks in VIEWS])


FEATURES, LANDMARKS = _everything()
SCORES = score_landmarks(bundle(), FEATURES, LANDMARKS)


@given(st.lists(st.integers(0, LANDMARKS.height - 1), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_a_score_is_the_same_to_the_last_bit_in_any_company(chosen):
    scored = score_landmarks(bundle(), FEATURES[chosen], LANDMARKS[chosen])
    assert scored.equals(SCORES[chosen], null_equal=True)


def test_scores_do_not_depend_on_how_many_are_scored_at_a_time(monkeypatch):
    monkeypatch.setattr(scoring, "AT_A_TIME", 23)
    assert score_landmarks(bundle(), FEATURES, LANDMARKS).equals(SCORES, null_equal=True)
    nothing = score_landmarks(bundle(), FEATURES[:0], LANDMARKS[:0])
    assert nothing.schema == SCORES.schema
    assert nothing.is_empty()


def test_a_score_is_the_same_on_one_thread_and_two(tmp_path):
    folder = write_bundle(bundle(), tmp_path / "model")
    one, two = load_bundle(folder, threads=1), load_bundle(folder, threads=2)
    assert score_landmarks(one, FEATURES, LANDMARKS).equals(SCORES)
    assert score_landmarks(two, FEATURES, LANDMARKS).equals(SCORES)


def test_probabilities_lie_between_0_and_1_and_fall_with_the_horizon():
    curve = SCORES.select(f"unpaid_probability_{k}d" for k in HORIZONS).to_numpy()
    assert (curve >= 0).all()
    assert (curve <= 1).all()
    assert (np.diff(curve, axis=1) <= 0).all()
    whole = predict_curves(bundle(), FEATURES, LANDMARKS).unpaid
    assert (np.diff(whole, axis=1) <= 1e-15).all()


def test_horizons_already_behind_are_certain():
    overdue_by = (LANDMARKS["as_of"] - LANDMARKS["due_on"]).dt.total_days()
    for k in HORIZONS:
        behind = SCORES.filter((overdue_by > k).to_list())
        assert (behind[f"unpaid_probability_{k}d"] == 1.0).all()


def test_dates_are_in_order_never_before_the_as_of_date_and_working_days():
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
