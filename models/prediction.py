"""What the model says of landmarks before it is put in words: worked out once, read by the score and by its reasons."""

from __future__ import annotations

from dataclasses import dataclass

from models.bundle import ModelBundle
from models.hazard import UnpaidCurves, predict_margins
from models.intervals import Floats, HazardRows, Ints


@dataclass(frozen=True)
class Prediction:
    """The model's answer for some landmarks.

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
    """What the model says of each landmark.

    Args:
        bundle: the model.
        table: features per landmark in the model's order, unknown as NaN.
        days_past_due: of each landmark.
    """
    margins, rows = predict_margins(bundle.hazard, table, days_past_due)
    curves = bundle.calibration.curves(margins, rows, days_past_due, bundle.intervals)
    return Prediction(table, days_past_due, rows, margins, curves)
