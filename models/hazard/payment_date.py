"""When the money comes: dates and weekly receipts read from the unpaid curve.

Within an interval settlements are spread evenly over its days; beyond the last bound its hazard repeats. A
date is never before the as-of date and is a working day of the payer's country.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from features.errors import Fault, InvalidInputError
from features.messages import localized
from models.hazard.hazard import UnpaidCurves
from models.hazard.payable_days import RunHabit, nearest_payable_day
from models.intervals import Floats, Ints

Dates = npt.NDArray[np.datetime64]

_EPOCH = date(1970, 1, 1).toordinal()
_TAIL_REPEATS = 6
_REPEATS = np.arange(_TAIL_REPEATS, dtype=np.int64)


@dataclass(frozen=True)
class _Stretches:
    """The intervals as each landmark sees them, then the repeats of the last one: a row for each landmark.

    P(unpaid) at the two ends of a stretch, its first day, its length in days, and whether it is still ahead.
    """

    before: Floats
    after: Floats
    opening: Ints
    length: Ints
    is_ahead: npt.NDArray[np.bool_]


def _stretches(curves: UnpaidCurves) -> _Stretches:
    ends, dpd, tail = curves.intervals.array, curves.days_past_due, curves.intervals.tail_days
    count, width = curves.unpaid.shape
    is_beyond = (dpd > ends[-1])[:, None]
    shape = (count, width + _TAIL_REPEATS)
    is_ahead = np.ones(shape, dtype=np.bool_)
    is_ahead[:, :width] = np.arange(width) >= curves.start[:, None]
    after = np.empty(shape)
    after[:, :width] = np.where(is_ahead[:, :width], curves.unpaid, 1.0)
    last_before = after[:, width - 2] if width > 1 else np.ones(count)
    after[:, width:] = (after[:, width - 1] / last_before)[:, None]
    after[:, width - 1 :] = np.multiply.accumulate(after[:, width - 1 :], axis=1)
    before = np.ones(shape)
    before[:, 1:] = after[:, :-1]
    opening = np.empty(shape, dtype=np.int64)
    opening[:, 0] = dpd
    opening[:, 1:width] = np.maximum(dpd[:, None], ends[:-1] + 1)
    length = np.full(shape, tail, dtype=np.int64)
    length[:, :width] = np.where(is_beyond, tail, np.maximum(ends - opening[:, :width] + 1, 1))
    opening[:, width:] = np.where(is_beyond, dpd[:, None] + tail, ends[-1] + 1) + tail * _REPEATS
    return _Stretches(before, after, opening, length, is_ahead)


def quantile_days(curves: UnpaidCurves, levels: Sequence[float]) -> Ints:
    """First day past due by which each invoice is paid with each of some probabilities.

    Args:
        curves: the unpaid curves.
        levels: probabilities of having been paid by then, between 0 and 1.

    Returns:
        Days past due, one row per level and one column per landmark, never before its as-of date; when even six
        repeats of the last interval do not reach the probability, the last day of those.
    """
    goal = (1.0 - np.asarray(levels, dtype=np.float64))[:, None, None]
    ways = _stretches(curves)
    is_reached = ways.is_ahead & (ways.after <= goal)
    is_found = is_reached.any(axis=2)
    place = is_reached.argmax(axis=2)
    rows = np.arange(place.shape[1])
    before, after = ways.before[rows, place], ways.after[rows, place]
    drop = np.where(is_found & (before > after), before - after, 1.0)
    into = np.ceil(np.clip((before - goal[:, :, 0]) / drop, 0.0, 1.0) * ways.length[rows, place])
    day = ways.opening[rows, place] + np.maximum(into, 1.0).astype(np.int64) - 1
    last_day = ways.opening[:, -1] + ways.length[:, -1] - 1
    result: Ints = np.where(is_found, day, last_day)
    return result


def payment_dates(
    days: Ints,
    due_on: Sequence[date],
    as_of: Sequence[date],
    countries: Sequence[str],
    habits: Sequence[RunHabit],
) -> Dates:
    """Days past due as dates: the nearest day on which the payer pays, never before the as-of date.

    Args:
        days: days past due, one row per level and one column per landmark.
        due_on: due date of each landmark.
        as_of: its as-of date.
        countries: whose working days count for it.
        habits: when its payer makes payment runs.

    Returns:
        The dates, in the shape of `days`.
    """
    landmarks = list(zip(due_on, as_of, countries, habits, strict=True))
    moved = [
        [
            nearest_payable_day(due + timedelta(days=day), seen, country, habit).toordinal()
            for (due, seen, country, habit), day in zip(landmarks, of_level, strict=True)
        ]
        for of_level in days.tolist()
    ]
    ordinals = np.array(moved, dtype=np.int64).reshape(days.shape)
    return (ordinals - _EPOCH).astype("datetime64[D]")


_RECEIPTS = {
    "week": pl.Int64,
    "starts_on": pl.Date,
    "expected_amount": pl.Float64,
    "amount_p10": pl.Float64,
    "amount_p50": pl.Float64,
    "amount_p90": pl.Float64,
}
_RECEIPT_DRAWS = 2_000
_RECEIPT_SEED = 7


def expected_receipts(curves: UnpaidCurves, landmarks: pl.DataFrame, weeks: int = 13) -> pl.DataFrame:
    """Money expected in each week from a common as-of date on.

    Args:
        curves: the unpaid curves of the landmarks.
        landmarks: `as_of, due_on, amount`; all of one as-of date for a cash forecast, and of one `currency`.
        weeks: weeks looked ahead; what is expected later is in the last row.

    Raises:
        InvalidInputError: the landmarks are in several currencies, which are not added.

    Returns:
        `week` (0 for the first seven days), `starts_on`, `expected_amount`, `amount_p10`, `amount_p50`, `amount_p90`
        (invoices taken as independent, which makes the range too narrow when the economy turns); the last row has a
        null `starts_on` and holds everything later.
    """
    currencies = landmarks["currency"].unique().sort().to_list() if "currency" in landmarks.columns else []
    if len(currencies) > 1:
        raise InvalidInputError(
            localized("Receipts in several currencies are not added."),
            [
                Fault(
                    localized("{count} currencies", count=len(currencies)),
                    where="landmarks.currency",
                    expected=localized("one currency"),
                    remedy=localized("ask for the receipts of each currency by itself"),
                    examples=tuple(str(code) for code in currencies[:5]),
                )
            ],
        )
    if landmarks.height == 0:
        return pl.DataFrame(schema=_RECEIPTS)
    amount, as_of = landmarks["amount"].to_numpy(), min(landmarks["as_of"].to_list())
    ends = [curves.days_past_due + 7 * (week + 1) - 1 for week in range(weeks)]
    unpaid = np.minimum.accumulate(np.column_stack([_unpaid_after(curves, day) for day in ends]), axis=1)
    paid = np.column_stack([1.0 - unpaid, np.ones(amount.size)])
    share = np.diff(paid, axis=1, prepend=0.0)
    low, middle, high = _receipt_quantiles(paid, amount)
    return pl.DataFrame(
        {
            "week": np.arange(weeks + 1),
            "starts_on": [*(as_of + timedelta(days=7 * week) for week in range(weeks)), None],
            "expected_amount": (amount[:, None] * share).sum(axis=0),
            "amount_p10": low,
            "amount_p50": middle,
            "amount_p90": high,
        },
        schema=_RECEIPTS,
    )


def _receipt_quantiles(paid: Floats, amount: Floats) -> Floats:
    """p10, p50 and p90 (rows) of the money received in each week, over weeks drawn for every invoice.

    Args:
        paid: P(paid by the end of the week), one row per invoice; the last column is 1.
        amount: of each invoice.
    """
    random = np.random.default_rng(_RECEIPT_SEED)
    received = np.zeros((_RECEIPT_DRAWS, paid.shape[1]))
    draws = np.arange(_RECEIPT_DRAWS)
    for chances, money in zip(paid, amount.tolist(), strict=True):
        received[draws, np.searchsorted(chances, random.random(_RECEIPT_DRAWS), side="right")] += money
    result: Floats = np.quantile(received, [0.1, 0.5, 0.9], axis=0)
    return result


def _unpaid_after(curves: UnpaidCurves, day: Ints) -> Floats:
    """P(unpaid at the end of a day past due), straight between the bounds of an interval."""
    ways = _stretches(curves)
    passed = np.clip((day[:, None] - ways.opening + 1) / ways.length, 0.0, 1.0)
    here = ways.before + (ways.after - ways.before) * passed
    unpaid: Floats = np.where(ways.is_ahead, here, 1.0).min(axis=1)
    return unpaid
