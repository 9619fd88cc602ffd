"""Freshness of the feeds as a request needs it, cached for a few seconds."""

from __future__ import annotations

import logging
import time
from typing import Final

from serving.accounts.freshness import feed_days
from serving.dunning import FeedDay
from serving.scoring.customer_history import ask
from serving.store import FeedState, HistoryStore, Moment, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.worker")
#: Seconds for which the freshness of the feeds is cached.
FEED_SECONDS: Final = 5.0


class FeedCache:
    """Up to which day each table is known.

    Args:
        store: the history store.
    """

    def __init__(self, store: HistoryStore) -> None:
        self._store = store
        self._moment: Moment | None = None
        self._feeds: tuple[FeedState, ...] = ()
        self.expires_at = 0.0

    async def at(self, moment: Moment) -> tuple[FeedDay, ...]:
        """Return the days as of a moment; while the store is unavailable, those read last."""
        if moment != self._moment or time.monotonic() >= self.expires_at:
            try:
                self._feeds = await ask(self._store, self._store.feeds)
            except StoreUnavailableError:
                _LOG.warning("the freshness of the feeds could not be looked up")
            self._moment, self.expires_at = moment, time.monotonic() + FEED_SECONDS
        return feed_days(self._feeds)
