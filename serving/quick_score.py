"""The score of a few landmarks in fewer steps: the twin of `score_landmarks` for one request.

The same functions of the model on the same numbers, without a table operation for every column, which for
one invoice costs more than the model itself. A test holds it equal to `score_landmarks` to the last bit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import polars as pl

from features.asof import PaymentHistory
from features.asof.dates import Float64Array
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
from models.date_levels import DATE_COLUMNS, DateLevels
from models.explanation.contributions import explain_prediction
from models.explanation.reasons import DEFAULT_COUNT
from models.grades import (
    LATE_PROBABILITY,
    LONG_DELAY_PROBABILITY,
    VERY_LATE_PROBABILITY,
    WATCH_PROBABILITY,
)
from models.hazard import UnpaidCurves
from models.intervals import Ints
from models.payable_days import DEFAULT_COUNTRY, RUN_COLUMNS, RunHabit, nearest_payable_day, run_habit
from models.payment_date import quantile_days
from models.prediction import predict
from models.target import HORIZONS
from serving.quick_reasons import reasons_of_few

#: One row of features in the order of the catalogue, null where unknown.
FeatureRow = tuple[float | None, ...]
#: One row of the answer of `score_landmarks`.
ScoreRow = Mapping[str, Any]

_SEGMENT_INPUTS: Final = tuple(dict.fromkeys([*SEGMENT_COLUMNS, *(axis.column for axis in AXES)]))
_PLACE: Final = {name: place for place, name in enumerate(FEATURE_NAMES)}
_DEPTH: Final = _PLACE[HISTORY_DEPTH_COLUMN]
_SEGMENT: Final = _PLACE[SEGMENT_COLUMN]
_PORTFOLIO: Final = _PLACE[PORTFOLIO_COLUMN]
_RUNS: Final = [_PLACE[name] for name in RUN_COLUMNS]


def score_few(
    bundle: ModelBundle,
    history: PaymentHistory,
    landmarks: pl.DataFrame,
    with_reasons: bool,
    segments: Sequence[str | None] | None = None,
) -> tuple[list[FeatureRow], list[ScoreRow]]:
    """Return features and scores of a few landmarks, equal to `compute_features` and `score_landmarks`.

    The features come as rows in the order of the catalogue, null where unknown; the scores as rows of that answer.

    Args:
        bundle: the model.
        history: what is known.
        landmarks: with the payer's `country` beside.
        with_reasons: whether the scores carry their reasons.
        segments: segment of each payer where it was worked out before (a payer has one segment at one
            as-of date); null works it out.
    """
    return score_matrix(bundle, feature_matrix(history, landmarks), landmarks, with_reasons, segments)


def score_matrix(
    bundle: ModelBundle,
    matrix: Float64Array,
    landmarks: pl.DataFrame,
    with_reasons: bool,
    segments: Sequence[str | None] | None = None,
) -> tuple[list[FeatureRow], list[ScoreRow]]:
    """Return the same from features worked out before.

    Args:
        bundle: the model.
        matrix: the answer of `feature_matrix` for the landmarks.
        landmarks: as for `score_few`.
        with_reasons: as for `score_few`.
        segments: as for `score_few`.
    """
    values = matrix.T.tolist()
    as_of, due_on = landmarks["as_of"].to_list(), landmarks["due_on"].to_list()
    days_past_due = np.array([(a - b).days for a, b in zip(as_of, due_on, strict=True)], dtype=np.int64)
    table = np.ascontiguousarray(matrix[_places_of(bundle.feature_names)].T)
    found = predict(bundle, table, days_past_due)
    curves = found.curves
    unpaid = {f"unpaid_probability_{k}d": curves.at(k).tolist() for k in HORIZONS}
    p_late, p_late_30 = curves.at(bundle.target.grace_days).tolist(), curves.at(30).tolist()
    days = _days_of_every_level(curves, bundle.date_levels)
    if segments is None:
        segments = _segments(bundle, matrix)
    keys = zip(landmarks["invoice_id"].to_list(), landmarks["customer_id"].to_list(), strict=True)
    scores: list[dict[str, Any]] = []
    for place, (invoice_id, customer_id) in enumerate(keys):
        row, due, seen = values[place], due_on[place], as_of[place]
        depth = row[_DEPTH] if row[_DEPTH] == row[_DEPTH] else 0.0
        score: dict[str, Any] = {
            "invoice_id": invoice_id,
            "customer_id": customer_id,
            "as_of": seen,
            "p_late": p_late[place],
            "p_late_30": p_late_30[place],
        }
        for name, chances in unpaid.items():
            score[name] = chances[place]
        country = landmarks["country"][place]
        habit = run_habit([row[run] if row[run] == row[run] else None for run in _RUNS], due)
        for name, of_level in zip(DATE_COLUMNS, days, strict=True):
            score[name] = _payment_date(due, of_level[place], seen, country, habit)
        score["grade"] = _grade(p_late[place], p_late_30[place])
        score["history_depth"] = int(depth)
        score["cold_start_rung"] = _rung(depth, row[_SEGMENT], row[_PORTFOLIO])
        score["rfm_segment"] = segments[place]
        score["model_version"] = bundle.version
        score["feature_version"] = bundle.catalogue_version
        scores.append(score)
    features: list[FeatureRow] = [
        tuple([None if value != value else value for value in row]) for row in values
    ]
    if with_reasons:
        told = explain_prediction(bundle, found)
        known = [
            {name: value for name, value in zip(FEATURE_NAMES, row, strict=True) if value is not None}
            for row in features
        ]
        reasons = reasons_of_few(told, known, landmarks["currency"].to_list(), DEFAULT_COUNT)
        explained = told.explained_days.tolist(), told.probability.tolist(), told.base.tolist()
        calibration = told.calibration.tolist()
        for place, score in enumerate(scores):
            score["explained_days"] = explained[0][place]
            score["explained_probability"] = explained[1][place]
            score["base_probability"] = explained[2][place]
            score["calibration_contribution"] = calibration[place]
            score["reasons"] = reasons[place]
    return features, list(scores)


@lru_cache(maxsize=8)
def _places_of(names: tuple[str, ...]) -> Ints:
    return np.array([_PLACE[name] for name in names], dtype=np.int64)


def _days_of_every_level(curves: UnpaidCurves, levels: DateLevels) -> list[list[int]]:
    """Days past due at which each level is reached, level by level: the curves are read once for all of them."""
    asked = np.array(levels.in_order)
    count, times = curves.days_past_due.size, asked.size
    every = replace(
        curves,
        days_past_due=np.tile(curves.days_past_due, times),
        start=np.tile(curves.start, times),
        unpaid=np.tile(curves.unpaid, (times, 1)),
    )
    days: list[list[int]] = quantile_days(every, asked.repeat(count)).reshape(times, count).tolist()
    return days


def _payment_date(
    due_on: dt.date, days: int, as_of: dt.date, country: str | None, habit: RunHabit
) -> dt.date:
    return nearest_payable_day(due_on + dt.timedelta(days=days), as_of, country or DEFAULT_COUNTRY, habit)


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


def _segments(bundle: ModelBundle, matrix: Float64Array) -> list[str | None]:
    if bundle.rfm_scale is None:
        return [None] * matrix.shape[1]
    columns = [pl.Series(name, matrix[_PLACE[name]], nan_to_null=True) for name in _SEGMENT_INPUTS]
    named: list[str | None] = payer_segments(pl.DataFrame(columns), bundle.rfm_scale).to_list()
    return named
