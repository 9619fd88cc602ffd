"""Reasons of a score: contributions gathered in business groups, each with a sentence and the invoice's real values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.catalogue import COLUMNS_BY_NAME, GROUPS_BY_NAME
from features.columns import FeatureColumn
from models.bundle import ModelBundle
from models.explanation.contributions import STAGE, Contributions, explain_landmarks
from models.explanation.groups import EXTRA_LABELS, group_of
from models.explanation.phrases import Texts, describe
from models.intervals import Floats
from models.training import feature_table
from models.training_set import days_past_due

REASON_TYPE = pl.List(
    pl.Struct(
        {
            "group": pl.String,
            "label_fr": pl.String,
            "label_en": pl.String,
            "contribution": pl.Float64,
            "text_fr": pl.String,
            "text_en": pl.String,
        }
    )
)
"""Reasons of one score, the weightiest first; contributions in probability."""

DEFAULT_COUNT = 5
_NEGLIGIBLE = 0.0005


def add_reasons(
    scores: pl.DataFrame,
    bundle: ModelBundle,
    features: pl.DataFrame,
    landmarks: pl.DataFrame,
    count: int = DEFAULT_COUNT,
) -> pl.DataFrame:
    """Scores with their reasons.

    Args:
        scores: the answer of `score_landmarks` for the same landmarks.
        bundle: the model.
        features: as for `score_landmarks`.
        landmarks: as for `score_landmarks`; `currency` is used in sentences when present.
        count: most reasons per score.

    Returns:
        `scores` with `explained_days` (days past due whose P(unpaid) is explained), `explained_probability`,
        `base_probability` (of an average invoice at that stage), `calibration_contribution`, and `reasons`.
    """
    table = feature_table(features, bundle.feature_names)
    found = explain_landmarks(bundle, table, days_past_due(landmarks))
    currencies = (
        landmarks["currency"].to_list() if "currency" in landmarks.columns else ["EUR"] * landmarks.height
    )
    reasons = reasons_of(found, features, currencies, count)
    return scores.with_columns(
        pl.Series("explained_days", found.explained_days),
        pl.Series("explained_probability", found.probability),
        pl.Series("base_probability", found.base),
        pl.Series("calibration_contribution", found.calibration),
        pl.Series("reasons", reasons, dtype=REASON_TYPE),
    )


def group_contributions(found: Contributions) -> tuple[tuple[str, ...], Floats]:
    """Contributions summed by the group they are told in: group names in a fixed order, one column each."""
    groups = [group_of(name, _catalogue_group(name)) for name in found.names]
    names = tuple(dict.fromkeys(groups))
    totals = np.zeros((found.values.shape[0], len(names)))
    for column, group in enumerate(groups):
        totals[:, names.index(group)] += found.values[:, column]
    return names, totals


def reasons_of(
    found: Contributions, features: pl.DataFrame, currencies: list[str], count: int
) -> list[list[dict[str, object]]]:
    """The weightiest groups of each landmark with their sentences; what moves it by under 0.05 points is left out."""
    names, totals = group_contributions(found)
    members = {
        group: [i for i, name in enumerate(found.names) if group_of(name, _catalogue_group(name)) == group]
        for group in names
    }
    columns = [name for name in features.columns if name in COLUMNS_BY_NAME]
    rows = features.select(columns).iter_rows()
    order = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :count]
    reasons = []
    for landmark, row in enumerate(rows):
        values = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        told: list[dict[str, object]] = []
        for position in order[landmark]:
            total = float(totals[landmark, position])
            if abs(total) < _NEGLIGIBLE:
                continue
            group = names[position]
            own = found.values[landmark, members[group]]
            sign = 1.0 if total > 0 else -1.0
            leading = found.names[members[group][int(np.argmax(own * sign))]]
            told.append(_reason(group, total, leading, values, currencies[landmark] or "EUR"))
        reasons.append(told)
    return reasons


def group_label(group: str) -> Texts:
    """How a group is called."""
    if group in EXTRA_LABELS:
        return EXTRA_LABELS[group]
    if group in GROUPS_BY_NAME:
        return Texts(GROUPS_BY_NAME[group].label_fr, GROUPS_BY_NAME[group].label_en)
    return Texts(group, group)


def _reason(
    group: str, contribution: float, leading: str, values: Mapping[str, float], currency: str
) -> dict[str, object]:
    texts = describe(group, _catalogue_column(leading), values, currency)
    label = group_label(group)
    return {
        "group": group,
        "label_fr": label.fr,
        "label_en": label.en,
        "contribution": contribution,
        "text_fr": texts.fr,
        "text_en": texts.en,
    }


def _catalogue_column(name: str) -> FeatureColumn | None:
    return None if name == STAGE else COLUMNS_BY_NAME.get(name)


def _catalogue_group(name: str) -> str:
    column = _catalogue_column(name)
    return STAGE if column is None else column.group
