"""What each feature contributes to a score, exactly.

The score is a product over intervals, so TreeSHAP values of the trees, the card's own terms and what the customer's
curve differs from the portfolio's are exact per interval, on its log-odds. The curve counts with the customer's share
late (in the intervals after the grace, with the share of its late invoices still unpaid 30 days past due), the
portfolio's with the portfolio's, and what the invoice's terms change of it with the terms.
The rescale rule for composed models carries them through the product (Chen, Lundberg and Lee, "Explaining a series of
models by propagating Shapley values", Nature Communications 13, 2022): each interval's contributions are scaled by how
much the interval moved log P(unpaid), then by how much that moved P(unpaid). They add up to the probability, from that
of an average invoice over the same intervals to the invoice's own; what calibration adds is given apart. What the model
reads of the invoice's place in an interval (its end, how much of it is left, days past due) is one fact to a reader and
counts as a contribution of the days past due.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.bundle import ModelBundle
from models.hazard.card import phases_of_rows
from models.hazard.customer_curve import LATE_COLUMNS, TERMS_COLUMN, UNPAID_30_COLUMNS, is_up_to_late
from models.hazard.exact_math import exact_exp, exact_log, exact_sigmoid
from models.hazard.hazard import HAZARD_COLUMNS, tree_inputs
from models.intervals import Floats, HazardRows, Intervals, Ints
from models.prediction import Prediction, predict

STAGE_FEATURE = "days_past_due"
"""The feature that the contribution of an invoice's place in its intervals is counted with."""

_FLAT = 1e-6


@dataclass(frozen=True)
class Contributions:
    """Contributions to P(unpaid at due + explained days), in probability.

    `base + values.sum() + calibration = probability`, row by row, within rounding (1e-9).

    Attributes:
        explained_days: per landmark, the days past due whose probability is explained.
        names: the model's features; `STAGE_FEATURE` comes last where the model has no such feature.
        values: one row per landmark, one column per name.
        base: P(unpaid) of an average invoice over the same intervals.
        calibration: what calibration adds.
        probability: the shipped probability.
    """

    explained_days: Ints
    names: tuple[str, ...]
    values: Floats
    base: Floats
    calibration: Floats
    probability: Floats


def explained_days(days_past_due: Ints, grace_days: int, intervals: Intervals) -> Ints:
    """Which probability is worth explaining for each landmark.

    Being late while it can still be avoided; once late, being unpaid 30 days past due, then at the next bound ahead.

    Returns:
        Days past due, always a bound; for a landmark beyond the last bound, the last bound (its repeated interval).
    """
    bounds = [grace_days, *(bound for bound in intervals.bounds if bound >= 30)]
    ends = np.asarray(bounds, dtype=np.int64)
    found = np.minimum(np.searchsorted(ends, days_past_due, side="left"), ends.size - 1)
    result: Ints = ends[found]
    return result


