"""Reasons of a score: contributions gathered in business groups, each with a sentence and the invoice's real values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from features.groups.catalogue import COLUMNS_BY_NAME
from features.messages import Text
from models.explanation.contributions import Contributions
from models.explanation.groups import group_label, group_of
from models.explanation.phrases import describe
from models.explanation.subject import Money, Subject
from models.hazard.feature_matrix import FeatureMatrix, places_of
from models.intervals import Floats, Ints

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


@dataclass(frozen=True)
class Reason:
    """One reason of one score.

    Attributes:
        group: name of the group of features.
        label: how the group is called.
        contribution: what the group adds to the explained probability.
        text: what the ledger says, with the real values.
    """

    group: str
    label: Text
    contribution: float
    text: Text


@dataclass(frozen=True)
class Reasons:
    """Reasons of many landmarks in columns, landmark by landmark, the weightiest first.

    Attributes:
        landmark: place of the landmark of each reason.
        group: name of its group.
        contribution: what the group adds to the explained probability.
        text: what the ledger says, with the real values.
    """

    landmark: Ints
    group: Sequence[str]
    contribution: Floats
    text: Sequence[Text]

    @classmethod
    def joined(cls, parts: Sequence[Reasons], counts: Sequence[int]) -> Reasons:
        """The reasons of several pieces as one.

        Args:
            parts: reasons of each piece.
            counts: landmarks of each piece.
        """
        before = np.cumsum([0, *counts])
        return cls(
            np.concatenate([part.landmark + start for part, start in zip(parts, before, strict=False)]),
            [group for part in parts for group in part.group],
            np.concatenate([part.contribution for part in parts]),
            [text for part in parts for text in part.text],
        )

    def lists(self, count: int) -> pl.Series:
        """One list of `REASON_TYPE` per landmark; empty where no group moves the probability.

        Args:
            count: number of landmarks.
        """
        labels = [group_label(group) for group in self.group]
        flat = pl.DataFrame(
            {
                "landmark": self.landmark,
                "group": pl.Series(self.group, dtype=pl.String),
                "label_fr": pl.Series([label.fr for label in labels], dtype=pl.String),
                "label_en": pl.Series([label.en for label in labels], dtype=pl.String),
                "contribution": self.contribution,
                "text_fr": pl.Series([text.fr for text in self.text], dtype=pl.String),
                "text_en": pl.Series([text.en for text in self.text], dtype=pl.String),
            },
            schema_overrides={"landmark": pl.Int64},
        )
        lists = flat.group_by("landmark", maintain_order=True).agg(reasons=pl.struct(pl.exclude("landmark")))
        every = pl.DataFrame({"landmark": np.arange(count, dtype=np.int64)})
        listed = every.join(lists, on="landmark", how="left", validate="1:1", maintain_order="left")[
            "reasons"
        ]
        return listed.fill_null(pl.Series([[]], dtype=REASON_TYPE)).cast(REASON_TYPE)

    def of_each(self, count: int) -> list[tuple[Reason, ...]]:
        """The reasons of each landmark.

        Args:
            count: number of landmarks.
        """
        found: list[list[Reason]] = [[] for _ in range(count)]
        columns = self.landmark.tolist(), self.group, self.contribution.tolist(), self.text
        for landmark, group, contribution, text in zip(*columns, strict=True):
            found[landmark].append(Reason(group, group_label(group), contribution, text))
        return [tuple(reasons) for reasons in found]


def group_contributions(found: Contributions) -> tuple[tuple[str, ...], Floats]:
    """Contributions summed by reason group: group names in a fixed order, one column each."""
    groups = _groups_of(found.names)
    return groups.names, np.add.reduceat(found.values[:, groups.order], groups.first, axis=1)


def reasons_of(
    found: Contributions,
    features: FeatureMatrix,
    money: Sequence[Money],
    grace_days: int,
    count: int = DEFAULT_COUNT,
) -> Reasons:
    """The weightiest groups of each landmark with their sentences; what moves it by under 0.05 points is left out.

    Args:
        found: contributions of every feature.
        features: the features of the same landmarks.
        money: amount and currencies of each landmark.
        grace_days: days past due from which an invoice counts as late.
        count: most reasons per landmark.
    """
    groups = _groups_of(found.names)
    values = found.values[:, groups.order]
    totals = np.add.reduceat(values, groups.first, axis=1)
    order = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :count]
    weight = np.take_along_axis(totals, order, axis=1)
    rows, ranks = np.nonzero(np.abs(weight) >= NEGLIGIBLE)
    places = order[rows, ranks]
    leading = _leading(values, totals, groups)[rows, places]
    texts: list[Text] = []
    names, at = places_of(features.names), -1
    for row, place, lead in zip(rows.tolist(), places.tolist(), leading.tolist(), strict=True):
        if row != at:
            at, subject = row, Subject(names, features.values[:, row].tolist(), money[row], grace_days)
        texts.append(describe(groups.names[place], COLUMNS_BY_NAME[found.names[lead]], subject))
    return Reasons(
        rows,
        [groups.names[place] for place in places.tolist()],
        weight[rows, ranks],
        texts,
    )


@dataclass(frozen=True)
class _Groups:
    """The groups that the contributions of a model are gathered in, in the order of their first feature.

    Attributes:
        names: each group.
        order: the contributions group by group, as places of features.
        first: place in `order` at which each group begins.
        group: group of each contribution in `order`.
    """

    names: tuple[str, ...]
    order: Ints
    first: Ints
    group: Ints


@lru_cache(maxsize=8)
def _groups_of(features: tuple[str, ...]) -> _Groups:
    """The groups of a model's contributions, found once for each list of features."""
    told = [group_of(COLUMNS_BY_NAME[name]) for name in features]
    names = tuple(dict.fromkeys(told))
    group = np.array([names.index(name) for name in told], dtype=np.int64)
    order = np.argsort(group, kind="stable")
    return _Groups(names, order, np.searchsorted(group[order], np.arange(len(names))), group[order])


def _leading(values: Floats, totals: Floats, groups: _Groups) -> Ints:
    """Of each group, the feature that pulls most in the direction of its group; the first of equals."""
    pulled = values * np.where(totals > 0.0, 1.0, -1.0)[:, groups.group]
    strongest = np.maximum.reduceat(pulled, groups.first, axis=1)
    width = groups.order.size
    candidates = np.where(pulled == strongest[:, groups.group], np.arange(width), width)
    result: Ints = groups.order[np.minimum.reduceat(candidates, groups.first, axis=1)]
    return result
