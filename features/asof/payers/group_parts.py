"""What each customer added to the groups it belonged to, where a customer may change from one group to another.

What became of an invoice belongs to the group that its customer was in by the end of the day on which it was first
known: the first date at which it is visible sees the customer in that group. What is corrected later is corrected
there. A landmark reads the group of its own date. What it leaves out as the customer's own is what was counted in that
group, no more and no less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from features.asof.dates import Int64Array
from features.asof.payers.attributes import CustomerAttributes
from features.asof.streams import EventStream

PORTFOLIO: Final = "portfolio"
KINDS: Final = ("peers", "sector", "country", PORTFOLIO)
"""Groups a customer belongs to; its peers are the customers of its sector and size class."""
FIRST_KNOWN: Final = "first_known"
"""Measure of an event: day on which the first event of its invoice became known; its own day where there is none."""
_CHANGING: Final = KINDS[:-1]
"""Kinds of groups that a customer may change between; the portfolio is one."""
MEASURES: Final[Mapping[str, tuple[str, ...]]] = {
    "outcome": ("count", "late"),
    "outcome_30d": ("count", "late", "late_before"),
    "settlements": ("count", "days_late"),
}
"""What is totalled for each group: known outcomes (late, and unpaid 30 days past due), and settlements with their days
late, less those taken back."""


@dataclass(frozen=True)
class GroupParts:
    """Events of payers by the group they were counted in.

    Attributes:
        of_version: by kind of group, code of the payer's part of its group, for each version of a payer; -1 where the
            group is unknown.
        streams: events per part, by stream and kind of group.
    """

    of_version: Mapping[str, Int64Array]
    streams: Mapping[tuple[str, str], EventStream]

    @classmethod
    def build(
        cls,
        payers: CustomerAttributes,
        members: tuple[Int64Array, Int64Array],
        customers: CustomerAttributes,
        streams: Mapping[str, EventStream],
    ) -> GroupParts:
        """Divide the events of payers by group.

        Args:
            payers: what the payers are; their versions are those of the landmarks.
            members: customers and the payer each of them is part of, as codes.
            customers: what the customers are; their versions say in which group an event was counted.
            streams: events per customer, by name.
        """
        of_version: dict[str, Int64Array] = {}
        divided: dict[tuple[str, str], EventStream] = {}
        events_of = {name: _events_of(streams[name], *members) for name in MEASURES}
        for kind in _CHANGING:
            names: dict[str, int] = {}
            of_payers, of_customers = _label_codes(payers, kind, names), _label_codes(customers, kind, names)
            width = max(len(names), 1)
            wanted = np.where(of_payers < 0, -1, payers.customers * width + of_payers)
            parts = np.unique(wanted[wanted >= 0])
            of_version[kind] = _places(parts, wanted)
            for name, measures in MEASURES.items():
                events = streams[name]
                places, owners, payer_of = events_of[name]
                groups = of_customers.take(customers.known_through(owners, group_days(events)[places]))
                counted_in = np.where(groups < 0, -1, payer_of * width + groups)
                values = [measured(events, measure)[places] for measure in measures]
                divided[name, kind] = daily_totals(
                    [_places(parts, counted_in), events.days(places), *values], measures, len(parts)
                )
        return cls(of_version, divided)


def _events_of(
    events: EventStream, customers: Int64Array, payers: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Positions of the events of each customer, the customer again and again, and the payer it is part of."""
    counts = np.diff(events.starts).take(customers)
    first = np.repeat(events.starts.take(customers) - (np.cumsum(counts) - counts), counts)
    return first + np.arange(len(first)), np.repeat(customers, counts), np.repeat(payers, counts)


def _label_codes(attributes: CustomerAttributes, kind: str, names: dict[str, int]) -> Int64Array:
    """Code of the group of each version; -1 where it is unknown. Names met for the first time are added."""
    codes = [
        -1 if label is None else names.setdefault(label, len(names)) for label in attributes.labels(kind)
    ]
    return np.array(codes, dtype=np.int64)


def _places(ordered: Int64Array, wanted: Int64Array) -> Int64Array:
    """Place of each number among distinct, ascending ones; -1 where it is not among them."""
    if len(ordered) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered.take(places) == wanted, places, -1)


def group_days(events: EventStream, first: int = 0, end: int | None = None) -> Int64Array:
    """Day that says to which group each event from `first` to `end` - 1 belongs: when its invoice was first met."""
    if FIRST_KNOWN in events.totals:
        return measured(events, FIRST_KNOWN, first, end)
    return events.days(slice(first, end))


def measured(events: EventStream, measure: str, first: int = 0, end: int | None = None) -> Int64Array:
    """A measure of the events from `first` to `end` - 1; where they have no count of their own, each counts one."""
    end = events.size if end is None else end
    if measure == "count" and measure not in events.totals:
        return np.ones(end - first, dtype=np.int64)
    totals = events.totals[measure]
    values: Int64Array = np.subtract(totals[first + 1 : end + 1], totals[first:end], dtype=np.int64)
    return values


def daily_totals(columns: Sequence[Int64Array], measures: tuple[str, ...], group_count: int) -> EventStream:
    """Events totalled per group and day; those of an unknown group are left out, as are days that cancel out.

    Args:
        columns: group of each event (-1 where unknown), its day, and its measures.
        measures: names of the measures.
        group_count: number of groups.
    """
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
