"""The card: a ridge logistic hazard on every feature of the catalogue.

Every interval has its own level, and a feature its own slope in each phase (`models.hazard.phases`). An unknown value
takes the average, plus a step of its own. The trees say where a few features bend; the card says what a few hundred
features agree on: the ridge spreads a habit over all the columns that show it (shares, means, quantiles of several
windows), so that no single one has to carry it. It adds to the portfolio's curve (`models.hazard.customer_curve`) and
is mixed with the customer's own, log-odds with log-odds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache

import numpy as np

from models.hazard.exact_math import exact_log
from models.hazard.phases import PHASES, phase_of
from models.hazard.settings import HazardSettings
from models.hazard.training_set import TrainingRows
from models.intervals import Floats, HazardRows, Intervals, Ints

RARELY = 0.001
"""A feature unknown (or known) in a smaller share of the landmarks has no step of its own."""

LEVEL_PENALTY = 20.0
"""Pull of the level of each interval to the portfolio's, in observations."""

_AT_A_TIME = 4096
_SIGNIFICANT_DIGITS = 6
_STEPS = 25
_HALVINGS = 10
_CLOSE_ENOUGH = 1e-7


@dataclass(frozen=True)
class Card:
    """Offsets and slopes on the log-odds of being settled within an interval.

    Attributes:
        lower: values below are read as this, per feature.
        upper: values above are read as this, per feature.
        centre: average known value in training, per feature; replaces an unknown one.
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
        slope = self.elapsed_slope[phases_of_rows(rows, intervals)]
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
        result: Floats = base + by_phase[phases_of_rows(rows, intervals), rows.landmark]
        return result

    def scaled(self, share: float) -> Card:
        """The same card with everything it adds multiplied by a share."""
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
    def from_json(numbers: Mapping[str, object]) -> Card:
        """The card written by `to_json`."""
        return Card(**{name: np.asarray(value, dtype=np.float64) for name, value in numbers.items()})

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
class Scaling:
    """How features are made comparable: clipping points, centre, spread and share unknown of each.

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

    def empty_card(self, interval_count: int) -> Card:
        """A card that adds nothing yet."""
        phases, width = len(PHASES), self.lower.size
        nothing = np.zeros((phases, width))
        return Card(
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


def phases_of_rows(rows: HazardRows, intervals: Intervals) -> Ints:
    """Phase of each row's interval, by its end."""
    return _phases_of(intervals)[rows.interval]


@lru_cache(maxsize=8)
def _phases_of(intervals: Intervals) -> Ints:
    """Phase of each interval."""
    return phase_of(intervals.array)


def scaling_of(table: Floats, rows: HazardRows) -> Scaling:
    """The scaling of each feature, from the landmarks that have rows."""
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
    return Scaling(*(rounded(part) for part in (lower, upper, centre, scale, unknown_share)))


def rounded(values: Floats) -> Floats:
    """Six significant digits: the last bits of a matrix product depend on the machine, a model must not."""
    return np.array(
        [float(f"{value:.{_SIGNIFICANT_DIGITS}g}") for value in values.tolist()], dtype=np.float64
    )


def fit_card(
    table: Floats, training: TrainingRows, intervals: Intervals, settings: HazardSettings, offset: Floats
) -> Card:
    """Fit the card by ridge regression on the log-odds, one fit for the phases that share slopes.

    Args:
        table: features per landmark.
        training: hazard rows of those landmarks with outcomes.
        intervals: the intervals of the model.
        settings: penalty, and the sample learnt from.
        offset: log-odds of each row by the portfolio's curve, to which the card adds.

    Returns:
        The fitted card; in phases nothing has been observed of, the portfolio's level.
    """
    scaling = scaling_of(table, training.thinned(settings.card_rows, settings.seed).rows)
    card = scaling.empty_card(len(intervals.bounds))
    known = np.flatnonzero(scaling.unknown_share < 1.0 - RARELY)
    varies = np.flatnonzero((scaling.unknown_share > RARELY) & (scaling.unknown_share < 1.0 - RARELY))
    level = card.interval_offset.copy()
    slope, unknown, elapsed = card.slope.copy(), card.unknown.copy(), card.elapsed_slope.copy()
    phases, random = phases_of_rows(training.rows, intervals), np.random.default_rng(settings.seed)
    for fit in sorted({phase.slopes for phase in PHASES}):
        sharing = np.flatnonzero([phase.slopes == fit for phase in PHASES])
        chosen = np.flatnonzero(np.isin(phases, sharing))
        if chosen.size == 0:
            continue
        if chosen.size > settings.card_rows:
            chosen = np.sort(random.choice(chosen, settings.card_rows, replace=False))
        own = training.take(chosen)
        levels = np.unique(own.rows.interval)
        design = _design(card, table, own.rows, intervals, levels, known, varies)
        strength = np.full(design.shape[1], settings.card_penalty)
        strength[: levels.size + 1] = LEVEL_PENALTY
        solution = rounded(_ridge(design, own.is_settled, own.weight, strength, offset[chosen]))
        first, last = levels.size + 1, levels.size + 1 + known.size
        level[levels] = solution[: levels.size]
        elapsed[sharing] = solution[levels.size]
        slope[np.ix_(sharing, known)] = solution[first:last]
        unknown[np.ix_(sharing, varies)] = solution[last:]
    return replace(card, slope=slope, unknown=unknown, interval_offset=rounded(level), elapsed_slope=elapsed)


def _design(
    card: Card,
    table: Floats,
    rows: HazardRows,
    intervals: Intervals,
    levels: Ints,
    known: Ints,
    varies: Ints,
) -> Floats:
    """One column per interval, the share left, the features, and whether each is unknown."""
    seen, place = np.unique(rows.landmark, return_inverse=True)
    z, is_unknown = card.standardised(table[seen])
    step = is_unknown - card.unknown_share
    features = np.concatenate([z[:, known], step[:, varies]], axis=1)
    return np.concatenate(
        [
            (rows.interval[:, None] == levels[None, :]).astype(np.float64),
            log_share_left(rows, intervals)[:, None],
            features[place],
        ],
        axis=1,
    )


def _ridge(design: Floats, outcome: Floats, weight: Floats, strength: Floats, offset: Floats) -> Floats:
    """Ridge logistic coefficients on top of an offset by Newton's method; the pull is to zero, where it begins."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    def loss(solution: Floats) -> float:
        margin = offset + design @ solution
        fit = (weight * (np.logaddexp(0.0, margin) - outcome * margin)).sum()
        return float(fit + 0.5 * (strength * solution**2).sum())

    # Threads of the matrix library wait for each other in a loop: on a busy machine two are slower than one.
    with threadpool_limits(1):
        solution = np.zeros(design.shape[1])
        reached = loss(solution)
        for _ in range(_STEPS):
            chance = 1.0 / (1.0 + np.exp(-np.clip(offset + design @ solution, -30.0, 30.0)))
            gradient = design.T @ (weight * (chance - outcome)) + strength * solution
            curvature = (design * (weight * chance * (1.0 - chance))[:, None]).T @ design
            curvature[np.diag_indices_from(curvature)] += strength
            step = np.linalg.solve(curvature, gradient)
            tried, length = loss(solution - step), 1.0
            for _ in range(_HALVINGS):
                if tried <= reached:
                    break
                length *= 0.5
                tried = loss(solution - length * step)
            gained = reached - tried
            if gained <= 0.0:
                break
            solution, reached = solution - length * step, tried
            if gained < _CLOSE_ENOUGH * reached:
                break
    return solution
