"""Choices about what the ledger's rows mean, shared by features, target and score."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

CENTS = 100


@dataclass(frozen=True)
class LedgerSettings:
    """How lateness and settlement are read from a ledger.

    Attributes:
        grace_days: an invoice is late when settled more than this many days past due; 0 by default, 5 is usual
            where booking lags behind the bank.
        settled_tolerance: an invoice is settled when its open amount is at most this, in the reporting currency.
        promise_grace_days: a promise counts as kept when the money was known within this many days after it.
    """

    grace_days: int = 0
    settled_tolerance: Decimal = Decimal("0.05")
    promise_grace_days: int = 3

    @property
    def settled_tolerance_cents(self) -> int:
        """The tolerance in integer cents."""
        return int(self.settled_tolerance * CENTS)
