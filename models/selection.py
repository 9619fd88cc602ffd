"""Which candidate fits this ledger: judged on the newest slices of the training window, never on a test period.

Tree size, number of trees and the share of the wide card are the ones with the lowest log loss of P(unpaid) on slices
a candidate has not seen; the same out-of-time predictions calibrate the winner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from models.booster import TreeModel
from models.calibration import HazardCalibration, JudgedCurves, fit_calibration, identity_calibration
from models.hazard import (
    DiscreteTimeHazard,
    HazardSettings,
    curves_from_margins,
    fit_cards,
    grow_trees,
    mixed_hazard,
    predict_margins,
    tree_inputs,
)
from models.intervals import DEFAULT_BOUNDS, Floats, HazardRows, Intervals, Ints, hazard_rows
from models.phased_trees import PhasedTrees, phase_of_end
from models.training_set import TrainingRows, days_past_due, days_until, known_days_late, training_rows

Bools = npt.NDArray[np.bool_]

SLICE_COUNT = 3
"""Newest slices judged, so that no single season decides."""
LEAST_OBSERVED = 30
"""Fewest invoices with an observed due date for slices to make sense."""
JUDGED_BOUNDS: tuple[int, ...] = (0, 7, 15, 30)
"""Days past due at which candidates are compared: the probabilities people act on."""
TREE_COUNTS: tuple[int, ...] = (3, 6, 12, 20, 30, 45, 60, 80, 100, 125, 150, 175, 200, 250, 300, 400)
LARGE_ROWS = 50_000
"""Hazard rows from which larger trees are tried."""
WIDE_SHARES: tuple[float, ...] = (0.25, 0.5, 0.75)
"""Shares of the wide card tried; an even mix is left only when the slices say so clearly."""
_EVEN_MIX = 0.5
_EVEN_MIX_LANDMARKS = 60.0
"""Strength of the pull to an even mix: log loss per squared distance, spread over the judged landmarks."""
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
        wide_shares: shares of the wide card tried.
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
    wide_shares: tuple[float, ...] = WIDE_SHARES
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
class TimeSlice:
    """A time split inside the window: rows known before a day, and the landmarks from that day on.

    Attributes:
        fit: what was known before the slice.
        landmarks: positions of the slice's landmarks that are judged.
        days_past_due: of those landmarks.
        days_late: of those landmarks, as known at the cut-off; infinite while open.
        days_until_cutoff: from their due dates to the cut-off.
        weight: of those landmarks.
    """

    fit: TrainingRows
    landmarks: Ints
    days_past_due: Ints
    days_late: Floats
    days_until_cutoff: Ints
    weight: Floats


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
    late = np.maximum(known_days_late(landmarks, settlements, known_before), dpd)
    until_cutoff = days_until(landmarks, known_before)
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
        return Choice(cautious, identity_calibration(len(intervals.bounds)), (), ())
    cards = [fit_cards(table, part.fit, feature_names, intervals, cautious) for part in slices]
    judges = sum(part.landmarks.size for part in slices)
    counts = [0, *(count for count in TREE_COUNTS if count < settings.max_trees), settings.max_trees]
    if judges < settings.least_judges:
        counts = [0]
    fitted: dict[HazardSettings, list[DiscreteTimeHazard]] = {}
    tried: list[tuple[float, HazardSettings, HazardSettings]] = []
    for leaves in settings.large_leaves if row_count >= LARGE_ROWS else settings.leaves:
        offered = replace(cautious, leaves=leaves, tree_count=counts[-1])
        fitted[offered] = [
            grow_trees(table, part.fit, feature_names, intervals, offered, directions, card.start)
            for card, part in zip(cards, slices, strict=True)
        ]
        losses = np.mean(
            [
                _losses_by_tree(table, part, mixed_hazard(model, card, offered.wide_share), counts)
                for model, card, part in zip(fitted[offered], cards, slices, strict=True)
            ],
            axis=0,
        )
        best = int(np.argmin(losses))
        tried.append((float(losses[best]), replace(offered, tree_count=counts[best]), offered))
    _, winner, offered = min(tried, key=lambda each: (each[0], each[1].leaves))
    cut = [with_first_trees(model, winner.tree_count) for model in fitted[offered]]
    judged_of = {
        share: [
            judged_curves(mixed_hazard(model, card, share), table, part, number)
            for number, (model, card, part) in enumerate(zip(cut, cards, slices, strict=True))
        ]
        for share in sorted({*settings.wide_shares, winner.wide_share})
    }
    losses_of = {
        share: float(np.mean([judged_loss(one, intervals) for one in judged]))
        for share, judged in judged_of.items()
    }
    share = even_unless_clear(losses_of, judges)
    winner = replace(winner, wide_share=share)
    trials = [Trial(candidate, loss) for loss, candidate, _ in tried]
    trials += [Trial(replace(winner, wide_share=each), loss) for each, loss in losses_of.items()]
    learnt = max(len(part.fit) for part in slices)
    more = max(1.0, row_count / learnt) ** _TREES_FOR_MORE_ROWS
    final = replace(winner, tree_count=min(settings.max_trees, round(winner.tree_count * more)))
    chosen = judged_of[share]
    return Choice(final, fit_calibration(together(chosen)), tuple(trials), tuple(chosen))


def even_unless_clear(losses: Mapping[float, float], landmark_count: int) -> float:
    """The share with the lowest log loss, each pulled towards an even mix the more the fewer landmarks judged it."""
    pull = _EVEN_MIX_LANDMARKS / max(landmark_count, 1)
    return min(losses, key=lambda share: (losses[share] + pull * (share - _EVEN_MIX) ** 2, share))


def leaf_rows(row_count: int) -> int:
    """Fewest rows in a leaf: grows with the ledger, so that a small one makes broad statements only."""
    return int(np.clip(row_count // 200, 20, 200))


def _losses_by_tree(
    table: Floats, part: TimeSlice, model: DiscreteTimeHazard, counts: Sequence[int]
) -> list[float]:
    """Log loss of P(unpaid) on the slice's landmarks after so many trees of each phase."""
    intervals = model.intervals
    last = np.full(part.landmarks.size, intervals.position(JUDGED_BOUNDS[-1]))
    rows = hazard_rows(part.days_past_due, intervals, last)
    features = table[part.landmarks]
    total = model.linear.margins(features, rows, intervals)
    import lightgbm

    inputs = tree_inputs(features, rows, intervals, model.linear)
    phases = phase_of_end(intervals.array[rows.interval])
    boosters = [None if text is None else lightgbm.Booster(model_str=text) for text in model.trees.texts]
    losses, before = [], 0
    for count in counts:
        for phase, booster in enumerate(boosters):
            own = np.flatnonzero(phases == phase)
            if booster is not None and own.size and count > before:
                total[own] += booster.predict(
                    inputs[own],
                    raw_score=True,
                    start_iteration=before,
                    num_iteration=count - before,
                    num_threads=1,
                )
        before = count
        losses.append(_curve_loss(total, rows, part, intervals))
    return losses


