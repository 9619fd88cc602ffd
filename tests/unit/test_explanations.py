"""Contributions add up to the score, are Shapley values where that can be checked by hand, and are told truthfully."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from features.catalogue import COLUMNS_BY_NAME
from models.explanation.contributions import explain_landmarks, explained_days
from models.explanation.phrases import describe
from models.explanation.reasons import group_contributions
from models.intervals import hazard_rows, intervals_for
from models.linear_part import fit_linear_part
from models.scoring import predict_curves, score_landmarks
from models.training import feature_table
from models.training_set import days_past_due
from tests.model_samples import bundle, overdue, unseen

VIEWS = {"at issue": unseen(), "overdue": overdue(12), "long overdue": overdue(75), "beyond": overdue(500)}


@pytest.mark.parametrize("view", VIEWS)
def test_contributions_base_and_calibration_add_up_to_the_shipped_probability(view):
    features, landmarks = VIEWS[view]
    scores = score_landmarks(bundle(), features, landmarks)
    found = explain_landmarks(
        bundle(), feature_table(features, bundle().feature_names), days_past_due(landmarks)
    )
    told = found.base + found.values.sum(axis=1) + found.calibration
    assert np.abs(told - found.probability).max() < 1e-9
    assert np.array_equal(found.probability, scores["explained_probability"].to_numpy())
    at_goal = predict_curves(bundle(), features, landmarks)
    for row, days in enumerate(found.explained_days.tolist()):
        assert found.probability[row] == at_goal.unpaid[row, bundle().intervals.position(days)]


def test_contributions_alone_add_up_to_the_uncalibrated_probability():
    features, landmarks = unseen()
    found = explain_landmarks(
        bundle(), feature_table(features, bundle().feature_names), days_past_due(landmarks)
    )
    raw = predict_curves(bundle(), features, landmarks, is_calibrated=False).at(0)
    assert np.abs(found.base + found.values.sum(axis=1) - raw).max() < 1e-9


def test_contributions_do_not_depend_on_the_batch():
    features, landmarks = unseen()
    table, dpd = feature_table(features, bundle().feature_names), days_past_due(landmarks)
    whole = explain_landmarks(bundle(), table, dpd)
    pieces = explain_landmarks(bundle(), table, dpd, at_most_rows=30)
    assert np.array_equal(whole.values, pieces.values)
    alone = explain_landmarks(bundle(), table[3:4], dpd[3:4])
    assert np.array_equal(whole.values[3:4], alone.values)


def test_groups_keep_the_sum():
    features, landmarks = unseen()
    found = explain_landmarks(
        bundle(), feature_table(features, bundle().feature_names), days_past_due(landmarks)
    )
    names, totals = group_contributions(found)
    assert len(set(names)) == len(names)
    assert np.allclose(totals.sum(axis=1), found.values.sum(axis=1), atol=1e-12)


def test_the_scorecards_terms_are_its_exact_shapley_values():
    """For a straight line the Shapley value is slope x (value - average); averaged over every order, by brute force."""
    random = np.random.default_rng(4)
    table = random.normal(size=(120, 3))
    intervals = intervals_for(0)
    rows = hazard_rows(np.full(120, -30), intervals)
    outcome = (table[rows.landmark, 0] + random.normal(size=len(rows)) > 0).astype(float)
    part = fit_linear_part(table, rows, outcome, np.ones(len(rows)), intervals, np.full(3, 5.0))
    asked = hazard_rows(np.array([-30]), intervals)
    one = table[:1]
    average = part.centre[None, :]

    def margin(known: tuple[int, ...]) -> float:
        mixed = average.copy()
        mixed[0, list(known)] = one[0, list(known)]
        return float(part.margins(mixed, asked, intervals)[0])

    terms = part.feature_terms(one)[0][0]
    for feature in range(3):
        others = [i for i in range(3) if i != feature]
        value = 0.0
        for size in range(3):
            for known in itertools.combinations(others, size):
                share = math.factorial(size) * math.factorial(2 - size) / math.factorial(3)
                value += share * (margin((*known, feature)) - margin(known))
        assert value == pytest.approx(terms[feature], abs=1e-9)


def test_lateness_is_explained_until_the_due_date_then_the_next_bound_ahead():
    found = explained_days(np.array([-40, 0, 1, 30, 31, 100, 400]), 0, intervals_for(0))
    assert found.tolist() == [0, 0, 30, 30, 60, 120, 365]


HABIT = {"settled_count_10n": 6.0, "late_count_10n": 4.0, "days_late_mean_10n": 12.2, "history_depth": 6.0}


def test_a_habit_is_told_in_both_languages_with_the_real_values():
    texts = describe("payment_behaviour", COLUMNS_BY_NAME["late_share_365d"], HABIT)
    assert texts.en == "4 of the last 6 invoices paid late, 12 days on average"
    assert texts.fr == "4 des 6 dernières factures payées en retard, 12 jours en moyenne"


@pytest.mark.parametrize(
    ("changes", "french", "english"),
    [
        (
            {"late_count_10n": 0.0, "days_late_mean_10n": -3.0},
            "aucune des 6 dernières factures payée en retard, 3 jours avant l'échéance en moyenne",
            "none of the last 6 invoices paid late, 3 days early on average",
        ),
        (
            {"settled_count_10n": 1.0, "late_count_10n": 1.0, "days_late_mean_10n": 1.0},
            "la seule facture réglée l'a été en retard, 1 jour",
            "the only settled invoice was paid late, 1 day",
        ),
        (
            {"history_depth": 0.0},
            "aucune facture réglée connue de ce client",
            "no settled invoice known of this customer",
        ),
    ],
)
def test_habits_of_other_shapes_read_as_sentences(changes, french, english):
    texts = describe("payment_behaviour", None, {**HABIT, **changes})
    assert (texts.fr, texts.en) == (french, english)


def test_overdue_money_is_written_as_each_language_writes_it():
    values = {"overdue_count": 3.0, "overdue_amount_sum": 12340.0, "oldest_overdue_days": 45.0}
    texts = describe("exposure", None, values)
    assert texts.en == "3 other overdue invoices for €12,340, the oldest for 45 days"
    assert texts.fr == "3 autres factures échues pour 12\u202f340\u00a0€, la plus ancienne depuis 45 jours"


def test_every_reason_of_every_view_has_words_and_values():
    for features, landmarks in VIEWS.values():
        scores = score_landmarks(bundle(), features, landmarks)
        for reasons in scores["reasons"].to_list():
            for reason in reasons:
                assert reason["text_fr"]
                assert reason["text_en"]
                assert "nan" not in reason["text_en"].lower().split()
                assert abs(reason["contribution"]) >= 0.0005


def test_reasons_come_weightiest_first():
    features, landmarks = unseen()
    for reasons in score_landmarks(bundle(), features, landmarks)["reasons"].to_list():
        sizes = [abs(reason["contribution"]) for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)
