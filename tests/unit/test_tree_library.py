"""The trees read from LightGBM's shared library give the numbers of the `lightgbm` package, to the last bit."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from features.errors import EncoursError, InvalidInputError
from models.hazard.booster import TreeModel


@pytest.fixture(scope="module")
def fitted() -> tuple[lightgbm.Booster, TreeModel, np.ndarray]:
    random = np.random.default_rng(3)
    rows = random.normal(size=(400, 7))
    rows[random.random(rows.shape) < 0.15] = np.nan
    label = (np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 3]) * rows.shape[1] / 9 > 0.2).astype(float)
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 9, "verbosity": -1, "deterministic": True, "num_threads": 1},
        lightgbm.Dataset(rows, label=label, params={"verbosity": -1}),
        num_boost_round=25,
    )
    return booster, TreeModel(booster.model_to_string()), rows


@pytest.mark.parametrize("count", [1, 5, 16, 17, 400])
def test_margins_equal_the_package(fitted, count):
    booster, trees, rows = fitted
    assert np.array_equal(trees.margins(rows[:count]), booster.predict(rows[:count], raw_score=True))


@pytest.mark.parametrize("count", [1, 16, 17, 200])
def test_contributions_equal_the_package_and_add_up(fitted, count):
    booster, trees, rows = fitted
    found = trees.contributions(rows[:count])
    assert np.array_equal(found, booster.predict(rows[:count], pred_contrib=True))
    assert np.allclose(found.sum(axis=1), trees.margins(rows[:count]), atol=1e-12)


def test_no_rows_give_no_predictions(fitted):
    _, trees, rows = fitted
    assert trees.margins(rows[:0]).shape == (0,)


def test_a_row_of_the_wrong_width_is_refused_with_both_widths(fitted):
    _, trees, rows = fitted
    with pytest.raises(InvalidInputError, match=r"\(400, 6\).*7 columns"):
        trees.margins(rows[:, :6])


def test_a_text_that_is_no_model_is_refused():
    with pytest.raises(InvalidInputError, match="not a LightGBM model"):
        TreeModel("import os")


def test_a_damaged_model_is_refused(fitted):
    with pytest.raises(EncoursError, match="LightGBM refused"):
        TreeModel("tree\nversion=v4\nnum_class=nothing\n")


def test_scoring_does_not_import_the_training_libraries():
    import subprocess
    import sys

    code = (
        "import sys; import models.score, models.bundle, models.explanation.reasons\n"
        "heavy = {'lightgbm', 'sklearn', 'mlflow', 'matplotlib', 'pandas', 'scipy', 'shap'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
