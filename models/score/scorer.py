"""The score of every landmark: probabilities, dates, grade, cold-start rung, segment, reasons. Pure.

One function scores one invoice or a million. The score of a landmark does not depend on the others scored with it, nor
on the number of threads. Many landmarks are scored a few thousand at a time, so that memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from features.asof.dates import BoolArray
from features.asof.history import PaymentHistory
from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.payers.rfm_scale import AXES
from features.payers.segments import SEGMENT_COLUMNS, payer_segments
from features.words import HORIZONS, LONG_DELAY_DAYS
from models.bundle import ModelBundle
from models.cold_start import history_depths, rungs
from models.explanation.contributions import explain_prediction
from models.explanation.reasons import reasons_of
from models.explanation.subject import Money
from models.grades import grades
from models.hazard.feature_matrix import KEYS, FeatureMatrix
from models.hazard.payable_days import countries_of, run_habits
from models.hazard.payment_date import payment_dates, quantile_days
from models.prediction import Prediction, predict_landmarks
from models.score.scores import Explanations, Scores

AT_A_TIME = 4096
"""Landmarks scored in one go: with fourteen intervals and a few hundred features, about a hundred megabytes."""
FEATURES_AT_A_TIME = 65_536
"""Landmarks whose features are computed in one go from a history."""

_SEGMENT_INPUTS = tuple(dict.fromkeys([*SEGMENT_COLUMNS, *(axis.column for axis in AXES)]))


def score(
    bundle: ModelBundle,
    features: PaymentHistory | FeatureMatrix | pl.DataFrame,
    landmarks: pl.DataFrame,
    with_reasons: bool = True,
) -> Scores:
    """Score landmarks.

    Args:
        bundle: the model.
        features: of exactly these landmarks, in their order: a matrix, or a frame as `compute_features` returns it; or
            the history they are computed from.
        landmarks: at least `invoice_id, customer_id, as_of, due_on`. When present, `country` gives the working days of
            payment dates, and `amount` and `currency` are named in sentences.
        with_reasons: false leaves explanations out, which is several times faster.

    Returns:
        One score per landmark in the order given.

    Raises:
        InvalidInputError: features and landmarks do not belong together, or a feature of the model is missing.
    """
    return Scores.joined(list(_scored(bundle, features, landmarks, with_reasons)))


def score_frame(
    bundle: ModelBundle,
    features: PaymentHistory | FeatureMatrix | pl.DataFrame,
    landmarks: pl.DataFrame,
    with_reasons: bool = True,
) -> pl.DataFrame:
    """Score landmarks into the frame that files hold: `score(...).frame()`, without holding every row as an object.

    Arguments and errors are those of `score`; the columns are those of `Scores.frame`.
    """
    return pl.concat([piece.frame() for piece in _scored(bundle, features, landmarks, with_reasons)])


def _scored(
    bundle: ModelBundle,
    features: PaymentHistory | FeatureMatrix | pl.DataFrame,
    landmarks: pl.DataFrame,
    with_reasons: bool,
) -> Iterator[Scores]:
    """The scores a piece at a time."""
    if isinstance(features, pl.DataFrame):
        _refuse_unaligned(features, landmarks)
    elif isinstance(features, FeatureMatrix) and len(features) != landmarks.height:
        raise _unaligned(len(features), landmarks.height)
    for matrix, piece in _pieces(features, landmarks):
        yield _score_piece(bundle, matrix, piece, with_reasons)


def _pieces(
    features: PaymentHistory | FeatureMatrix | pl.DataFrame, landmarks: pl.DataFrame
) -> Iterator[tuple[FeatureMatrix, pl.DataFrame]]:
    """Landmarks with their features, a piece at a time; one empty piece when there are none."""
    if isinstance(features, PaymentHistory):
        for first in range(0, max(landmarks.height, 1), FEATURES_AT_A_TIME):
            block = landmarks.slice(first, FEATURES_AT_A_TIME)
            yield from _pieces(FeatureMatrix.of_history(features, block), block)
        return
    for first in range(0, max(landmarks.height, 1), AT_A_TIME):
        piece = landmarks.slice(first, AT_A_TIME)
        if isinstance(features, pl.DataFrame):
            yield FeatureMatrix.of_frame(features.slice(first, AT_A_TIME)), piece
        else:
            yield features[first : first + AT_A_TIME], piece


def _score_piece(
    bundle: ModelBundle,
    features: FeatureMatrix,
    landmarks: pl.DataFrame,
    with_reasons: bool,
) -> Scores:
    found = predict_landmarks(bundle, features, landmarks)
    curves = found.curves
    p_late, unpaid = curves.at(bundle.target.grace_days), curves.at_each(HORIZONS)
    as_of, due_on = landmarks["as_of"].to_list(), landmarks["due_on"].to_list()
    return Scores(
        invoice_id=landmarks["invoice_id"],
        customer_id=landmarks["customer_id"],
        as_of=landmarks["as_of"],
        p_late=p_late,
        unpaid=unpaid,
        payment_dates=payment_dates(
            quantile_days(curves, bundle.date_levels.in_order),
            due_on,
            as_of,
            countries_of(landmarks),
            run_habits(features, due_on),
        ),
        grade=grades(p_late, unpaid[:, HORIZONS.index(LONG_DELAY_DAYS)]),
        history_depth=history_depths(features),
        rung=rungs(features),
        segment=_segments(bundle, features),
        has_unpriced_amounts=_has_unpriced_amounts(features),
        model_version=bundle.version,
        feature_version=bundle.catalogue_version,
        explanations=_explanations(bundle, found, features, landmarks) if with_reasons else None,
    )


def _segments(bundle: ModelBundle, features: FeatureMatrix) -> list[str | None]:
    if bundle.rfm_scale is None or not features.has(_SEGMENT_INPUTS):
        return [None] * len(features)
    columns = {name: features.column(name) for name in _SEGMENT_INPUTS}
    return list(payer_segments(columns, bundle.rfm_scale))


def _has_unpriced_amounts(features: FeatureMatrix) -> BoolArray:
    """Whether no exchange rate converts the landmark's own amount, or one of its customer's."""
    if not features.has(("amount",)):
        return np.zeros(len(features), dtype=np.bool_)
    left_out = features.column("other_currency_count_all") > 0
    return np.isnan(features.column("amount")) | left_out


def _explanations(
    bundle: ModelBundle, found: Prediction, features: FeatureMatrix, landmarks: pl.DataFrame
) -> Explanations:
    told = explain_prediction(bundle, found)
    money = Money.of_landmarks(landmarks, bundle.settings.reporting_currency)
    return Explanations(
        explained_days=told.explained_days,
        probability=told.probability,
        base=told.base,
        calibration=told.calibration,
        reasons=reasons_of(told, features, money, bundle.target.grace_days),
    )


def _refuse_unaligned(features: pl.DataFrame, landmarks: pl.DataFrame) -> None:
    """Stop when features and landmarks are not the same invoices on the same dates in the same order."""
    keys = list(KEYS)
    if features.height == landmarks.height and features.select(keys).equals(landmarks.select(keys)):
        return
    raise _unaligned(features.height, landmarks.height)


def _unaligned(rows: int, landmarks: int) -> InvalidInputError:
    return InvalidInputError(
        localized("The features do not belong to the landmarks."),
        [
            Fault(
                what=localized(
                    "{rows} rows of features for {landmarks} landmarks, or in another order",
                    rows=rows,
                    landmarks=landmarks,
                ),
                where="invoice_id, as_of",
                expected=localized("one row of features per landmark, in landmark order"),
                remedy=localized("pass the result of compute_features for exactly these landmarks"),
            )
        ],
    )
