"""Peers, sector, country and portfolio: what was known of everybody on each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from features.asof.customer_streams import CustomerStreams
from features.asof.dates import Int64Array
from features.asof.streams import EventStream

KINDS: Final = ("peers", "sector", "country", "portfolio")
"""Groups a customer belongs to; its peers are the customers of its sector and size class."""
_PORTFOLIO = "portfolio"

_MEASURES: Final[Mapping[str, tuple[str, ...]]] = {
    "outcome": ("count", "late"),
    "settlements": ("count", "days_late"),
}
"""What is totalled for each group: known outcomes, and settlements with their days late, less those taken back."""


@dataclass(frozen=True)
class ContextStreams:
    """Outcomes and settlements totalled per group and day.

    Attributes:
        names: code of each group, by kind.
        totals: events of the base ledger, by stream and kind.
        differences: what changed since, by stream and kind: the events to add and, negated, those to take away.
    """

    names: Mapping[str, Mapping[str, int]]
    totals: Mapping[tuple[str, str], EventStream]
    differences: Mapping[tuple[str, str], EventStream]

    @classmethod
    def build(cls, base: CustomerStreams) -> ContextStreams:
        """Total the events of all customers by group."""
        names: dict[str, dict[str, int]] = {}
        totals: dict[tuple[str, str], EventStream] = {}
        for kind in KINDS:
            labels = labels_of(base, kind)
            distinct = sorted({label for label in labels if label is not None})
            names[kind] = {name: code for code, name in enumerate(distinct)}
            groups = _codes(names[kind], labels)
            for stream, measures in _MEASURES.items():
                events = base.streams[stream]
                customers = np.repeat(np.arange(len(base.customers), dtype=np.int64), np.diff(events.starts))
                values = [_values(events, measure) for measure in measures]
                totals[stream, kind] = _daily(
                    [groups.take(customers), events.days(slice(None)), *values], measures, len(distinct)
                )
        return cls(names, totals, {})

    def with_difference(
        self, customer_id: str, before: CustomerStreams, after: CustomerStreams
    ) -> ContextStreams:
        """The context after one customer's rows were replaced."""
        names = {kind: dict(codes) for kind, codes in self.names.items()}
        gathered: dict[tuple[str, str], list[list[Int64Array]]] = {
            (stream, kind): [] for stream in _MEASURES for kind in KINDS
        }
        for streams, sign in ((before, -1), (after, 1)):
            code = streams.customers.code_of(customer_id)
            if code < 0:
                continue
            for kind in KINDS:
                label = labels_of(streams, kind)[code]
                if label is None:
                    continue
                group = names[kind].setdefault(label, len(names[kind]))
                for stream, measures in _MEASURES.items():
                    events = streams.streams[stream]
                    first, end = int(events.starts[code]), int(events.starts[code + 1])
                    days = events.days(slice(first, end))
                    gathered[stream, kind].append(
                        [
                            np.full(len(days), group, dtype=np.int64),
                            days,
                            *(sign * _values(events, measure, first, end) for measure in measures),
                        ]
                    )
        differences = {
            (stream, kind): _merged(
                self.differences.get((stream, kind)), parts, _MEASURES[stream], len(names[kind])
            )
            for (stream, kind), parts in gathered.items()
        }
        return replace(self, names=names, differences=differences)

    def codes(self, kind: str, labels: Sequence[str | None]) -> Int64Array:
        """Code of each group; -1 where unknown."""
        return _codes(self.names[kind], labels)


def labels_of(streams: CustomerStreams, kind: str) -> Sequence[str | None]:
    """Group of each customer, by customer code; null where unknown."""
    if kind == "peers":
        return streams.peers
    if kind == "sector":
        return streams.sectors
    if kind == "country":
        return streams.countries
    return portfolio_labels(len(streams.customers))


def portfolio_labels(count: int) -> Sequence[str | None]:
    """Every customer belongs to the one portfolio."""
    return [_PORTFOLIO] * count


def _codes(names: Mapping[str, int], labels: Sequence[str | None]) -> Int64Array:
    return np.array([-1 if label is None else names.get(label, -1) for label in labels], dtype=np.int64)


def _values(events: EventStream, measure: str, first: int = 0, end: int | None = None) -> Int64Array:
    """A measure of the events from `first` to `end` - 1; where they have no count of their own, each counts one."""
    end = events.size if end is None else end
    if measure == "count" and measure not in events.totals:
        return np.ones(end - first, dtype=np.int64)
    totals = events.totals[measure]
    measured: Int64Array = np.subtract(totals[first + 1 : end + 1], totals[first:end], dtype=np.int64)
    return measured


def _daily(columns: Sequence[Int64Array], measures: tuple[str, ...], group_count: int) -> EventStream:
    """Events totalled per group and day; those of an unknown group are left out, as are days that cancel out."""
    is_known = columns[0] >= 0
    groups, days, *values = (column[is_known] for column in columns)
    if len(groups):
        order = np.lexsort((days, groups))
        groups, days = groups[order], days[order]
        is_first = np.concatenate(([True], (np.diff(groups) != 0) | (np.diff(days) != 0)))
        first = np.flatnonzero(is_first)
        values = [np.add.reduceat(column[order], first) for column in values]
        remains = np.logical_or.reduce([column != 0 for column in values])
        groups, days = groups[first][remains], days[first][remains]
        values = [column[remains] for column in values]
    return EventStream.build(groups, days, dict(zip(measures, values, strict=True)), entity_count=group_count)


def _merged(
    earlier: EventStream | None, parts: list[list[Int64Array]], measures: tuple[str, ...], group_count: int
) -> EventStream:
    """Earlier differences and new ones together."""
    if earlier is not None:
        groups = np.repeat(np.arange(len(earlier.starts) - 1, dtype=np.int64), np.diff(earlier.starts))
        parts = [[groups, earlier.days(slice(None)), *(_values(earlier, name) for name in measures)], *parts]
    empty = np.zeros(0, dtype=np.int64)
    width = 2 + len(measures)
    columns = [np.concatenate([part[i] for part in parts]) if parts else empty for i in range(width)]
    return _daily(columns, measures, group_count)
