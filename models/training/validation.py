"""How a candidate is judged on the newest slices of the training window: curves of invoices it has not learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.hazard.booster import TreeModel
from models.hazard.calibration import JudgedCurves
from models.hazard.hazard import (
    DiscreteTimeHazard,
    curves_from_margins,
    grow_trees,
    predict_margins,
    tree_inputs,
)
from models.hazard.phased_trees import PhasedTrees
from models.hazard.phases import trees_of
from models.hazard.settings import HazardSettings
from models.hazard.training_set import TrainingRows
from models.intervals import Floats, HazardRows, Intervals, Ints, hazard_rows
from models.log_loss import log_losses

Bools = npt.NDArray[np.bool_]

JUDGED_BOUNDS: tuple[int, ...] = (0, 7, 15, 30)
"""Days past due at which candidates are compared: the probabilities people act on."""


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
class JudgedGrowth:
    """A candidate's trees on every slice, and its log loss after each number of trees.

    Attributes:
        settings: the candidate, with the most trees tried.
        models: fitted on what was known before each slice.
        losses: mean log loss over the slices after each number of trees; infinite where they made a slice worse than no
            tree does: what helps in some seasons only has been learnt of them.
    """

    settings: HazardSettings
    models: tuple[DiscreteTimeHazard, ...]
    losses: Floats


def judge_growth(
    table: Floats,
    slices: Sequence[TimeSlice],
    treeless: Sequence[DiscreteTimeHazard],
    settings: HazardSettings,
    directions: Sequence[int],
    counts: Sequence[int],
) -> JudgedGrowth:
    """Grow a candidate's trees on every slice and judge them.

    Args:
        table: features per landmark.
        slices: of the same landmarks.
        treeless: hazard without trees of each slice.
        settings: the candidate.
        directions: per feature.
        counts: numbers of trees judged, growing; the last is that of the candidate.
    """
    models = tuple(
        grow_trees(table, part.fit, hazard, settings, directions)
        for hazard, part in zip(treeless, slices, strict=True)
    )
    losses = np.array(
        [_losses_by_tree(table, part, model, counts) for model, part in zip(models, slices, strict=True)]
    )
    return JudgedGrowth(settings, models, helpful_everywhere(losses))


def helpful_everywhere(losses: Floats) -> Floats:
    """Mean loss over slices (rows) of each number of trees (columns), infinite where any slice is worse than the first.

    Args:
        losses: one row per slice; the first column is that of no trees.
    """
    is_worse = (losses > losses[:, :1]).any(axis=0)
    return np.where(is_worse, np.inf, losses.mean(axis=0))


def _losses_by_tree(
    table: Floats, part: TimeSlice, model: DiscreteTimeHazard, counts: Sequence[int]
) -> list[float]:
    """Log loss of P(unpaid) on the slice's landmarks after so many trees of each phase."""
    intervals = model.intervals
    last = np.full(part.landmarks.size, intervals.position(JUDGED_BOUNDS[-1]))
    rows = hazard_rows(part.days_past_due, intervals, last)
    features = table[part.landmarks]
    total = model.without_trees(features, rows)
    import lightgbm

    inputs = tree_inputs(features, rows, intervals, model.card)
    phases = trees_of(intervals.array[rows.interval])
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
    loss = np.where(is_used, log_losses(chance, is_unpaid), 0.0).sum(axis=1)
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


def together(parts: Sequence[JudgedCurves]) -> JudgedCurves:
    """The landmarks of all parts, part by part."""
    return JudgedCurves(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in JudgedCurves.__dataclass_fields__
        )
    )
