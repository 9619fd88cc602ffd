"""The score of every landmark: probabilities, dates, grade, cold-start rung, reasons. Pure: values in, values out.

The result of one landmark does not depend on the others scored with it, nor on the number of threads. Many
landmarks are scored a few thousand at a time, so that memory does not grow with them.
"""

from __future__ import annotations

import polars as pl

from features.errors import Fault, InvalidInputError
from features.segments import SEGMENT_COLUMNS, payer_segments
from models.bundle import ModelBundle
from models.cold_start import history_depth, rung_of
from models.date_levels import DATE_COLUMNS
from models.explanation.reasons import add_reasons
from models.grades import grade_of
from models.hazard import UnpaidCurves, curves_from_margins
from models.payable_days import run_habits
from models.payment_date import payment_dates, quantile_days
from models.prediction import Prediction, predict
from models.target import HORIZONS
from models.training import feature_table
from models.training_set import days_past_due

AT_A_TIME = 4096
"""Landmarks scored in one go: with fourteen intervals and a few hundred features, about a hundred megabytes."""


def score_landmarks(
    bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame, with_reasons: bool = True
) -> pl.DataFrame:
    """Score landmarks.

    Args:
        bundle: the model.
        features: the answer of `compute_features` for those landmarks, in the same order.
        landmarks: at least `invoice_id, customer_id, as_of, due_on`; `country` is used for working days when present.
        with_reasons: false leaves the reasons and what belongs to them out, which is about ten times faster.

    Returns:
        One row per landmark in the order given: `invoice_id, customer_id, as_of, p_late, p_late_30,
        unpaid_probability_0d … _90d, payment_date_p10, _p50, _p90, grade, history_depth, cold_start_rung,
        rfm_segment (null when the bundle has no scale), model_version, feature_version`, and what
        `models.explanation.reasons.add_reasons` adds. Horizons already behind the as-of date have probability 1:
        the invoice is known to be unpaid.

    Raises:
        InvalidInputError: features and landmarks do not belong together, or a feature of the model is missing.
    """
    refuse_unaligned(features, landmarks)
    parts = [
        _score_part(bundle, features.slice(i, AT_A_TIME), landmarks.slice(i, AT_A_TIME), with_reasons)
        for i in range(0, max(landmarks.height, 1), AT_A_TIME)
    ]
    return pl.concat(parts) if len(parts) > 1 else parts[0]


def _score_part(
    bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame, with_reasons: bool
) -> pl.DataFrame:
    found = predict_landmarks(bundle, features, landmarks)
    curves = found.curves
    unpaid = {f"unpaid_probability_{k}d": curves.at(k) for k in HORIZONS}
    habits = run_habits(features, landmarks)
    dates = {
        name: payment_dates(landmarks, quantile_days(curves, level), habits)
        for name, level in zip(DATE_COLUMNS, bundle.date_levels.in_order, strict=True)
    }
    scores = (
        landmarks.select("invoice_id", "customer_id", "as_of")
        .with_columns(
            pl.Series("p_late", curves.at(bundle.target.grace_days)),
            pl.Series("p_late_30", curves.at(30)),
            *(pl.Series(name, values) for name, values in unpaid.items()),
            *(series.rename(name) for name, series in dates.items()),
        )
        .with_columns(
            grade_of(pl.col("p_late"), pl.col("p_late_30")).alias("grade"),
            history_depth(features),
            rung_of(features),
            _segment_of(bundle, features),
            pl.lit(bundle.version).alias("model_version"),
            pl.lit(bundle.catalogue_version).alias("feature_version"),
        )
    )
    return add_reasons(scores, bundle, found, features, landmarks) if with_reasons else scores


def _segment_of(bundle: ModelBundle, features: pl.DataFrame) -> pl.Series:
    if bundle.rfm_scale is None or any(name not in features.columns for name in SEGMENT_COLUMNS):
        return pl.Series("rfm_segment", [None] * features.height, dtype=pl.String)
    return payer_segments(features, bundle.rfm_scale).rename("rfm_segment")


def predict_curves(
    bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame, is_calibrated: bool = True
) -> UnpaidCurves:
    """P(unpaid) of each landmark at the end of every interval.

    Args:
        bundle: the model.
        features: as for `score_landmarks`.
        landmarks: as for `score_landmarks`.
        is_calibrated: false gives the curve before calibration.
    """
    found = predict_landmarks(bundle, features, landmarks)
    if is_calibrated:
        return found.curves
    return curves_from_margins(found.margins, found.rows, found.days_past_due, bundle.intervals)


def predict_landmarks(bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame) -> Prediction:
    """What the model says of landmarks; arguments as for `score_landmarks`."""
    return predict(bundle, feature_table(features, bundle.feature_names), days_past_due(landmarks))


def refuse_unaligned(features: pl.DataFrame, landmarks: pl.DataFrame) -> None:
    """Stop when features and landmarks are not the same invoices on the same dates in the same order."""
    keys = ["invoice_id", "as_of"]
    if features.height == landmarks.height and features.select(keys).equals(landmarks.select(keys)):
        return
    raise InvalidInputError(
        "The features do not belong to the landmarks.",
        [
            Fault(
                what=f"{features.height} rows of features for {landmarks.height} landmarks, or in another order",
                where="invoice_id, as_of",
                expected="one row of features per landmark, in landmark order",
                remedy="pass the answer of compute_features for exactly these landmarks",
            )
        ],
    )
