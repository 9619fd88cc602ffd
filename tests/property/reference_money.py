"""Amounts of several currencies in one, in plain Python loops."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from tests.property.reference_settlement import Row

PREFIX = "exchange_rate_"
Movement = tuple[dt.date, str, int]
"""Day, currency, cents."""


def most_used(invoices: list[Row]) -> str | None:
    """The currency of most invoices, the first in alphabetical order of several."""
    counts = Counter(row["currency"] for row in invoices)
    return min(counts, key=lambda code: (-counts[code], code), default=None)


class Rates:
    """What one unit of a currency is worth in the reporting currency, by what was published before a day."""

    def __init__(self, indicators: list[Row], into: str | None) -> None:
        self.into = into
        self.rows = [
            row | {"pair": tuple(row["name"].removeprefix(PREFIX).split("_"))}
            for row in indicators
            if row["name"].startswith(PREFIX)
        ]

    def newest(self, pair: tuple[str, ...], day: dt.date) -> float | None:
        rows = [row for row in self.rows if row["pair"] == pair and row["published_on"] < day]
        return max(rows, key=lambda row: (row["published_on"], row["period"]))["value"] if rows else None

    def factor(self, currency: str | None, day: dt.date) -> float | None:
        """Direct, else across a currency in which both are quoted, else by rates that do not state their quotation."""
        if currency in (None, self.into) or self.into is None:
            return 1.0
        quoted_in = sorted({row["pair"][1] for row in self.rows if len(row["pair"]) == 2} - {self.into})
        for other in (self.into, *quoted_in):
            above = 1.0 if currency == other else self.newest((currency, other), day)
            below = 1.0 if self.into == other else self.newest((self.into, other), day)
            if above is not None and below is not None:
                return above / below
        above, below = self.newest((currency,), day), self.newest((self.into,), day)
        return None if above is None else above / (1.0 if below is None else below)

    def money(self, cents: int, factor: float | None) -> int:
        return 0 if factor is None else round(cents * factor)

    def held(self, movements: Iterable[Movement]) -> int:
        """What is held, each currency at the rate of the day on which it moved last."""
        balances: dict[str, int] = {}
        days: dict[str, dt.date] = {}
        for day, currency, cents in movements:
            balances[currency] = balances.get(currency, 0) + cents
            days[currency] = max(days.get(currency, day), day)
        return sum(
            self.money(balance, self.factor(currency, days[currency]))
            for currency, balance in balances.items()
        )
