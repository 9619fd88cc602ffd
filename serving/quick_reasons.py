"""The reasons of a few scores in fewer steps: the twin of `reasons_of` for one request.

The same groups and sentences, without a table operation; the sums are made in the same order, so that they are equal
to the last bit. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.explanation.contributions import Contributions
from models.explanation.phrases import describe
from models.explanation.reasons import NEGLIGIBLE, ToldGroups, catalogue_column, group_label, groups_of


def reasons_of_few(
    found: Contributions, known: Sequence[Mapping[str, float]], currencies: Sequence[str | None], count: int
) -> list[list[dict[str, Any]]]:
    """Return the weightiest groups of each score with their sentences, as `reasons_of` does.

    Args:
        found: contributions of every feature.
        known: the features of each score that are known, by name.
        currencies: of the amounts in the sentences.
        count: most reasons per score.
    """
    groups = groups_of(found.names)
    told: list[list[dict[str, Any]]] = []
    for values, facts, currency in zip(found.values.tolist(), known, currencies, strict=True):
        totals = [0.0] * len(groups.names)
        for place, value in zip(groups.group_of_column, values, strict=True):
            totals[place] += value
        order = sorted(range(len(totals)), key=lambda place: -abs(totals[place]))[:count]
        told.append(
            [
                _reason(groups, found.names, place, totals[place], values, facts, currency or "EUR")
                for place in order
                if abs(totals[place]) >= NEGLIGIBLE
            ]
        )
    return told


def _reason(
    groups: ToldGroups,
    names: Sequence[str],
    place: int,
    total: float,
    values: Sequence[float],
    known: Mapping[str, float],
    currency: str,
) -> dict[str, Any]:
    sign = 1.0 if total > 0 else -1.0
    leading = names[max(groups.members[place], key=lambda member: values[member] * sign)]
    group = groups.names[place]
    texts = describe(group, catalogue_column(leading), known, currency)
    label = group_label(group)
    return {
        "group": group,
        "label_fr": label.fr,
        "label_en": label.en,
        "contribution": total,
        "text_fr": texts.fr,
        "text_en": texts.en,
    }
