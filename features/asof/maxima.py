"""The largest value so far, per entity, and the first event that reached a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.asof.dates import NEVER, Int64Array


@dataclass(frozen=True)
class RunningMaxima:
    """Running maximum of a measure, restarted at each entity.

    Attributes:
        keys: running maximum plus an offset per entity, so that the whole array ascends.
        span: offset between two entities, larger than any difference between values.
        lowest: smallest value of the measure.
        starts: position of each entity's first event; one more entry than there are entities.
    """

    keys: Int64Array
    span: int
    lowest: int
    starts: Int64Array

    @classmethod
    def build(cls, values: Int64Array, starts: Int64Array) -> RunningMaxima:
        """Prepare the running maxima of a measure sorted by entity."""
        if len(values) == 0:
            return cls(values, 1, 0, starts)
        lowest = int(values.min())
        span = int(values.max()) - lowest + 2
        counts = np.diff(starts)
        offsets = np.repeat(np.arange(len(counts), dtype=np.int64) * span, counts)
        return cls(np.maximum.accumulate(values - lowest + offsets), span, lowest, starts)

    def second(self, values: Int64Array) -> RunningMaxima:
        """Running second largest value, as many times as it occurs; below every day where there is one event only.

        An event that does not beat the largest so far may be the second; one that does makes the largest so far the
        second. The running maximum of the lesser of both is thus the second largest, and the first event at which it
        reaches a level is the second event that does.

        Args:
            values: the measure these are the maxima of.
        """
        if len(values) == 0:
            return self
        counts = np.diff(self.starts)
        offsets = np.repeat(np.arange(len(counts), dtype=np.int64) * self.span, counts)
        earlier = np.empty(len(values), dtype=np.int64)
        earlier[1:] = self.keys[:-1] - offsets[1:] + self.lowest
        earlier[self.starts[:-1][counts > 0]] = self.lowest - 2 * NEVER  # below every level
        lesser = np.minimum(values, earlier)
        return RunningMaxima.build(lesser, self.starts)

    def before(self, entities: Int64Array, positions: Int64Array) -> Int64Array:
        """Largest value among each entity's events before the position; callers mask empty slices."""
        if len(self.keys) == 0:
            return np.zeros(len(positions), dtype=np.int64)
        last = np.maximum(positions - 1, 0)
        return self.keys.take(last) - entities * self.span + self.lowest

    def first_reaching(self, entities: Int64Array, levels: Int64Array) -> Int64Array:
        """Position of each entity's first event whose value is at least the level; its end when none does.

        The running maximum reaches a level for the first time exactly at the first event that does.
        """
        if len(self.keys) == 0:
            return np.zeros(len(entities), dtype=np.int64)
        wanted = np.clip(levels - self.lowest, 0, self.span - 1) + entities * self.span
        found = np.searchsorted(self.keys, wanted)
        return np.where(entities < 0, 0, np.minimum(found, self.starts.take(entities + 1)))
