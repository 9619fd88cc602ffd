"""Reading event streams at landmarks: totals, last events and order statistics, strictly before the as-of date.

A few landmarks, as a request brings them, are read window by window in one go: for one invoice, starting an operation
costs more than what it works out. The numbers are the same, because all of them are whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.asof.dates import BoolArray, Float64Array, Int64Array
from features.asof.events.states import KEYED_BY_EPOCH
from features.asof.streams import EventStream, first_keys, keys_of


def ratio(numerator: Int64Array | Float64Array, denominator: Int64Array | Float64Array) -> Float64Array:
    """Numerator over denominator; NaN (unknown) where the denominator is 0."""
    if (
        numerator.shape == denominator.shape == (1,)
    ):  # one invoice: three operations in one, the same division
        below = float(denominator.item())
        return np.array([float(numerator.item()) / below if below else math.nan])
    return np.asarray(np.divide(numerator, np.where(denominator == 0, np.nan, denominator)))


Bounds = tuple[Int64Array, Int64Array]
"""Positions of events: from the first up to, not including, the second."""


def deviation(count: Int64Array, total: Int64Array, squares: Int64Array) -> Float64Array:
    """Standard deviation (n - 1) from count, sum and sum of squares; NaN below two."""
    return np.sqrt(ratio(count * squares - total * total, np.where(count > 1, count * (count - 1), 0)))


def known(values: Int64Array | Float64Array, is_known: BoolArray) -> Float64Array:
    """Values as floats, NaN (unknown) where they are not known."""
    return np.where(is_known, values, np.nan)


def _keys_of(entities: Int64Array, as_of: Int64Array) -> Int64Array:
    """Keys the usual days ago, one row each, and the key below an entity's first event in the last row."""
    return np.concatenate([keys_of(entities, as_of - _DAYS_AGO), first_keys(entities)[None]])


REMEMBERED = 1000
"""Entities and days of single landmarks whose values are cached."""
_FEW = 16
"""Up to this many landmarks, all the usual windows of a stream are read at once."""
_USUAL_DAYS = (0, 30, 90, 180, 365, 455)
_DAYS_AGO = np.array(_USUAL_DAYS, dtype=np.int64)[:, None]
_PLACES: dict[int | None, int] = {days: place for place, days in enumerate((*_USUAL_DAYS, None))}
"""Row of each usual window among what is read at once; None is all time."""


