"""The customer's curve, the card and the trees mixed: the card is the ridge it claims to be, and a mix is exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from features.settings import LedgerSettings
from models.bundle import make_bundle
from models.explanation.contributions import explain_landmarks
from models.hazard.card import LEVEL_PENALTY, fit_card, log_share_left, phases_of_rows
from models.hazard.feature_matrix import feature_table
from models.hazard.hazard import fit_curve_and_card, grow_trees, tree_inputs
from models.hazard.training_set import TrainingRows, training_rows
from models.intervals import HazardRows, hazard_rows, intervals_for
from models.training.selection import usual_trust, usual_unless_clear
from models.training.train import train_model
from models.training.validation import helpful_everywhere, with_first_trees
from tests.model_samples import CUTOFF, FEATURES, SMALL, portfolio

INTERVALS = intervals_for(0)


def _given(count: int = 400) -> tuple[np.ndarray, TrainingRows]:
    known = portfolio()
    landmarks = known.landmarks.head(count)
    table = feature_table(known.features.head(count), FEATURES)
    return table, training_rows(landmarks, known.settlements, INTERVALS, CUTOFF, 0.1)


def test_the_card_has_the_lowest_penalised_loss_of_all():
    table, training = _given(150)
    after = np.isin(phases_of_rows(training.rows, INTERVALS), (2,))
    rows = training.take(np.flatnonzero(after))
    offset = np.random.default_rng(3).normal(-1.0, 0.5, len(rows))
    card = fit_card(table, rows, INTERVALS, replace(SMALL.hazard, card_penalty=30.0), offset)
    z, is_unknown = card.standardised(table)
    step = (is_unknown - card.unknown_share)[rows.rows.landmark]
    varies = (card.unknown_share > 0.001) & (card.unknown_share < 0.999)
    levels = np.unique(rows.rows.interval)
    design = np.concatenate(
        [
            (rows.rows.interval[:, None] == levels).astype(float),
            log_share_left(rows.rows, INTERVALS)[:, None],
            z[rows.rows.landmark],
            step[:, varies],
        ],
        axis=1,
    )
    pull = np.full(design.shape[1], 30.0)
    pull[: levels.size + 1] = LEVEL_PENALTY

    def loss(solution: np.ndarray) -> float:
        margin = offset + design @ solution
        fit = rows.weight * (np.logaddexp(0.0, margin) - rows.is_settled * margin)
        return float(fit.sum() + 0.5 * (pull * solution**2).sum())

    found = minimize(loss, np.zeros(design.shape[1]), method="BFGS", options={"gtol": 1e-7})
    own = np.concatenate(
        [card.interval_offset[levels], card.elapsed_slope[2:3], card.slope[2], card.unknown[2, varies]]
    )
    assert own == pytest.approx(found.x, abs=2e-4)
    assert loss(own) <= found.fun + 1e-6


def test_phases_nothing_was_observed_of_are_left_to_the_portfolio():
    table, training = _given()
    before = training.take(np.flatnonzero(INTERVALS.array[training.rows.interval] <= 0))
    settings = replace(SMALL.hazard, card_penalty=100.0)
    card = fit_card(table, before, INTERVALS, settings, np.zeros(len(before)))
    assert card.slope[:2].any()
    assert not card.slope[2:].any()
    assert not card.interval_offset[INTERVALS.array > 0].any()


def test_a_mix_is_the_weighted_mean_of_the_curve_and_the_card():
    table, training = _given()
    fitted = fit_curve_and_card(table, training, FEATURES, INTERVALS, SMALL.hazard)
    asked = hazard_rows(np.array([-20, 3, 45, 400]), INTERVALS)
    curves = fitted.curve.read(table[:4], FEATURES, asked, INTERVALS)
    of_card = curves.portfolio + fitted.card.margins(table[:4], asked, INTERVALS)
    for trust in (0.0, 0.3, 1.0):
        mixed = fitted.mixed(trust).margins(table[:4], asked)
        assert mixed == pytest.approx((1.0 - trust) * curves.own + trust * of_card, abs=1e-12)


def test_trees_add_to_the_mix_they_were_grown_on():
    table, training = _given()
    start = fit_curve_and_card(table, training, FEATURES, INTERVALS, SMALL.hazard).mixed(0.4)
    grown = grow_trees(table, training, start, replace(SMALL.hazard, tree_count=10))
    asked = hazard_rows(np.array([-20, 3, 45, 400]), INTERVALS)
    added = grown.trees.margins(tree_inputs(table[:4], asked, INTERVALS, grown.card))
    assert np.abs(added).max() > 0.01
    assert grown.margins(table[:4], asked) == pytest.approx(
        start.margins(table[:4], asked) + added, abs=1e-12
    )
    assert start.trees.models == (None, None, None)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 200, 5000])
def test_a_landmark_has_the_same_linear_margin_alone_and_among_others(count: int):
    table, training = _given()
    card = fit_curve_and_card(table, training, FEATURES, INTERVALS, SMALL.hazard).card
    many = np.resize(table, (count, table.shape[1]))
    rows = hazard_rows(np.full(count, -30), INTERVALS)
    together = card.margins(many, rows, INTERVALS)
    own = np.flatnonzero(rows.landmark == count - 1)
    alone = card.margins(
        many[-1:],
        HazardRows(
            np.zeros(own.size, dtype=np.int64),
            rows.interval[own],
            rows.days_at_risk[own],
            rows.days_past_due[own],
        ),
        INTERVALS,
    )
    assert np.array_equal(together[own], alone)


def test_a_small_ledger_gets_no_trees_and_explanations_add_up():
    known = portfolio()
    settings = replace(SMALL, least_judges=10_000)
    model = train_model(
        known.features, known.landmarks, known.settlements, CUTOFF, FEATURES, settings=settings
    )
    assert model.settings.tree_count == 0
    assert model.hazard.trees.texts == (None, None, None)
    bundle = make_bundle(model.hazard, model.calibration, LedgerSettings(), "1", CUTOFF, {})
    table = feature_table(known.features.tail(20), FEATURES)
    found = explain_landmarks(bundle, table, np.full(20, -10))
    told = found.base + found.values.sum(axis=1) + found.calibration
    assert told == pytest.approx(found.probability, abs=1e-9)


def test_a_candidate_without_trees_is_judged_without_them():
    """LightGBM reads "the first 0 trees" as all of them; here they are none."""
    table, training = _given()
    settings = replace(SMALL.hazard, tree_count=8)
    start = fit_curve_and_card(table, training, FEATURES, INTERVALS, settings).mixed(0.5)
    grown = grow_trees(table, training, start, settings)
    assert any(text is not None for text in grown.trees.texts)
    assert with_first_trees(grown, 0).trees.texts == (None, None, None)
    asked = hazard_rows(np.array([-20]), INTERVALS)
    fewer = grow_trees(table, training, start, replace(settings, tree_count=3))
    cut = with_first_trees(grown, 3).margins(table[:1], asked)
    assert cut == pytest.approx(fewer.margins(table[:1], asked), abs=1e-12)


def test_few_validation_rows_keep_the_usual_weight_many_need_a_clear_gain():
    losses = {0.0: 0.5000, 0.25: 0.4990, 0.5: 0.4980, 0.75: 0.4970}
    assert usual_trust(0) == 0.0
    assert usual_trust(100) < usual_trust(1_000) < usual_trust(1_000_000) <= 0.5
    assert usual_unless_clear(losses, landmark_count=50) == 0.0
    assert usual_unless_clear(losses, landmark_count=60_000) == 0.5
    clear = {0.0: 0.52, 0.25: 0.51, 0.5: 0.50, 0.75: 0.48}
    assert usual_unless_clear(clear, landmark_count=60_000) == 0.75


def test_trees_that_make_one_slice_worse_are_not_grown():
    losses = np.array([[0.50, 0.49, 0.48], [0.60, 0.59, 0.61]])
    assert helpful_everywhere(losses).tolist() == [pytest.approx(0.55), pytest.approx(0.54), np.inf]
