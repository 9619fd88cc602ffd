"""From landmarks with features to a trained, calibrated model: choices are made inside the training window only.

The newest part of the window judges the candidates (weight of the card, tree size, number of trees) and calibrates the
chosen one; then the chosen one is fitted again on the whole window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.settlement import is_paid, settlement_at
from models.hazard.calibration import HazardCalibration
from models.hazard.date_levels import DateLevels, JudgedDates, fit_date_levels
from models.hazard.feature_matrix import FeatureMatrix, feature_table
from models.hazard.hazard import DiscreteTimeHazard, UnpaidCurves, fit_hazard
from models.hazard.payable_days import countries_of, run_habits
from models.hazard.settings import HazardSettings
from models.hazard.training_set import training_rows
from models.intervals import Intervals, hazard_rows, intervals_for
from models.target import Target
from models.training.selection import (
    LITTLE_HISTORY_TRUST,
    Choice,
    TrainingSettings,
    Trial,
    choose,
    time_slices,
)
from models.training.validation import TimeSlice

MOST_DATES_JUDGED = 2_000
"""Landmarks of a slice whose payment dates are judged."""

MINIMUM_SETTLED = 1
"""Fewest settled invoices a model is trained on; without one there is nobody's rhythm of paying to go by."""


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
        date_levels: at which probabilities the payment dates are read.
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
    date_levels: DateLevels
    landmark_count: int
    row_count: int
    invoice_count: int


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
        settlements: the answer of `settlement_episodes`.
        known_before: the cut-off.
        feature_names: the columns used, in this order.
        target: what late means.
        settings: candidates and sizes.
        directions: per feature, as the catalogue declares.
        progress: callback with a sentence on each step.

    Raises:
        InvalidInputError: when too little has been observed, with what would be needed.
    """
    target = target or Target()
    settings = settings or TrainingSettings()
    intervals = intervals_for(target.grace_days, settings.bounds)
    table = feature_table(features, feature_names)
    _refuse_short_history(landmarks, settlements, known_before)
    rows = training_rows(landmarks, settlements, intervals, known_before, settings.open_weight)
    progress(f"choosing among candidates on {len(rows):,} hazard rows")
    folds = time_slices(landmarks, settlements, intervals, known_before, settings)
    choice = choose(table, folds, feature_names, intervals, settings, directions, len(rows))
    chosen, calibration = choice.settings, choice.calibration
    if chosen.trust < LITTLE_HISTORY_TRUST:
        progress(f"little history: {1.0 - chosen.trust:.0%} of each score rests on the customer's own shares")
    progress(f"fitting {chosen.tree_count} trees of {chosen.leaves} leaves on {len(rows):,} hazard rows")
    hazard = fit_hazard(table, rows, feature_names, intervals, chosen, directions)
    return TrainedModel(
        hazard=hazard,
        calibration=calibration,
        target=target,
        known_before=known_before,
        settings=chosen,
        trials=choice.trials,
        date_levels=fit_date_levels(_judged_dates(folds, choice, landmarks, features, intervals)),
        landmark_count=landmarks.height,
        row_count=len(rows),
        invoice_count=landmarks["invoice_id"].n_unique(),
    )


def _judged_dates(
    folds: Sequence[TimeSlice],
    choice: Choice,
    landmarks: pl.DataFrame,
    features: pl.DataFrame,
    intervals: Intervals,
) -> JudgedDates | None:
    """Landmarks at issue of the slices, an even sample of each, with their calibrated curves."""
    if not folds:
        return None
    calibration = choice.calibration
    parts = []
    for fold, judged in zip(folds, choice.judged, strict=True):
        issued = np.flatnonzero(fold.weight == 1.0)
        own = issued[:: max(1, math.ceil(issued.size / MOST_DATES_JUDGED))]
        days_past_due = fold.days_past_due[own]
        rows = hazard_rows(days_past_due, intervals)
        margins = judged.margins[own][rows.landmark, rows.interval]
        parts.append((fold, own, calibration.curves(margins, rows, days_past_due, intervals)))
    places = np.concatenate([fold.landmarks[own] for fold, own, _ in parts])
    seen = landmarks[places]
    return JudgedDates(
        curves=UnpaidCurves(
            np.concatenate([curves.days_past_due for _, _, curves in parts]),
            np.concatenate([curves.start for _, _, curves in parts]),
            np.concatenate([curves.unpaid for _, _, curves in parts]),
            intervals,
        ),
        as_of=seen["as_of"].to_list(),
        due_on=seen["due_on"].to_list(),
        countries=countries_of(seen),
        habits=run_habits(FeatureMatrix.of_frame(features[places]), seen["due_on"].to_list()),
        days_late=np.concatenate([fold.days_late[own] for fold, own, _ in parts]),
        days_until_cutoff=np.concatenate([fold.days_until_cutoff[own] for fold, own, _ in parts]),
    )


def _refuse_short_history(landmarks: pl.DataFrame, settlements: pl.DataFrame, known_before: date) -> None:
    settled = (
        settlement_at(settlements, known_before)
        .filter(is_paid() & pl.col("invoice_id").is_in(landmarks["invoice_id"].unique().implode()))
        .height
    )
    if settled < MINIMUM_SETTLED:
        raise InvalidInputError(
            localized("There is too little payment history to train a model."),
            [
                Fault(
                    what=localized(
                        "{settled} of {count} invoices are known to be settled before {known_before}",
                        settled=settled,
                        count=landmarks["invoice_id"].n_unique(),
                        known_before=known_before,
                    ),
                    where="payments",
                    expected=localized("at least one settled invoice"),
                    remedy=localized("import a longer history or choose a later cut-off"),
                )
            ],
        )
