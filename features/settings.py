"""Choices about what the ledger's rows mean, shared by features, labels and scores.

A model is trained under one set of choices and means nothing under another: its bundle stores them whole, and whoever
scores with it reads them there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from features.cents import CENTS
from features.errors import Fault, InvalidInputError
from features.messages import localized

MOST_GRACE_DAYS = 30
DEFAULT_CURRENCY = "EUR"
"""Of amounts whose currency neither a row, a request nor a model states."""


@dataclass(frozen=True)
class LedgerSettings:
    """How lateness, settlement and money are read from a ledger.

    Attributes:
        grace_days: an invoice is late when settled more than this many days past due; 0 by default, 5 is usual
            where booking lags behind the bank.
        settled_tolerance: an invoice is settled when its open amount is at most this, in its own currency.
        promise_grace_days: a promise counts as kept when the money was known within this many days after it.
        reporting_currency: ISO 4217 code of the amounts among the features, into which others are converted; null
            until a training decides it (the currency of most invoices).
        accepted_discount_share: where the terms grant no discount for early payment, the share of the amount (0 to
            below 1) a customer may leave out that pays within `accepted_discount_days`; 0 accepts none.
        accepted_discount_days: days from issue within which that discount may be taken.

    Raises:
        InvalidInputError: a value is out of range; names every such value.
    """

    grace_days: int = 0
    settled_tolerance: Decimal = Decimal("0.05")
    promise_grace_days: int = 3
    reporting_currency: str | None = None
    accepted_discount_share: Decimal = Decimal(0)
    accepted_discount_days: int = 0

    def __post_init__(self) -> None:
        faults = [*grace_faults(self.grace_days)]
        if not (self.settled_tolerance.is_finite() and self.settled_tolerance >= 0):
            faults.append(
                Fault(
                    localized("is {value}", value=self.settled_tolerance),
                    "settled_tolerance",
                    localized("an amount of 0 or more"),
                )
            )
        share = self.accepted_discount_share
        if not (share.is_finite() and 0 <= share < 1):
            faults.append(
                Fault(
                    localized("is {value}", value=share),
                    "accepted_discount_share",
                    localized("a share from 0 to below 1, such as 0.02"),
                )
            )
        faults += [
            Fault(localized("is {value}", value=days), name, localized("a whole number of days, 0 or more"))
            for name in ("promise_grace_days", "accepted_discount_days")
            if (days := getattr(self, name)) < 0
        ]
        currency = self.reporting_currency
        if currency is not None and not (len(currency) == 3 and currency.isalpha() and currency.isupper()):
            faults.append(
                Fault(
                    localized("is {value}", value=repr(currency)),
                    "reporting_currency",
                    localized("an ISO 4217 code such as EUR"),
                )
            )
        if faults:
            raise InvalidInputError(localized("These ledger settings cannot be used."), faults)

    @property
    def settled_tolerance_cents(self) -> int:
        """The tolerance in integer cents."""
        return int(self.settled_tolerance * CENTS)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a JSON file; amounts as text, exact when read back."""
        return {
            name: str(value) if isinstance(value, Decimal) else value for name, value in self.values().items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LedgerSettings:
        """The settings from the values of `to_dict`.

        Raises:
            InvalidInputError: a setting is missing, unknown, or cannot be read.
        """
        known = {field.name: field for field in fields(cls)}
        faults = [
            Fault(
                localized("the setting is missing"),
                where=name,
                expected=localized("every setting the model was trained under"),
            )
            for name in known
            if name not in values
        ]
        faults += [
            Fault(localized("is not a setting of this version"), where=name)
            for name in values
            if name not in known
        ]
        if faults:
            raise InvalidInputError(localized("The ledger settings cannot be read."), faults)
        exact: dict[str, Any] = {
            name: Decimal(str(value)) if isinstance(known[name].default, Decimal) else value
            for name, value in values.items()
        }
        return cls(**exact)

    def values(self) -> dict[str, Any]:
        """Each setting by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def with_reporting_currency(
        self, invoices: pl.DataFrame, known_before: date | None = None
    ) -> LedgerSettings:
        """The settings with a reporting currency: the one given, else that of most invoices.

        Args:
            invoices: the ledger's invoices.
            known_before: invoices issued on or after this day are not counted; None counts all of them.

        Returns:
            The settings; ties go to the first code in alphabetical order, and it stays null where nothing was issued.
        """
        if self.reporting_currency is not None:
            return self
        known = invoices if known_before is None else invoices.filter(pl.col("issued_on") < known_before)
        counts = (
            known.group_by("currency")
            .agg(pl.len().alias("invoices"))
            .sort("invoices", "currency", descending=[True, False])
        )
        return replace(self, reporting_currency=counts["currency"][0]) if counts.height else self


def grace_faults(grace_days: int) -> Sequence[Fault]:
    """What is wrong with a number of days of grace; nothing when it can be used."""
    if 0 <= grace_days <= MOST_GRACE_DAYS:
        return ()
    return (
        Fault(
            what=localized("is {value}", value=grace_days),
            where="grace_days",
            expected=localized("a whole number of days from 0 to {most}", most=MOST_GRACE_DAYS),
            remedy=localized("5 is usual where payments are booked a few days after they arrive"),
        ),
    )


def setting_differences(given: Mapping[str, Any], model: LedgerSettings, remedy: str) -> list[Fault]:
    """Each setting that is given and differs from the one a model was trained under.

    Args:
        given: settings by name; a setting that is not given cannot differ.
        model: the settings stored with the model.
        remedy: what the person should do about it.
    """
    return [
        Fault(
            localized("is {value}, and the model was trained with {trained}", value=value, trained=trained),
            where=name,
            expected=str(trained),
            remedy=remedy,
        )
        for name, trained in model.values().items()
        if name in given and (value := given[name]) != trained
    ]
