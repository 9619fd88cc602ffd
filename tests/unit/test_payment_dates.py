"""Dates and weekly receipts against a day-by-day reading of the same curve."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from features.errors import InvalidInputError
from models.hazard.hazard import UnpaidCurves, curves_from_margins
from models.hazard.payable_days import NO_HABIT, countries_of
from models.hazard.payment_date import expected_receipts, payment_dates, quantile_days
from models.intervals import hazard_rows, intervals_for

INTERVALS = intervals_for(0)


def _curves(days_past_due: list[int], margin: float | np.ndarray) -> UnpaidCurves:
    dpd = np.asarray(days_past_due)
    rows = hazard_rows(dpd, INTERVALS)
    margins = np.broadcast_to(np.asarray(margin, dtype=float), (len(rows),)).copy()
    return curves_from_margins(margins, rows, dpd, INTERVALS)


def _walk(curves: UnpaidCurves, row: int, share: float) -> int:
    """Day by day: within an interval the same amount is paid each day."""
    ends = list(INTERVALS.bounds)
    dpd = int(curves.days_past_due[row])
    unpaid, day = 1.0, dpd
    for position, end in enumerate(ends):
        if end < dpd and not (dpd > ends[-1] and position == len(ends) - 1):
            continue
        begin = dpd if position == 0 else max(dpd, ends[position - 1] + 1)
        length = INTERVALS.tail_days if dpd > ends[-1] else end - begin + 1
        drop = (unpaid - curves.unpaid[row, position]) / length
        for number in range(1, length + 1):
            if unpaid - number * drop <= 1 - share + 1e-12:
                return begin + number - 1
        unpaid, day = float(curves.unpaid[row, position]), begin + length
    return day  # not reached within the bounds


@given(
    st.integers(-60, 364),
    st.lists(st.floats(-3, 3), min_size=len(INTERVALS.bounds), max_size=len(INTERVALS.bounds)),
    st.sampled_from([0.1, 0.5, 0.9]),
)
@settings(max_examples=200, deadline=None)
def test_quantiles_equal_walking_day_by_day(dpd, margins, share):
    count = len(hazard_rows(np.array([dpd]), INTERVALS))
    curves = _curves([dpd], np.asarray(margins[:count]))
    if curves.unpaid[0, -1] > 1 - share:
        return
    found = int(quantile_days(curves, [share])[0, 0])
    # The two add the same numbers in another order: they may disagree where a quantile falls on a day's end.
    assert abs(found - _walk(curves, 0, share)) <= 1
    assert found >= dpd


def test_an_invoice_beyond_the_last_bound_still_gets_a_date():
    curves = _curves([800], 0.0)
    assert int(quantile_days(curves, [0.5])[0, 0]) == 800 + INTERVALS.tail_days - 1
    assert int(quantile_days(curves, [0.1])[0, 0]) < 800 + INTERVALS.tail_days


def test_a_hopeless_invoice_ends_with_the_last_repeat_instead_of_never():
    curves = _curves([-30], -20.0)
    assert int(quantile_days(curves, [0.5])[0, 0]) == INTERVALS.bounds[-1] + 6 * INTERVALS.tail_days


def test_dates_are_moved_to_the_payers_nearest_working_day():
    countries = countries_of(pl.DataFrame({"country": ["FR", "GB", None]}))
    found = payment_dates(
        np.array([[0, 0, 2]]), [date(2025, 5, 1)] * 3, [date(2025, 4, 1)] * 3, countries, [NO_HABIT] * 3
    )
    # 1 May is a holiday in France, a Thursday at work in Britain; 3 May is a Saturday, nearest to the Friday.
    assert found.tolist() == [[date(2025, 5, 2), date(2025, 5, 1), date(2025, 5, 2)]]


def test_a_date_is_never_before_the_as_of_date():
    found = payment_dates(np.array([[3]]), [date(2025, 5, 1)], [date(2025, 6, 4)], ["FR"], [NO_HABIT])
    assert found.tolist() == [[date(2025, 6, 4)]]


def test_weekly_receipts_add_up_to_the_money_outstanding():
    dpd = [-30, -3, 5, 40, 400]
    curves = _curves(dpd, -0.5)
    landmarks = pl.DataFrame(
        {
            "as_of": [date(2025, 6, 2)] * 5,
            "due_on": [date(2025, 6, 2) - timedelta(days=days) for days in dpd],
            "amount": [100.0, 200.0, 300.0, 400.0, 500.0],
        }
    )
    weeks = expected_receipts(curves, landmarks, weeks=13)
    assert weeks.height == 14
    assert weeks["expected_amount"].sum() == pytest.approx(1500.0)
    assert (weeks["expected_amount"] >= 0).all()
    assert weeks["starts_on"].to_list()[:2] == [date(2025, 6, 2), date(2025, 6, 9)]
    assert weeks["starts_on"].to_list()[-1] is None
    assert (weeks["amount_p10"] <= weeks["amount_p50"]).all()
    assert (weeks["amount_p50"] <= weeks["amount_p90"]).all()


def test_the_range_of_receipts_is_that_of_a_sum_of_independent_invoices():
    """Four hundred equal invoices: p10 and p90 of a binomial count, within what 2,000 draws allow."""
    landmarks = pl.DataFrame(
        {"as_of": [date(2025, 6, 2)] * 400, "due_on": [date(2025, 6, 2)] * 400, "amount": [10.0] * 400}
    )
    weeks = expected_receipts(_curves([0] * 400, -0.5), landmarks, weeks=4)
    for expected, low, middle, high in weeks.select(
        "expected_amount", "amount_p10", "amount_p50", "amount_p90"
    ).iter_rows():
        share = expected / 4000.0
        assert [low / 10, middle / 10, high / 10] == pytest.approx(
            binom.ppf([0.1, 0.5, 0.9], 400, share), abs=2.0
        )


def test_no_landmarks_give_no_weeks():
    empty = pl.DataFrame(schema={"as_of": pl.Date, "due_on": pl.Date, "amount": pl.Float64})
    assert expected_receipts(_curves([], 0.0), empty).height == 0


def test_receipts_in_several_currencies_are_refused():
    landmarks = pl.DataFrame(
        {"as_of": [date(2025, 6, 2)] * 2, "due_on": [date(2025, 6, 2)] * 2, "amount": [1.0, 2.0]}
    )
    with pytest.raises(InvalidInputError, match="Receipts in several currencies are not added") as refused:
        expected_receipts(_curves([0, 0], 0.0), landmarks.with_columns(currency=pl.Series(["EUR", "USD"])))
    assert "EUR, USD" in str(refused.value)