def _curve_loss(margins: Floats, rows: HazardRows, part: TimeSlice, intervals: Intervals) -> float:
    """Mean log loss of P(unpaid) over the judged bounds that are ahead and observed, each landmark counting once."""
    curves = curves_from_margins(margins, rows, part.days_past_due, intervals)
    columns = [intervals.position(bound) for bound in JUDGED_BOUNDS]
    ends = intervals.array[columns]
    is_used = (ends >= part.days_past_due[:, None]) & (ends < part.days_until_cutoff[:, None])
    return _mean_loss(curves.unpaid[:, columns], part.days_late[:, None] > ends, is_used, part.weight)


def judged_loss(judged: JudgedCurves, intervals: Intervals) -> float:
    """The same loss from curves already computed."""
    margins = np.clip(judged.margins, -30.0, 30.0)
    outlive = np.where(judged.is_ahead, 1.0 / (1.0 + np.exp(margins)), 1.0)
    unpaid = np.asarray(np.cumprod(outlive, axis=1), dtype=np.float64)
    columns = [intervals.position(bound) for bound in JUDGED_BOUNDS]
    is_used = (judged.is_ahead & judged.is_observed)[:, columns]
    return _mean_loss(unpaid[:, columns], judged.is_unpaid[:, columns], is_used, judged.weight)


def _mean_loss(chance: Floats, is_unpaid: Bools, is_used: Bools, weight: Floats) -> float:
    held = np.clip(chance, 1e-6, 1.0 - 1e-6)
    loss = np.where(is_used, -np.where(is_unpaid, np.log(held), np.log1p(-held)), 0.0).sum(axis=1)
    count = is_used.sum(axis=1)
    is_judged = count > 0
    return float(np.average(loss[is_judged] / count[is_judged], weights=weight[is_judged]))


def with_first_trees(model: DiscreteTimeHazard, tree_count: int) -> DiscreteTimeHazard:
    """The model with its first trees only."""
    import lightgbm

    models = [
        None
        if whole is None or tree_count == 0
        else TreeModel(
            lightgbm.Booster(model_str=whole.text).model_to_string(num_iteration=tree_count), whole.threads
        )
        for whole in model.trees.models
    ]
    trees = PhasedTrees(models, model.trees.end_column, model.trees.column_count)
    return replace(model, trees=trees)


def judged_curves(model: DiscreteTimeHazard, table: Floats, part: TimeSlice, number: int) -> JudgedCurves:
    """Curves of the slice's landmarks beside what became of them."""
    dpd = part.days_past_due
    margins, rows = predict_margins(model, table[part.landmarks], dpd)
    ends = model.intervals.array
    by_interval = np.zeros((dpd.size, ends.size))
    is_ahead = np.zeros(by_interval.shape, dtype=np.bool_)
    by_interval[rows.landmark, rows.interval] = margins
    is_ahead[rows.landmark, rows.interval] = True
    return JudgedCurves(
        margins=by_interval,
        is_ahead=is_ahead,
        is_observed=ends[None, :] < part.days_until_cutoff[:, None],
        is_unpaid=part.days_late[:, None] > ends[None, :],
        weight=part.weight,
        time_slice=np.full(dpd.size, number, dtype=np.int64),
    )


def issued_curves(
    model: DiscreteTimeHazard,
    table: Floats,
    landmarks: pl.DataFrame,
    settlements: pl.DataFrame,
    known_before: date,
) -> JudgedCurves:
    """Curves of the window's invoices at issue beside what became of them by the cut-off."""
    dpd = days_past_due(landmarks)
    is_at_issue = (landmarks["as_of"] == landmarks["issued_on"]).to_numpy()
    issued = np.flatnonzero(is_at_issue & (dpd <= model.intervals.bounds[-1]))
    late = np.maximum(known_days_late(landmarks, settlements, known_before), dpd)[issued]
    none = np.empty(0, dtype=np.int64)
    part = TimeSlice(
        TrainingRows(HazardRows(none, none, np.empty(0), np.empty(0)), np.empty(0), np.empty(0)),
        issued,
        dpd[issued],
        late,
        days_until(landmarks, known_before)[issued],
        np.ones(issued.size),
    )
    return judged_curves(model, table, part, 0)


def together(parts: Sequence[JudgedCurves]) -> JudgedCurves:
    """The landmarks of all parts, part by part."""
    return JudgedCurves(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in JudgedCurves.__dataclass_fields__
        )
    )
