"""The baselines are prepared with care: a model that beats a careless one has shown nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.evaluation.baselines import Labelled, scorecard

NAMES = ("late_share_365d", "season_share_730d")


def _known(count: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    share = random.random(count)
    return pl.DataFrame({"late_share_365d": share, "season_share_730d": [None] * count}).cast(
        pl.Float64
    ), random.random(count) < share


def _labelled(features: pl.DataFrame, is_late: np.ndarray) -> Labelled:
    everybody = np.ones(is_late.size, dtype=np.bool_)
    return Labelled(
        features=features,
        is_late=is_late,
        late_observed=everybody,
        is_unpaid_30=is_late,
        unpaid_30_observed=everybody,
        days_late=np.where(is_late, 40.0, -1.0),
    )


def test_a_rare_column_does_not_make_the_scorecard_certain():
    features, is_late = _known(600, seed=1)
    season = np.full(600, np.nan)
    season[[10, 20]] = [0.2, 0.9]
    features = features.with_columns(pl.Series("season_share_730d", season, nan_to_null=True))
    asked = _known(200, seed=2)[0].with_columns(season_share_730d=pl.lit(0.9))
    chance = scorecard(_labelled(features, is_late), asked, NAMES).p_late
    assert chance is not None
    without = scorecard(_labelled(features, is_late), asked, NAMES[:1]).p_late
    assert chance == pytest.approx(without, abs=1e-9)


def test_the_scorecard_finds_a_plain_relation():
    features, is_late = _known(600, seed=3)
    asked, outcome = _known(400, seed=4)
    chance = scorecard(_labelled(features, is_late), asked, NAMES).p_late
    assert chance is not None
    assert chance[outcome].mean() - chance[~outcome].mean() > 0.2
