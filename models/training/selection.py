"""Which candidate fits this ledger: judged on the newest slices of the training window, never on a test period.

The weight of the card, the size and the number of trees are the ones with the lowest log loss of P(unpaid) on
slices a candidate has not seen; the same out-of-time predictions calibrate the winner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from models.hazard.calibration import HazardCalibration, JudgedCurves, fit_calibration, identity_calibration
from models.hazard.hazard import fit_curve_and_card
from models.hazard.settings import HazardSettings
from models.hazard.training_set import days_past_due, known_outcomes, training_rows
from models.intervals import DEFAULT_BOUNDS, Floats, Intervals
from models.training.validation import (
    TimeSlice,
    judge_growth,
    judged_curves,
    judged_loss,
    together,
    with_first_trees,
)

SLICE_COUNT = 3
"""Newest slices judged, so that no single season decides."""
LEAST_OBSERVED = 30
"""Fewest invoices with an observed due date for slices to make sense."""
TREE_COUNTS: tuple[int, ...] = (3, 6, 12, 20, 30, 45, 60, 80, 100, 125, 150, 175, 200, 250, 300, 400)
LARGE_ROWS = 50_000
"""Hazard rows from which larger trees are tried."""
TRUSTS: tuple[float, ...] = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75)
"""Weights of the card that are tried; the rest is the customer's own curve."""
LITTLE_HISTORY_TRUST = 0.25
"""Weight below which a ledger has little history: scores rest on each customer's own shares above all."""
_USUAL_TRUST = 0.5
_USUAL_TRUST_FROM = 800.0
"""Judged landmarks at which half the usual trust is expected; with fewer, less."""
_TRUST_LANDMARKS = 100.0
"""Strength of the pull to the trust expected: log loss per squared distance, spread over the judged landmarks."""
_TRUST_PULL = 0.05
"""The same however many landmarks judge: the slices are seasons of their own, and few."""
_TREES_FOR_MORE_ROWS = 0.5
"""Power of (rows of the whole window / rows a candidate was tried on) by which its trees grow: more rows bear more."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained.

    Attributes:
        hazard: the starting point of every candidate.
        bounds: last day of each interval, in days past due; the horizons and the grace are added.
        leaves: tree sizes tried.
        large_leaves: tree sizes tried from `LARGE_ROWS` hazard rows on.
        max_trees: most trees tried.
        least_judges: landmarks in all slices together below which no tree is grown: too few to say how many.
        trusts: weights of the card that are tried.
        open_weight: weight of a landmark seen while open; one at issue weighs 1.
        validation_share: share of the newest observed invoices that judge the candidates.
        max_invoices: most invoices learnt from; above it an even sample.
        max_tuning_rows: most hazard rows a candidate learns from while it is being judged.
        max_judged: most landmarks of a slice that judge the candidates.
        seed: of everything random.
    """

    hazard: HazardSettings = field(default_factory=HazardSettings)
    bounds: tuple[int, ...] = DEFAULT_BOUNDS
    leaves: tuple[int, ...] = (4, 8)
    large_leaves: tuple[int, ...] = (8, 16)
    max_trees: int = 250
    least_judges: int = 1_000
    trusts: tuple[float, ...] = TRUSTS
    open_weight: float = 0.1
    validation_share: float = 0.2
    max_invoices: int = 150_000
    max_tuning_rows: int = 150_000
    max_judged: int = 8_000
    seed: int = 7


@dataclass(frozen=True)
class Trial:
    """One candidate and its log loss per hazard row on the newest part of the window."""

    settings: HazardSettings
    log_loss: float


@dataclass(frozen=True)
class Choice:
    """The candidate chosen, its calibration, all candidates with their log loss, and the curves that judged it.

    Attributes:
        settings: of the candidate chosen.
        calibration: fitted out of time.
        trials: every candidate with its log loss.
        judged: curves of each slice's landmarks by the chosen candidate, which had not seen them.
    """

    settings: HazardSettings
    calibration: HazardCalibration
    trials: tuple[Trial, ...]
    judged: tuple[JudgedCurves, ...]


