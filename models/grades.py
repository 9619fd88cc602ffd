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

import polars as pl

GRADES: tuple[str, ...] = ("A", "B", "C", "D", "E")
VERY_LATE_PROBABILITY = 0.50
LONG_DELAY_PROBABILITY = 0.25
LATE_PROBABILITY = 0.50
WATCH_PROBABILITY = 0.25


def grade_of(p_late: pl.Expr, p_late_30: pl.Expr) -> pl.Expr:
    """The grade from P(late) and P(unpaid 30 days past due); the first line of the table that holds."""
    return (
        pl.when(p_late_30 >= VERY_LATE_PROBABILITY)
        .then(pl.lit("E"))
        .when(p_late_30 >= LONG_DELAY_PROBABILITY)
        .then(pl.lit("D"))
        .when(p_late >= LATE_PROBABILITY)
        .then(pl.lit("C"))
        .when(p_late >= WATCH_PROBABILITY)
        .then(pl.lit("B"))
        .otherwise(pl.lit("A"))
    )
