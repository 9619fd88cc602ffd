"""Features of landmarks: the one way in which training, the nightly batch and the score service get them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.asof.customer_streams import CustomerStreams
from features.asof.dates import Float64Array, Int64Array
from features.asof.history import PaymentHistory
from features.asof.landmarks import LandmarkArrays
from features.asof.view import LandmarkView
from features.groups.catalogue import FEATURE_NAMES, GROUPS
from features.groups.columns import FeatureGroup

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
        InvalidInputError: the landmarks lack a column, contain nulls, or lie before their invoice's issue.
    """
    names = [column.name for group in groups for column in group.columns]
    columns = _columns(history, landmarks, groups, [np.empty(landmarks.height) for _ in names])
    series = [landmarks["invoice_id"], landmarks["as_of"]]
    for name in names:
        # Each array is released as soon as it is a column: at no time is everything in memory twice.
        series.append(pl.Series(name, columns.pop(0), nan_to_null=True))
    return pl.DataFrame(series)


def feature_matrix(
    history: PaymentHistory, landmarks: pl.DataFrame, groups: tuple[FeatureGroup, ...] = GROUPS
) -> Float64Array:
    """Features as an array of shape (columns, landmarks), NaN where unknown; the same numbers as the frame."""
    width = len(FEATURE_NAMES) if groups is GROUPS else sum(len(group.columns) for group in groups)
    matrix = np.empty((width, landmarks.height), dtype=np.float64)
    _columns(history, landmarks, groups, list(matrix))
    return matrix


def _columns(
    history: PaymentHistory,
    landmarks: pl.DataFrame,
    groups: tuple[FeatureGroup, ...],
    columns: list[Float64Array],
) -> list[Float64Array]:
    """Fill the columns given, in the order of the groups, and return them."""
    arrays = LandmarkArrays.of(landmarks, history.conversion)
    customer_ids, invoice_ids = landmarks["customer_id"], landmarks["invoice_id"]
    for streams, rows in _by_streams(history, customer_ids):
        is_whole = len(rows) == len(arrays)
        part = arrays.take(rows)
        customers = streams.customers.codes_of(customer_ids if is_whole else customer_ids.gather(rows))
        invoices = streams.invoices.codes_of(invoice_ids if is_whole else invoice_ids.gather(rows))
        for payers, places, entities in streams.payers(customers, part.as_of):
            for block in _blocks(entities, part.as_of[places]):
                chosen = places[block]
                view = LandmarkView(part.take(chosen), history, payers, entities[block], invoices[chosen])
                is_all = is_whole and len(chosen) == len(arrays) == 1
                _fill(columns, slice(None) if is_all else rows[chosen], view, groups)
    return columns


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
    columns: list[Float64Array],
    rows: Int64Array | slice,
    view: LandmarkView,
    groups: tuple[FeatureGroup, ...],
) -> None:
    index = 0
    for group in groups:
        values = group.compute(view)
        if len(values) != len(group.columns):
            _refuse(group, values)
        for column in group.columns:
            columns[index][rows] = values[column.name]
            index += 1


def _refuse(group: FeatureGroup, values: Mapping[str, Float64Array]) -> None:
    """Say which columns are declared and not computed, or computed and not declared."""
    differing = sorted({column.name for column in group.columns} ^ set(values))
    raise TypeError(f"group {group.name}: only declared, or only computed: {', '.join(differing)}")
