"""The model card: what a model is for, what it learnt from, how good it is, for whom less so, and what it goes by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from models.bundle import ModelBundle
from models.evaluation.rendering import render
from models.explanation.contributions import Contributions, explain_landmarks
from models.explanation.groups import group_label
from models.explanation.reasons import group_contributions
from models.hazard.feature_matrix import feature_table
from models.hazard.training_set import days_past_due
from models.training.selection import LITTLE_HISTORY_TRUST
from models.training.train import TrainedModel

_FEATURES_SHOWN = 20
_LANDMARKS_EXPLAINED = 2_000


def explained_sample(bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame) -> Contributions:
    """Contributions of the newest landmarks, enough of them to say what the model goes by."""
    newest = slice(max(features.height - _LANDMARKS_EXPLAINED, 0), features.height)
    return explain_landmarks(
        bundle, feature_table(features[newest], bundle.feature_names), days_past_due(landmarks[newest])
    )


def importance(found: Contributions) -> pl.DataFrame:
    """How much each feature moves a probability, on average over landmarks.

    Returns:
        `feature, mean_absolute_contribution`, the weightiest first.
    """
    weight = np.abs(found.values).mean(axis=0) if found.values.shape[0] else np.zeros(len(found.names))
    return pl.DataFrame({"feature": found.names, "mean_absolute_contribution": weight}).sort(
        "mean_absolute_contribution", "feature", descending=[True, False]
    )


def group_importance(found: Contributions) -> pl.DataFrame:
    """The same by the reason group of a feature: `group, label_fr, label_en, mean_absolute_contribution`."""
    names, totals = group_contributions(found)
    weight = np.abs(totals).mean(axis=0) if totals.shape[0] else np.zeros(len(names))
    labels = [group_label(name) for name in names]
    return pl.DataFrame(
        {
            "group": names,
            "label_fr": [label.fr for label in labels],
            "label_en": [label.en for label in labels],
            "mean_absolute_contribution": weight,
        }
    ).sort("mean_absolute_contribution", "group", descending=[True, False])


def dependence(found: Contributions, features: pl.DataFrame, name: str, bins: int = 10) -> pl.DataFrame:
    """How one feature's contribution goes with its value, in bins of equal count.

    Returns:
        `value, contribution, landmarks`: means per bin; landmarks whose value is unknown have a null value.
    """
    column = found.names.index(name)
    frame = pl.DataFrame(
        {"value": features.tail(found.values.shape[0])[name], "contribution": found.values[:, column]}
    )
    known = frame.filter(pl.col("value").is_not_null())
    edges = (
        sorted({known["value"].quantile(number / bins) or 0.0 for number in range(1, bins)})
        if known.height
        else []
    )
    placed = np.searchsorted(np.asarray(edges), known["value"].to_numpy(), side="left")
    grouped = (
        known.with_columns(bin=pl.Series(placed))
        .group_by("bin", maintain_order=True)
        .agg(pl.col("value").mean(), pl.col("contribution").mean(), landmarks=pl.len())
        .sort("bin")
        .drop("bin")
    )
    unknown = frame.filter(pl.col("value").is_null())
    if unknown.height == 0:
        return grouped
    row = unknown.select(
        pl.lit(None, dtype=pl.Float64).alias("value"), pl.col("contribution").mean(), landmarks=pl.len()
    )
    return pl.concat([grouped, row])


def model_card(
    bundle: ModelBundle,
    trained: TrainedModel,
    found: Contributions,
    figures: Mapping[str, Any] | None = None,
    by_group: pl.DataFrame | None = None,
) -> str:
    """The card in Markdown.

    Args:
        bundle: the model.
        trained: how it came about.
        found: the answer of `explained_sample`.
        figures: the answer of `models.evaluation.backtest_summary.summarise` for a rehearsal; absent when the ledger
            is too short.
        by_group: the answer of `models.evaluation.evidence.error_by_group`.
    """
    return render(
        "model_card.md",
        bundle=bundle,
        trained=trained,
        little_history_trust=LITTLE_HISTORY_TRUST,
        figures=figures,
        by_group=[] if by_group is None else by_group.to_dicts(),
        groups=group_importance(found).to_dicts(),
        features=importance(found).head(_FEATURES_SHOWN).to_dicts(),
    )
