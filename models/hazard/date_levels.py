"""At which probabilities the p10, p50 and p90 dates are read from the curve, so that they hold what they say.

Money comes on working days and in runs, all at once, and the curve spreads it evenly over its intervals: dates read at
0.1 and 0.9 hold nearer nine tenths than eight. The two outer levels are therefore set on the time slices, with models
that had not seen them and dates moved to payable days: nine in a hundred invoices settled before the first date, nine
after the last. (Of payments that come all at once on the date itself, half belong to either side.)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.hazard.hazard import UnpaidCurves
from models.hazard.payable_days import RunHabit, nearest_payable_day
from models.hazard.payment_date import quantile_days
from models.intervals import Floats, Ints

DATE_COLUMNS: Final = ("payment_date_p10", "payment_date_p50", "payment_date_p90")
"""The dates of a score, in the order of the levels."""

_OUTSIDE: Final = 0.09
_EARLY_LEVELS: Final = np.round(np.arange(0.08, 0.271, 0.01), 2)
_LATE_LEVELS: Final = np.round(np.arange(0.78, 0.941, 0.01), 2)
_LANDMARKS_BEFOREHAND: Final = 300.0


@dataclass(frozen=True)
class DateLevels:
    """Probability of having been paid by each date; the usual values of ledgers apply until slices were evaluated.

    Attributes:
        early: of the p10 date.
        middle: of the p50 date.
        late: of the p90 date.
    """

    early: float = 0.16
    middle: float = 0.5
    late: float = 0.88

    @property
    def in_order(self) -> tuple[float, float, float]:
        """The levels in the order of `DATE_COLUMNS`."""
        return (self.early, self.middle, self.late)


USUAL_LEVELS: Final = DateLevels()


@dataclass(frozen=True)
class JudgedDates:
    """Landmarks of the time slices with what became of them.

    Attributes:
        curves: calibrated, of models that had not seen the landmarks.
        as_of: day of each landmark.
        due_on: its due date.
        countries: whose working days count.
        habits: of the payers.
        days_late: as known at the cut-off; infinite while open.
        days_until_cutoff: from the due date to the cut-off.
    """

    curves: UnpaidCurves
    as_of: Sequence[dt.date]
    due_on: Sequence[dt.date]
    countries: Sequence[str]
    habits: Sequence[RunHabit]
    days_late: Floats
    days_until_cutoff: Ints


def fit_date_levels(judged: JudgedDates | None) -> DateLevels:
    """The levels at which nine in a hundred are settled before the early date, and nine later than the late one.

    A landmark counts for a level only if the date read at it has passed before the cut-off, whatever became of the
    invoice. With few landmarks the levels stay near the usual ones.
    """
    usual = USUAL_LEVELS
    if judged is None or judged.days_late.size == 0:
        return usual
    return replace(
        usual,
        early=_level(judged, _EARLY_LEVELS, usual.early, lambda day: judged.days_late < day),
        late=_level(judged, _LATE_LEVELS, usual.late, lambda day: judged.days_late > day),
    )


def _level(
    judged: JudgedDates,
    levels: Floats,
    usual: float,
    is_outside: Callable[[Floats], np.ndarray[tuple[int], np.dtype[np.bool_]]],
) -> float:
    """The level whose share outside is nearest to the one meant, pulled to the usual one where few judge it."""
    shares, counts = np.zeros(levels.size), np.zeros(levels.size)
    for place, level in enumerate(levels.tolist()):
        day = _days(judged, level)
        is_used = day < judged.days_until_cutoff
        counts[place] = is_used.sum()
        shares[place] = is_outside(day)[is_used].mean() if counts[place] else np.nan
    known = np.flatnonzero(counts > 0)
    if known.size == 0:
        return usual
    best = known[np.argmin(np.abs(shares[known] - _OUTSIDE))]
    weight = counts[best] / (counts[best] + _LANDMARKS_BEFOREHAND)
    return float(np.round(weight * levels[best] + (1.0 - weight) * usual, 4))


def _days(judged: JudgedDates, level: float) -> Floats:
    """Days past due of the payable day nearest to the one read at a level."""
    read = quantile_days(judged.curves, [level])[0].tolist()
    rows = zip(judged.due_on, judged.as_of, judged.countries, judged.habits, read, strict=True)
    return np.array(
        [
            (nearest_payable_day(due + dt.timedelta(days=day), seen, country, habit) - due).days
            for due, seen, country, habit, day in rows
        ],
        dtype=np.float64,
    )
