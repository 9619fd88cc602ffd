"""The floor of the model: a customer's own shares pulled towards the portfolio's, and the curve they make."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from features.errors import InvalidInputError
from models.hazard.customer_curve import (
    CURVE_COLUMNS,
    USUAL_LATE_SHARE,
    USUAL_UNPAID_30_SHARE,
    CustomerCurve,
    fit_customer_curve,
    usual_late_share,
)
from models.hazard.hazard import curves_from_margins
from models.intervals import Floats, Intervals, hazard_rows, intervals_for
from models.training.train import train_model
from tests.model_samples import FEATURES, portfolio

INTERVALS = intervals_for(0)
CURVE = CustomerCurve(
    late_share=0.4,
    unpaid_30_share=0.25,
    late_strength=5.0,
    unpaid_30_strength=8.0,
    rhythm=tuple(0.2 + 0.05 * place for place in range(len(INTERVALS.bounds))),
    usual_hazard=sum(0.2 + 0.05 * place for place in range(INTERVALS.position(0) + 1)),
)


def table(*rows: tuple[float, ...], terms: int = 40) -> Floats:
    """Landmarks as (late share, outcomes, the portfolio's two, the same of the late unpaid after 30 days)."""
    return np.array([(*row, terms) for row in rows], dtype=np.float64)


def unpaid(curve: CustomerCurve, features: Floats, days: int, intervals: Intervals = INTERVALS) -> Floats:
    """P(unpaid) of invoices seen at issue."""
    past_due = -features[:, 8].astype(np.int64)
    rows = hazard_rows(past_due, intervals)
    margins = curve.read(features, CURVE_COLUMNS, rows, intervals).own
    return curves_from_margins(margins, rows, past_due, intervals).at(days)


NAN = float("nan")
NEW = (NAN, 0.0, 0.3, 1e9, NAN, 0.0, 0.2, 1e9)


def test_shares_are_beta_binomial_estimates():
    # 3 of 5 late where the portfolio has 30 % of a million: (3 + 5 x 0.3) / (5 + 5).
    features = table((0.6, 5.0, 0.3, 1e9, 0.25, 4.0, 0.2, 1e9))
    late = (3 + 5 * 0.3) / 10
    assert unpaid(CURVE, features, 0) == pytest.approx([late], abs=1e-6)
    # 1 of 4 late ones was unpaid after 30 days, where 20 % of the portfolio's were.
    assert unpaid(CURVE, features, 30) == pytest.approx([late * (1 + 8 * 0.2) / 12], abs=1e-6)


def test_a_new_customer_has_the_portfolios_shares_as_known_that_day():
    assert unpaid(CURVE, table(NEW), 0) == pytest.approx([0.3], abs=1e-6)
    assert unpaid(CURVE, table(NEW), 30) == pytest.approx([0.06], abs=1e-6)


def test_where_nothing_is_known_the_training_windows_shares_stand():
    nothing = table((NAN, 0.0, NAN, 0.0, NAN, 0.0, NAN, 0.0))
    assert unpaid(CURVE, nothing, 0) == pytest.approx([0.4], abs=1e-9)
    assert unpaid(CURVE, nothing, 30) == pytest.approx([0.1], abs=1e-9)


def test_where_terms_are_the_same_for_all_they_change_nothing():
    past_due = np.full(200, -10)
    rows = hazard_rows(past_due, INTERVALS, np.full(200, INTERVALS.position(30)))
    settled = np.zeros(len(rows))
    features = table(*[NEW] * 200, terms=10)
    curve = fit_customer_curve(
        features, CURVE_COLUMNS, rows, settled, np.ones(len(rows)), past_due, INTERVALS
    )
    assert unpaid(curve, features[:1], 0) == pytest.approx([0.3], abs=1e-6)


def test_shorter_terms_make_a_new_customer_later_but_not_a_known_one():
    long, short = table(NEW), table(NEW, terms=5)
    assert unpaid(CURVE, short, 0)[0] > unpaid(CURVE, long, 0)[0] + 0.1
    known = (0.5, 10_000.0, *NEW[2:])
    assert unpaid(CURVE, table(known, terms=5), 0) == pytest.approx([0.5], abs=1e-3)


def test_an_invoice_issued_past_its_due_date_has_a_curve():
    features = table(NEW, terms=0)
    rows = hazard_rows(np.array([12]), INTERVALS)
    margins = CURVE.read(features, CURVE_COLUMNS, rows, INTERVALS).own
    assert np.isfinite(margins).all()


def test_each_late_invoice_makes_later_payment_likelier():
    late = [unpaid(CURVE, table((count / 10, 10.0, *NEW[2:])), 0)[0] for count in range(11)]
    assert np.all(np.diff(late) > 0)


def test_the_curve_falls_and_the_30_day_share_is_below_the_late():
    features = table((0.0, 50.0, 0.3, 1e9, 1.0, 50.0, 0.2, 1e9), NEW)
    curve = [unpaid(CURVE, features, days) for days in INTERVALS.bounds]
    assert np.all(np.diff(np.array(curve), axis=0) <= 0)


def test_the_share_late_is_that_of_the_grace():
    intervals = intervals_for(5)
    early = intervals.position(5) + 1
    curve = CustomerCurve(0.4, 0.25, 5.0, 8.0, tuple(0.2 for _ in intervals.bounds), 0.2 * early)
    features = table((0.6, 5.0, 0.3, 1e9, 0.25, 4.0, 0.2, 1e9))
    assert unpaid(curve, features, 5, intervals) == pytest.approx([(3 + 5 * 0.3) / 10], abs=1e-6)


def test_a_ledger_without_the_curves_columns_gets_the_windows_shares():
    rows = hazard_rows(np.array([-40]), INTERVALS)
    found = CURVE.read(np.array([[1.0]]), ("amount",), rows, INTERVALS)
    assert np.array_equal(found.own, found.portfolio)


def _window(strength: float, seed: int) -> tuple[Floats, Floats, np.ndarray]:
    """Customers whose share late is drawn around the portfolio's: the tighter, the larger the strength."""
    random = np.random.default_rng(seed)
    habits = random.beta(0.35 * strength, 0.65 * strength, 3000)
    counts = random.integers(0, 30, habits.size).astype(float)
    seen = random.binomial(counts.astype(int), habits)
    features = np.full((habits.size, 9), 0.0)
    features[:, 0] = np.where(counts > 0, seen / np.maximum(counts, 1), np.nan)
    features[:, 1], features[:, 2], features[:, 3] = counts, 0.35, 1e6
    features[:, 6], features[:, 8] = np.nan, 40.0
    return features, habits, random.random(habits.size) < habits


@pytest.mark.parametrize("strength", [2.0, 15.0])
def test_the_strength_is_learnt_from_how_customers_differ(strength: float):
    features, _, is_late = _window(strength, seed=4)
    past_due = np.full(len(features), -40)
    due = INTERVALS.position(0)
    rows = hazard_rows(past_due, INTERVALS, np.full(past_due.size, due))
    # Those in time are settled in the interval that ends on the due date.
    settled = ((rows.interval == due) & ~is_late[rows.landmark]).astype(float)
    curve = fit_customer_curve(
        features, CURVE_COLUMNS, rows, settled, np.ones(len(rows)), past_due, INTERVALS
    )
    assert strength / 2 < curve.late_strength < strength * 2
    assert curve.late_share == pytest.approx(is_late.mean(), abs=0.01)


def test_a_window_without_outcomes_has_the_usual_shares_and_strengths():
    rows = hazard_rows(np.array([-40]), INTERVALS).take(np.empty(0, dtype=np.int64))
    nothing = np.empty(0)
    curve = fit_customer_curve(table(NEW), CURVE_COLUMNS, rows, nothing, nothing, np.array([-40]), INTERVALS)
    assert (curve.late_share, curve.unpaid_30_share) == (USUAL_LATE_SHARE, USUAL_UNPAID_30_SHARE)
    assert curve.late_strength == pytest.approx(5.0, rel=0.1)
    assert curve.unpaid_30_strength == pytest.approx(8.0, rel=0.1)


def test_a_model_is_trained_from_the_first_settled_invoice_on():
    known = portfolio()
    first = known.landmarks.sort("issued_on").head(3)
    settled = known.settlements.filter(pl.col("invoice_id").is_in(first["invoice_id"].implode()))
    day = settled["settlement_known_on"].min() + timedelta(days=1)
    features = known.features.join(first.select("invoice_id"), on="invoice_id", how="semi")
    landmarks = known.landmarks.join(first.select("invoice_id"), on="invoice_id", how="semi")
    model = train_model(features, landmarks, settled, day, FEATURES)
    assert (model.settings.trust, model.settings.tree_count) == (0.0, 0)
    with pytest.raises(InvalidInputError, match="0 of 3 invoices are known to be settled"):
        train_model(features, landmarks, settled, day - timedelta(days=1), FEATURES)


def test_invoices_just_overdue_raise_lateness_but_not_its_length():
    quiet = (0.3, 10.0, 0.3, 1e9, 0.2, 3.0, 0.2, 1e9)
    just_overdue = ((3 + 5) / 15, 15.0, 0.3, 1e9, 0.2, 3.0, 0.2, 1e9)
    features = table(quiet, just_overdue)
    for days in (0, 30):
        calm, worse = unpaid(CURVE, features, days)
        assert worse > calm
    rows = hazard_rows(np.array([1, 1]), INTERVALS)
    margins = CURVE.read(features, CURVE_COLUMNS, rows, INTERVALS).own
    ahead = curves_from_margins(margins, rows, np.array([1, 1]), INTERVALS).at(30)
    assert ahead[0] == pytest.approx(ahead[1], abs=1e-12)


@pytest.mark.parametrize("grace_days", [0, 5, 15, 30])
def test_what_is_usual_falls_with_the_grace(grace_days: int):
    usual = usual_late_share(grace_days)
    assert usual_late_share(30) <= usual <= USUAL_LATE_SHARE
    assert usual_late_share(30) == pytest.approx(USUAL_LATE_SHARE * USUAL_UNPAID_30_SHARE)


def test_bounds_without_the_grace_are_refused():
    with pytest.raises(InvalidInputError, match=r"growing days past due that contain \[0, 5, 7"):
        Intervals((0, 7, 15, 30, 60, 90), grace_days=5)


def test_a_curve_is_the_same_when_read_back():
    assert CustomerCurve.from_json(CURVE.to_json()) == CURVE
