"""Where the trees start from: a penalised logistic hazard on the customer's late share, pulled towards its peers.

It gives every interval its own level and lets the share weigh differently in each phase (well before the due date,
around it, after it, long after it), because a habit says more about one phase than about another. An unknown share
takes the average, plus a step of its own. The trees learn what this leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.exact_math import exact_log
from models.intervals import Floats, HazardRows, Intervals, Ints

HABIT_FEATURES: tuple[str, ...] = ("late_share_shrunk_all",)
"""What the scorecard reads: the customer's late share, pulled towards its peers where history is short.

Each further column made small ledgers worse, and large ones no better: trees with few leaves say more of them."""

PHASE_ENDS: tuple[int, ...] = (-4, 0, 7)
"""Last interval end, in days past due, of each phase but the last."""

_ROUNDS = 150
_DEPARTURE_PENALTY = 3.0
_SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class LinearPart:
    """Offsets and slopes of the scorecard, on the log-odds of being settled within an interval.

    Attributes:
        lower: values below are read as this, per feature.
        upper: values above are read as this, per feature.
        centre: average known value in training, per feature; stands in for an unknown one.
        scale: spread in training, per feature.
        slope: change of log-odds per spread, in every interval.
        phase_slope: further change per spread in each phase, one row per phase.
        unknown: change of log-odds when the value is unknown.
        unknown_share: share of training rows in which it was unknown (the point from which contributions count).
        interval_offset: log-odds of settlement in each interval for the average landmark.
        elapsed_slope: change per log share of the interval still to come.
    """

    lower: Floats
    upper: Floats
    centre: Floats
    scale: Floats
    slope: Floats
    phase_slope: Floats
    unknown: Floats
    unknown_share: Floats
    interval_offset: Floats
    elapsed_slope: float

    def used_columns(self) -> Ints:
        """Places of the features that say something: a handful of a whole catalogue."""
        says = (self.slope != 0.0) | (self.unknown != 0.0) | (self.phase_slope != 0.0).any(axis=0)
        return np.flatnonzero(says)

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
        unknown = (is_unknown - self.unknown_share[columns]) * self.unknown[columns]
        return tuple(z * (self.slope + departure)[columns] + unknown for departure in self.phase_slope)

    def interval_terms(self, rows: HazardRows, intervals: Intervals) -> Floats:
        """Log-odds that come from the interval and how much of it is left, per row."""
        left = log_share_left(rows, intervals)
        result: Floats = self.interval_offset[rows.interval] + self.elapsed_slope * left
        return result

    def margins(self, table: Floats, rows: HazardRows, intervals: Intervals) -> Floats:
        """Log-odds of settlement in each row's interval.

        Args:
            table: one row of features per landmark (not per hazard row).
            rows: the hazard rows.
            intervals: the intervals of the model.
        """
        terms = self.feature_terms(table, self.used_columns())
        by_phase = np.stack([_sum_in_order(of_phase) for of_phase in terms])
        base = self.interval_terms(rows, intervals)
        result: Floats = base + by_phase[phase_of(rows, intervals), rows.landmark]
        return result

    def to_json(self) -> dict[str, object]:
        """Plain numbers, exact when read back."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }

    @staticmethod
    def from_json(numbers: dict[str, object]) -> LinearPart:
        """The part written by `to_json`."""
        return LinearPart(
            **{  # type: ignore[arg-type]
                name: np.asarray(value, dtype=np.float64) if isinstance(value, list) else value
                for name, value in numbers.items()
            }
        )


def log_share_left(rows: HazardRows, intervals: Intervals) -> Floats:
    """Log of the share of each row's interval that is still to come; 0 in the first interval.

    The first interval begins when the invoice is issued: its length is the terms, and long terms are no more days at
    risk than short ones, because nobody pays the day after the invoice comes.
    """
    left = exact_log(rows.days_at_risk / intervals.nominal_days()[rows.interval])
    return np.where(rows.interval == 0, 0.0, left)


def phase_of(rows: HazardRows, intervals: Intervals) -> Ints:
    """Phase of each row's interval, by its end."""
    return np.searchsorted(PHASE_ENDS, intervals.array, side="left").astype(np.int64)[rows.interval]


def _sum_in_order(terms: Floats) -> Floats:
    """Sum over features one after the other, so that the result does not depend on how many rows there are."""
    total = np.zeros(terms.shape[0])
    for column in range(terms.shape[1]):
        total = total + terms[:, column]
    return total


