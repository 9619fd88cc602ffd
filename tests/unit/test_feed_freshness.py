from __future__ import annotations

import datetime as dt

import pytest

from serving.freshness import feed_age_hours
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
