"""Out-of-time calibration: a stretch and a shift of each interval's log-odds, judged on the curve people act on.

Fitted on the newest slices of the training window with models that have not seen them. Because it acts on
each interval's hazard, the curve stays one falling curve and everything read from it (dates, receipts) is
calibrated with it. Every parameter carries a prior around "no change": with few data the calibration stays
near the identity. Each slice has a level of its own, which is set aside: the level is the portfolio's as known on the
day of each score (`models.hazard.customer_curve`), which is nearer to what comes than that of the window behind it.

Last, a small share of the portfolio's own curve is mixed in: some invoices follow no habit, and a model that knows only
habits says one in a million where one in fifty happens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.hazard.hazard import UnpaidCurves, curves_from_margins, product_over_intervals
from models.intervals import Floats, HazardRows, Intervals, Ints

_COMMON_SLOPE_SPREAD = 0.10
_OWN_SLOPE_SPREAD = 0.10
_LEVEL_SPREAD = 0.50
_OWN_SHIFT_SPREAD = 0.03
_LEAST_SLOPE = 0.05
_TINY = 1e-12
_PORTFOLIO_SHARES = (0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12)


@dataclass(frozen=True)
class HazardCalibration:
    """Calibrated log-odds = slope of the interval x log-odds + shift of the interval; then the portfolio's share.

    Attributes:
        slope: per interval; 1 leaves confidence as it is, below 1 tempers it.
        shift: per interval, added to the log-odds of settlement.
        portfolio_share: share of invoices taken to follow the portfolio's curve instead of their own.
        portfolio_hazard: the portfolio's chance of settlement in each whole interval.
        landmark_count: landmarks it was fitted on; 0 for the identity.
    """

    slope: tuple[float, ...]
    shift: tuple[float, ...]
    portfolio_share: float
    portfolio_hazard: tuple[float, ...]
    landmark_count: int

    def apply(self, margins: Floats, interval: Ints) -> Floats:
        """Calibrated log-odds of each hazard row."""
        slope, shift = np.asarray(self.slope), np.asarray(self.shift)
        result: Floats = slope[interval] * margins + shift[interval]
        return result

    def curves(
        self, margins: Floats, rows: HazardRows, days_past_due: Ints, intervals: Intervals
    ) -> UnpaidCurves:
        """Calibrated curves from the model's log-odds of settlement.

        Args:
            margins: of each hazard row.
            rows: the intervals ahead of each landmark, as `hazard_rows` gives them.
            days_past_due: of each landmark.
            intervals: of the model.
        """
        own = curves_from_margins(self.apply(margins, rows.interval), rows, days_past_due, intervals)
        if self.portfolio_share == 0.0:
            return own
        left = np.minimum(rows.days_at_risk / intervals.nominal_days[rows.interval], 1.0)
        outlive = 1.0 - np.asarray(self.portfolio_hazard)[rows.interval] * left
        pooled = product_over_intervals(outlive, rows, days_past_due.size, len(intervals.bounds))
        mixed = (1.0 - self.portfolio_share) * own.unpaid + self.portfolio_share * pooled
        return replace(own, unpaid=mixed)


@dataclass(frozen=True)
class JudgedCurves:
    """Landmarks the model has not seen, with what became of them.

    Attributes:
        margins: log-odds of settlement, one row per landmark, one column per interval.
        is_ahead: whether the interval was still ahead of the landmark.
        is_observed: whether the end of the interval had passed before the cut-off, paid or not.
        is_unpaid: whether the invoice was still unpaid at that end.
        weight: weight of each landmark.
        time_slice: number of the slice of time each landmark belongs to, from 0.
    """

    margins: Floats
    is_ahead: npt.NDArray[np.bool_]
    is_observed: npt.NDArray[np.bool_]
    is_unpaid: npt.NDArray[np.bool_]
    weight: Floats
    time_slice: Ints


def identity_calibration(interval_count: int) -> HazardCalibration:
    """The calibration that changes nothing."""
    return HazardCalibration(
        (1.0,) * interval_count, (0.0,) * interval_count, 0.0, (0.0,) * interval_count, 0
    )


def fit_calibration(judged: JudgedCurves) -> HazardCalibration:
    """The most probable calibration given curves the model has not seen; the identity when there are none.

    Each landmark counts once, its log loss averaged over the bounds observed.
    """
    from scipy.optimize import minimize

    count = judged.margins.shape[1]
    is_used = judged.is_observed & judged.is_ahead
    seen = is_used.any(axis=1)
    if not seen.any():
        return identity_calibration(count)
    margins, is_ahead, is_used = judged.margins[seen], judged.is_ahead[seen], is_used[seen]
    is_unpaid = judged.is_unpaid[seen]
    share = is_used * (judged.weight[seen] / is_used.sum(axis=1))[:, None]

    # Stretched around the usual margin of each interval, so that a stretch does not move the level.
    centre = (margins * share).sum(axis=0) / np.maximum(share.sum(axis=0), _TINY)
    away = np.where(is_ahead, margins - centre, 0.0)
    slices = judged.time_slice[seen]
    slice_count = int(slices.max()) + 1
    first_own = 1 + slice_count

    def unpacked(parameters: Floats) -> tuple[Floats, Floats, Floats]:
        own = parameters[first_own:]
        return 1.0 + parameters[0] + own[:count], own[count:], parameters[1:first_own]

    spread = np.concatenate(
        [
            [_COMMON_SLOPE_SPREAD],
            np.full(slice_count, _LEVEL_SPREAD),
            np.full(count, _OWN_SLOPE_SPREAD),
            np.full(count, _OWN_SHIFT_SPREAD),
        ]
    )

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope, shift, by_slice = unpacked(parameters)
        margin = np.clip(centre + away * slope + shift + by_slice[slices][:, None], -30.0, 30.0)
        log_outlive = np.where(is_ahead, -np.logaddexp(0.0, margin), 0.0)
        log_unpaid = np.cumsum(log_outlive, axis=1)
        unpaid = np.clip(np.exp(log_unpaid), _TINY, 1.0 - _TINY)
        value = -(share * np.where(is_unpaid, log_unpaid, np.log1p(-unpaid))).sum()
        by_log_unpaid = -share * np.where(is_unpaid, 1.0, -unpaid / (1.0 - unpaid))
        # Outliving an interval enters P(unpaid) at its own bound and at every later one.
        later = np.cumsum(by_log_unpaid[:, ::-1], axis=1)[:, ::-1]
        by_margin = np.where(is_ahead, -later / (1.0 + np.exp(-margin)), 0.0)
        by_slope, by_shift = (by_margin * away).sum(axis=0), by_margin.sum(axis=0)
        level = np.bincount(slices, weights=by_margin.sum(axis=1), minlength=slice_count)
        gradient = np.concatenate([[by_slope.sum()], level, by_slope, by_shift])
        value += 0.5 * float(((parameters / spread) ** 2).sum())
        return float(value), gradient + parameters / spread**2

    start = np.zeros(first_own + 2 * count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-12})
    slope, shift, level = unpacked(np.asarray(found.x, dtype=np.float64))
    hazard = _portfolio_hazard(is_ahead, is_used, is_unpaid, judged.weight[seen])
    margin = np.clip(centre + away * slope + shift + level[slices][:, None], -30.0, 30.0)
    own = np.cumprod(np.where(is_ahead, 1.0 / (1.0 + np.exp(margin)), 1.0), axis=1)
    pooled = np.cumprod(np.where(is_ahead, 1.0 - hazard, 1.0), axis=1)
    # A negative slope would turn the model's order round; the prior makes it unlikely, this makes it impossible.
    slope = np.maximum(slope, _LEAST_SLOPE)
    return HazardCalibration(
        slope=tuple(_rounded(value) for value in slope.tolist()),
        shift=tuple(_rounded(value) for value in (shift + centre * (1.0 - slope)).tolist()),
        portfolio_share=_best_share(np.asarray(own), np.asarray(pooled), is_unpaid, share),
        portfolio_hazard=tuple(_rounded(value) for value in hazard.tolist()),
        landmark_count=int(seen.sum()),
    )


def _portfolio_hazard(
    is_ahead: npt.NDArray[np.bool_],
    is_used: npt.NDArray[np.bool_],
    is_unpaid: npt.NDArray[np.bool_],
    weight: Floats,
) -> Floats:
    """Share settled in each interval among those still unpaid at its start, kept from 0 and 1 by one added of each."""
    was_unpaid = np.concatenate([np.ones((is_unpaid.shape[0], 1), dtype=np.bool_), is_unpaid[:, :-1]], axis=1)
    at_risk = (is_used & (was_unpaid | ~np.roll(is_ahead, 1, axis=1))) * weight[:, None]
    settled = (at_risk * ~is_unpaid).sum(axis=0)
    result: Floats = (settled + 1.0) / (at_risk.sum(axis=0) + 2.0)
    return result


def _best_share(own: Floats, pooled: Floats, is_unpaid: npt.NDArray[np.bool_], share: Floats) -> float:
    """The share of the portfolio's curve with the highest likelihood; a small one is expected beforehand."""
    best, found = np.inf, 0.0
    for candidate in _PORTFOLIO_SHARES:
        chance = np.clip((1.0 - candidate) * own + candidate * pooled, _TINY, 1.0 - _TINY)
        loss = -(share * np.where(is_unpaid, np.log(chance), np.log1p(-chance))).sum()
        loss -= 0.5 * np.log(candidate) - 25.0 * candidate
        if loss < best:
            best, found = loss, candidate
    return found


def _rounded(value: float) -> float:
    """Eight significant digits: the last bits of a sum depend on the machine, a model must not."""
    return float(f"{value:.8g}")
