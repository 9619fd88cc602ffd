"""Sector, country and portfolio: what was known of everybody on each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from features.asof.customer_streams import CustomerStreams
from features.asof.dates import Int64Array
from features.asof.streams import EventStream
from features.ledger.ledger import Ledger

KINDS = ("sector", "country", "portfolio")
_PORTFOLIO = "portfolio"
_MEASURES = ("count", "late")
INDICATOR_SCALE = 1_000_000
"""Indicator values are kept as integers in millionths, so that readings are exact."""


@dataclass(frozen=True)
class ContextStreams:
    """Outcomes (known late or on time) per sector, country and in the whole portfolio, and published indicators.

    Attributes:
        names: code of each sector, country and of the portfolio, by kind.
        outcomes: outcomes of the base ledger, by kind.
        differences: what changed since, by kind: the events to add and, negated, those to take away.
        indicators: published figures per sector and per country, in millionths; missing when there is no table.
    """

    names: Mapping[str, Mapping[str, int]]
    outcomes: Mapping[str, EventStream]
    differences: Mapping[str, EventStream]
    indicators: Mapping[str, EventStream]

    @classmethod
    def build(cls, ledger: Ledger, base: CustomerStreams) -> ContextStreams:
        """Total the outcomes of all customers by sector, country and portfolio."""
        outcome = base.streams["outcome"]
        customers = np.repeat(np.arange(len(base.customers), dtype=np.int64), np.diff(outcome.starts))
        names: dict[str, dict[str, int]] = {}
        outcomes: dict[str, EventStream] = {}
        for kind in KINDS:
            labels = _labels(base, kind)
            distinct = sorted({label for label in labels if label is not None})
            names[kind] = {name: code for code, name in enumerate(distinct)}
            outcomes[kind] = _daily(_codes(names[kind], labels).take(customers), outcome, len(distinct))
        return cls(names, outcomes, {}, _indicator_streams(ledger.indicators, names))

    def with_difference(
        self, customer_id: str, before: CustomerStreams, after: CustomerStreams
    ) -> ContextStreams:
        """The context after one customer's rows were replaced."""
        names = {kind: dict(codes) for kind, codes in self.names.items()}
        gathered: dict[str, list[tuple[Int64Array, ...]]] = {kind: [] for kind in KINDS}
        for streams, sign in ((before, -1), (after, 1)):
            code = int(streams.customers.codes_of(pl.Series([customer_id], dtype=pl.String))[0])
            if code < 0:
                continue
            outcome = streams.streams["outcome"]
            rows = slice(int(outcome.starts[code]), int(outcome.starts[code + 1]))
            for kind in KINDS:
                label = _labels(streams, kind)[code]
                if label is None:
                    continue
                entity = names[kind].setdefault(label, len(names[kind]))
                days = outcome.days[rows]
                gathered[kind].append(
                    (
                        np.full(len(days), entity, dtype=np.int64),
                        days,
                        *(sign * outcome.measures[measure][rows] for measure in _MEASURES),
                    )
                )
        differences = {
            kind: _merged(self.differences.get(kind), gathered[kind], len(names[kind])) for kind in KINDS
        }
        return replace(self, names=names, differences=differences)

    def codes(self, kind: str, labels: Sequence[str | None]) -> Int64Array:
        """Code of each sector, country or portfolio; -1 where unknown."""
        return _codes(self.names[kind], labels)


def portfolio_labels(count: int) -> Sequence[str | None]:
    """Every customer belongs to the one portfolio."""
    return [_PORTFOLIO] * count


def _codes(names: Mapping[str, int], labels: Sequence[str | None]) -> Int64Array:
    return np.array([-1 if label is None else names.get(label, -1) for label in labels], dtype=np.int64)


def _labels(streams: CustomerStreams, kind: str) -> Sequence[str | None]:
    if kind == "sector":
        return streams.sectors
    if kind == "country":
        return streams.countries
    return portfolio_labels(len(streams.customers))


def _daily(entities: Int64Array, outcome: EventStream, entity_count: int) -> EventStream:
    """Outcomes totalled per entity and day; events of an unknown entity are left out of that kind."""
    frame = (
        pl.DataFrame(
            {"entity": entities, "day": outcome.days, **{name: outcome.measures[name] for name in _MEASURES}}
        )
        .filter(pl.col("entity") >= 0)
        .group_by("entity", "day")
        .agg(pl.col(*_MEASURES).sum())
        .sort("entity", "day")
    )
    return EventStream.build(
        frame["entity"].to_numpy(),
        frame["day"].to_numpy(),
        {name: frame[name].to_numpy() for name in _MEASURES},
        entity_count=entity_count,
    )


def _merged(
    earlier: EventStream | None, parts: list[tuple[Int64Array, ...]], entity_count: int
) -> EventStream:
    """Earlier differences and new ones together; what cancels out is dropped."""
    if earlier is not None:
        entities = np.repeat(np.arange(len(earlier.starts) - 1, dtype=np.int64), np.diff(earlier.starts))
        parts = [(entities, earlier.days, *(earlier.measures[name] for name in _MEASURES)), *parts]
    empty = np.zeros(0, dtype=np.int64)
    columns = [
        np.concatenate([part[i] for part in parts]) if parts else empty for i in range(2 + len(_MEASURES))
    ]
    frame = (
        pl.DataFrame(dict(zip(("entity", "day", *_MEASURES), columns, strict=True)))
        .group_by("entity", "day")
        .agg(pl.col(*_MEASURES).sum())
        .filter(pl.any_horizontal(pl.col(*_MEASURES) != 0))
        .sort("entity", "day")
    )
    return EventStream.build(
        frame["entity"].to_numpy(),
        frame["day"].to_numpy(),
        {name: frame[name].to_numpy() for name in _MEASURES},
        entity_count=entity_count,
    )


def _indicator_streams(
    indicators: pl.DataFrame | None, names: Mapping[str, Mapping[str, int]]
) -> dict[str, EventStream]:
    """Figures by sector and by country; with several names, the first in alphabetical order that has the column."""
    if indicators is None:
        return {}
    streams: dict[str, EventStream] = {}
    for kind, other in (("sector", "country"), ("country", "sector")):
        rows = indicators.filter(
            pl.col(kind).is_in(list(names[kind])),
            pl.col(other).is_null() if kind == "country" else pl.lit(value=True),
        )
        if rows.is_empty():
            continue
        first = rows.get_column("name").min()
        rows = rows.filter(pl.col("name") == first).sort(kind, "published_on", "period", "country", "value")
        streams[kind] = EventStream.build(
            rows[kind].replace_strict(dict(names[kind]), return_dtype=pl.Int64).to_numpy(),
            rows["published_on"].cast(pl.Int32).cast(pl.Int64).to_numpy(),
            {"value": (rows["value"] * INDICATOR_SCALE).round().cast(pl.Int64).to_numpy()},
            entity_count=len(names[kind]),
        )
    return streams
