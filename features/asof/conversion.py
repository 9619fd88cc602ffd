"""Amounts of several currencies in one: the reporting currency, at rates known before each amount's own day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.asof.dates import Float64Array, Int64Array
from features.asof.exchange_rates import ExchangeRates
from features.ledger.ledger import Ledger


@dataclass(frozen=True)
class Conversion:
    """How amounts are converted.

    An invoice is converted at the newest rate published strictly before its issue, and so is everything allocated to
    it: what is paid in full is open for nothing, whatever the rates did since. What has no rate is worth nothing here
    and marked as not `priced`.

    Attributes:
        currency: the reporting currency; None where there is none, and amounts are taken as they are.
        rates: published rates.
    """

    currency: str | None
    rates: ExchangeRates

    def is_needed(self, ledger: Ledger) -> bool:
        """Whether any amount of the ledger is in another currency."""
        if self.currency is None:
            return False
        if bool((ledger.invoices["currency"] != self.currency).any()):
            return True
        stated = ledger.payments["currency"]
        if stated.null_count() == stated.len():
            return False
        on_account = ledger.payments["invoice_id"].is_null()
        return bool((on_account & (stated != self.currency)).fill_null(value=False).any())

    def factors(self, currencies: pl.Series, days: Int64Array) -> Float64Array:
        """What one unit of each currency is worth by what was published strictly before each day; NaN without a rate.

        An unknown currency (null) is taken to be the reporting currency.
        """
        if self.currency is None:
            return np.ones(len(days))
        return self.rates.factors(currencies.fill_null(self.currency), days, self.currency)

    def priced(self, frame: pl.DataFrame, day: str) -> pl.DataFrame:
        """Add to rows of `cents` and `currency` their `factor` on a day, their `money`, and whether they are `priced`.

        Args:
            frame: the rows.
            day: column of the day number before which a rate must have been published.
        """
        factors = self.factors(frame["currency"], frame[day].to_numpy())
        return frame.with_columns(
            pl.Series("factor", factors),
            pl.Series("money", converted(frame["cents"].to_numpy(), factors)),
            pl.Series("priced", (~np.isnan(factors)).astype(np.int64)),
        )


def converted(cents: Int64Array, factors: Float64Array) -> Int64Array:
    """Cents of another currency as whole cents of the reporting currency; 0 where the factor is unknown."""
    money: Int64Array = np.rint(cents * np.nan_to_num(factors, nan=0.0)).astype(np.int64)
    return money


def changes(reached: Int64Array, is_first: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Int64Array:
    """By how much each amount reached exceeds the one before it; the first of each kind exceeds nothing.

    Amounts reached are rounded, not what is added to them, so that the changes add up to the last one exactly.
    """
    before = np.zeros(len(reached), dtype=np.int64)
    before[1:] = reached[:-1]
    before[is_first] = 0
    return reached - before


def money_of(frame: pl.DataFrame) -> str:
    """Name of the column with the amounts in the reporting currency: `cents` where nothing had to be converted."""
    return "money" if "money" in frame.columns else "cents"
