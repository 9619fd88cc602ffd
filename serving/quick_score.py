"""The score of a few landmarks in fewer steps: the twin of `score_landmarks` for one request.

The same functions of the model on the same numbers, without a table operation for every column, which for
one invoice costs more than the model itself. A test holds it equal to `score_landmarks` to the last bit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from features.asof import PaymentHistory
from features.calendars import next_working_day
from features.catalogue import FEATURE_NAMES
from features.compute import feature_matrix
from features.rfm_scale import AXES
from features.segments import SEGMENT_COLUMNS, payer_segments
from models.bundle import ModelBundle
from models.cold_start import (
    HISTORY_DEPTH_COLUMN,
    OWN_HISTORY_FROM,
    PORTFOLIO_COLUMN,
    RUNGS,
    SEGMENT_COLUMN,
)
from models.explanation.contributions import explain_landmarks
from models.explanation.reasons import DEFAULT_COUNT, REASON_TYPE
from models.grades import (
    LATE_PROBABILITY,
    LONG_DELAY_PROBABILITY,
    VERY_LATE_PROBABILITY,
    WATCH_PROBABILITY,
)
from models.hazard import predict_margins
from models.payment_date import DEFAULT_COUNTRY, quantile_days
from models.scoring import DATE_SHARES
from models.target import HORIZONS
from serving.quick_reasons import reasons_of_few

#: One row of features in the order of the catalogue, null where unknown.
FeatureRow = tuple[float | None, ...]

_SEGMENT_INPUTS: Final = tuple(dict.fromkeys([*SEGMENT_COLUMNS, *(axis.column for axis in AXES)]))
_PLACE: Final = {name: place for place, name in enumerate(FEATURE_NAMES)}


def score_few(
    bundle: ModelBundle,
    history: PaymentHistory,
    landmarks: pl.DataFrame,
    with_reasons: bool,
    segments: Sequence[str | None] | None = None,
) -> tuple[list[FeatureRow], pl.DataFrame]:
    """Return features and scores of a few landmarks, equal to `compute_features` and `score_landmarks`.

    The features come as rows in the order of the catalogue, null where unknown.

    Args:
        bundle: the model.
        history: what is known.
        landmarks: with the payer's `country` beside.
        with_reasons: whether the scores carry their reasons.
        segments: segment of each payer where it was worked out before (a payer has one segment at one
            as-of date); null works it out.
    """
    matrix = feature_matrix(history, landmarks)
    features: list[FeatureRow] = [
        tuple(None if value != value else value for value in row) for row in matrix.T.tolist()
    ]
    table = np.ascontiguousarray(matrix[[_PLACE[name] for name in bundle.feature_names]].T)
    as_of, due_on = landmarks["as_of"].to_list(), landmarks["due_on"].to_list()
    days_past_due = np.array([(a - b).days for a, b in zip(as_of, due_on, strict=True)], dtype=np.int64)
    margins, rows = predict_margins(bundle.hazard, table, days_past_due)
    curves = bundle.calibration.curves(margins, rows, days_past_due, bundle.intervals)
    p_late, p_late_30 = curves.at(bundle.target.grace_days).tolist(), curves.at(30).tolist()
    countries = landmarks["country"].to_list()
    columns: dict[str, Any] = {
        "invoice_id": landmarks["invoice_id"],
        "customer_id": landmarks["customer_id"],
        "as_of": landmarks["as_of"],
        "p_late": p_late,
        "p_late_30": p_late_30,
        **{f"unpaid_probability_{k}d": curves.at(k) for k in HORIZONS},
    }
    for name, share in DATE_SHARES.items():
        days = quantile_days(curves, share).tolist()
        dates = [
            _payment_date(due, day, seen, country)
            for due, day, seen, country in zip(due_on, days, as_of, countries, strict=True)
        ]
        columns[name] = pl.Series(dates, dtype=pl.Date)
    known = {
        name: matrix[_PLACE[name]].tolist()
        for name in (HISTORY_DEPTH_COLUMN, SEGMENT_COLUMN, PORTFOLIO_COLUMN)
    }
    depths = [0.0 if np.isnan(depth) else depth for depth in known[HISTORY_DEPTH_COLUMN]]
    columns["grade"] = [_grade(late, very) for late, very in zip(p_late, p_late_30, strict=True)]
    columns["history_depth"] = pl.Series([int(depth) for depth in depths], dtype=pl.Int64)
    columns["cold_start_rung"] = [
        _rung(*row) for row in zip(depths, known[SEGMENT_COLUMN], known[PORTFOLIO_COLUMN], strict=True)
    ]
    columns["rfm_segment"] = (
        _segments(bundle, matrix) if segments is None else pl.Series(segments, dtype=pl.String)
    )
    columns["model_version"] = [bundle.version] * landmarks.height
    columns["feature_version"] = [bundle.catalogue_version] * landmarks.height
    if with_reasons:
        found = explain_landmarks(bundle, table, days_past_due)
        told = reasons_of_few(found, features, landmarks["currency"].to_list(), DEFAULT_COUNT)
        columns["explained_days"] = found.explained_days
        columns["explained_probability"] = found.probability
        columns["base_probability"] = found.base
        columns["calibration_contribution"] = found.calibration
        columns["reasons"] = pl.Series(told, dtype=REASON_TYPE)
    return features, pl.DataFrame(columns)


def _payment_date(due_on: dt.date, days: int, as_of: dt.date, country: str | None) -> dt.date:
    return next_working_day(max(due_on + dt.timedelta(days=days), as_of), country or DEFAULT_COUNTRY)


def _grade(p_late: float, p_late_30: float) -> str:
    if p_late_30 >= VERY_LATE_PROBABILITY:
        return "E"
    if p_late_30 >= LONG_DELAY_PROBABILITY:
        return "D"
    if p_late >= LATE_PROBABILITY:
        return "C"
    return "B" if p_late >= WATCH_PROBABILITY else "A"


def _rung(depth: float, segment: float, portfolio: float) -> str:
    if depth >= OWN_HISTORY_FROM:
        return RUNGS[0]
    if not np.isnan(segment):
        return RUNGS[1]
    return RUNGS[2] if not np.isnan(portfolio) else RUNGS[3]


def _segments(bundle: ModelBundle, matrix: np.ndarray[Any, np.dtype[np.float64]]) -> pl.Series:
    if bundle.rfm_scale is None:
        return pl.Series([None] * matrix.shape[1], dtype=pl.String)
    columns = [pl.Series(name, matrix[_PLACE[name]], nan_to_null=True) for name in _SEGMENT_INPUTS]
    return payer_segments(pl.DataFrame(columns), bundle.rfm_scale)
