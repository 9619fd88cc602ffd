"""Reasons of a score: contributions gathered in business groups, each with a sentence and the invoice's real values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from features.catalogue import COLUMNS_BY_NAME, GROUPS_BY_NAME
from features.columns import FeatureColumn
from models.bundle import ModelBundle
from models.explanation.contributions import STAGE, Contributions, explain_prediction
from models.explanation.groups import EXTRA_LABELS, group_of
from models.explanation.phrases import Texts, describe
from models.intervals import Floats, Ints
from models.prediction import Prediction

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
NEGLIGIBLE = 0.0005
"""A group that moves the probability by less is not named."""


def add_reasons(
    scores: pl.DataFrame,
    bundle: ModelBundle,
    found: Prediction,
    features: pl.DataFrame,
    landmarks: pl.DataFrame,
    count: int = DEFAULT_COUNT,
) -> pl.DataFrame:
    """Scores with their reasons.

    Args:
        scores: the answer of `score_landmarks` for the same landmarks.
        bundle: the model.
        found: what it says of them.
        features: as for `score_landmarks`.
        landmarks: as for `score_landmarks`; `currency` is used in sentences when present.
        count: most reasons per score.

    Returns:
        `scores` with `explained_days` (days past due whose P(unpaid) is explained), `explained_probability`,
        `base_probability` (of an average invoice at that stage), `calibration_contribution`, and `reasons`.
    """
    told = explain_prediction(bundle, found)
    currencies = (
        landmarks["currency"].to_list() if "currency" in landmarks.columns else ["EUR"] * landmarks.height
    )
    return scores.with_columns(
        pl.Series("explained_days", told.explained_days),
        pl.Series("explained_probability", told.probability),
        pl.Series("base_probability", told.base),
        pl.Series("calibration_contribution", told.calibration),
        reasons_of(told, features, currencies, count).alias("reasons"),
    )


def group_contributions(found: Contributions) -> tuple[tuple[str, ...], Floats]:
    """Contributions summed by the group they are told in: group names in a fixed order, one column each."""
    groups = groups_of(found.names)
    totals = np.zeros((found.values.shape[0], len(groups.names)))
    for column, place in enumerate(groups.group_of_column):
        totals[:, place] += found.values[:, column]
    return groups.names, totals


def reasons_of(
    found: Contributions, features: pl.DataFrame, currencies: Sequence[str | None], count: int
) -> pl.Series:
    """The weightiest groups of each landmark with their sentences; what moves it by under 0.05 points is left out.

    Args:
        found: contributions of every feature.
        features: the features, one row per landmark.
        currencies: of the amounts in the sentences.
        count: most reasons per landmark.

    Returns:
        One list of `REASON_TYPE` per landmark.
    """
    groups = groups_of(found.names)
    names, totals = group_contributions(found)
    order = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :count]
    weight = np.take_along_axis(totals, order, axis=1)
    rows, ranks = np.nonzero(np.abs(weight) >= NEGLIGIBLE)
    places, weights = order[rows, ranks], weight[rows, ranks]
    leading = _leading(found.values, groups, rows, places, weights)
    columns = [name for name in features.columns if name in COLUMNS_BY_NAME]
    known = features.select(columns).iter_rows()
    values: dict[str, float] = {}
    at = -1
    texts: list[Texts] = []
    for row, place, lead in zip(rows.tolist(), places.tolist(), leading.tolist(), strict=True):
        while at < row:
            at += 1
            values = _known(columns, next(known))
        texts.append(
            describe(names[place], catalogue_column(found.names[lead]), values, currencies[row] or "EUR")
        )
    labels = [group_label(name) for name in names]
    told = pl.DataFrame(
        {
            "row": rows,
            "group": pl.Series(names, dtype=pl.String).gather(places),
            "label_fr": pl.Series([label.fr for label in labels], dtype=pl.String).gather(places),
            "label_en": pl.Series([label.en for label in labels], dtype=pl.String).gather(places),
            "contribution": weights,
            "text_fr": pl.Series([text.fr for text in texts], dtype=pl.String),
            "text_en": pl.Series([text.en for text in texts], dtype=pl.String),
        },
        schema_overrides={"row": pl.Int64},
    )
    lists = told.group_by("row", maintain_order=True).agg(reasons=pl.struct(pl.exclude("row")))
    every = pl.DataFrame({"row": np.arange(len(totals), dtype=np.int64)})
    listed = every.join(lists, on="row", how="left", validate="1:1", maintain_order="left")["reasons"]
    return listed.fill_null(pl.Series([[]], dtype=REASON_TYPE)).cast(REASON_TYPE)


def _leading(values: Floats, groups: ToldGroups, rows: Ints, places: Ints, weights: Floats) -> Ints:
    """Of each reason, the place of the contribution that pulls most in the direction of its group."""
    leading = np.zeros(rows.size, dtype=np.int64)
    sign = np.where(weights > 0, 1.0, -1.0)
    for place, members in enumerate(groups.members):
        own = np.flatnonzero(places == place)
        if own.size:
            columns = np.array(members, dtype=np.int64)
            pulled = values[rows[own][:, None], columns] * sign[own][:, None]
            leading[own] = columns[np.argmax(pulled, axis=1)]
    return leading


def _known(columns: Sequence[str], row: Sequence[float | None]) -> dict[str, float]:
    return {name: value for name, value in zip(columns, row, strict=True) if value is not None}


@dataclass(frozen=True)
class ToldGroups:
    """The groups that the contributions of a model are told in, in the order of their first feature.

    Attributes:
        names: each group.
        group_of_column: place of the group of each contribution.
        members: places of the contributions of each group.
    """

    names: tuple[str, ...]
    group_of_column: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=8)
def groups_of(columns: tuple[str, ...]) -> ToldGroups:
    """The groups of a model's contributions, worked out once for each list of features."""
    told = [group_of(name, _catalogue_group(name)) for name in columns]
    names = tuple(dict.fromkeys(told))
    members = tuple(tuple(i for i, group in enumerate(told) if group == name) for name in names)
    return ToldGroups(names, tuple(names.index(group) for group in told), members)


def group_label(group: str) -> Texts:
    """How a group is called."""
    if group in EXTRA_LABELS:
        return EXTRA_LABELS[group]
    if group in GROUPS_BY_NAME:
        return Texts(GROUPS_BY_NAME[group].label_fr, GROUPS_BY_NAME[group].label_en)
    return Texts(group, group)


def catalogue_column(name: str) -> FeatureColumn | None:
    """The catalogue's entry of a contribution; none for the stage, which is no feature."""
    return None if name == STAGE else COLUMNS_BY_NAME.get(name)


def _catalogue_group(name: str) -> str:
    column = catalogue_column(name)
    return STAGE if column is None else column.group
