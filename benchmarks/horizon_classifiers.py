"""What the hazard was compared with: a classifier for each horizon, and one classifier that is told the horizon.

Both learn from invoices at issue whose label at a horizon was observed before the cut-off, paid or not. They know
nothing of half-observed invoices, and separate classifiers know nothing of each other: their curves may rise.
`python -m benchmarks.model_comparison` sets them beside the hazard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from models.hazard.booster import TreeModel
from models.hazard.exact_math import exact_sigmoid
from models.hazard.feature_matrix import feature_table
from models.hazard.phased_trees import without_threads
from models.hazard.training_set import known_outcomes
from models.intervals import Floats, Ints
from models.log_loss import log_losses
from models.target import HORIZONS
from models.training.from_ledger import TrainingInput

_TREES = 150
_NEWEST_SHARE = 0.2
_LEAST_ROWS = 60


@dataclass(frozen=True)
class HorizonLabels:
    """Invoices at issue, and when each was paid as far as the cut-off tells.

    Attributes:
        table: features per invoice.
        days_late: infinite while open.
        days_until_cutoff: from the due date to the cut-off; a horizon is observed if it is smaller.
    """

    table: Floats
    days_late: Floats
    days_until_cutoff: Ints


def horizon_labels(given: TrainingInput, feature_names: Sequence[str]) -> HorizonLabels:
    """The training window's invoices at issue, oldest first."""
    is_at_issue = (given.landmarks["as_of"] == given.landmarks["issued_on"]).to_numpy()
    landmarks = given.landmarks.filter(pl.Series(is_at_issue))
    known = known_outcomes(landmarks, given.settlements, given.known_before)
    return HorizonLabels(
        table=feature_table(given.features.filter(pl.Series(is_at_issue)), feature_names),
        days_late=known.days_late,
        days_until_cutoff=known.days_until_cutoff,
    )


def separate_classifiers(known: HorizonLabels, asked: Floats, seed: int = 7) -> Floats:
    """P(unpaid) at every horizon from one classifier each.

    Args:
        known: what to learn from.
        asked: features of the invoices to predict.
        seed: of everything random.

    Returns:
        One row per invoice asked, one column per horizon.
    """
    columns = []
    for horizon in HORIZONS:
        rows = np.flatnonzero(known.days_until_cutoff > horizon)
        is_unpaid = (known.days_late[rows] > horizon).astype(np.float64)
        columns.append(_fitted(known.table[rows], is_unpaid, [asked], seed)[0])
    return np.stack(columns, axis=1)


def told_horizon_classifier(known: HorizonLabels, asked: Floats, seed: int = 7) -> Floats:
    """P(unpaid) at every horizon from one classifier that reads the horizon and falls in it; as above."""
    rows = [np.flatnonzero(known.days_until_cutoff > horizon) for horizon in HORIZONS]
    order = np.argsort(np.concatenate(rows), kind="stable")
    horizon = np.repeat(np.array(HORIZONS, dtype=np.float64), [len(each) for each in rows])[order]
    invoice = np.concatenate(rows)[order]
    is_unpaid = (known.days_late[invoice] > horizon).astype(np.float64)
    table = np.column_stack([known.table[invoice], horizon])
    questions = [np.column_stack([asked, np.full(len(asked), float(each))]) for each in HORIZONS]
    falling = [*(0 for _ in range(asked.shape[1])), -1]
    return np.stack(_fitted(table, is_unpaid, questions, seed, falling), axis=1)


def rising_share(curves: Floats) -> float:
    """Share of invoices whose P(unpaid) rises from some horizon to the next."""
    return float((np.diff(curves, axis=1) > 1e-12).any(axis=1).mean()) if len(curves) else 0.0


def _fitted(
    table: Floats, label: Floats, asked: Sequence[Floats], seed: int, falling: Sequence[int] = ()
) -> list[Floats]:
    """Predictions of boosted trees whose number has the lowest loss on the newest fifth, fitted again on all rows."""
    share = float((label.sum() + 1.0) / (label.size + 2.0))
    if label.size < _LEAST_ROWS or label.min() == label.max():
        return [np.full(len(each), share) for each in asked]
    parameters: dict[str, Any] = {
        "objective": "binary",
        "num_leaves": 8,
        "learning_rate": 0.05,
        "min_data_in_leaf": int(np.clip(label.size // 100, 10, 100)),
        "lambda_l2": 10.0,
        "feature_fraction": 0.3,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }
    if falling:
        parameters["monotone_constraints"] = list(falling)
    cut = int(label.size * (1.0 - _NEWEST_SHARE))
    trees = _TREES
    if 0.0 < label[:cut].mean() < 1.0:
        older = _trained(parameters, table[:cut], label[:cut], _TREES)
        counts = list(range(10, _TREES + 1, 10))
        trees = min(counts, key=lambda count: _loss(older, table[cut:], label[cut:], count))
    model = TreeModel(without_threads(_trained(parameters, table, label, trees).model_to_string()), 1)
    return [exact_sigmoid(model.margins(np.ascontiguousarray(each))) for each in asked]


def _trained(parameters: dict[str, Any], table: Floats, label: Floats, trees: int) -> Any:
    import lightgbm

    return lightgbm.train(
        parameters, lightgbm.Dataset(table, label=label, params={"verbosity": -1}), num_boost_round=trees
    )


def _loss(booster: Any, table: Floats, label: Floats, count: int) -> float:
    return float(log_losses(booster.predict(table, num_iteration=count, num_threads=1), label > 0).mean())
