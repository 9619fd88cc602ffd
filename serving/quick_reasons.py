"""The reasons of a few scores in fewer steps: the twin of `reasons_of` for one request.

Which feature is told in which group is worked out once per model instead of once per score; the sums are
made in the same order, so that they are equal to the last bit. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from features.catalogue import COLUMNS_BY_NAME, FEATURE_NAMES
from models.explanation.contributions import STAGE, Contributions
from models.explanation.groups import group_of
from models.explanation.phrases import describe
from models.explanation.reasons import group_label

#: A group that moves the probability by less is not named; the same figure as in the batch, held by the test.
NEGLIGIBLE: Final = 0.0005


@dataclass(frozen=True)
class _Groups:
    """The groups of a model in the order of their first feature.

    Attributes:
        names: each group.
        group_of_column: place of the group of each contribution.
        members: places of the contributions of each group.
    """

    names: tuple[str, ...]
    group_of_column: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=8)
def _groups_of(columns: tuple[str, ...]) -> _Groups:
    groups = [group_of(name, STAGE if name == STAGE else COLUMNS_BY_NAME[name].group) for name in columns]
    names = tuple(dict.fromkeys(groups))
    members = tuple(tuple(i for i, group in enumerate(groups) if group == name) for name in names)
    return _Groups(names, tuple(names.index(group) for group in groups), members)


def reasons_of_few(
    found: Contributions, features: Sequence[Sequence[float | None]], currencies: Sequence[str], count: int
) -> list[list[dict[str, object]]]:
    """Return the weightiest groups of each score with their sentences, as `reasons_of` does.

    Args:
        found: contributions of every feature.
        features: one row per score in the order of the catalogue, null where unknown.
        currencies: of the amounts in the sentences.
        count: most reasons per score.
    """
    groups = _groups_of(found.names)
    told: list[list[dict[str, object]]] = []
    for values, row, currency in zip(found.values.tolist(), features, currencies, strict=True):
        totals = [0.0] * len(groups.names)
        for place, value in zip(groups.group_of_column, values, strict=True):
            totals[place] += value
        known = {name: value for name, value in zip(FEATURE_NAMES, row, strict=True) if value is not None}
        order = np.argsort(-np.abs(np.array(totals)), kind="stable")[:count].tolist()
        told.append(
            [
                _reason(groups, found.names, place, totals[place], values, known, currency or "EUR")
                for place in order
                if abs(totals[place]) >= NEGLIGIBLE
            ]
        )
    return told


def _reason(
    groups: _Groups,
    names: tuple[str, ...],
    place: int,
    total: float,
    values: Sequence[float],
    known: dict[str, float],
    currency: str,
) -> dict[str, Any]:
    sign = 1.0 if total > 0 else -1.0
    leading = names[max(groups.members[place], key=lambda member: values[member] * sign)]
    group = groups.names[place]
    texts = describe(group, None if leading == STAGE else COLUMNS_BY_NAME.get(leading), known, currency)
    label = group_label(group)
    return {
        "group": group,
        "label_fr": label.fr,
        "label_en": label.en,
        "contribution": total,
        "text_fr": texts.fr,
        "text_en": texts.en,
    }
