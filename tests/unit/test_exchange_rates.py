"""Exchange rates by hand: which one counts on a day, and how two currencies meet across a third."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from features.asof.dates import day_number
from features.asof.exchange_rates import ExchangeRates
from tests.ledger_samples import day, frame


def published(*rates: tuple[str, float, int]) -> ExchangeRates:
    """Rates by name, value and day of publication."""
    rows = [
        {"name": f"exchange_rate_{name}", "period": f"{on:03}", "value": value, "published_on": day(on)}
        for name, value, on in rates
    ]
    return ExchangeRates.of(frame("indicators", rows))


def at(rates: ExchangeRates, currency: str, into: str, on: int) -> float | None:
    days = np.array([day_number(day(on))])
    factor = rates.factors(pl.Series([currency]), days, into)[0]
    return None if np.isnan(factor) else float(factor)


def test_a_rate_counts_from_the_day_after_its_publication():
    rates = published(("USD", 0.9, 5), ("USD", 0.8, 9))
    assert [at(rates, "USD", "EUR", on) for on in (5, 6, 9, 10)] == [None, 0.9, 0.9, 0.8]


def test_a_currency_is_worth_one_of_itself():
    assert at(ExchangeRates.of(None), "EUR", "EUR", 0) == 1.0


@pytest.mark.parametrize(
    ("names", "worth"),
    [
        (("USD_EUR",), 0.8),
        (("EUR_USD",), 1.25),
        (("USD_GBP", "EUR_GBP"), 1.0),
        (("USD", "EUR"), 1.0),
        (("USD", "USD_EUR"), 0.8),
        (("USD_GBP",), None),
        (("EUR",), None),
    ],
)
def test_currencies_meet_directly_or_across_a_third(names, worth):
    rates = published(*((name, 0.8, 0) for name in names))
    assert at(rates, "USD", "EUR", 1) == pytest.approx(worth)


def test_the_home_currency_of_rates_meets_others_by_its_own_rate():
    rates = published(("USD", 0.9, 0), ("EUR", 1.0, 0))
    assert at(rates, "EUR", "USD", 1) == pytest.approx(1 / 0.9)


def test_rates_known_before_a_day_are_exact():
    rates = published(("USD", 0.91, 0), ("CHF_GBP", 0.5, 0), ("EUR_GBP", 0.8, 0), ("JPY", 0.006, 3))
    known = rates.known("EUR", day(3))
    assert known == {"CHF": Decimal("0.625"), "GBP": Decimal("1.25"), "USD": Decimal("0.91")}


def test_what_is_not_above_zero_or_about_a_place_is_no_rate():
    rows = [
        {"name": "exchange_rate_USD", "period": "1", "value": 0.0, "published_on": day(0)},
        {"name": "exchange_rate_GBP", "country": "GB", "period": "1", "value": 1.1, "published_on": day(0)},
        {"name": "exchange_rate_usd", "period": "1", "value": 1.1, "published_on": day(0)},
    ]
    assert ExchangeRates.of(frame("indicators", rows)).known("EUR", day(9)) == {}
