"""Contributions as `shap.Explanation`: they sum to the score, and the trees' part is that of `shap.TreeExplainer`."""

from __future__ import annotations

import subprocess
import sys

import lightgbm
import numpy as np
import pytest

from models.explanation.contributions import explain_landmarks
from models.explanation.plots import bar_plot, beeswarm_plot, waterfall_plot
from models.explanation.reasons import group_contributions
from models.explanation.shap_values import (
    CALIBRATION,
    as_group_explanation,
    explain_scores,
    labelled,
    load_shap,
)
from models.hazard.feature_matrix import feature_table
from models.hazard.hazard import tree_inputs
from models.hazard.training_set import days_past_due
from models.intervals import hazard_rows
from models.score import score
from tests.model_samples import bundle, unseen

FEATURES, LANDMARKS = unseen()


@pytest.fixture(scope="module")
def explanation():
    return explain_scores(bundle(), FEATURES, LANDMARKS)


def test_contributions_of_an_explanation_sum_to_the_score(explanation):
    told = explanation.base_values + explanation.values.sum(axis=1)
    scores = score(bundle(), FEATURES, LANDMARKS, with_reasons=False)
    assert set(days_past_due(LANDMARKS).tolist()) < set(range(-1000, 1)), "all are scored before they are due"
    assert told == pytest.approx(scores.p_late, abs=1e-9)
    assert explanation.output_names == "P(unpaid at due + 0)"


def test_data_of_an_explanation_are_the_features(explanation):
    assert explanation.feature_names[-1] == CALIBRATION
    for place, name in enumerate(explanation.feature_names):
        if name in FEATURES.columns:
            known = FEATURES[name].to_numpy()
            assert np.array_equal(explanation.data[:, place], known, equal_nan=True)
    assert np.isnan(explanation.data[:, -1]).all()


def test_groups_of_an_explanation_sum_to_the_same_score(explanation):
    table = feature_table(FEATURES, bundle().feature_names)
    found = explain_landmarks(bundle(), table, days_past_due(LANDMARKS))
    grouped = as_group_explanation(found, "fr")
    assert grouped.values.sum(axis=1) == pytest.approx(explanation.values.sum(axis=1), abs=1e-12)
    assert len(grouped.feature_names) == len(group_contributions(found)[0]) + 1
    assert "habitudes de paiement" in grouped.feature_names


def test_trees_part_equals_the_tree_explainer_of_shap():
    """SHAP's own algorithm, not LightGBM's, which its explainer would otherwise ask."""
    model = bundle()
    table = feature_table(FEATURES, model.feature_names)
    rows = hazard_rows(days_past_due(LANDMARKS), model.intervals)
    inputs = tree_inputs(table, rows, model.intervals, model.hazard.card)
    compared = 0
    for trees in model.hazard.trees.models:
        if trees is None:
            continue
        explainer = load_shap().TreeExplainer(lightgbm.Booster(model_str=trees.text))
        explainer.model.model_type = "internal"
        theirs = explainer.shap_values(inputs, check_additivity=False)
        ours = trees.contributions(inputs)
        assert ours[:, :-1] == pytest.approx(theirs, abs=1e-9)
        assert ours[:, -1] == pytest.approx(np.full(len(ours), explainer.expected_value), abs=1e-9)
        assert ours.sum(axis=1) == pytest.approx(trees.margins(inputs), abs=1e-9)
        compared += 1
    assert compared > 0


def test_plots_are_svg_the_same_each_time_and_leave_no_figure_open(explanation):
    import matplotlib.pyplot as plt

    state = np.random.get_state()[1].tolist()
    for draw in (bar_plot, beeswarm_plot):
        page = draw(labelled(explanation))
        assert page.startswith("<svg")
        assert page == draw(labelled(explanation))
    assert "calibration" in waterfall_plot(explanation[0])
    assert plt.get_fignums() == []
    assert np.random.get_state()[1].tolist() == state, (
        "the generator that all of numpy shares is left as it was"
    )


def test_scores_and_reasons_do_not_import_shap():
    code = (
        "import sys, models.score, models.explanation.shap_values, serving.api.worker\n"
        "assert not {'shap', 'numba', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
