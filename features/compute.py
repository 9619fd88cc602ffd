"""Features of landmarks: the one way in which training, the nightly batch and the score service get them."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.asof.customer_streams import CustomerStreams
from features.asof.dates import Float64Array, Int64Array
from features.asof.history import PaymentHistory
from features.asof.landmarks import LandmarkArrays
from features.asof.view import LandmarkView
from features.catalogue import FEATURE_NAMES, GROUPS
from features.columns import FeatureGroup

_BLOCK = 65_536
"""Landmarks computed at a time, so that intermediate arrays stay in the processor's cache."""


def compute_features(
    history: PaymentHistory, landmarks: pl.DataFrame, groups: tuple[FeatureGroup, ...] = GROUPS
) -> pl.DataFrame:
    """Features of each landmark, from what was known strictly before its as-of date.

    Args:
        history: the prepared payment history.
        landmarks: frame of `features.asof.landmarks.LANDMARK_SCHEMA`; a draft or an unknown customer is welcome.
        groups: feature groups to compute; the whole catalogue by default.

    Returns:
        `invoice_id`, `as_of` and every column of the groups, Float64, null where unknown; one row per landmark, in
        the order given.

    Raises:
        InvalidInputError: the landmarks lack a column, hold nulls, or lie before their invoice's issue.
    """
    names = [column.name for group in groups for column in group.columns]
    matrix = feature_matrix(history, landmarks, groups)
    columns = [pl.Series(name, matrix[i]).fill_nan(None) for i, name in enumerate(names)]
    return pl.DataFrame([landmarks["invoice_id"], landmarks["as_of"], *columns])


def feature_matrix(
    history: PaymentHistory, landmarks: pl.DataFrame, groups: tuple[FeatureGroup, ...] = GROUPS
) -> Float64Array:
    """Features as an array of shape (columns, landmarks), NaN where unknown; the same numbers as the frame."""
    arrays = LandmarkArrays.of(landmarks)
    width = len(FEATURE_NAMES) if groups is GROUPS else sum(len(group.columns) for group in groups)
    matrix = np.empty((width, len(arrays)), dtype=np.float64)
    for streams, rows in _by_streams(history, landmarks["customer_id"]):
        part = arrays.take(rows)
        entities = streams.customers.codes_of(part.frame["customer_id"])
        invoices = streams.invoices.codes_of(part.frame["invoice_id"])
        for block in _blocks(entities, part.as_of):
            view = LandmarkView(
                part.take(block), streams, history.context, history.settings, entities[block], invoices[block]
            )
            _fill(matrix, rows[block], view, groups)
    return matrix


def _by_streams(history: PaymentHistory, customers: pl.Series) -> list[tuple[CustomerStreams, Int64Array]]:
    """Landmark rows by the streams that know their customer: the base, or those of a changed customer."""
    rows = np.arange(len(customers), dtype=np.int64)
    if not history.changed:
        return [(history.base, rows)]
    by_streams: dict[int, tuple[CustomerStreams, list[int]]] = {}
    for row, customer_id in enumerate(customers):
        streams = history.changed.get(customer_id, history.base)
        by_streams.setdefault(id(streams), (streams, []))[1].append(row)
    return [(streams, np.array(chosen, dtype=np.int64)) for streams, chosen in by_streams.values()]


def _blocks(entities: Int64Array, as_of: Int64Array) -> list[Int64Array]:
    """Blocks of landmarks, those of one customer together: neighbours in the streams are neighbours in time."""
    if len(entities) <= _BLOCK:
        return [np.arange(len(entities), dtype=np.int64)]
    order = np.lexsort((as_of, entities))
    return [order[start : start + _BLOCK] for start in range(0, len(order), _BLOCK)]


def _fill(
    matrix: Float64Array, rows: Int64Array, view: LandmarkView, groups: tuple[FeatureGroup, ...]
) -> None:
    index = 0
    for group in groups:
        values = group.compute(view)
        for column in group.columns:
            matrix[index, rows] = values[column.name]
            index += 1
