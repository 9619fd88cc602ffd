"""The linear part of the hazard: how the features are read, and what each adds to the log-odds of settlement.

Every interval has its own level, and a feature may weigh differently in each phase (well before the due date, around
it, after it, long after it), because a habit says more about one phase than about another. An unknown value
takes the average, plus a step of its own. The wide card (`models.hazard.wide_part`) fits it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache

import numpy as np

from models.hazard.exact_math import exact_log
from models.intervals import Floats, HazardRows, Intervals, Ints

PHASE_ENDS: tuple[int, ...] = (-4, 0, 7, 30)
"""Last interval end, in days past due, of each phase but the last."""

RARELY = 0.001
"""A feature unknown (or known) in a smaller share of the landmarks has no step of its own."""

_AT_A_TIME = 4096
_SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class LinearPart:
    """Offsets and slopes on the log-odds of being settled within an interval.

    Attributes:
        lower: values below are read as this, per feature.
        upper: values above are read as this, per feature.
        centre: average known value in training, per feature; stands in for an unknown one.
        scale: spread in training, per feature.
        unknown_share: share of training rows in which it was unknown (the point from which contributions count).
        slope: change of log-odds per spread, one row per phase, one column per feature.
        unknown: change of log-odds when the value is unknown, one row per phase, one column per feature.
        interval_offset: log-odds of settlement in each interval for the average landmark.
        elapsed_slope: change per log share of the interval still to come, per phase.
    """

    lower: Floats
    upper: Floats
    centre: Floats
    scale: Floats
    unknown_share: Floats
    slope: Floats
    unknown: Floats
    interval_offset: Floats
    elapsed_slope: Floats

    @cached_property
    def used_columns(self) -> Ints:
        """Places of the features that say something."""
        return np.flatnonzero(((self.slope != 0.0) | (self.unknown != 0.0)).any(axis=0))

    def standardised(self, table: Floats, columns: Ints | slice = slice(None)) -> tuple[Floats, Floats]:
        """Each value in spreads from the average (0 when unknown), and 1.0 where it is unknown.

        Args:
            table: one row of features per landmark.
            columns: the features asked for; all of them when left out.
        """
        values, centre = table[:, columns], self.centre[columns]
        is_unknown = np.isnan(values)
        clipped = np.clip(np.where(is_unknown, centre, values), self.lower[columns], self.upper[columns])
        z = np.where(is_unknown, 0.0, (clipped - centre) / self.scale[columns])
        return z, is_unknown.astype(np.float64)

    def feature_terms(self, table: Floats, columns: Ints | slice = slice(None)) -> tuple[Floats, ...]:
        """Log-odds each feature adds in the intervals of each phase; arguments as for `standardised`."""
        z, is_unknown = self.standardised(table, columns)
        step = is_unknown - self.unknown_share[columns]
        pairs = zip(self.slope, self.unknown, strict=True)
        return tuple(z * slope[columns] + step * unknown[columns] for slope, unknown in pairs)

    def interval_terms(self, rows: HazardRows, intervals: Intervals) -> Floats:
        """Log-odds that come from the interval and how much of it is left, per row."""
        left = log_share_left(rows, intervals)
        slope = self.elapsed_slope[phase_of(rows, intervals)]
        result: Floats = self.interval_offset[rows.interval] + slope * left
        return result

    def margins(self, table: Floats, rows: HazardRows, intervals: Intervals) -> Floats:
        """Log-odds of settlement in each row's interval.

        Args:
            table: one row of features per landmark (not per hazard row).
            rows: the hazard rows.
            intervals: the intervals of the model.
        """
        base = self.interval_terms(rows, intervals)
        parts = [
            self._phase_sums(table[first : first + _AT_A_TIME]) for first in range(0, len(table), _AT_A_TIME)
        ]
        if not parts:
            return base
        by_phase = np.concatenate(parts, axis=1)
        result: Floats = base + by_phase[phase_of(rows, intervals), rows.landmark]
        return result

    def scaled(self, share: float) -> LinearPart:
        """The same part with everything it adds multiplied by a share."""
        return replace(
            self,
            slope=share * self.slope,
            unknown=share * self.unknown,
            interval_offset=share * self.interval_offset,
            elapsed_slope=share * self.elapsed_slope,
        )

    def to_json(self) -> dict[str, object]:
        """Plain numbers, exact when read back."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    @staticmethod
    def from_json(numbers: Mapping[str, object]) -> LinearPart:
        """The part written by `to_json`."""
        return LinearPart(**{name: np.asarray(value, dtype=np.float64) for name, value in numbers.items()})

    def _phase_sums(self, table: Floats) -> Floats:
        """What the features add up to in each phase (rows) for each landmark (columns)."""
        used = self.used_columns
        z, is_unknown = self.standardised(table, used)
        step = is_unknown - self.unknown_share[used]
        phases = self.slope.shape[0]
        terms = z.T[:, None, :] * self.slope[:, used].T[:, :, None]
        terms += step.T[:, None, :] * self.unknown[:, used].T[:, :, None]
        # Feature by feature in their order, so that the result does not depend on how many landmarks there are.
        total: Floats = np.add.reduce(terms.reshape(used.size, phases * len(table)), axis=0)
        return total.reshape(phases, len(table))


