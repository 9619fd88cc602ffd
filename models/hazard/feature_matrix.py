"""Features of landmarks as one array of numbers: what the scorer reads, whichever way the features were computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from features.asof.history import PaymentHistory
from features.errors import Fault, InvalidInputError
from features.groups.catalogue import FEATURE_NAMES
from features.groups.compute import feature_matrix
from features.messages import localized
from models.intervals import Floats, Ints

KEYS: tuple[str, ...] = ("invoice_id", "as_of")
"""Columns of a feature frame that name its landmark; every other column is a feature."""

#: Features of one landmark in the order of the matrix, null where unknown.
FeatureRow = tuple[float | None, ...]

_SUMMARY = localized("The features do not fit the model.")


@dataclass(frozen=True)
class FeatureMatrix:
    """Features of landmarks as numbers.

    Attributes:
        names: the features, in order.
        values: one row per feature, one column per landmark; NaN where unknown.
    """

    names: tuple[str, ...]
    values: Floats

    @classmethod
    def of_history(cls, history: PaymentHistory, landmarks: pl.DataFrame) -> FeatureMatrix:
        """Every feature of the catalogue for each landmark, from what was known strictly before its as-of date."""
        return cls(FEATURE_NAMES, feature_matrix(history, landmarks))

    @classmethod
    def of_frame(cls, features: pl.DataFrame, names: Sequence[str] | None = None) -> FeatureMatrix:
        """The features of a frame as `compute_features` returns it.

        Args:
            features: one row per landmark.
            names: columns to take, in order; every column but the keys when absent.

        Raises:
            InvalidInputError: a column is missing or not Float64; names every such column.
        """
        schema = features.schema
        wanted = [name for name in features.columns if name not in KEYS] if names is None else list(names)
        faults = [_missing(name) for name in wanted if name not in schema]
        faults += [
            Fault(
                what=localized("the column is {dtype}", dtype=str(schema[name])),
                where=f"features.{name}",
                expected=localized("Float64"),
                remedy=localized("use the result of compute_features as it is"),
            )
            for name in wanted
            if name in schema and schema[name] != pl.Float64
        ]
        if faults:
            raise InvalidInputError(_SUMMARY, faults)
        # to_numpy makes NaN of null; one conversion for all columns.
        return cls(tuple(wanted), features.select(wanted).to_numpy().T)

    def __len__(self) -> int:
        """Number of landmarks."""
        return len(self.values.T)

    def __getitem__(self, landmarks: slice) -> FeatureMatrix:
        """The features of some landmarks."""
        return FeatureMatrix(self.names, self.values[:, landmarks])

    def has(self, names: Sequence[str]) -> bool:
        """Whether all of these features are in the matrix."""
        places = places_of(self.names)
        return all(name in places for name in names)

    def column(self, name: str) -> Floats:
        """One feature of every landmark; NaN throughout where the matrix does not have it."""
        place = places_of(self.names).get(name)
        return np.full(len(self), np.nan) if place is None else self.values[place]

    def table(self, names: tuple[str, ...]) -> Floats:
        """One row per landmark, one column per name: the order a model reads.

        Raises:
            InvalidInputError: a feature is missing, or a value is infinite; names every such feature.
        """
        if names == self.names:
            table = np.ascontiguousarray(self.values.T)
        else:
            if not self.has(names):
                known = places_of(self.names)
                raise InvalidInputError(_SUMMARY, [_missing(name) for name in names if name not in known])
            table = np.ascontiguousarray(self.values[_order(self.names, names)].T)
        infinite = np.flatnonzero(np.isinf(table).any(axis=0))
        if infinite.size:
            raise InvalidInputError(
                _SUMMARY,
                [
                    Fault(
                        what=localized("infinite values"),
                        where=f"features.{names[column]}",
                        expected=localized("finite or null"),
                    )
                    for column in infinite.tolist()
                ],
            )
        return table

    def rows(self) -> list[FeatureRow]:
        """The features landmark by landmark, null where unknown."""
        return [tuple([None if value != value else value for value in row]) for row in self.values.T.tolist()]


@lru_cache(maxsize=32)
def places_of(names: tuple[str, ...]) -> dict[str, int]:
    """Place of each feature in a list of features."""
    return {name: place for place, name in enumerate(names)}


@lru_cache(maxsize=32)
def _order(names: tuple[str, ...], wanted: tuple[str, ...]) -> Ints:
    places = places_of(names)
    return np.array([places[name] for name in wanted], dtype=np.int64)


def _missing(name: str) -> Fault:
    return Fault(
        what=localized("the column is missing"),
        where=f"features.{name}",
        expected=localized("every column of the model's feature list"),
        remedy=localized("compute the features with the catalogue version the model was trained with"),
    )


def feature_table(features: pl.DataFrame, feature_names: Sequence[str]) -> Floats:
    """The features of a frame as a float64 array in a given order: one row per landmark, unknown as NaN.

    Raises:
        InvalidInputError: a column is absent or not Float64, or a value is infinite.
    """
    names = tuple(feature_names)
    return FeatureMatrix.of_frame(features, names).table(names)