def time_slices(
    landmarks: pl.DataFrame,
    settlements: pl.DataFrame,
    intervals: Intervals,
    known_before: date,
    settings: TrainingSettings,
) -> list[TimeSlice]:
    """The newest slices of the window, oldest first; none when too little has been observed."""
    is_observed = (pl.col("as_of") == pl.col("issued_on")) & (pl.col("due_on") < known_before)
    observed = landmarks.filter(is_observed)["as_of"].sort()
    if observed.len() < LEAST_OBSERVED:
        return []
    shares = [1.0 - number * settings.validation_share for number in range(SLICE_COUNT, 0, -1)]
    days = sorted({observed[int(observed.len() * max(share, 0.1))] for share in shares})
    dpd = days_past_due(landmarks)
    known = known_outcomes(landmarks, settlements, known_before)
    late, until_cutoff = np.maximum(known.days_late, dpd), known.days_until_cutoff
    weights = np.where(landmarks["as_of"] == landmarks["issued_on"], 1.0, settings.open_weight)
    as_of = landmarks["as_of"].to_numpy()
    slices = []
    for day, until in zip(days, [*days[1:], known_before], strict=True):
        is_known = (landmarks["as_of"] < day).to_numpy()
        positions = np.flatnonzero(is_known)
        fit = training_rows(landmarks.filter(is_known), settlements, intervals, day, settings.open_weight)
        fit = replace(fit, rows=replace(fit.rows, landmark=positions[fit.rows.landmark]))
        fit = fit.thinned(settings.max_tuning_rows, settings.seed)
        # A bound must have been observed for a landmark to judge by, whether it was paid or not.
        is_judged = (
            (as_of >= np.datetime64(day))
            & (as_of < np.datetime64(until))
            & (until_cutoff > np.maximum(dpd, 0))
        )
        judged = np.flatnonzero(is_judged & (dpd <= intervals.bounds[-1]))
        if judged.size > settings.max_judged:
            random = np.random.default_rng(settings.seed)
            judged = np.sort(random.choice(judged, settings.max_judged, replace=False))
        if judged.size and 0.0 < float(fit.is_settled.sum()) < len(fit):
            slices.append(
                TimeSlice(fit, judged, dpd[judged], late[judged], until_cutoff[judged], weights[judged])
            )
    return slices


def choose(
    table: Floats,
    slices: Sequence[TimeSlice],
    feature_names: Sequence[str],
    intervals: Intervals,
    settings: TrainingSettings,
    directions: Sequence[int],
    row_count: int,
) -> Choice:
    """The candidate with the lowest log loss and its calibration; without slices, the most cautious one.

    Args:
        table: features per landmark.
        slices: of the same landmarks.
        feature_names: of the table.
        intervals: of the model.
        settings: candidates.
        directions: per feature.
        row_count: hazard rows of the whole window, which set how small a leaf may be.
    """
    cautious = replace(
        settings.hazard,
        leaves=min(settings.leaves),
        tree_count=0,
        min_rows_per_leaf=leaf_rows(row_count),
    )
    if not slices:
        cautious = replace(cautious, trust=0.0)
        return Choice(cautious, identity_calibration(len(intervals.bounds)), (), ())
    judges = sum(part.landmarks.size for part in slices)
    fitted = [fit_curve_and_card(table, part.fit, feature_names, intervals, cautious) for part in slices]
    losses_of = {
        trust: float(
            np.mean(
                [
                    judged_loss(judged_curves(one.mixed(trust), table, part, number), intervals)
                    for number, (one, part) in enumerate(zip(fitted, slices, strict=True))
                ]
            )
        )
        for trust in settings.trusts
    }
    cautious = replace(cautious, trust=usual_unless_clear(losses_of, judges))
    counts = tree_counts(settings) if judges >= settings.least_judges else [0]
    sizes = settings.large_leaves if row_count >= LARGE_ROWS else settings.leaves
    grown = [
        judge_growth(
            table,
            slices,
            [one.mixed(cautious.trust) for one in fitted],
            replace(cautious, leaves=leaves, tree_count=counts[-1]),
            directions,
            counts,
        )
        for leaves in sizes
    ]
    tried = [(float(one.losses.min()), one) for one in grown]
    _, best = min(tried, key=lambda each: (each[0], each[1].settings.leaves))
    winner = replace(best.settings, tree_count=counts[int(np.argmin(best.losses))])
    trials = [Trial(replace(cautious, trust=each), loss) for each, loss in losses_of.items()]
    trials += [
        Trial(replace(one.settings, tree_count=counts[int(np.argmin(one.losses))]), loss)
        for loss, one in tried
    ]
    learnt = max(len(part.fit) for part in slices)
    more = max(1.0, row_count / learnt) ** _TREES_FOR_MORE_ROWS
    final = replace(winner, tree_count=min(settings.max_trees, round(winner.tree_count * more)))
    chosen = [
        judged_curves(with_first_trees(model, winner.tree_count), table, part, number)
        for number, (model, part) in enumerate(zip(best.models, slices, strict=True))
    ]
    return Choice(final, fit_calibration(together(chosen)), tuple(trials), tuple(chosen))


def usual_trust(landmark_count: int) -> float:
    """The weight of the card that so many judged landmarks usually bear; 0 without any."""
    return _USUAL_TRUST * landmark_count / (landmark_count + _USUAL_TRUST_FROM)


def usual_unless_clear(losses: Mapping[float, float], landmark_count: int) -> float:
    """The trust with the lowest log loss, each pulled towards the usual one the more the fewer landmarks judged it."""
    usual, pull = usual_trust(landmark_count), _TRUST_PULL + _TRUST_LANDMARKS / max(landmark_count, 1)
    return min(losses, key=lambda trust: (losses[trust] + pull * (trust - usual) ** 2, trust))


def leaf_rows(row_count: int) -> int:
    """Fewest rows in a leaf: grows with the ledger, so that a small one makes broad statements only."""
    return int(np.clip(row_count // 200, 20, 200))


def tree_counts(settings: TrainingSettings) -> list[int]:
    """Numbers of trees judged."""
    return [0, *(count for count in TREE_COUNTS if count < settings.max_trees), settings.max_trees]
