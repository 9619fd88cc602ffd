"""What the model predicts for landmarks before it becomes a score: computed once, read by the score and its reasons."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from models.bundle import ModelBundle
from models.hazard.feature_matrix import FeatureMatrix
from models.hazard.hazard import UnpaidCurves, curves_from_margins, predict_margins
from models.hazard.training_set import days_past_due
from models.intervals import Floats, HazardRows, Ints


@dataclass(frozen=True)
class Prediction:
    """The model's prediction for some landmarks.

    Attributes:
        table: features per landmark in the model's order, unknown as NaN.
        days_past_due: of each landmark.
        rows: every interval ahead of each landmark.
        margins: log-odds of settlement in each of those, before calibration.
        curves: calibrated P(unpaid) at the end of every interval.
    """

    table: Floats
    days_past_due: Ints
    rows: HazardRows
    margins: Floats
    curves: UnpaidCurves


def predict(bundle: ModelBundle, table: Floats, days_past_due: Ints) -> Prediction:
    """What the model predicts for each landmark.

    Args:
        bundle: the model.
        table: features per landmark in the model's order, unknown as NaN.
        days_past_due: of each landmark.
    """
    margins, rows = predict_margins(bundle.hazard, table, days_past_due)
    curves = bundle.calibration.curves(margins, rows, days_past_due, bundle.intervals)
    return Prediction(table, days_past_due, rows, margins, curves)


def predict_landmarks(bundle: ModelBundle, features: FeatureMatrix, landmarks: pl.DataFrame) -> Prediction:
    """What the model predicts for landmarks.

    Args:
        bundle: the model.
        features: of the landmarks, in their order.
        landmarks: `as_of, due_on`.
    """
    return predict(bundle, features.table(bundle.feature_names), days_past_due(landmarks))


def predict_curves(
    bundle: ModelBundle, features: FeatureMatrix, landmarks: pl.DataFrame, is_calibrated: bool = True
) -> UnpaidCurves:
    """P(unpaid) of each landmark at the end of every interval.

    Args:
        bundle: the model.
        features: as in `predict_landmarks`.
        landmarks: as in `predict_landmarks`.
        is_calibrated: false gives the curve before calibration.
    """
    found = predict_landmarks(bundle, features, landmarks)
    if is_calibrated:
        return found.curves
    return curves_from_margins(found.margins, found.rows, found.days_past_due, bundle.intervals)
