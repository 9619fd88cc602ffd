"""How old each table of the ledger is, in working days, against the limits of the policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from features.calendars import working_days_between
from serving.dunning.deciding.facts.account import FeedDay
from serving.dunning.policy.checked import Policy
from serving.dunning.words import FeedName


@dataclass(frozen=True)
class FeedAge:
    """The age of one table that the policy limits.

    Attributes:
        feed: the table.
        known_through_on: the day up to which it is known; null when nothing was ever delivered.
        working_days: working days of the policy's country since that day, the day of the question included; null
            when nothing was ever delivered.
        limit: working days allowed.
    """

    feed: FeedName
    known_through_on: date | None
    working_days: int | None
    limit: int

    @property
    def is_stale(self) -> bool:
        """Whether the table is too old to decide on; an unknown age counts as too old."""
        return self.working_days is None or self.working_days > self.limit


def feed_ages(feeds: Iterable[FeedDay], policy: Policy, on: date) -> tuple[FeedAge, ...]:
    """The age of each table that the policy limits, in the order of its limits.

    Args:
        feeds: up to which day each table is known; one that is missing was never delivered.
        policy: the limits, and the country whose working days count.
        on: the day of the question.
    """
    known = {feed.feed: feed.known_through_on for feed in feeds}
    country = policy.spec.policy.country
    return tuple(
        FeedAge(
            name,
            (day := known.get(name)),
            None if day is None else working_days_after(day, on, country),
            limit,
        )
        for name, limit in policy.spec.gates.feed_stale.limits.items()
    )


@lru_cache(maxsize=4096)
def working_days_after(day: date, on: date, country: str) -> int:
    """Working days after a day up to another one, that one included; 0 when it does not lie after.

    >>> working_days_after(date(2025, 10, 3), date(2025, 10, 6), "FR")  # from Friday to Monday
    1
    """
    if on <= day:
        return 0
    return working_days_between(day + timedelta(days=1), on + timedelta(days=1), country)
