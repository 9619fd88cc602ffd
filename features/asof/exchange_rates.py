"""Dated exchange rates: what one unit of a currency is worth in another, as published by a day.

A rate is a row of `indicators` about no sector and no country. Its name states the currency and, after it, the one the
rate is quoted in: `exchange_rate_USD_GBP` is what one dollar is worth in pounds. A name without the second currency,
`exchange_rate_USD`, is quoted in the home currency of its ledger. Amounts are converted directly, else across a
currency in which both are quoted; a home currency that is not the one converted into is crossed in the same way, once
the latter has a rate of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
import polars as pl

from features.asof.dates import Float64Array, Int64Array, day_number, day_numbers

_NAME: Final = re.compile(r"exchange_rate_([A-Z]{3})(?:_([A-Z]{3}))?")
_HOME: Final = ""
"""The currency of rates whose name does not state it."""


@dataclass(frozen=True)
class _Series:
    """Rates of one name in order of publication, and the days on which they were published."""

    days: Int64Array
    values: Float64Array

    def before(self, days: Int64Array) -> Float64Array:
        """The newest rate published strictly before each day; NaN where there is none."""
        places = np.searchsorted(self.days, days)
        return np.where(places > 0, self.values[np.maximum(places - 1, 0)], np.nan)


@dataclass(frozen=True)
class ExchangeRates:
    """Every published rate, to be read at any day.

    Attributes:
        series: rates by currency and the currency they are quoted in.
    """

    series: Mapping[tuple[str, str], _Series]

    @classmethod
    def of(cls, indicators: pl.DataFrame | None) -> ExchangeRates:
        """The rates among the published figures; of two published on one day, that of the later period counts.

        Args:
            indicators: the ledger's table; None where it was not delivered. What is not above zero is no rate.
        """
        if indicators is None or indicators.is_empty():
            return cls({})
        rows = indicators.filter(
            pl.col("name").str.starts_with("exchange_rate_")
            & pl.col("sector").is_null()
            & pl.col("country").is_null()
            & (pl.col("value") > 0)
            & pl.col("value").is_finite()
        ).sort("published_on", "period")
        series = {}
        for (name,), part in rows.partition_by("name", as_dict=True).items():
            match = _NAME.fullmatch(str(name))
            if match is not None:
                days = day_numbers(part["published_on"])
                series[match[1], match[2] or _HOME] = _Series(days, part["value"].to_numpy())
        return cls(series)

    def factors(self, currencies: pl.Series, days: Int64Array, into: str) -> Float64Array:
        """What one unit of each currency is worth in another by the newest rates published strictly before each day.

        Args:
            currencies: ISO 4217 codes.
            days: day numbers, one per currency.
            into: the currency converted into.

        Returns:
            1 for that currency itself; NaN where no rate is known.
        """
        factors = np.ones(len(currencies))
        for currency in currencies.unique().to_list():
            if currency != into:
                places = (currencies == currency).to_numpy()
                above, below = self._quotes(currency, into, days[places])
                factors[places] = above / below
        return factors

    def known(self, into: str, known_before: date) -> dict[str, Decimal]:
        """What one unit of every currency that has a rate is worth in another, by what was published before a day."""
        days = np.array([day_number(known_before)], dtype=np.int64)
        found = {}
        for currency in sorted({name for pair in self.series for name in pair} - {into, _HOME}):
            above, below = (float(quotes[0]) for quotes in self._quotes(currency, into, days))
            if above == above:
                found[currency] = Decimal(str(above)) / Decimal(str(below))
        return found

    def _quotes(self, currency: str, into: str, days: Int64Array) -> tuple[Float64Array, Float64Array]:
        """What one unit of each of two currencies is worth in a common one at each day; NaN where there is none.

        That they are converted directly comes first, then other quoted currencies in alphabetical order, then rates
        that do not state what they are quoted in.
        """
        above, below = np.full(len(days), np.nan), np.ones(len(days))
        for quoted_in in self._in_order(into):
            worth, one = self._worth(currency, quoted_in, days), self._worth(into, quoted_in, days)
            if quoted_in == _HOME:
                one = np.where(np.isnan(one), 1.0, one)
            found = np.isnan(above) & ~np.isnan(worth) & ~np.isnan(one)
            above, below = np.where(found, worth, above), np.where(found, one, below)
        return above, below

    def _in_order(self, into: str) -> Iterable[str]:
        quoted_in = {pair[1] for pair in self.series} - {into, _HOME}
        return into, *sorted(quoted_in), _HOME

    def _worth(self, currency: str, quoted_in: str, days: Int64Array) -> Float64Array:
        if currency == quoted_in:
            return np.ones(len(days))
        series = self.series.get((currency, quoted_in))
        return np.full(len(days), np.nan) if series is None else series.before(days)
