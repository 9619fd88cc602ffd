"""Ledger settings are checked, come back exactly from a file, and name how they differ."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import InvalidInputError
from features.settings import LedgerSettings, setting_differences
from models.target import Target

SETTINGS = st.builds(
    LedgerSettings,
    grace_days=st.integers(0, 30),
    settled_tolerance=st.decimals(0, 1000, places=2),
    promise_grace_days=st.integers(0, 60),
    reporting_currency=st.none() | st.sampled_from(["EUR", "GBP", "USD"]),
    accepted_discount_share=st.decimals(0, "0.99", places=2),
    accepted_discount_days=st.integers(0, 60),
)


@given(SETTINGS)
def test_settings_come_back_from_json_exactly(settings: LedgerSettings):
    text = json.dumps(settings.to_dict())
    again = LedgerSettings.from_dict(json.loads(text))
    assert again == settings
    assert str(again.settled_tolerance) == str(settings.settled_tolerance)
    assert Target.of(again).grace_days == settings.grace_days


@given(SETTINGS, SETTINGS)
def test_two_settings_differ_exactly_where_their_values_do(one: LedgerSettings, other: LedgerSettings):
    found = {fault.where for fault in setting_differences(one.values(), other, "choose one")}
    assert found == {name for name, value in one.values().items() if other.values()[name] != value}
    assert (found == set()) == (one == other)


def test_a_setting_that_is_not_stated_cannot_differ():
    model = LedgerSettings(grace_days=5, reporting_currency="EUR")
    assert setting_differences({}, model, "choose one") == []
    [fault] = setting_differences(
        {"grace_days": 0, "settled_tolerance": Decimal("0.050")}, model, "choose one"
    )
    assert str(fault) == "grace_days: is 0, and the model was trained with 5; expected 5; to do: choose one"


def test_all_faulty_settings_are_named_in_one_report():
    with pytest.raises(InvalidInputError) as caught:
        LedgerSettings(45, Decimal("-0.01"), -1, "euro", Decimal(2), -10)
    text = str(caught.value)
    for part in (
        "grace_days: is 45",
        "settled_tolerance: is -0.01",
        "promise_grace_days: is -1",
        "is 'euro'",
        "accepted_discount_share: is 2; expected a share from 0 to below 1",
        "accepted_discount_days: is -10",
    ):
        assert part in text


def test_settings_of_another_version_are_refused_by_name():
    values = {**LedgerSettings().to_dict(), "colour": "red"}
    del values["promise_grace_days"]
    with pytest.raises(
        InvalidInputError, match=r"(?s)promise_grace_days: .*missing.*colour: is not a setting"
    ):
        LedgerSettings.from_dict(values)


def invoices(*rows: tuple[str, dt.date]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"currency": pl.String, "issued_on": pl.Date}, orient="row")


def test_the_reporting_currency_is_that_of_most_invoices_known():
    day = dt.date(2026, 1, 5)
    before, after = day - dt.timedelta(days=1), day
    frame = invoices(("GBP", before), ("EUR", before), ("EUR", before), *[("USD", after)] * 5)
    assert LedgerSettings().with_reporting_currency(frame, day).reporting_currency == "EUR"
    tied = invoices(("GBP", before), ("EUR", before))
    assert LedgerSettings().with_reporting_currency(tied, day).reporting_currency == "EUR"
    chosen = LedgerSettings(reporting_currency="USD")
    assert chosen.with_reporting_currency(frame, day) == chosen
    assert LedgerSettings().with_reporting_currency(frame, before).reporting_currency is None
