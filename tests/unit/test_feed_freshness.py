from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from features.ledger import Ledger, empty_table, table_dtypes
from serving.freshness import feed_age_hours
from serving.nightly import feed_age_hours as nightly_feed_age
from serving.store import FeedState

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)  # a Monday
TODAY = NOW.date()


def feed(
    loaded: dt.datetime | None = None,
    known: dt.date | None = None,
    received: dt.datetime | None = None,
    name: str = "payments",
) -> FeedState:
    return FeedState(name, loaded is not None or received is not None, loaded, known, received)


@pytest.mark.parametrize(
    ("feeds", "age"),
    [
        ((), None),
        ((feed(),), None),
        ((feed(name="indicators", loaded=NOW, known=TODAY),), None),
        ((feed(loaded=NOW - dt.timedelta(hours=7), known=dt.date(2026, 3, 1)),), 7.0),
        # Loaded this morning, the last fact on Friday: a weekend is not a dead feed.
        ((feed(loaded=NOW - dt.timedelta(hours=7), known=dt.date(2026, 2, 27)),), 7.0),
        # Loaded this morning, but nothing new for a month: the export stopped growing.
        ((feed(loaded=NOW, known=dt.date(2026, 2, 1)),), 28 * 24 + 9.5 - 96),
        # The nightly load is old, but a payment came ten minutes ago.
        (
            (feed(loaded=NOW - dt.timedelta(hours=50), received=NOW - dt.timedelta(minutes=10)),),
            pytest.approx(1 / 6),
        ),
    ],
)
def test_the_feed_is_as_old_as_its_last_delivery_and_ages_when_it_stops_growing(
    feeds: tuple[FeedState, ...], age: float | None
) -> None:
    assert feed_age_hours(feeds, TODAY, NOW) == age


def test_for_a_past_day_the_facts_say_how_old_the_feed_was() -> None:
    feeds = (feed(loaded=NOW, known=dt.date(2025, 12, 31)),)
    assert feed_age_hours(feeds, dt.date(2026, 1, 2), NOW) == 0.0
    assert feed_age_hours(feeds, dt.date(2026, 2, 1), NOW) == 31 * 24 - 96


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


def test_an_indicator_published_yesterday_does_not_make_a_dead_ledger_fresh() -> None:
    yesterday, a_month_ago = dt.date(2026, 3, 1), dt.date(2026, 1, 31)
    dead = _ledger_ending(a_month_ago, a_month_ago, yesterday)
    assert nightly_feed_age(dead, TODAY) == 29 * 24 - 96
    alive = _ledger_ending(a_month_ago, yesterday, yesterday)
    assert nightly_feed_age(alive, TODAY) == 0.0


def test_the_night_does_not_take_what_came_after_its_date_for_freshness() -> None:
    ledger = _ledger_ending(dt.date(2026, 1, 1), dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    assert nightly_feed_age(ledger, dt.date(2026, 2, 1)) == 30 * 24 - 96


def test_a_ledger_without_invoices_and_payments_has_no_age() -> None:
    empty = {name: empty_table(name) for name in ("customers", "invoices", "payments")}
    assert nightly_feed_age(Ledger.from_tables(empty), TODAY) is None


@pytest.mark.parametrize("days", [0, 1, 3, 4, 5, 30])
def test_night_and_service_agree_on_the_age_of_a_ledger(days: int) -> None:
    last, as_of = dt.date(2026, 1, 1), dt.date(2026, 1, 2) + dt.timedelta(days=days)
    feeds = (feed(loaded=NOW, known=last, name="invoices"), feed(loaded=NOW, known=last))
    assert nightly_feed_age(_ledger_ending(last, last, last), as_of) == feed_age_hours(feeds, as_of, NOW)
