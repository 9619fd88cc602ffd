"""Up to which day each table of the ledger is known: what the policy's limits on stale feeds are held against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

import polars as pl

from features.ledger import Ledger
from serving.dunning import FeedDay
from serving.dunning.words import FEED_NAMES
from serving.store import FeedState

#: Day on which a row of each table became known.
_KNOWN: Final = {
    "invoices": pl.col("issued_on"),
    "payments": pl.col("known_on"),
    "disputes": pl.max_horizontal("opened_on", "closed_on"),
    "emails": pl.col("sent_at").dt.date(),
    "interactions": pl.col("happened_at").dt.date(),
    "indicators": pl.col("published_on"),
}


def feed_days(feeds: Iterable[FeedState]) -> tuple[FeedDay, ...]:
    """Return up to which day the store knows each table that was ever delivered.

    A table is known up to its newest fact: of the nightly load, or of an event. A delivery that brought nothing new
    does not make it any fresher.
    """
    return tuple(
        FeedDay(name, through)
        for feed in feeds
        for name in FEED_NAMES
        if feed.name == name and (through := _newest(feed)) is not None
    )


def feed_days_of_ledger(ledger: Ledger, as_of: dt.date) -> tuple[FeedDay, ...]:
    """Return up to which day a ledger knows each of its tables, from what became known strictly before a day."""
    found = []
    for name in FEED_NAMES:
        frame = getattr(ledger, name, None)
        if frame is None or name not in _KNOWN:
            continue
        days = frame.select(day=_KNOWN[name]).filter(pl.col("day") < as_of)["day"]
        newest = days.max()
        if isinstance(newest, dt.date):
            found.append(FeedDay(name, newest))
    return tuple(found)


def _newest(feed: FeedState) -> dt.date | None:
    received_on = None if feed.received_at is None else feed.received_at.date()
    return max((day for day in (feed.known_on, received_on) if day is not None), default=None)