def fit_linear_part(
    table: Floats,
    rows: HazardRows,
    is_settled: Floats,
    weight: Floats,
    intervals: Intervals,
    penalty: Floats,
) -> LinearPart:
    """Fit the scorecard by penalised maximum likelihood.

    Args:
        table: features per landmark.
        rows: hazard rows.
        is_settled: outcome of each row.
        weight: weight of each row.
        intervals: the intervals of the model.
        penalty: strength of the pull of each feature's slope to zero, in observations; infinite leaves it out.

    Returns:
        The fitted part; without features it is the portfolio's rhythm alone.
    """
    lower, upper, centre, scale, unknown_share = _reading_of(table, rows)
    count, width, phases = len(intervals.bounds), table.shape[1], len(PHASE_ENDS) + 1
    empty, departures = np.zeros(width), np.zeros((phases, width))
    start = LinearPart(
        lower, upper, centre, scale, empty, departures, empty, unknown_share, np.zeros(count), 0.0
    )
    used = np.flatnonzero(np.isfinite(penalty))
    z, is_unknown = (part[:, used] for part in start.standardised(table))
    known_share = unknown_share[used]
    varies = np.flatnonzero((known_share > 0.001) & (known_share < 0.999))
    left = log_share_left(rows, intervals)
    phase = phase_of(rows, intervals)
    departing = [z[rows.landmark] * (phase == own)[:, None] for own in range(phases)]
    design = np.concatenate(
        [
            np.eye(count)[rows.interval],
            left[:, None],
            z[rows.landmark],
            (is_unknown - known_share)[:, varies][rows.landmark],
            *departing,
        ],
        axis=1,
    )
    pull = penalty[used]
    strength = np.concatenate(
        [np.full(count + 1, 1.0), pull, pull[varies], np.tile(_DEPARTURE_PENALTY * pull, phases)]
    )
    share = np.average(is_settled, weights=weight) if is_settled.size else 0.5
    anchor = np.zeros(strength.size)
    anchor[:count] = np.log(share + 1e-3) - np.log(1.0 - share + 1e-3)
    solution = _penalised_logistic(design, is_settled, weight, strength, anchor)
    slope, unknown = np.zeros(width), np.zeros(width)
    first = count + 1
    slope[used] = solution[first : first + used.size]
    unknown[used[varies]] = solution[first + used.size : first + used.size + varies.size]
    departures[:, used] = solution[first + used.size + varies.size :].reshape(phases, used.size)
    return LinearPart(
        lower=lower,
        upper=upper,
        centre=centre,
        scale=scale,
        slope=slope,
        phase_slope=departures,
        unknown=unknown,
        unknown_share=unknown_share,
        interval_offset=solution[:count],
        elapsed_slope=float(solution[count]),
    )


def penalties_for(feature_names: Sequence[str], penalty: float) -> Floats:
    """Penalty of each feature: the habits', and infinite for all others."""
    return np.array(
        [penalty if name in HABIT_FEATURES else np.inf for name in feature_names], dtype=np.float64
    )


def _reading_of(table: Floats, rows: HazardRows) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Clipping points, centre, spread and unknown share of each feature over the landmarks that have rows."""
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
    return tuple(_rounded(part) for part in (lower, upper, centre, scale, unknown_share))  # type: ignore[return-value]


def _penalised_logistic(
    design: Floats, outcome: Floats, weight: Floats, strength: Floats, anchor: Floats
) -> Floats:
    """Penalised logistic coefficients; the pull is towards `anchor`, where the search begins."""
    from scipy.optimize import minimize

    scale = float(weight.sum())

    def loss(solution: Floats) -> tuple[float, Floats]:
        margin = design @ solution
        away = solution - anchor
        fit = np.logaddexp(0.0, margin) - outcome * margin
        slope = design.T @ (weight * (1.0 / (1.0 + np.exp(-np.clip(margin, -30.0, 30.0))) - outcome))
        value = float((weight * fit).sum()) + 0.5 * float((strength * away**2).sum())
        return value / scale, (slope + strength * away) / scale

    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Threads of the matrix library wait for each other in a loop: on a busy machine two are slower than one.
    with threadpool_limits(1):
        found = minimize(
            loss,
            anchor,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _ROUNDS, "maxcor": 20, "gtol": 1e-6, "ftol": 1e-10},
        )
    return _rounded(np.asarray(found.x, dtype=np.float64))


def _rounded(values: Floats) -> Floats:
    """Ten significant digits: the last bits of a matrix product depend on the machine, a model must not."""
    return np.array(
        [float(f"{value:.{_SIGNIFICANT_DIGITS}g}") for value in values.tolist()], dtype=np.float64
    )
