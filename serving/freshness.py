"""How old the newest word on receivables is: what the stale-data brake of the policy goes by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from serving.store import FeedState

#: Tables that the ledger or bank feed fills.
LEDGER_FEED: Final = ("invoices", "payments")
#: Hours without any new fact that are no sign of a dead feed: a long weekend.
QUIET_HOURS: Final = 96.0


def feed_age_hours(feeds: Sequence[FeedState], as_of: dt.date, now: dt.datetime) -> float | None:
    """Return the age of the ledger feed in hours; null when nothing was ever delivered.

    The feed is as old as its last delivery. A delivery that brings nothing new is given a long weekend;
    after that, an export that stopped growing ages however often it is loaded. For a past as-of date the
    age is taken at the beginning of that day, from what the facts say.
    """
    of_ledger = [feed for feed in feeds if feed.name in LEDGER_FEED]
    delivered = [at for feed in of_ledger for at in (feed.loaded_at, feed.received_at) if at is not None]
    if not delivered:
        return None
    known = [feed.known_on for feed in of_ledger if feed.known_on is not None]
    facts = [end_of(day) for day in known]
    received = [feed.received_at for feed in of_ledger if feed.received_at is not None]
    is_past = as_of < now.date()
    at = dt.datetime.combine(as_of, dt.time(), dt.UTC) if is_past else now
    newest_fact = max([*facts, *received], default=None)
    silence = 0.0 if newest_fact is None else silence_hours(newest_fact, at)
    delivery = 0.0 if is_past else _hours(at, max(delivered))
    return max(silence, delivery, 0.0)


def silence_hours(newest_fact: dt.datetime, at: dt.datetime) -> float:
    """Return the hours without any new fact beyond what a long weekend explains; zero when it explains all."""
    return max(_hours(at, newest_fact) - QUIET_HOURS, 0.0)


def end_of(day: dt.date) -> dt.datetime:
    """Return the instant at which a day is over: a fact known on it was known by then."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)


def _hours(later: dt.datetime, earlier: dt.datetime) -> float:
    return (later - earlier).total_seconds() / 3600.0
