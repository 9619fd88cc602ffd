"""Peers, sector, country and portfolio: what was known of everybody on each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.asof.customer_streams import CustomerStreams
from features.asof.dates import Int64Array
from features.asof.payers import KINDS, MEASURES, daily_totals, group_days, measured
from features.asof.payers.group_parts import PORTFOLIO
from features.asof.streams import EventStream


@dataclass(frozen=True)
class ContextStreams:
    """Outcomes and settlements totalled per group and day.

    Attributes:
        names: code of each group, by kind.
        totals: events of the base ledger, by stream and kind.
        differences: what changed since, by stream and kind: the events to add and, negated, those to subtract.
    """

    names: Mapping[str, Mapping[str, int]]
    totals: Mapping[tuple[str, str], EventStream]
    differences: Mapping[tuple[str, str], EventStream]

    @classmethod
    def build(cls, base: CustomerStreams) -> ContextStreams:
        """Total the events of all customers by group: of each event, the group its customer was in on that day."""
        names: dict[str, dict[str, int]] = {}
        totals: dict[tuple[str, str], EventStream] = {}
        for kind in KINDS:
            labels = labels_of(base, kind)
            distinct = sorted({label for label in labels if label is not None})
            names[kind] = {name: code for code, name in enumerate(distinct)}
            groups = _codes(names[kind], labels)
            for stream, measures in MEASURES.items():
                events = base.streams[stream]
                customers = np.repeat(np.arange(len(base.customers), dtype=np.int64), np.diff(events.starts))
                values = [measured(events, measure) for measure in measures]
                versions = base.attributes.known_through(customers, group_days(events))
                totals[stream, kind] = daily_totals(
                    [groups.take(versions), events.days(slice(None)), *values], measures, len(distinct)
                )
        return cls(names, totals, {})

    def with_difference(
        self, customer_id: str, before: CustomerStreams, after: CustomerStreams
    ) -> ContextStreams:
        """The context after one customer's rows were replaced."""
        names = {kind: dict(codes) for kind, codes in self.names.items()}
        gathered: dict[tuple[str, str], list[list[Int64Array]]] = {
            (stream, kind): [] for stream in MEASURES for kind in KINDS
        }
        for streams, sign in ((before, -1), (after, 1)):
            code = streams.customers.code_of(customer_id)
            if code < 0:
                continue
            for stream, measures in MEASURES.items():
                events = streams.streams[stream]
                first, end = int(events.starts[code]), int(events.starts[code + 1])
                days = events.days(slice(first, end))
                own = np.full(len(days), code, dtype=np.int64)
                versions = streams.attributes.known_through(own, group_days(events, first, end))
                held, places = np.unique(versions, return_inverse=True)
                values = [sign * measured(events, measure, first, end) for measure in measures]
                for kind in KINDS:
                    labels = labels_of(streams, kind)
                    codes = [_added(names[kind], labels[version]) for version in held.tolist()]
                    groups = np.array(codes, dtype=np.int64).take(places)
                    gathered[stream, kind].append([groups, days, *values])
        differences = {
            (stream, kind): _merged(
                self.differences.get((stream, kind)), parts, MEASURES[stream], len(names[kind])
            )
            for (stream, kind), parts in gathered.items()
        }
        return replace(self, names=names, differences=differences)

    def codes(self, kind: str, labels: Sequence[str | None]) -> Int64Array:
        """Code of each group; -1 where unknown."""
        return _codes(self.names[kind], labels)


def labels_of(streams: CustomerStreams, kind: str) -> Sequence[str | None]:
    """Group of each version of a customer; null where unknown."""
    if kind == PORTFOLIO:
        return portfolio_labels(streams.attributes.size)
    return streams.attributes.labels(kind)


def portfolio_labels(count: int) -> Sequence[str | None]:
    """Every customer belongs to the one portfolio."""
    return [PORTFOLIO] * count


def _added(names: dict[str, int], label: str | None) -> int:
    """Code of a group, added where it is met for the first time; -1 where it is unknown."""
    return -1 if label is None else names.setdefault(label, len(names))


def _codes(names: Mapping[str, int], labels: Sequence[str | None]) -> Int64Array:
    return np.array([-1 if label is None else names.get(label, -1) for label in labels], dtype=np.int64)


def _merged(
    earlier: EventStream | None, parts: list[list[Int64Array]], measures: tuple[str, ...], group_count: int
) -> EventStream:
    """Earlier differences and new ones together."""
    if earlier is not None:
        groups = np.repeat(np.arange(len(earlier.starts) - 1, dtype=np.int64), np.diff(earlier.starts))
        parts = [[groups, earlier.days(slice(None)), *(measured(earlier, name) for name in measures)], *parts]
    empty = np.zeros(0, dtype=np.int64)
    width = 2 + len(measures)
    columns = [np.concatenate([part[i] for part in parts]) if parts else empty for i in range(width)]
    return daily_totals(columns, measures, group_count)
