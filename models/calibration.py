"""Out-of-time calibration: a stretch and a shift of each interval's log-odds, judged on the curve people act on.

Fitted on the newest slices of the training window with models that have not seen them. Because it acts on each interval's
hazard, the curve stays one falling curve and everything read from it (dates, receipts) is calibrated with it. Every
parameter carries a prior around "no change": with few data the calibration stays near the identity. A level that
differs from slice to slice is season or chance: only the part of the shift that all slices share is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.intervals import Floats, Ints

_COMMON_SLOPE_SPREAD = 0.10
_OWN_SLOPE_SPREAD = 0.10
_COMMON_SHIFT_SPREAD = 0.20
_OWN_SHIFT_SPREAD = 0.10
_LEAST_SLOPE = 0.05
_TINY = 1e-12


@dataclass(frozen=True)
class HazardCalibration:
    """Calibrated log-odds = slope of the interval x log-odds + shift of the interval.

    Attributes:
        slope: per interval; 1 leaves confidence as it is, below 1 tempers it.
        shift: per interval, added to the log-odds of settlement.
        landmark_count: landmarks it was fitted on; 0 for the identity.
    """

    slope: tuple[float, ...]
    shift: tuple[float, ...]
    landmark_count: int

    def apply(self, margins: Floats, interval: Ints) -> Floats:
        """Calibrated log-odds of each hazard row."""
        slope, shift = np.asarray(self.slope), np.asarray(self.shift)
        result: Floats = slope[interval] * margins + shift[interval]
        return result


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
    return HazardCalibration((1.0,) * interval_count, (0.0,) * interval_count, 0)


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

    slices = judged.time_slice[seen]
    slice_count = int(slices.max()) + 1
    first_own = 1 + slice_count

    def unpacked(parameters: Floats) -> tuple[Floats, Floats, Floats]:
        own = parameters[first_own:]
        return 1.0 + parameters[0] + own[:count], own[count:], parameters[1:first_own]

    spread = np.concatenate(
        [
            [_COMMON_SLOPE_SPREAD],
            np.full(slice_count, _COMMON_SHIFT_SPREAD),
            np.full(count, _OWN_SLOPE_SPREAD),
            np.full(count, _OWN_SHIFT_SPREAD),
        ]
    )

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope, shift, by_slice = unpacked(parameters)
        margin = np.clip(margins * slope + shift + by_slice[slices][:, None], -30.0, 30.0)
        log_outlive = np.where(is_ahead, -np.logaddexp(0.0, margin), 0.0)
        log_unpaid = np.cumsum(log_outlive, axis=1)
        unpaid = np.clip(np.exp(log_unpaid), _TINY, 1.0 - _TINY)
        value = -(share * np.where(is_unpaid, log_unpaid, np.log1p(-unpaid))).sum()
        by_log_unpaid = -share * np.where(is_unpaid, 1.0, -unpaid / (1.0 - unpaid))
        # Outliving an interval enters P(unpaid) at its own bound and at every later one.
        later = np.cumsum(by_log_unpaid[:, ::-1], axis=1)[:, ::-1]
        by_margin = np.where(is_ahead, -later / (1.0 + np.exp(-margin)), 0.0)
        by_slope, by_shift = (by_margin * margins).sum(axis=0), by_margin.sum(axis=0)
        level = np.bincount(slices, weights=by_margin.sum(axis=1), minlength=slice_count)
        gradient = np.concatenate([[by_slope.sum()], level, by_slope, by_shift])
        value += 0.5 * float(((parameters / spread) ** 2).sum())
        return float(value), gradient + parameters / spread**2

    start = np.zeros(first_own + 2 * count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-12})
    slope, shift, by_slice = unpacked(np.asarray(found.x, dtype=np.float64))
    lasting = shared_shift(by_slice)
    return HazardCalibration(
        # A negative slope would turn the model's order round; the prior makes it unlikely, this makes it impossible.
        slope=tuple(max(_rounded(value), _LEAST_SLOPE) for value in slope.tolist()),
        shift=tuple(_rounded(value + lasting) for value in shift.tolist()),
        landmark_count=int(seen.sum()),
    )


def shared_shift(by_slice: Floats) -> float:
    """The part of the slices' shifts that is more than their scatter; 0 for a single slice.

    >>> shared_shift(np.array([0.2, 0.2, 0.2])), shared_shift(np.array([0.3, -0.3, 0.1]))
    (0.2, 0.0)
    """
    if by_slice.size < 2:
        return 0.0
    mean = float(by_slice.mean())
    scatter = float(by_slice.var(ddof=1)) / by_slice.size
    if mean == 0.0:
        return 0.0
    return _rounded(mean * max(0.0, 1.0 - scatter / mean**2))


def _rounded(value: float) -> float:
    """Eight significant digits: the last bits of a sum depend on the machine, a model must not."""
    return float(f"{value:.8g}")
