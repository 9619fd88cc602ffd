"""From landmarks with features to a trained, calibrated model: choices are made inside the training window only.

The newest part of the window judges the candidates (scorecard penalty, tree size, number of trees) and calibrates the
chosen one; then the chosen one is fitted again on the whole window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from features.errors import Fault, InvalidInputError
from models.calibration import HazardCalibration, JudgedCurves, fit_calibration, identity_calibration
from models.hazard import DiscreteTimeHazard, HazardSettings, fit_hazard, predict_margins, tree_inputs
from models.intervals import Floats, Intervals, Ints, intervals_for
from models.linear_part import fit_linear_part
from models.target import Target
from models.training_set import TrainingRows, days_past_due, days_until, known_days_late, training_rows

MINIMUM_SETTLED = 30
"""Fewest settled invoices a model is trained on; below it a prior would be all there is."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained.

    Attributes:
        hazard: the starting point of every candidate.
        penalties: scorecard penalties tried.
        leaves: tree sizes tried.
        max_trees: most trees tried.
        open_weight: weight of a landmark seen while open; one at issue weighs 1.
        validation_share: share of the newest observed invoices that judge the candidates.
        max_invoices: most invoices learnt from; above it an even sample.
        max_tuning_rows: most hazard rows a candidate is judged on.
        seed: of everything random.
    """

    hazard: HazardSettings = HazardSettings()
    penalties: tuple[float, ...] = (10.0, 60.0, 400.0)
    leaves: tuple[int, ...] = (4, 15)
    max_trees: int = 250
    open_weight: float = 0.3
    validation_share: float = 0.2
    max_invoices: int = 150_000
    max_tuning_rows: int = 250_000
    seed: int = 7


@dataclass(frozen=True)
class Trial:
    """One candidate and its log loss per hazard row on the newest part of the window."""

    settings: HazardSettings
    log_loss: float


@dataclass(frozen=True)
class TrainedModel:
    """A model and how it came about.

    Attributes:
        hazard: the model, fitted on the whole window.
        calibration: fitted out of time.
        target: what late means.
        known_before: the cut-off; nothing known on or after it was used.
        settings: the candidate chosen.
        trials: every candidate with its log loss.
        landmark_count: landmarks learnt from.
        row_count: hazard rows learnt from.
        invoice_count: invoices learnt from.
    """

    hazard: DiscreteTimeHazard
    calibration: HazardCalibration
    target: Target
    known_before: date
    settings: HazardSettings
    trials: tuple[Trial, ...]
    landmark_count: int
    row_count: int
    invoice_count: int


@dataclass(frozen=True)
class _Fold:
    """A time split inside the window: rows known before a day, and rows of landmarks from that day on."""

    fit: TrainingRows
    judge: TrainingRows
    judged_landmarks: Ints
    days_past_due: Ints
    days_late: Floats
    days_until_cutoff: Ints
    landmark_weight: Floats


def train_model(
    features: pl.DataFrame,
    landmarks: pl.DataFrame,
    settlements: pl.DataFrame,
    known_before: date,
    feature_names: Sequence[str],
    target: Target | None = None,
    settings: TrainingSettings | None = None,
    directions: Sequence[int] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> TrainedModel:
    """Train, choose and calibrate on what was known before a cut-off.

    Args:
        features: one row per landmark, in the same order, all Float64.
        landmarks: as `training_landmarks` gives them.
        settlements: `invoice_id, settled_on, settlement_known_on`.
        known_before: the cut-off.
        feature_names: the columns used, in this order.
        target: what late means.
        settings: candidates and sizes.
        directions: per feature, as the catalogue declares.
        progress: told what is being done.

    Raises:
        InvalidInputError: when too little has been observed, with what would be needed.
    """
    target = target or Target()
    settings = settings or TrainingSettings()
    intervals = intervals_for(target.grace_days)
    table = feature_table(features, feature_names)
    _refuse_short_history(landmarks, settlements, known_before)
    rows = training_rows(landmarks, settlements, intervals, known_before, settings.open_weight)
    progress(f"choosing among candidates on {len(rows):,} hazard rows")
    folds = _folds(landmarks, settlements, intervals, known_before, settings)
    chosen, trials = _choose(table, folds, feature_names, intervals, settings, directions, len(rows))
    calibration = _calibrate(table, folds, feature_names, intervals, chosen, directions)
    progress(f"fitting {chosen.tree_count} trees of {chosen.leaves} leaves on {len(rows):,} hazard rows")
    hazard = fit_hazard(table, rows, feature_names, intervals, chosen, directions)
    return TrainedModel(
        hazard=hazard,
        calibration=calibration,
        target=target,
        known_before=known_before,
        settings=chosen,
        trials=tuple(trials),
        landmark_count=landmarks.height,
        row_count=len(rows),
        invoice_count=landmarks["invoice_id"].n_unique(),
    )


def feature_table(features: pl.DataFrame, feature_names: Sequence[str]) -> Floats:
    """The features as a float64 array in a given order, unknown as NaN.

    Raises:
        InvalidInputError: when a column is absent or not Float64, or a value is infinite.
    """
    faults = [
        Fault(
            what="the column is missing",
            where=f"features.{name}",
            expected="every column of the model's feature list",
            remedy="compute the features with the catalogue version the model was trained with",
        )
        for name in feature_names
        if name not in features.columns
    ]
    faults += [
        Fault(
            what=f"the column is {features.schema[name]}",
            where=f"features.{name}",
            expected="Float64",
            remedy="use the answer of compute_features as it is",
        )
        for name in feature_names
        if name in features.columns and features.schema[name] != pl.Float64
    ]
    if faults:
        raise InvalidInputError("The features do not fit the model.", faults)
    columns = [features[name].fill_null(float("nan")).to_numpy() for name in feature_names]
    table = np.empty((features.height, len(columns)), dtype=np.float64)
    for position, column in enumerate(columns):
        table[:, position] = column
    infinite = [name for name, column in zip(feature_names, columns, strict=True) if np.isinf(column).any()]
    if infinite:
        raise InvalidInputError(
            "The features do not fit the model.",
            [
                Fault(what="infinite values", where=f"features.{name}", expected="finite or null")
                for name in infinite
            ],
        )
    return table


def _refuse_short_history(landmarks: pl.DataFrame, settlements: pl.DataFrame, known_before: date) -> None:
    settled = settlements.filter(
        (pl.col("settlement_known_on") < known_before)
        & pl.col("invoice_id").is_in(landmarks["invoice_id"].unique().implode())
    ).height
    if settled < MINIMUM_SETTLED:
        raise InvalidInputError(
            "There is too little payment history to train a model.",
            [
                Fault(
                    what=f"{settled} of {landmarks['invoice_id'].n_unique()} invoices are known to be settled "
                    f"before {known_before}",
                    where="payments",
                    expected=f"at least {MINIMUM_SETTLED} settled invoices (a few hundred for a useful model)",
                    remedy="import a longer history or choose a later cut-off",
                )
            ],
        )


def _folds(
    landmarks: pl.DataFrame,
    settlements: pl.DataFrame,
    intervals: Intervals,
    known_before: date,
    settings: TrainingSettings,
) -> list[_Fold]:
    """Time splits of the window: three on small ledgers, whose single slice would judge by chance, one on others."""
    observed = landmarks.filter(
        (pl.col("as_of") == pl.col("issued_on")) & (pl.col("due_on") < known_before)
    )["as_of"].sort()
    if observed.len() < MINIMUM_SETTLED:
        return []
    shares = (1.0, 2.0, 3.0) if observed.len() < 20_000 else (1.0,)
    days = sorted({observed[int(observed.len() * (1.0 - share * settings.validation_share))] for share in shares})
    everything = training_rows(landmarks, settlements, intervals, known_before, settings.open_weight)
    as_of = landmarks["as_of"].to_numpy()
    dpd = days_past_due(landmarks)
    late = np.maximum(known_days_late(landmarks, settlements, known_before), dpd)
    until_cutoff = days_until(landmarks, known_before)
    weights = np.where(landmarks["as_of"] == landmarks["issued_on"], 1.0, settings.open_weight)
    folds = []
    for day, until in zip(days, [*days[1:], known_before], strict=True):
        known = landmarks["as_of"] < day
        positions = np.flatnonzero(known.to_numpy())
        fit = training_rows(landmarks.filter(known), settlements, intervals, day, settings.open_weight)
        fit = replace(fit, rows=replace(fit.rows, landmark=positions[fit.rows.landmark]))
        is_judged = (as_of >= np.datetime64(day)) & (as_of < np.datetime64(until))
        judge = _take(everything, np.flatnonzero(is_judged[everything.rows.landmark]))
        fit, judge = _thinned(fit, settings.max_tuning_rows, settings.seed), _thinned(
            judge, settings.max_tuning_rows, settings.seed
        )
        if len(judge) > 0 and _is_usable(fit):
            folds.append(
                _Fold(fit, judge, np.unique(judge.rows.landmark), dpd, late, until_cutoff, weights)
            )
    return folds


def _choose(
    table: Floats,
    folds: Sequence[_Fold],
    feature_names: Sequence[str],
    intervals: Intervals,
    settings: TrainingSettings,
    directions: Sequence[int],
    row_count: int,
) -> tuple[HazardSettings, list[Trial]]:
    """The candidate with the lowest log loss; without a usable split, the most cautious one."""
    cautious = replace(
        settings.hazard,
        penalty=max(settings.penalties),
        leaves=min(settings.leaves),
        tree_count=10,
        min_rows_per_leaf=_leaf_rows(row_count),
    )
    if not folds:
        return cautious, []
    by_penalty = {
        penalty: _mean_loss([_linear_loss(table, fold, intervals, penalty, settings) for fold in folds])
        for penalty in settings.penalties
    }
    penalty = min(by_penalty, key=lambda candidate: (by_penalty[candidate], -candidate))
    trials = [
        Trial(replace(cautious, penalty=candidate, tree_count=0), loss) for candidate, loss in by_penalty.items()
    ]
    for leaves in settings.leaves:
        candidate = replace(cautious, penalty=penalty, leaves=leaves, tree_count=settings.max_trees)
        losses = np.mean(
            [_tree_losses(table, fold, feature_names, intervals, candidate, directions) for fold in folds], axis=0
        )
        best = int(np.argmin(losses)) + 1
        trials.append(Trial(replace(candidate, tree_count=best), float(losses[best - 1])))
    winner = min(
        (trial for trial in trials if trial.settings.tree_count > 0),
        key=lambda trial: (trial.log_loss, trial.settings.leaves),
    )
    return winner.settings, trials


def _calibrate(
    table: Floats,
    folds: Sequence[_Fold],
    feature_names: Sequence[str],
    intervals: Intervals,
    chosen: HazardSettings,
    directions: Sequence[int],
) -> HazardCalibration:
    """Calibration on the pooled newest slices, each predicted by a model that ends before it."""
    if not folds:
        return identity_calibration(len(intervals.bounds))
    parts = []
    for fold in folds:
        model = fit_hazard(table, fold.fit, feature_names, intervals, chosen, directions)
        parts.append(_judged_curves(model, table, fold))
    return fit_calibration(
        JudgedCurves(
            margins=np.concatenate([part.margins for part in parts]),
            is_ahead=np.concatenate([part.is_ahead for part in parts]),
            is_observed=np.concatenate([part.is_observed for part in parts]),
            is_unpaid=np.concatenate([part.is_unpaid for part in parts]),
            weight=np.concatenate([part.weight for part in parts]),
        )
    )


def _judged_curves(model: DiscreteTimeHazard, table: Floats, fold: _Fold) -> JudgedCurves:
    """Curves of the fold's newest landmarks beside what became of them."""
    seen = fold.judged_landmarks
    dpd, late = fold.days_past_due[seen], fold.days_late[seen]
    margins, rows = predict_margins(model, table[seen], dpd)
    ends = model.intervals.array
    by_interval = np.zeros((seen.size, ends.size))
    is_ahead = np.zeros(by_interval.shape, dtype=np.bool_)
    by_interval[rows.landmark, rows.interval] = margins
    is_ahead[rows.landmark, rows.interval] = True
    return JudgedCurves(
        margins=by_interval,
        is_ahead=is_ahead,
        is_observed=ends[None, :] < fold.days_until_cutoff[seen][:, None],
        is_unpaid=late[:, None] > ends[None, :],
        weight=fold.landmark_weight[seen],
    )


