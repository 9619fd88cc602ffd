from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from features.ledger import Ledger, empty_table, table_dtypes
from serving.accounts.freshness import feed_days, feeds_of_ledger
from serving.dunning import FeedDay, feed_ages
from serving.dunning.deciding.facts.freshness import working_days_after
from serving.store import FeedState
from tests.dunning_samples import POLICY

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)  # a Monday
TODAY = NOW.date()
FRIDAY = dt.date(2026, 2, 27)


def feed(
    loaded: dt.datetime | None = None,
    known: dt.date | None = None,
    received: dt.datetime | None = None,
    name: str = "payments",
    complete: dt.date | None = None,
) -> FeedState:
    return FeedState(name, loaded is not None or received is not None, loaded, known, received, complete)


@pytest.mark.parametrize(
    ("feeds", "days"),
    [
        ((), ()),
        ((feed(),), ()),
        ((feed(name="customers", loaded=NOW, known=TODAY),), ()),
        ((feed(loaded=NOW - dt.timedelta(hours=7), known=FRIDAY),), (FeedDay("payments", FRIDAY),)),
        # An event that came this morning and tells of Friday is a fact of Friday.
        ((feed(loaded=NOW, known=FRIDAY, received=NOW),), (FeedDay("payments", FRIDAY),)),
        ((feed(known=FRIDAY, complete=TODAY),), (FeedDay("payments", TODAY),)),
        ((feed(complete=FRIDAY),), (FeedDay("payments", FRIDAY),)),
        (
            (feed(name="invoices", known=TODAY, received=NOW), feed(loaded=NOW, known=FRIDAY)),
            (FeedDay("invoices", TODAY), FeedDay("payments", FRIDAY)),
        ),
    ],
)
def test_a_feed_is_as_fresh_as_its_newest_fact_not_its_delivery(
    feeds: tuple[FeedState, ...], days: tuple[FeedDay, ...]
) -> None:
    assert feed_days(feeds) == days


@pytest.mark.parametrize(
    ("day", "on", "age"),
    [
        (FRIDAY, TODAY, 1),
        (FRIDAY, dt.date(2026, 3, 1), 0),  # a Sunday
        (TODAY, TODAY, 0),
        (TODAY, FRIDAY, 0),
        (dt.date(2026, 4, 30), dt.date(2026, 5, 4), 1),  # 1 May is a holiday, then a weekend
    ],
)
def test_the_age_of_a_feed_is_counted_in_working_days(day: dt.date, on: dt.date, age: int) -> None:
    assert working_days_after(day, on, "FR") == age


def test_each_feed_has_its_own_age_and_limit() -> None:
    ages = feed_ages((FeedDay("invoices", TODAY), FeedDay("payments", dt.date(2026, 2, 25))), POLICY, TODAY)
    assert [(age.feed, age.working_days, age.limit, age.is_stale) for age in ages] == [
        ("payments", 3, 2, True),
        ("invoices", 0, 5, False),
    ]
    assert [age.is_stale for age in feed_ages((), POLICY, TODAY)] == [True, True], "never delivered"


def _ledger_ending(invoice_on: dt.date, payment_on: dt.date, indicator_on: dt.date) -> Ledger:
    invoice = {
        **dict.fromkeys(table_dtypes("invoices")),
        "invoice_id": "I1",
        "customer_id": "C1",
        "kind": "invoice",
        "issued_on": invoice_on,
        "due_on": invoice_on,
        "amount": Decimal("100.00"),
        "currency": "EUR",
    }
    payment = {
        **dict.fromkeys(table_dtypes("payments")),
        "payment_id": "P1",
        "invoice_id": "I1",
        "paid_on": payment_on,
        "known_on": payment_on,
        "amount": Decimal("10.00"),
    }
    indicator = {
        **dict.fromkeys(table_dtypes("indicators")),
        "name": "insolvencies",
        "period": "2026-02",
        "value": 1.0,
        "published_on": indicator_on,
    }
    rows = {"invoices": invoice, "payments": payment, "indicators": indicator}
    frames = {name: pl.DataFrame([row], schema=table_dtypes(name)) for name, row in rows.items()}
    return Ledger.from_tables({"customers": empty_table("customers"), **frames})


def test_neither_indicators_nor_invoices_make_a_dead_payment_feed_fresh() -> None:
    yesterday, a_month_ago = dt.date(2026, 3, 1), dt.date(2026, 1, 30)
    ledger = _ledger_ending(yesterday, a_month_ago, yesterday)
    known = {feed.feed: feed.known_through_on for feed in feed_days(feeds_of_ledger(ledger, TODAY))}
    assert known == {"invoices": yesterday, "payments": a_month_ago, "indicators": yesterday}


def test_the_night_does_not_take_what_came_after_its_date_for_freshness() -> None:
    ledger = _ledger_ending(dt.date(2026, 1, 1), dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    assert feed_days(feeds_of_ledger(ledger, dt.date(2026, 2, 1))) == (
        FeedDay("invoices", dt.date(2026, 1, 1)),
    )


def test_a_ledger_without_invoices_and_payments_is_known_to_no_day() -> None:
    empty = {name: empty_table(name) for name in ("customers", "invoices", "payments")}
    assert feed_days(feeds_of_ledger(Ledger.from_tables(empty), TODAY)) == ()


@pytest.mark.parametrize("days", [0, 1, 3, 4, 5, 30])
def test_night_and_service_agree_on_the_age_of_a_ledger(days: int) -> None:
    last, as_of = dt.date(2026, 1, 1), dt.date(2026, 1, 2) + dt.timedelta(days=days)
    stored = feed_days((feed(loaded=NOW, known=last, name="invoices"), feed(loaded=NOW, known=last)))
    of_ledger = feed_days(feeds_of_ledger(_ledger_ending(last, last, last), as_of))
    assert feed_ages(stored, POLICY, as_of) == feed_ages(of_ledger, POLICY, as_of)
