"""Up to which day each table of the ledger is known: what the policy's limits on stale feeds are compared with.

A table is known up to its newest fact, whether a load or an event brought it, or up to the day through which its source
states that it is complete. A delivery that brought nothing new does not make it any fresher.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import polars as pl

from features.ledger import Ledger
from features.ledger.ledger import KNOWN_TIMES
from serving.dunning import FeedDay
from serving.dunning.words import FEED_NAMES
from serving.store import FeedState


def feed_days(feeds: Iterable[FeedState]) -> tuple[FeedDay, ...]:
    """Return up to which day each table that was ever delivered is known, in the order of the feeds of a policy.

    Args:
        feeds: as stored, or `feeds_of_ledger`.
    """
    through = {feed.name: _known_through(feed) for feed in feeds}
    return tuple(FeedDay(name, day) for name in FEED_NAMES if (day := through.get(name)) is not None)


def feeds_of_ledger(ledger: Ledger, on: dt.date) -> tuple[FeedState, ...]:
    """Return how fresh each table of a ledger is by its facts known through a day.

    Args:
        ledger: the facts; its table `feeds` says through which day a source was complete.
        on: the day; a completeness stated for a later day is that of the day.
    """
    stated = (
        {} if ledger.feeds is None else dict(ledger.feeds.select("name", "complete_through_on").iter_rows())
    )
    found = []
    for name, frame in ledger.tables():
        complete = stated.get(name)
        newest = _newest(name, frame, on)
        if newest is not None or complete is not None:
            complete = None if complete is None else min(complete, on)
            found.append(FeedState(name, True, None, newest, None, complete))
    return tuple(found)


def _newest(table: str, frame: pl.DataFrame, on: dt.date) -> dt.date | None:
    """The last day until `on` on which a fact of the table became known; None when it contains no such fact."""
    days = [
        frame.select(pl.col(column).cast(pl.Date)).filter(pl.col(column) <= on).to_series().max()
        for column in KNOWN_TIMES[table]
    ]
    return max((day for day in days if isinstance(day, dt.date)), default=None)


def _known_through(feed: FeedState) -> dt.date | None:
    return max((day for day in (feed.known_on, feed.complete_through_on) if day is not None), default=None)