def explain_landmarks(
    bundle: ModelBundle, table: Floats, days_past_due: Ints, at_most_rows: int = 200_000
) -> Contributions:
    """Contributions of every feature to each landmark's explained probability.

    Args:
        bundle: the model.
        table: features per landmark in the model's order, unknown as NaN.
        days_past_due: of each landmark.
        at_most_rows: hazard rows predicted at a time, which bounds the memory taken.
    """
    step = max(1, at_most_rows // len(bundle.intervals.bounds))
    parts = [
        explain_prediction(bundle, predict(bundle, table[i : i + step], days_past_due[i : i + step]))
        for i in range(0, max(days_past_due.size, 1), step)
    ]
    return Contributions(
        explained_days=np.concatenate([part.explained_days for part in parts]),
        names=parts[0].names,
        values=np.concatenate([part.values for part in parts]),
        base=np.concatenate([part.base for part in parts]),
        calibration=np.concatenate([part.calibration for part in parts]),
        probability=np.concatenate([part.probability for part in parts]),
    )


def explain_prediction(bundle: ModelBundle, found: Prediction) -> Contributions:
    """Contributions of every feature to each explained probability.

    Args:
        bundle: the model.
        found: what it predicts for the landmarks.
    """
    count = found.days_past_due.size
    goal = explained_days(found.days_past_due, bundle.target.grace_days, bundle.intervals)
    last = np.searchsorted(bundle.intervals.array, goal, side="left").astype(np.int64)
    last = np.maximum(last, found.curves.start)
    is_told = found.rows.interval <= last[found.rows.landmark]
    rows, margin = found.rows.take(is_told), found.margins[is_told]
    by_row, base_margin = _row_contributions(bundle, found.table, rows)
    own_outlive, base_outlive = _log_outlive(margin), _log_outlive(base_margin)
    moved = own_outlive - base_outlive
    total = by_row.sum(axis=1)
    is_flat = np.abs(total) <= _FLAT
    scale = moved / np.where(is_flat, 1.0, total)
    if is_flat.any():
        scale = np.where(is_flat, -exact_sigmoid(base_margin), scale)
    on_log = np.zeros((count, by_row.shape[1]))
    base_log, own_log = np.zeros(count), np.zeros(count)
    if count:
        first = np.flatnonzero(np.r_[True, rows.landmark[1:] != rows.landmark[:-1]])
        on_log = np.add.reduceat(by_row * scale[:, None], first, axis=0)
        base_log = np.add.reduceat(base_outlive, first)
        own_log = np.add.reduceat(own_outlive, first)
    base, own = exact_exp(base_log), exact_exp(own_log)
    gap = own_log - base_log
    to_probability = np.where(np.abs(gap) > _FLAT, (own - base) / np.where(gap == 0.0, 1.0, gap), base)
    # Read from the score's own curve, so that it is the score to the last bit.
    shipped = found.curves.unpaid[np.arange(count), last]
    return Contributions(
        explained_days=goal,
        names=_names(bundle.feature_names),
        values=on_log * to_probability[:, None],
        base=base,
        calibration=shipped - own,
        probability=shipped,
    )


def _names(features: tuple[str, ...]) -> tuple[str, ...]:
    return features if STAGE_FEATURE in features else (*features, STAGE_FEATURE)


def _row_contributions(bundle: ModelBundle, table: Floats, rows: HazardRows) -> tuple[Floats, Floats]:
    """Log-odds contributions of each feature per hazard row, and the log-odds of an average invoice in its interval."""
    hazard, intervals = bundle.hazard, bundle.intervals
    width = table.shape[1]
    trees = hazard.trees.contributions(tree_inputs(table, rows, intervals, hazard.card))
    used = hazard.card.used_columns
    by_phase = np.stack(hazard.card.feature_terms(table, used))
    offset = hazard.card.interval_offset[rows.interval]
    average, average_left = hazard.curve.average(rows, intervals)
    stage = trees[:, width : width + len(HAZARD_COLUMNS)].sum(axis=1)
    stage += hazard.card.interval_terms(rows, intervals) - offset + average_left - average
    base = average + offset + trees[:, -1]
    names = _names(bundle.feature_names)
    values = trees[:, : len(names)]
    values[:, used] += by_phase[phases_of_rows(rows, intervals), rows.landmark]
    values[:, width:] = 0.0
    values[:, names.index(STAGE_FEATURE)] += stage
    curves = hazard.curve.read(table, bundle.feature_names, rows, intervals)
    at_usual_terms = hazard.curve.own_at_usual_terms(table, bundle.feature_names, rows, intervals)
    share, is_early = hazard.curve_share, is_up_to_late(rows, intervals)
    for early, later, moved in (
        (LATE_COLUMNS[0], UNPAID_30_COLUMNS[0], share * (at_usual_terms - curves.portfolio)),
        (TERMS_COLUMN, TERMS_COLUMN, share * (curves.own - at_usual_terms)),
        (LATE_COLUMNS[2], UNPAID_30_COLUMNS[2], curves.portfolio - average_left),
    ):
        for name, is_its in ((early, is_early), (later, ~is_early)):
            # Where the model has no such feature the curve does not move.
            if name in names:
                values[:, names.index(name)] += np.where(is_its, moved, 0.0)
    return values, base


def _log_outlive(margin: Floats) -> Floats:
    """log(1 - chance of settlement) from the log-odds of settlement."""
    # log(1 + e^m) = max(m, 0) + log(1 + e^-|m|)
    result: Floats = -(np.maximum(margin, 0.0) + exact_log(1.0 + exact_exp(-np.abs(margin))))
    return result
