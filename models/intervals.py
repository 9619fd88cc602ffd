"""The intervals of days past due in which an invoice may be settled, and the hazard rows they make of a landmark.

An interval (a, b] contains the settlements from a + 1 to b days past due; the first one contains everything up to its
end. A landmark that is already past due starts in its present interval, with only the days that are left of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.errors import Fault, InvalidInputError
from features.messages import localized
from models.target import HORIZONS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DEFAULT_BOUNDS: tuple[int, ...] = tuple(
    sorted({-15, -7, -3, 0, 3, 7, 15, 30, 60, 90, 120, 180, 365, *HORIZONS})
)


@dataclass(frozen=True)
class Intervals:
    """The intervals of a model.

    Attributes:
        bounds: last day of each interval, in days past due, growing; every horizon and the grace are among them.
        grace_days: days past due that are still on time.
    """

    bounds: tuple[int, ...] = DEFAULT_BOUNDS
    grace_days: int = 0

    def __post_init__(self) -> None:
        missing = sorted({*HORIZONS, self.grace_days} - set(self.bounds))
        if missing or list(self.bounds) != sorted(set(self.bounds)):
            raise InvalidInputError(
                localized("The intervals cannot be used."),
                [
                    Fault(
                        what=localized("bounds are {bounds}", bounds=list(self.bounds)),
                        where="intervals",
                        expected=localized(
                            "growing days past due that contain {value}",
                            value=str(sorted({*HORIZONS, self.grace_days})),
                        ),
                        remedy=localized("add the missing days")
                        if missing
                        else localized("sort the days and remove repeats"),
                    )
                ],
            )

    @cached_property
    def array(self) -> Ints:
        """The bounds as an array that cannot be written to."""
        bounds = np.asarray(self.bounds, dtype=np.int64)
        bounds.flags.writeable = False
        return bounds

    @property
    def tail_days(self) -> int:
        """Length in days of the last interval, repeated beyond it when a date is asked for."""
        return self.bounds[-1] - self.bounds[-2]

    def position(self, days: int) -> int:
        """Index of the interval that ends on a given day past due."""
        return self.bounds.index(days)

    def start(self, days_past_due: Ints) -> Ints:
        """Index of the present interval of each landmark; beyond the last bound it is the last interval."""
        found = self.array.searchsorted(days_past_due, side="left")
        return np.minimum(found, len(self.bounds) - 1).astype(np.int64)

    @cached_property
    def nominal_days(self) -> Floats:
        """Days in each whole interval; the open first one counts as long as the second. Cannot be written to."""
        ends = self.array.astype(np.float64)
        lengths = np.diff(ends, prepend=ends[0] - (ends[1] - ends[0]))
        lengths.flags.writeable = False
        return lengths


def intervals_for(grace_days: int, bounds: tuple[int, ...] = DEFAULT_BOUNDS) -> Intervals:
    """Intervals among whose bounds the grace is, so that p_late needs no interpolation."""
    return Intervals(tuple(sorted({*bounds, *HORIZONS, grace_days})), grace_days)


@dataclass(frozen=True)
class HazardRows:
    """One row per landmark and interval it may be settled in.

    Attributes:
        landmark: position of the landmark among those given.
        interval: index of the interval.
        days_at_risk: days of the interval that are still to come at the landmark.
        days_past_due: days past due at the landmark (negative before the due date).
    """

    landmark: Ints
    interval: Ints
    days_at_risk: Floats
    days_past_due: Floats

    def __len__(self) -> int:
        return int(self.landmark.size)

    def take(self, chosen: npt.NDArray[np.bool_] | Ints) -> HazardRows:
        """The chosen rows."""
        return HazardRows(
            self.landmark[chosen],
            self.interval[chosen],
            self.days_at_risk[chosen],
            self.days_past_due[chosen],
        )


def hazard_rows(days_past_due: Ints, intervals: Intervals, last: Ints | None = None) -> HazardRows:
    """Every interval still ahead of each landmark, in order.

    Args:
        days_past_due: of each landmark on its as-of date.
        intervals: the intervals of the model.
        last: index of the last interval wanted per landmark (included); all when absent.

    Returns:
        The rows, landmark by landmark, interval by interval. A landmark beyond the last bound has one row: a whole
        last interval, starting on its as-of date.
    """
    ends = intervals.array
    start = intervals.start(days_past_due)
    final = np.full(start.size, ends.size - 1) if last is None else np.maximum(last, start)
    counts = final - start + 1
    landmark = np.repeat(np.arange(start.size), counts)
    first_row = np.cumsum(counts) - counts
    interval = np.arange(landmark.size) - first_row[landmark] + start[landmark]
    dpd = days_past_due[landmark]
    opening = np.where(interval == 0, dpd, np.maximum(dpd, ends[np.maximum(interval - 1, 0)] + 1))
    at_risk = (ends[interval] - opening + 1).astype(np.float64)
    at_risk[dpd > ends[-1]] = float(intervals.tail_days)
    return HazardRows(
        landmark=landmark.astype(np.int64),
        interval=interval.astype(np.int64),
        days_at_risk=at_risk,
        days_past_due=dpd.astype(np.float64),
    )
