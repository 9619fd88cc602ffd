"""What a sentence about a score is about: the features of its landmark and the money they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from features.settings import DEFAULT_CURRENCY


@dataclass(frozen=True)
class Money:
    """The money that the sentences about one landmark name.

    Attributes:
        amount: gross amount of the invoice in its own currency; null when it is not known.
        currency: of the invoice.
        reporting_currency: of the amounts among the features.
    """

    amount: float | None = None
    currency: str = DEFAULT_CURRENCY
    reporting_currency: str = DEFAULT_CURRENCY

    @classmethod
    def of_landmarks(cls, landmarks: pl.DataFrame, reporting_currency: str | None) -> list[Money]:
        """The money of each landmark; a column that is absent is unknown, a currency that is unknown the reporting one.

        Args:
            landmarks: `amount` and `currency` where known.
            reporting_currency: of the model.
        """
        nothing = [None] * landmarks.height
        amounts = landmarks["amount"].to_list() if "amount" in landmarks.columns else nothing
        currencies = landmarks["currency"].to_list() if "currency" in landmarks.columns else nothing
        reporting = reporting_currency or DEFAULT_CURRENCY
        return [
            cls(amount, currency or reporting, reporting)
            for amount, currency in zip(amounts, currencies, strict=True)
        ]


@dataclass(frozen=True)
class Subject:
    """What the sentences about one landmark draw on.

    Attributes:
        places: place of each feature in `row`.
        row: the features of the landmark; NaN where unknown.
        money: amount and currencies.
        grace_days: an invoice is late when it is settled more than this many days past due.
    """

    places: Mapping[str, int]
    row: Sequence[float]
    money: Money
    grace_days: int = 0

    @classmethod
    def of_values(cls, values: Mapping[str, float], money: Money = Money(), grace_days: int = 0) -> Subject:
        """The subject of known values by feature name; any other feature is unknown."""
        return cls(
            {name: place for place, name in enumerate(values)}, list(values.values()), money, grace_days
        )

    def value(self, name: str) -> float | None:
        """Value of a feature; null where it is unknown."""
        place = self.places.get(name)
        if place is None:
            return None
        value = self.row[place]
        return None if value != value else value