class AsOfReader:
    """Streams of one kind of entity, seen from one as-of date per landmark.

    Args:
        streams: the streams, by name.
        entities: entity code of each landmark; -1 for an unknown one, which has no events.
        as_of: day number of each landmark's as-of date.
        epochs: epoch code of each landmark, for the streams that are keyed by epoch; the entities when None.
    """

    def __init__(
        self,
        streams: Mapping[str, EventStream],
        entities: Int64Array,
        as_of: Int64Array,
        epochs: Int64Array | None = None,
    ) -> None:
        self._streams = streams
        self.entities = entities
        self._epochs = entities if epochs is None else epochs
        self.as_of = as_of
        self._positions: dict[tuple[str, int], Int64Array] = {}
        self._starts: dict[str, Int64Array] = {}
        self._is_few = len(as_of) <= _FEW
        self._edges: dict[str, Int64Array] = {}
        self._sizes: dict[str, Int64Array] = {}
        self._totals: dict[tuple[str, str], Int64Array] = {}
        self._ordered: dict[tuple[str, str, int, int], list[int]] = {}

    def __contains__(self, stream: str) -> bool:
        return stream in self._streams

    def stream(self, name: str) -> EventStream:
        """The stream of that name."""
        return self._streams[name]

    def entities_in(self, stream: str) -> Int64Array:
        """Entity code of each landmark in a stream: the epoch where the stream is keyed by epoch."""
        return self._epochs if stream in KEYED_BY_EPOCH else self.entities

    def before(self, stream: str, days_ago: int = 0) -> Int64Array:
        """Position after each entity's last event known strictly before `as_of - days_ago`."""
        if self._is_few and days_ago in _PLACES:
            place: Int64Array = self._edges_of(stream)[_PLACES[days_ago]]
            return place
        key = (stream, days_ago)
        if key not in self._positions:
            self._positions[key] = self._streams[stream].positions(
                self.entities_in(stream), self.as_of - days_ago
            )
        return self._positions[key]

    def _edges_of(self, stream: str) -> Int64Array:
        """Positions the usual days ago, one row each, and where each entity's events begin in the last row."""
        edges = self._edges.get(stream)
        if edges is None:
            keys = self._usual_keys if self.entities_in(stream) is self.entities else self._epoch_keys
            edges = self._edges[stream] = self._streams[stream].keys.searchsorted(keys)
            edges.setflags(write=False)
        return edges

    @cached_property
    def _usual_keys(self) -> Int64Array:
        return _keys_of(self.entities, self.as_of)

    @cached_property
    def _epoch_keys(self) -> Int64Array:
        return _keys_of(self._epochs, self.as_of)

    def start(self, stream: str) -> Int64Array:
        """Position of each entity's first event."""
        if self._is_few:
            place: Int64Array = self._edges_of(stream)[_PLACES[None]]
            return place
        if stream not in self._starts:
            self._starts[stream] = self._streams[stream].starts_of(self.entities_in(stream))
        return self._starts[stream]

    def bounds(self, stream: str, window: int | None, until: int = 0) -> Bounds:
        """Positions of the events known in `[as_of - window, as_of - until)`; all before it when window is None."""
        lower = self.start(stream) if window is None else self.before(stream, window)
        return lower, self.before(stream, until)

    def size(self, stream: str, window: int | None = None, until: int = 0) -> Int64Array:
        """Number of events in the window."""
        if self._is_few and until == 0 and window in _PLACES:
            sizes = self._sizes.get(stream)
            if sizes is None:
                edges = self._edges_of(stream)
                sizes = self._sizes[stream] = edges[0] - edges
                sizes.setflags(write=False)
            size: Int64Array = sizes[_PLACES[window]]
            return size
        lower, upper = self.bounds(stream, window, until)
        return upper - lower

    def count(self, stream: str, window: int | None = None) -> Int64Array:
        """What the events in the window count for; where they have no count of their own, each counts one."""
        if "count" in self._streams[stream].totals:
            return self.total(stream, "count", window)
        return self.size(stream, window)

    def priced(self, stream: str, window: int | None = None) -> Int64Array:
        """Number of events in the window whose amounts are in the reporting currency or could be converted into it."""
        if "priced" in self._streams[stream].totals:
            return self.total(stream, "priced", window)
        return self.size(stream, window)

    def priced_between(self, stream: str, bounds: Bounds) -> Int64Array:
        """The same between two positions."""
        if "priced" in self._streams[stream].totals:
            return self.total_between(stream, "priced", bounds)
        return bounds[1] - bounds[0]

    def first_reaching(
        self, stream: str, measure: str, levels: Int64Array, nth: int = 1
    ) -> tuple[Int64Array, BoolArray]:
        """Day of the nth event, 1 or 2, whose measure is at least the level, and whether one is known so far."""
        events = self._streams[stream]
        if events.size == 0:
            return np.zeros(len(self.as_of), dtype=np.int64), np.zeros(len(self.as_of), dtype=np.bool_)
        maxima = events.maxima(measure) if nth == 1 else events.second_maxima(measure)
        slot = maxima.first_reaching(self.entities_in(stream), levels)
        return events.days(np.minimum(slot, events.size - 1)), slot < self.before(stream)

    def total(self, stream: str, measure: str, window: int | None = None, until: int = 0) -> Int64Array:
        """Sum of a measure over the events in the window."""
        if self._is_few and until == 0 and window in _PLACES:
            totals = self._totals.get((stream, measure))
            if totals is None:
                totals = self._streams[stream].totals_up_to(measure, self._edges_of(stream))
                totals.setflags(write=False)
                self._totals[stream, measure] = totals
            total: Int64Array = totals[_PLACES[window]]
            return total
        return self.total_between(stream, measure, self.bounds(stream, window, until))

    def last_bounds(self, stream: str, last: int) -> Bounds:
        """Positions of the last events known, at most `last` of them."""
        upper = self.before(stream)
        return np.maximum(upper - last, self.start(stream)), upper

    def bounds_before(self, stream: str, days: Int64Array) -> Bounds:
        """Positions of the events known strictly before these days, none of which may lie after the as-of date."""
        return self.start(stream), self._streams[stream].positions(
            self.entities_in(stream), np.minimum(days, self.as_of)
        )

    def total_between(self, stream: str, measure: str, bounds: Bounds) -> Int64Array:
        """Sum of a measure over the events between two positions."""
        return self._streams[stream].total(measure, *bounds)

    def nth_last(self, stream: str, measure: str, nth: int) -> tuple[Int64Array, BoolArray]:
        """Measure of the nth last event known (1 is the latest), and whether there is one."""
        slot = self.before(stream) - nth
        exists = slot >= self.start(stream)
        events = self._streams[stream]
        if events.size == 0:
            return np.zeros(len(slot), dtype=np.int64), exists
        return events.values(measure, np.maximum(slot, 0)), exists

    def latest(self, stream: str, measure: str, count: int) -> tuple[Int64Array, BoolArray]:
        """Measures of the latest events known, the latest in the first row, and whether there are so many."""
        slots = self.before(stream) - np.arange(1, count + 1, dtype=np.int64)[:, None]
        exists = slots >= self.start(stream)
        events = self._streams[stream]
        if events.size == 0:
            return np.zeros(slots.shape, dtype=np.int64), exists
        return np.where(exists, events.values(measure, np.maximum(slots, 0)), 0), exists

    def last_day(self, stream: str) -> tuple[Int64Array, BoolArray]:
        """Day on which the latest event became known, and whether there is one."""
        slot = self.before(stream) - 1
        exists = slot >= self.start(stream)
        events = self._streams[stream]
        if events.size == 0:
            return np.zeros(len(slot), dtype=np.int64), exists
        return events.days(np.maximum(slot, 0)), exists

    def first_day(self, stream: str) -> tuple[Int64Array, BoolArray]:
        """Day on which the first event became known, and whether it lies strictly before the as-of date."""
        slot = self.start(stream)
        exists = slot < self.before(stream)
        events = self._streams[stream]
        if events.size == 0:
            return np.zeros(len(slot), dtype=np.int64), exists
        return events.days(np.minimum(slot, events.size - 1)), exists

    def maximum(
        self, stream: str, measure: str, bounds: Bounds | None = None
    ) -> tuple[Int64Array, BoolArray]:
        """Largest value of the measure among all events known, and whether there is one.

        With bounds, the events from each entity's first up to the second of them.
        """
        upper = self.before(stream) if bounds is None else bounds[1]
        return self._streams[stream].maxima(measure).before(
            self.entities_in(stream), upper
        ), upper > self.start(stream)

    def quantile(self, stream: str, measure: str, bounds: Bounds, share: float) -> Float64Array:
        """Quantile of a ranked measure over positions, interpolated halfway between neighbours; NaN when empty.

        The two neighbours of the quantile are averaged when it falls between them (so 0.5 is the usual median).
        """
        lower, upper = bounds
        if self._is_few:
            pairs = zip(lower.tolist(), upper.tolist(), strict=True)
            return np.array([self._quantile_of(stream, measure, *pair, share) for pair in pairs])
        count = upper - lower
        place = (count - 1) * share
        below = np.floor(place).astype(np.int64)
        above = np.ceil(place).astype(np.int64)
        events = self._streams[stream]
        low = events.smallest(measure, lower, upper, below)
        high = low if bool((below == above).all()) else events.smallest(measure, lower, upper, above)
        return known((low + high) / 2.0, count > 0)

    def _quantile_of(self, stream: str, measure: str, lower: int, upper: int, share: float) -> float:
        """The same for one slice, sorted once for all its quantiles."""
        if upper <= lower:
            return math.nan
        key = (stream, measure, lower, upper)
        ordered = self._ordered.get(key)
        if ordered is None:
            ordered = self._ordered[key] = self._streams[stream].ordered(measure, lower, upper)
        place = (upper - lower - 1) * share
        return (ordered[math.floor(place)] + ordered[math.ceil(place)]) / 2.0

    def counts(self, stream: str, category: str, window: int | None = None) -> npt.NDArray[np.int32]:
        """Number of events per category in the window, one row per landmark."""
        return self._streams[stream].count(category, *self.bounds(stream, window))


def reader_at(
    streams: Mapping[str, EventStream],
    remembered: dict[tuple[int, int], AsOfReader],
    entities: Int64Array,
    as_of: Int64Array,
    epochs: Int64Array | None = None,
) -> AsOfReader:
    """A reader; for a single landmark the one that was made for the same entity and day, with all it has read.

    The content of an unchanging stream before a day never changes: the invoices of one day share the values of their
    portfolio, sector and customer.

    Args:
        streams: the streams, by name.
        remembered: readers by entity and day, cached with the streams they read.
        entities: entity code of each landmark.
        as_of: day number of each landmark's as-of date.
        epochs: epoch code of each landmark; the entities when None.
    """
    if len(as_of) != 1:
        return AsOfReader(streams, entities, as_of, epochs)
    key = (int(entities[0]), int(as_of[0]))
    reader = remembered.get(key)
    if reader is None:
        if len(remembered) >= REMEMBERED:
            remembered.clear()
        reader = remembered[key] = AsOfReader(streams, entities, as_of, epochs)
    return reader
