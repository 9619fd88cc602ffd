"""The wide card: a ridge logistic hazard on every feature of the catalogue, fitted phase by phase.

The trees say where a few features bend; this says what a few hundred features agree on. The ridge spreads a habit over
all the columns that tell of it (shares, means, quantiles of several windows), so that no single one has to carry
it. It adds to the portfolio's curve (`models.hazard.customer_curve`) and is mixed with the customer's own, log-odds
with log-odds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.hazard.linear_part import RARELY, LinearPart, Reading, log_share_left, phase_of, rounded
from models.intervals import Floats, HazardRows, Intervals, Ints

PHASES_TOGETHER: tuple[tuple[int, ...], ...] = ((0, 1), (2,), (3,), (4,))
"""Phases of `models.hazard.linear_part` that share slopes: up to the due date, the week after, to a month, later."""

LEVEL_PENALTY = 20.0
"""Pull of the level of each interval to the portfolio's, in observations."""

_STEPS = 25
_HALVINGS = 10
_CLOSE_ENOUGH = 1e-7


def fit_wide_part(
    table: Floats,
    rows: HazardRows,
    is_settled: Floats,
    weight: Floats,
    intervals: Intervals,
    reading: Reading,
    penalty: float,
    most_rows: int,
    seed: int,
    offset: Floats,
) -> LinearPart:
    """Fit the card by ridge regression on the log-odds, one fit for each group of phases.

    Args:
        table: features per landmark.
        rows: hazard rows.
        is_settled: outcome of each row.
        weight: weight of each row.
        intervals: the intervals of the model.
        reading: how the features are read.
        penalty: pull of every slope to zero, in observations.
        most_rows: rows of a group of phases above which an even sample is learnt from.
        seed: of that sample.
        offset: log-odds of each row by the portfolio's curve, to which the card adds.

    Returns:
        The fitted part; in phases nothing has been observed of, the portfolio's level.
    """
    part = reading.empty_part(len(intervals.bounds))
    known_share = reading.unknown_share
    told = np.flatnonzero(known_share < 1.0 - RARELY)
    varies = np.flatnonzero((known_share > RARELY) & (known_share < 1.0 - RARELY))
    level = part.interval_offset.copy()
    slope, unknown, elapsed = part.slope.copy(), part.unknown.copy(), part.elapsed_slope.copy()
    phase, random = phase_of(rows, intervals), np.random.default_rng(seed)
    for together in PHASES_TOGETHER:
        chosen = np.flatnonzero(np.isin(phase, together))
        if chosen.size == 0:
            continue
        if chosen.size > most_rows:
            chosen = np.sort(random.choice(chosen, most_rows, replace=False))
        own = rows.take(chosen)
        levels = np.unique(own.interval)
        design = _design(part, table, own, intervals, levels, told, varies)
        strength = np.full(design.shape[1], penalty)
        strength[: levels.size + 1] = LEVEL_PENALTY
        solution = rounded(_ridge(design, is_settled[chosen], weight[chosen], strength, offset[chosen]))
        first, last = levels.size + 1, levels.size + 1 + told.size
        level[levels] = solution[: levels.size]
        for place in together:
            elapsed[place] = solution[levels.size]
            slope[place, told] = solution[first:last]
            unknown[place, varies] = solution[last:]
    return replace(part, slope=slope, unknown=unknown, interval_offset=rounded(level), elapsed_slope=elapsed)


def _design(
    part: LinearPart,
    table: Floats,
    rows: HazardRows,
    intervals: Intervals,
    levels: Ints,
    told: Ints,
    varies: Ints,
) -> Floats:
    """One column per interval, the share left, the features, and whether each is unknown."""
    seen, place = np.unique(rows.landmark, return_inverse=True)
    z, is_unknown = part.standardised(table[seen])
    step = is_unknown - part.unknown_share
    features = np.concatenate([z[:, told], step[:, varies]], axis=1)
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
