"""When the money comes: dates and weekly receipts read from the unpaid curve.

Within an interval settlements are spread evenly over its days; beyond the last bound its hazard repeats. A
date is never before the as-of date and is a working day of the payer's country.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.calendars import next_working_day
from models.hazard import UnpaidCurves
from models.intervals import Floats, Ints

DEFAULT_COUNTRY = "FR"
_TAIL_REPEATS = 6


@dataclass(frozen=True)
class _Stretch:
    """One interval as each landmark sees it: P(unpaid) at its two ends, its first day and its length in days."""

    before: Floats
    after: Floats
    opening: Ints
    length: Ints
    is_ahead: np.ndarray[tuple[int], np.dtype[np.bool_]]


def _stretches(curves: UnpaidCurves) -> Iterator[_Stretch]:
    """The intervals of the curve in order, then the repeats of the last one."""
    ends, dpd = curves.intervals.array, curves.days_past_due
    tail = curves.intervals.tail_days
    is_beyond = dpd > ends[-1]
    before = np.ones(dpd.size)
    opening = dpd
    after, last_before = before, before
    for column in range(ends.size):
        is_ahead = column >= curves.start
        after = np.where(is_ahead, curves.unpaid[:, column], 1.0)
        opening = dpd if column == 0 else np.maximum(dpd, ends[column - 1] + 1)
        length = np.where(is_beyond, tail, ends[column] - opening + 1)
        yield _Stretch(before, after, opening, length, is_ahead)
        last_before, before = before, after
    outlived = after / last_before
    opening = np.where(is_beyond, dpd + tail, ends[-1] + 1)
    for _ in range(_TAIL_REPEATS):
        after = before * outlived
        yield _Stretch(before, after, opening, np.full(dpd.size, tail), np.ones(dpd.size, dtype=np.bool_))
        before, opening = after, opening + tail


def quantile_days(curves: UnpaidCurves, share: float | Floats) -> Ints:
    """First day past due by which the invoice is paid with a given probability.

    Args:
        curves: the unpaid curves.
        share: probability of having been paid by then, between 0 and 1; one for all landmarks, or one for each.

    Returns:
        Days past due per landmark, never before its as-of date; when even six repeats of the last interval do not
        reach the probability, the last day of those.
    """
    goal = 1.0 - share
    day = np.zeros(curves.days_past_due.size, dtype=np.int64)
    is_found = np.zeros(day.size, dtype=np.bool_)
    last_day = day
    for stretch in _stretches(curves):
        is_here = stretch.is_ahead & ~is_found & (stretch.after <= goal)
        drop = np.where(is_here, stretch.before - stretch.after, 1.0)
        into = np.ceil(np.clip((stretch.before - goal) / drop, 0.0, 1.0) * stretch.length)
        day = np.where(is_here, stretch.opening + np.maximum(into, 1.0).astype(np.int64) - 1, day)
        is_found |= is_here
        last_day = stretch.opening + stretch.length - 1
    result: Ints = np.where(is_found, day, last_day).astype(np.int64)
    return result


def payment_dates(landmarks: pl.DataFrame, days: Ints) -> pl.Series:
    """Days past due as dates: the working day of the payer's country on or after them, never before the as-of date.

    Args:
        landmarks: `as_of, due_on` and, when known, `country`; an absent or unknown country is read as France.
        days: days past due.
    """
    countries = landmarks["country"] if "country" in landmarks.columns else pl.Series([None], dtype=pl.String)
    frame = (
        landmarks.select("as_of", "due_on")
        .with_columns(
            country=countries.fill_null(DEFAULT_COUNTRY)
            if countries.len() == landmarks.height
            else pl.lit(DEFAULT_COUNTRY),
            day=pl.Series(days),
        )
        .with_columns(
            day=pl.max_horizontal(pl.col("due_on") + pl.duration(days=pl.col("day")), pl.col("as_of"))
        )
    )
    snapped = {key: next_working_day(*key) for key in frame.select("day", "country").unique().iter_rows()}
    moved = [snapped[key] for key in frame.select("day", "country").iter_rows()]
    return pl.Series("payment_date", moved, dtype=pl.Date)


def expected_receipts(curves: UnpaidCurves, landmarks: pl.DataFrame, weeks: int = 13) -> pl.DataFrame:
    """Money expected in each week from a common as-of date on.

    Args:
        curves: the unpaid curves of the landmarks.
        landmarks: `as_of, due_on, amount`; all of one as-of date for a cash forecast.
        weeks: weeks looked ahead; what is expected later is in the last row.

    Returns:
        `week` (0 for the first seven days), `starts_on`, `expected_amount`, `amount_standard_deviation` (invoices taken
        as independent); the last row has a null `starts_on` and holds everything later.
    """
    as_of = landmarks["as_of"].min()
    if as_of is None:
        return pl.DataFrame(
            schema={
                "week": pl.Int64,
                "starts_on": pl.Date,
                "expected_amount": pl.Float64,
                "amount_standard_deviation": pl.Float64,
            }
        )
    amount = landmarks["amount"].to_numpy()
    paid_before = np.zeros(amount.size)
    rows = []
    for week in range(weeks):
        paid_after = 1.0 - _unpaid_after(curves, curves.days_past_due + 7 * (week + 1) - 1)
        share = np.maximum(paid_after - paid_before, 0.0)
        rows.append(
            (float((amount * share).sum()), float(np.sqrt((amount**2 * share * (1.0 - share)).sum())))
        )
        paid_before = np.maximum(paid_before, paid_after)
    later = 1.0 - paid_before
    rows.append((float((amount * later).sum()), float(np.sqrt((amount**2 * later * (1.0 - later)).sum()))))
    return pl.DataFrame(
        {
            "week": range(weeks + 1),
            "expected_amount": [expected for expected, _ in rows],
            "amount_standard_deviation": [spread for _, spread in rows],
        },
        schema_overrides={"week": pl.Int64},
    ).select(
        "week",
        starts_on=pl.when(pl.col("week") < weeks).then(pl.lit(as_of) + pl.duration(days=7 * pl.col("week"))),
        expected_amount="expected_amount",
        amount_standard_deviation="amount_standard_deviation",
    )


def _unpaid_after(curves: UnpaidCurves, day: Ints) -> Floats:
    """P(unpaid at the end of a day past due), straight between the bounds of an interval."""
    unpaid = np.ones(day.size)
    for stretch in _stretches(curves):
        passed = np.clip((day - stretch.opening + 1) / stretch.length, 0.0, 1.0)
        here = stretch.before + (stretch.after - stretch.before) * passed
        unpaid = np.where(stretch.is_ahead, np.minimum(unpaid, here), unpaid)
    return unpaid
