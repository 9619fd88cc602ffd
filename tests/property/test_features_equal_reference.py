"""The fast engine against plain loops, for every catalogue column, on awkward random ledgers."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from decimal import Decimal

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.asof import PaymentHistory
from features.groups.catalogue import CATALOGUE
from features.groups.compute import compute_features
from features.ledger.ledger import Ledger
from features.settings import LedgerSettings
from tests.property.ledger_worlds import SPAN, day, frame, ledgers
from tests.property.reference_features import reference_features
from tests.property.test_features_never_see_the_future import landmarks_of

SLOW = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
#: Sums of floats may be taken in another order; everything else is a ratio of the same integers.
TOLERANCE = 1e-9
CURRENCIES = ("EUR", "EUR", "USD", "GBP")


def differences(features: pl.DataFrame, expected: list[dict[str, float | None]]) -> list[str]:
    """Every value that is not the reference's, in words."""
    found = []
    for row, values in zip(features.iter_rows(named=True), expected, strict=True):
        for column in CATALOGUE:
            fast, slow = row[column.name], values[column.name]
            same = fast is None and slow is None
            if fast is not None and slow is not None:
                same = math.isclose(fast, slow, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
            if not same:
                found.append(f"{column.name} of {row['invoice_id']} at {row['as_of']}: {fast}, not {slow}")
    return found


def dates_of(ledger: Ledger) -> list[dt.date]:
    """Days on which something was issued, due or known: the days at which an error by one day shows."""
    days = [
        *ledger.invoices["issued_on"],
        *ledger.invoices["due_on"],
        *ledger.payments["known_on"],
        *ledger.payments["paid_on"],
        *ledger.disputes["opened_on"],
    ]
    return sorted(set(days))


SETTINGS = st.builds(
    LedgerSettings,
    grace_days=st.sampled_from([0, 0, 5]),
    settled_tolerance=st.sampled_from([Decimal("0.00"), Decimal("0.05"), Decimal("10.00")]),
    promise_grace_days=st.sampled_from([0, 3]),
    reporting_currency=st.sampled_from([None, "EUR", "EUR", "GBP"]),
)


def check(world: tuple[Ledger, pl.DataFrame], data: st.DataObject, ledger_settings: LedgerSettings) -> None:
    """Compare at a date on or soon after one on which something happened."""
    ledger, signals = world
    as_of = data.draw(st.sampled_from(dates_of(ledger)))
    as_of += dt.timedelta(days=data.draw(st.sampled_from([0, 1, 1, 2, 30, 31, 90, 365])))
    landmarks = landmarks_of(ledger, as_of)
    history = PaymentHistory.from_ledger(ledger, ledger_settings, signals)
    features = compute_features(history, landmarks)
    assert differences(features, reference_features(ledger, signals, landmarks, ledger_settings)) == []


@SLOW
@given(
    world=st.one_of(
        ledgers(max_customers=5, stretches=(1, 1, 4), with_instalments=True, with_changes=True),
        ledgers(
            max_customers=3,
            stretches=(1, 1, 4),
            with_instalments=True,
            currencies=CURRENCIES,
            with_changes=True,
        ),
    ),
    data=st.data(),
    ledger_settings=SETTINGS,
)
def test_every_column_equals_its_plain_loop(
    world: tuple[Ledger, pl.DataFrame], data: st.DataObject, ledger_settings: LedgerSettings
) -> None:
    check(world, data, ledger_settings)


@settings(SLOW, max_examples=12, phases=[Phase.generate])
@given(
    world=ledgers(
        min_invoices=30,
        max_invoices=50,
        max_customers=2,
        stretches=(2, 8),
        with_instalments=True,
        currencies=CURRENCIES,
        with_changes=True,
    ),
    data=st.data(),
    ledger_settings=SETTINGS,
)
def test_every_column_equals_its_plain_loop_on_long_histories(
    world: tuple[Ledger, pl.DataFrame], data: st.DataObject, ledger_settings: LedgerSettings
) -> None:
    check(world, data, ledger_settings)


@settings(SLOW, max_examples=15)
@given(world=ledgers(), offset=st.integers(1, SPAN + 60))
def test_absent_tables_leave_their_columns_unknown(world: tuple[Ledger, pl.DataFrame], offset: int) -> None:
    ledger, _ = world
    bare = replace(ledger, disputes=None, interactions=None, indicators=None)
    landmarks = landmarks_of(ledger, day(offset))
    features = compute_features(PaymentHistory.from_ledger(bare), landmarks)
    assert differences(features, reference_features(bare, None, landmarks)) == []
    for column in CATALOGUE:
        if {"disputes", "interactions", "indicators", "emails"} & set(column.sources):
            assert features[column.name].null_count() == features.height, column.name


def test_a_column_without_a_plain_loop_cannot_be_registered() -> None:
    customers = frame("customers", [{"customer_id": "C0", "is_strategic": False}])
    ledger = Ledger(customers, frame("invoices", []), frame("payments", []))
    answer = reference_features(ledger, None, landmarks_of(ledger, day(0)))[0]
    assert [column.name for column in CATALOGUE if column.name not in answer] == []
