"""Published figures on sectors and countries, visible from the day after their publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from features.asof.dates import EPOCH, Int64Array
from features.asof.streams import EventStream

SCALE = 1_000_000
"""Values are stored as integers in millionths, so that readings are exact."""
Place = tuple[str | None, str | None]
"""Sector and country a figure is about; null for all of them."""


@dataclass(frozen=True)
class IndicatorStreams:
    """Figures per place, as they became known.

    Where the table contains several indicators, the first name in alphabetical order of those about sectors stands for
    the sectors, and the first of those about whole countries for the countries.

    Attributes:
        places: code of each place.
        figures: per place, `value` of the newest period published by then, `previous` of the period before that as
            known then, and whether there was one (`has_previous`).
    """

    places: Mapping[Place, int]
    figures: EventStream

    @classmethod
    def build(cls, indicators: pl.DataFrame) -> IndicatorStreams:
        """Order the figures by publication."""
        rows = sorted(
            (row for row in _chosen(indicators)),
            key=lambda row: (row["published_on"], row["period"], row["value"]),
        )
        places: dict[Place, int] = {}
        published: dict[Place, dict[str, int]] = {}
        events: list[tuple[int, int, int, int, int]] = []
        for row in rows:
            place = (row["sector"], row["country"])
            figures = published.setdefault(place, {})
            figures[row["period"]] = round(row["value"] * SCALE)
            newest, *earlier = sorted(figures, reverse=True)
            previous = figures[earlier[0]] if earlier else 0
            day = (row["published_on"] - EPOCH).days
            code = places.setdefault(place, len(places))
            events.append((code, day, figures[newest], previous, int(bool(earlier))))
        columns = np.array(events, dtype=np.int64).reshape(-1, 5).T
        figures_stream = EventStream.build(
            columns[0],
            columns[1],
            {"value": columns[2], "previous": columns[3], "has_previous": columns[4]},
            entity_count=len(places),
        )
        return cls(places, figures_stream)

    def codes(self, places: list[Place]) -> Int64Array:
        """Code of each place; -1 where nothing was ever published about it."""
        return np.array([self.places.get(place, -1) for place in places], dtype=np.int64)


def _chosen(indicators: pl.DataFrame) -> list[dict[str, Any]]:
    about_sectors = indicators.filter(pl.col("sector").is_not_null())
    about_countries = indicators.filter(pl.col("sector").is_null() & pl.col("country").is_not_null())
    return [
        row
        for part in (about_sectors, about_countries)
        for row in part.filter(pl.col("name") == pl.col("name").min()).iter_rows(named=True)
    ]
