"""The public estimator is what it claims to be: scikit-learn's own checks decide."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.evaluation.estimators import OrderedHazardClassifier

WEIGHTS_ARE_NOT_COPIES = (
    "LightGBM counts rows, not weights, in a leaf and in its histograms: a row of weight 2 is not two rows"
)


def _expected_failures(estimator: OrderedHazardClassifier) -> dict[str, str]:
    return {"check_sample_weight_equivalence_on_dense_data": WEIGHTS_ARE_NOT_COPIES}


@pytest.mark.filterwarnings("ignore:.*Can't check dok sparse matrix for nan or inf.*")
@parametrize_with_checks(
    [OrderedHazardClassifier(n_estimators=20, min_child_samples=5)], expected_failed_checks=_expected_failures
)
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


def test_ordered_classes_have_coherent_probabilities():
    random = np.random.default_rng(1)
    rows = random.normal(size=(600, 3))
    score = rows[:, 0] + random.normal(0, 0.5, 600)
    label = np.digitize(score, [-0.7, 0.2, 1.0])
    model = OrderedHazardClassifier(n_estimators=40).fit(rows, label)
    chance = model.predict_proba(rows)
    assert np.allclose(chance.sum(axis=1), 1.0)
    assert (chance >= 0).all()
    late = 1.0 - chance[:, 0]
    assert np.corrcoef(late, rows[:, 0])[0, 1] > 0.7


def test_a_declared_direction_is_kept():
    random = np.random.default_rng(2)
    rows = random.normal(size=(400, 2))
    label = (rows[:, 0] + random.normal(0, 1.5, 400) > 0).astype(int)
    model = OrderedHazardClassifier(monotone=[1, 0], min_child_samples=3).fit(rows, label)
    grid = np.column_stack([np.linspace(-3, 3, 50), np.zeros(50)])
    assert (np.diff(model.predict_proba(grid)[:, 1]) >= -1e-12).all()


def test_the_same_seed_gives_the_same_model():
    random = np.random.default_rng(3)
    rows, label = random.normal(size=(200, 3)), random.integers(0, 3, 200)
    first, second = (
        OrderedHazardClassifier(feature_fraction=0.5, random_state=4).fit(rows, label) for _ in range(2)
    )
    assert first.model_text_ == second.model_text_
