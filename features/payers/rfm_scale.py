"""RFM scores of payers: cut points fitted once, at training, and stored with the model.

Recency, frequency and amount of payments, and a fourth axis for lateness, each from 1 (worst fifth) to 5 (best fifth)
of the payers the scale was fitted on. A score computed later means the same as at training, whoever is scored with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from features.asof.dates import Float64Array
from features.errors import Fault, InvalidInputError
from features.messages import Text, localized

RFM_SCALE_VERSION: Final = "1"
"""Changes when an axis or the way of scoring does; a scale of another version is refused."""


@dataclass(frozen=True)
class RfmAxis:
    """One axis of the scale.

    Attributes:
        name: recency, frequency, monetary or lateness.
        column: feature column it reads.
        is_more_better: whether a larger value earns a higher score.
        label: how a credit manager calls it.
    """

    name: str
    column: str
    is_more_better: bool
    label: Text

    @property
    def score_column(self) -> str:
        """Name of the score."""
        return f"rfm_{self.name}_score"


AXES: Final = (
    RfmAxis("recency", "payment_recency_days", False, Text("récence des paiements", "recency of payments")),
    RfmAxis(
        "frequency", "payment_frequency_365d", True, Text("fréquence des paiements", "frequency of payments")
    ),
    RfmAxis("monetary", "payment_amount_sum_365d", True, Text("montant payé", "amount paid")),
    RfmAxis("lateness", "late_share_shrunk_365d", False, Text("ponctualité", "punctuality")),
)
_SHARES = (0.2, 0.4, 0.6, 0.8)
SCORES: Final = len(_SHARES) + 1


@dataclass(frozen=True)
class RfmScale:
    """Cut points of the four axes.

    Attributes:
        cut_points: per axis, the four values between the fifths, ascending; equal ones where many payers tie.
        fitted_on: payers the scale was fitted on.
        version: `RFM_SCALE_VERSION` at fitting.
    """

    cut_points: Mapping[str, tuple[float, ...]]
    fitted_on: int
    version: str = RFM_SCALE_VERSION

    def scores(self, payers: Mapping[str, Float64Array]) -> dict[str, Float64Array]:
        """Score payers on the four axes, by `RfmAxis.score_column`: 1 to 5, 5 the best, NaN where the value is unknown.

        A value equal to a cut point belongs to the worse side of it when more is better, to the better side otherwise,
        so that payers who tie score alike.

        Args:
            payers: the columns the axes read, NaN where unknown.
        """
        found = {}
        for axis in AXES:
            values = payers[axis.column]
            above = np.searchsorted(self.cut_points[axis.name], values).astype(np.float64)
            score = 1 + above if axis.is_more_better else SCORES - above
            found[axis.score_column] = np.where(np.isnan(values), np.nan, score)
        return found

    def to_dict(self) -> dict[str, Any]:
        """The scale as plain values, for a JSON file."""
        return {
            "version": self.version,
            "fitted_on": self.fitted_on,
            "cut_points": {axis.name: list(self.cut_points[axis.name]) for axis in AXES},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RfmScale:
        """The scale from the values of `to_dict`.

        Raises:
            InvalidInputError: another version, or cut points missing, not numbers or not ascending.
        """
        faults = list(_faults_of(values))
        if faults:
            raise InvalidInputError(localized("this RFM scale cannot be used"), faults)
        cuts = {axis.name: tuple(float(cut) for cut in values["cut_points"][axis.name]) for axis in AXES}
        return cls(cuts, int(values["fitted_on"]), str(values["version"]))

    def to_json(self) -> str:
        """The scale as JSON text, keys in a fixed order."""
        return json.dumps(self.to_dict(), sort_keys=True)


def _faults_of(values: Mapping[str, Any]) -> Sequence[Fault]:
    faults = []
    if values.get("version") != RFM_SCALE_VERSION:
        faults.append(
            Fault(
                localized("version {version}", version=repr(values.get("version"))),
                where="version",
                expected=RFM_SCALE_VERSION,
                remedy=localized("train again"),
            )
        )
    if not isinstance(values.get("fitted_on"), int):
        faults.append(
            Fault(
                localized("not a number of payers"), where="fitted_on", expected=localized("a whole number")
            )
        )
    cut_points = values.get("cut_points")
    for axis in AXES:
        cuts = cut_points.get(axis.name) if isinstance(cut_points, Mapping) else None
        is_right = (
            isinstance(cuts, Sequence)
            and len(cuts) == len(_SHARES)
            and all(isinstance(cut, int | float) for cut in cuts)
            and list(cuts) == sorted(cuts)
        )
        if not is_right:
            faults.append(
                Fault(
                    localized("cut points are wrong"),
                    where=f"cut_points.{axis.name}",
                    expected=localized("{count} ascending numbers", count=len(_SHARES)),
                )
            )
    return faults


def fit_rfm_scale(features: pl.DataFrame, customer_ids: pl.Series | None = None) -> RfmScale:
    """Cut points of each axis from the training features.

    Args:
        features: rows of `compute_features` at training.
        customer_ids: payer of each row; the latest row of each payer is then used, so that a payer with a thousand
            invoices does not weigh a thousand times. Without it every row counts.

    Raises:
        InvalidInputError: a column is missing, or an axis has no known value at all.
    """
    missing = [axis.column for axis in AXES if axis.column not in features.columns]
    if missing:
        raise InvalidInputError(
            localized("no RFM scale can be fitted on these features"),
            [Fault(localized("column is missing"), where=f"features.{name}") for name in missing],
        )
    rows = features
    if customer_ids is not None:
        rows = (
            features.with_columns(customer_ids.alias("customer_id"))
            .sort("as_of", "invoice_id")
            .group_by("customer_id")
            .last()
        )
    cuts: dict[str, tuple[float, ...]] = {}
    faults = []
    for axis in AXES:
        known = rows[axis.column].drop_nulls()
        if known.is_empty():
            faults.append(
                Fault(
                    localized("no known value"),
                    where=f"features.{axis.column}",
                    remedy=localized("train on a longer history"),
                )
            )
            continue
        cuts[axis.name] = tuple(_quantile(known, share) for share in _SHARES)
    if faults:
        raise InvalidInputError(localized("no RFM scale can be fitted on these features"), faults)
    return RfmScale(cuts, rows.height)


def _quantile(values: pl.Series, share: float) -> float:
    found = values.quantile(share, interpolation="nearest")
    return float(found) if found is not None else 0.0


def rfm_scores(features: pl.DataFrame, scale: RfmScale) -> list[pl.Series]:
    """Scores of each row's payer on the four axes, as `RfmScale.scores` gives them; null where unknown."""
    found = scale.scores(columns_of(features))
    return [pl.Series(name, scores, nan_to_null=True).cast(pl.Int8) for name, scores in found.items()]


def columns_of(features: pl.DataFrame) -> dict[str, Float64Array]:
    """The numeric columns of a feature frame by name, NaN where unknown."""
    numbers = features.select(pl.selectors.numeric().cast(pl.Float64))
    return {name: numbers[name].to_numpy() for name in numbers.columns}