@dataclass(frozen=True)
class Reading:
    """How the features are read: clipping points, centre, spread and share unknown of each.

    Attributes:
        lower: values below are read as this.
        upper: values above are read as this.
        centre: average of the known values.
        scale: their spread; 1 for a feature that does not vary.
        unknown_share: share of landmarks in which it is unknown.
    """

    lower: Floats
    upper: Floats
    centre: Floats
    scale: Floats
    unknown_share: Floats

    def empty_part(self, interval_count: int) -> LinearPart:
        """A part that says nothing yet."""
        phases, width = len(PHASE_ENDS) + 1, self.lower.size
        nothing = np.zeros((phases, width))
        return LinearPart(
            **vars(self),
            slope=nothing,
            unknown=nothing,
            interval_offset=np.zeros(interval_count),
            elapsed_slope=np.zeros(phases),
        )


def log_share_left(rows: HazardRows, intervals: Intervals) -> Floats:
    """Log of the share of each row's interval that is still to come; 0 in the first interval.

    The first interval begins when the invoice is issued: its length is the terms, and long terms are no more days at
    risk than short ones, because nobody pays the day after the invoice comes.
    """
    left = exact_log(rows.days_at_risk / intervals.nominal_days[rows.interval])
    return np.where(rows.interval == 0, 0.0, left)


def phase_of(rows: HazardRows, intervals: Intervals) -> Ints:
    """Phase of each row's interval, by its end."""
    return _phases_of(intervals)[rows.interval]


@lru_cache(maxsize=8)
def _phases_of(intervals: Intervals) -> Ints:
    """Phase of each interval."""
    return np.searchsorted(PHASE_ENDS, intervals.array, side="left").astype(np.int64)


def reading_of(table: Floats, rows: HazardRows) -> Reading:
    """How to read each feature, from the landmarks that have rows."""
    seen = table[np.unique(rows.landmark)]
    width = table.shape[1]
    lower, upper = np.zeros(width), np.zeros(width)
    centre, scale, unknown_share = np.zeros(width), np.ones(width), np.ones(width)
    for column in range(width):
        values = seen[:, column]
        known = values[~np.isnan(values)]
        unknown_share[column] = 1.0 - known.size / max(values.size, 1)
        if known.size == 0:
            continue
        lower[column], upper[column] = np.quantile(known, [0.005, 0.995])
        clipped = np.clip(known, lower[column], upper[column])
        centre[column] = clipped.mean()
        spread = float(clipped.std())
        scale[column] = spread if spread > 1e-9 else 1.0
    return Reading(*(rounded(part) for part in (lower, upper, centre, scale, unknown_share)))


def rounded(values: Floats) -> Floats:
    """Six significant digits: the last bits of a matrix product depend on the machine, a model must not."""
    return np.array(
        [float(f"{value:.{_SIGNIFICANT_DIGITS}g}") for value in values.tolist()], dtype=np.float64
    )
