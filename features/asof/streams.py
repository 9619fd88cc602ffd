"""Event streams: what happened to whom, on which day it became known, with exact running totals.

A stream sorts its events by (entity, day) and stores, for every integer measure, the running total. The total of a
measure over the window `[t - w, t)` is then the difference of two readings, found by binary search; this is exact
because measures are integers (cents, days, counts), and the same for one entity or fifty thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from features.asof.dates import Int64Array
from features.asof.maxima import RunningMaxima
from features.asof.ranks import RangeRanks

_DAY_SPAN = 1 << 17
_DAY_SHIFT = 1 << 16
"""Days are stored shifted so that windows reaching before 1970 have a valid key."""


def keys_of(entities: Int64Array, days: Int64Array) -> Int64Array:
    """Entity and day in one sortable integer; events known strictly before a day have smaller keys."""
    return entities * _DAY_SPAN + (days + _DAY_SHIFT)


def first_keys(entities: Int64Array) -> Int64Array:
    """A key below every event of an entity and above every event of those before it."""
    return entities * _DAY_SPAN


@dataclass(frozen=True)
class EventStream:
    """Events of one kind, sorted by entity and by the day they became known.

    Attributes:
        keys: entity and day in one sortable integer, ascending.
        starts: position of the first event of each entity; one more entry than there are entities.
        totals: running totals of the measures, one more entry than there are events, in 32 bits where they fit. The
            measure of one event is the difference of two, so it is not stored beside them.
        counts: running counts per category (event by category), for measures that name one of a few categories; in
            16 bits, modulo 65536, where no entity has that many events, so that differences within it stay exact.
        ranked: measures whose order statistics (median, quantiles) may be requested.
        readers: readers of this stream alone, by entity and day, as `features.asof.reader.reader_at` remembers them.
    """

    keys: Int64Array
    starts: Int64Array
    totals: Mapping[str, npt.NDArray[np.integer]]
    counts: Mapping[str, npt.NDArray[np.unsignedinteger]] = field(default_factory=dict)
    ranked: tuple[str, ...] = ()
    readers: dict[tuple[int, int], Any] = field(default_factory=dict, repr=False, compare=False)
    _ranks: dict[str, RangeRanks] = field(default_factory=dict, repr=False, compare=False)
    _maxima: dict[str, RunningMaxima] = field(default_factory=dict, repr=False, compare=False)
    _second_maxima: dict[str, RunningMaxima] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(
        cls,
        entities: Int64Array,
        days: Int64Array,
        measures: Mapping[str, Int64Array],
        *,
        entity_count: int,
        categories: Mapping[str, tuple[Int64Array, int]] | None = None,
        ranked: tuple[str, ...] = (),
    ) -> EventStream:
        """Sort events and total their measures.

        Args:
            entities: code of each event's entity, 0 to `entity_count` - 1.
            days: day number on which each event became known.
            measures: integer measures per event.
            entity_count: number of entities, including those without events.
            categories: per name, the category of each event and how many categories there are.
            ranked: measures for which order statistics will be requested.

        Returns:
            The sorted stream; events of one entity known on one day keep their given order.
        """
        keys = keys_of(entities, days)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        totals = {name: _running_total(values[order]) for name, values in measures.items()}
        starts = np.searchsorted(keys, first_keys(np.arange(entity_count + 1, dtype=np.int64)))
        most = int(np.diff(starts).max(initial=0))
        counts = {
            name: _running_counts(codes[order], bins, most)
            for name, (codes, bins) in (categories or {}).items()
        }
        return cls(keys, starts, totals, counts, ranked)

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.keys)

    def days(self, slots: Int64Array | slice) -> Int64Array:
        """Day on which the events at these positions became known."""
        return np.asarray((self.keys[slots] & (_DAY_SPAN - 1)) - _DAY_SHIFT)

    def values(self, measure: str, slots: Int64Array | None = None) -> Int64Array:
        """Measure of the events at these positions; of all events when None."""
        totals = self.totals[measure]
        after, before = (
            (totals[1:], totals[:-1]) if slots is None else (totals.take(slots + 1), totals.take(slots))
        )
        measured: Int64Array = np.subtract(after, before, dtype=np.int64)
        return measured

    def total(self, measure: str, lower: Int64Array, upper: Int64Array) -> Int64Array:
        """Sum of a measure over positions `lower` to `upper` - 1."""
        totals = self.totals[measure]
        summed: Int64Array = np.subtract(totals.take(upper), totals.take(lower), dtype=np.int64)
        return summed

    def totals_up_to(self, measure: str, edges: Int64Array) -> Int64Array:
        """Sum of a measure from each row of positions up to the positions of the first row."""
        readings = self.totals[measure].take(edges)
        summed: Int64Array = np.subtract(readings[0], readings, dtype=np.int64)
        return summed

    def count(self, category: str, lower: Int64Array, upper: Int64Array) -> npt.NDArray[np.int32]:
        """Number of events per category in positions `lower` to `upper` - 1, one row per pair."""
        counts = self.counts[category]
        return (counts.take(upper, axis=0) - counts.take(lower, axis=0)).astype(np.int32)

    def positions(self, entities: Int64Array, days: Int64Array) -> Int64Array:
        """Position just after the last event of each entity known strictly before the day.

        An entity of -1 (unknown) has no events: its key lies before every other, its position equals its start, 0.
        """
        return self.keys.searchsorted(keys_of(entities, days))

    def starts_of(self, entities: Int64Array) -> Int64Array:
        """Position of each entity's first event; 0 for an unknown entity."""
        return np.where(entities < 0, 0, self.starts[entities])

    def smallest(self, measure: str, lo: Int64Array, hi: Int64Array, k: Int64Array) -> Int64Array:
        """The k-th smallest value (from 0) of a ranked measure in positions `lo` to `hi` - 1; 0 where there is none.

        Looked up in ranks prepared on first use; for a few slices `ordered` costs less.
        """
        self._refuse_unranked(measure)
        if measure not in self._ranks:
            self._ranks[measure] = RangeRanks.build(self.values(measure))
        return self._ranks[measure].smallest(lo, hi, k)

    def ordered(self, measure: str, start: int, stop: int) -> list[int]:
        """Values of a ranked measure in positions `start` to `stop` - 1, smallest first."""
        self._refuse_unranked(measure)
        values: list[int] = np.sort(np.diff(self.totals[measure][start : stop + 1])).tolist()
        return values

    def _refuse_unranked(self, measure: str) -> None:
        if measure not in self.ranked:
            msg = f"measure {measure!r} was not declared as ranked"
            raise KeyError(msg)

    def maxima(self, measure: str) -> RunningMaxima:
        """Running maximum of a measure within each entity, built on first use."""
        if measure not in self._maxima:
            self._maxima[measure] = RunningMaxima.build(self.values(measure), self.starts)
        return self._maxima[measure]

    def second_maxima(self, measure: str) -> RunningMaxima:
        """Running second largest value of a measure within each entity, built on first use."""
        if measure not in self._second_maxima:
            self._second_maxima[measure] = self.maxima(measure).second(self.values(measure))
        return self._second_maxima[measure]


def _running_total(values: Int64Array) -> npt.NDArray[np.integer]:
    totals = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=totals[1:])
    largest = max(int(totals.max()), -int(totals.min()))
    return totals.astype(np.int32) if largest <= np.iinfo(np.int32).max else totals


def _running_counts(codes: Int64Array, bins: int, most: int) -> npt.NDArray[np.unsignedinteger]:
    dtype = np.uint16 if most <= np.iinfo(np.uint16).max else np.uint32
    counts = np.zeros((len(codes) + 1, bins), dtype=dtype)
    counts[np.arange(1, len(codes) + 1), codes] = 1
    np.cumsum(counts, axis=0, out=counts)
    return counts
