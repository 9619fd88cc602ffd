"""Grades A to E: one letter for how likely, and how badly, an invoice will be late.

| grade | when | meaning |
|---|---|---|
| E | P(unpaid 30 days past due) at least 0.50 | expect a long delay |
| D | P(unpaid 30 days past due) at least 0.25 | a long delay is likely enough to act on |
| C | P(late) at least 0.50 | late more often than not, seldom by much |
| B | P(late) at least 0.25 | watch |
| A | otherwise | expect payment on time |

The thresholds are fixed numbers, not shares of the portfolio: a grade means the same every month, in every ledger.
"""

from __future__ import annotations

import numpy as np

from features.words import GRADES
from models.intervals import Floats, Ints

VERY_LATE_PROBABILITY = 0.50
LONG_DELAY_PROBABILITY = 0.25
LATE_PROBABILITY = 0.50
WATCH_PROBABILITY = 0.25
_DELAY_STEPS = np.array([LONG_DELAY_PROBABILITY, VERY_LATE_PROBABILITY])
_LATENESS_STEPS = np.array([WATCH_PROBABILITY, LATE_PROBABILITY])


def grades(p_late: Floats, p_late_30: Floats) -> Ints:
    """Place in `GRADES` of each grade: the first line of the table that applies.

    Args:
        p_late: P(late).
        p_late_30: P(unpaid 30 days past due).
    """
    by_delay = _DELAY_STEPS.searchsorted(p_late_30, side="right")
    by_lateness = _LATENESS_STEPS.searchsorted(p_late, side="right")
    result: Ints = np.where(by_delay > 0, GRADES.index("C") + by_delay, by_lateness)
    return result
