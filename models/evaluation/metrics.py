"""Figures that say how good predictions are, each recomputable from the predictions file.

Ranking and squared error are scikit-learn's. Its `calibration_curve` gives no counts, by which the calibration error
and the parts of the Brier score weigh the bins, so the bins are computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sklearn.metrics

from models.intervals import Floats
from models.log_loss import log_losses

Bools = npt.NDArray[np.bool_]

BIN_COUNT = 10


def auc(probability: Floats, is_event: Bools, weight: Floats | None = None) -> float | None:
    """Chance that an event got a higher probability than a non-event, ties counting half; None without both.

    Args:
        probability: of the event.
        is_event: whether it happened.
        weight: of each prediction; one each when left out.
    """
    if weight is not None:
        probability, is_event, weight = probability[weight > 0], is_event[weight > 0], weight[weight > 0]
    if is_event.all() or not is_event.any():
        return None
    return float(sklearn.metrics.roc_auc_score(is_event, probability, sample_weight=weight))


def average_precision(probability: Floats, is_event: Bools) -> float | None:
    """Mean precision at each event in order of probability; tied probabilities are one step. None without an event."""
    if not is_event.any():
        return None
    return float(sklearn.metrics.average_precision_score(is_event, probability))


def log_loss(probability: Floats, is_event: Bools, weight: Floats | None = None) -> float:
    """Mean negative log-likelihood, in nats; arguments as for `auc`."""
    return float(np.average(log_losses(probability, is_event), weights=weight))


def brier(probability: Floats, is_event: Bools, weight: Floats | None = None) -> float:
    """Mean squared distance between probability and outcome; arguments as for `auc`."""
    return float(sklearn.metrics.mean_squared_error(is_event, probability, sample_weight=weight))


@dataclass(frozen=True)
class ReliabilityBin:
    """One tenth of the predictions in order of probability.

    Attributes:
        count: predictions in the bin.
        predicted: their mean probability.
        observed: share of events among them.
    """

    count: int
    predicted: float
    observed: float


def reliability(probability: Floats, is_event: Bools, bins: int = BIN_COUNT) -> list[ReliabilityBin]:
    """Predicted against observed in bins of equal count; equal probabilities stay in one bin."""
    if probability.size == 0:
        return []
    edges = np.unique(np.quantile(probability, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    bin_of = np.searchsorted(edges, probability, side="right")
    found = []
    for number in np.unique(bin_of):
        inside = bin_of == number
        found.append(
            ReliabilityBin(
                int(inside.sum()), float(probability[inside].mean()), float(is_event[inside].mean())
            )
        )
    return found


def expected_calibration_error(probability: Floats, is_event: Bools) -> float:
    """Mean distance between predicted and observed over ten bins of equal count, weighted by count."""
    return float(
        sum(b.count * abs(b.predicted - b.observed) for b in reliability(probability, is_event))
        / is_event.size
    )


@dataclass(frozen=True)
class BrierParts:
    """Murphy's decomposition over the reliability bins: brier = reliability - resolution + uncertainty + within.

    Attributes:
        reliability: distance of predicted from observed, 0 is best.
        resolution: how far the bins' observed shares lie from the base rate, more is better.
        uncertainty: variance of the outcome, the same for every model.
        within: what the spread inside the bins adds.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def brier_parts(probability: Floats, is_event: Bools) -> BrierParts:
    """The Brier score taken apart."""
    base = float(is_event.mean())
    bins = reliability(probability, is_event)
    total = is_event.size
    off = sum(b.count * (b.predicted - b.observed) ** 2 for b in bins) / total
    resolution = sum(b.count * (b.observed - base) ** 2 for b in bins) / total
    uncertainty = base * (1.0 - base)
    within = brier(probability, is_event) - off + resolution - uncertainty
    return BrierParts(off, resolution, uncertainty, within)


def top_decile_capture(probability: Floats, is_event: Bools, amount: Floats) -> float | None:
    """Share of the late money that lies in the tenth of the invoices with the highest probability x amount."""
    late = float(amount[is_event].sum())
    if late <= 0.0:
        return None
    count = max(1, round(0.1 * is_event.size))
    chosen = np.argsort(-(probability * amount), kind="stable")[:count]
    return float(amount[chosen][is_event[chosen]].sum() / late)


@dataclass(frozen=True)
class DateErrors:
    """How far predicted payment dates lie from what happened.

    Attributes:
        count: invoices whose whole range of dates could be observed.
        median_absolute_days: of the p50 date, over settled ones.
        mean_absolute_days: of the p50 date, over settled ones.
        within_3_days: share of settled ones whose p50 date is at most three days off.
        pinball_days: mean pinball loss of the quantiles given, over settled ones.
        coverage: share of all, open ones counted as later, that lie between p10 and p90; None without those dates.
        below_p10: share settled before the p10 date.
        above_p90: share settled after the p90 date or still open.
    """

    count: int
    median_absolute_days: float
    mean_absolute_days: float
    within_3_days: float
    pinball_days: float
    coverage: float | None
    below_p10: float | None
    above_p90: float | None


def date_errors(p10: Floats | None, p50: Floats, p90: Floats | None, actual: Floats) -> DateErrors | None:
    """Errors of dates in days from a common origin; `actual` is infinite while open. None without a settled one."""
    settled = np.isfinite(actual)
    if not settled.any():
        return None
    error = np.abs(p50[settled] - actual[settled])
    losses = [
        _pinball(actual[settled] - quantile[settled], share).mean()
        for quantile, share in ((p10, 0.1), (p50, 0.5), (p90, 0.9))
        if quantile is not None
    ]
    below = None if p10 is None else float((actual < p10).mean())
    above = None if p90 is None else float((actual > p90).mean())
    return DateErrors(
        count=int(actual.size),
        median_absolute_days=float(np.median(error)),
        mean_absolute_days=float(error.mean()),
        within_3_days=float((error <= 3.0).mean()),
        pinball_days=float(np.mean(losses)),
        coverage=None if below is None or above is None else 1.0 - below - above,
        below_p10=below,
        above_p90=above,
    )


def _pinball(shortfall: Floats, share: float) -> Floats:
    result: Floats = np.maximum(share * shortfall, (share - 1.0) * shortfall)
    return result