def _linear_loss(
    table: Floats, fold: _Fold, intervals: Intervals, penalty: float, settings: TrainingSettings
) -> float:
    fit = _thinned(fold.fit, settings.hazard.linear_rows, settings.seed)
    part = fit_linear_part(table, fit.rows, fit.is_settled, fit.weight, intervals, penalty)
    return _log_loss(part.margins(table, fold.judge.rows, intervals), fold.judge)


def _tree_losses(
    table: Floats,
    fold: _Fold,
    feature_names: Sequence[str],
    intervals: Intervals,
    candidate: HazardSettings,
    directions: Sequence[int],
) -> list[float]:
    """Log loss on the newest slice after each tree."""
    import lightgbm

    model = fit_hazard(table, fold.fit, feature_names, intervals, candidate, directions)
    offset = model.linear.margins(table, fold.judge.rows, intervals)
    booster = lightgbm.Booster(model_str=model.trees.text)
    inputs = tree_inputs(table, fold.judge.rows, intervals)
    losses = []
    total = offset
    for tree in range(candidate.tree_count):
        total = total + booster.predict(
            inputs, raw_score=True, start_iteration=tree, num_iteration=1, num_threads=candidate.threads
        )
        losses.append(_log_loss(total, fold.judge))
    return losses


def _log_loss(margins: Floats, judged: TrainingRows) -> float:
    signed = np.where(judged.is_settled == 1.0, -margins, margins)
    return float(np.average(np.logaddexp(0.0, signed), weights=judged.weight))


def _mean_loss(losses: Sequence[float]) -> float:
    return float(np.mean(losses))


def _leaf_rows(row_count: int) -> int:
    """Fewest rows in a leaf: grows with the ledger, so that small ones make broad statements only."""
    return int(np.clip(row_count // 200, 20, 200))


def _is_usable(rows: TrainingRows) -> bool:
    return 0.0 < float(rows.is_settled.sum()) < len(rows)


def _take(rows: TrainingRows, chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> TrainingRows:
    return TrainingRows(rows.rows.take(chosen), rows.is_settled[chosen], rows.weight[chosen])


def _thinned(rows: TrainingRows, most: int, seed: int) -> TrainingRows:
    if len(rows) <= most:
        return rows
    return _take(rows, np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False)))


