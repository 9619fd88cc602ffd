"""What a customer owes, and how it has paid: sums over all its invoices, by currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from serving.account_reading import NOTHING_OWED, InvoiceRead
from serving.dunning import OpenBalance

_TURNOVER_DAYS, _RECORD_DAYS = 365, 730


@dataclass(frozen=True)
class AccountTotals:
    """What one customer owes, by currency and by invoice."""

    overdue: Mapping[str, Decimal] = field(default_factory=dict)
    outstanding: Mapping[str, Decimal] = field(default_factory=dict)
    open_balances: Mapping[str, OpenBalance] = field(default_factory=dict)

    def and_owes(self, invoices: Sequence[InvoiceRead], on: dt.date) -> AccountTotals:
        """The same customer with more invoices; what is overpaid or settled is no debt."""
        owed = {
            found.row["invoice_id"]: OpenBalance(found.row["due_on"], found.row["currency"], found.owed)
            for found in invoices
            if found.owed > 0
        }
        if not owed:
            return self
        overdue, outstanding = dict(self.overdue), dict(self.outstanding)
        for balance in owed.values():
            outstanding[balance.currency] = outstanding.get(balance.currency, NOTHING_OWED) + balance.amount
            if balance.due_on < on:
                overdue[balance.currency] = overdue.get(balance.currency, NOTHING_OWED) + balance.amount
        return AccountTotals(overdue, outstanding, {**self.open_balances, **owed})


@dataclass(frozen=True)
class PaymentRecord:
    """How one customer has paid: what it was invoiced in a year, what fell due in two, and what of that was late."""

    turnover: Mapping[str, Decimal]
    fallen_due_count: int
    late_count: int

    @classmethod
    def of(cls, invoices: Sequence[InvoiceRead], on: dt.date, grace_days: int) -> PaymentRecord:
        """The record of a customer from all its invoices."""
        turnover: dict[str, Decimal] = {}
        due = late = 0
        grace = dt.timedelta(days=grace_days)
        for found in invoices:
            row = found.row
            if 0 <= (on - row["issued_on"]).days < _TURNOVER_DAYS:
                turnover[row["currency"]] = turnover.get(row["currency"], NOTHING_OWED) + row["amount"]
            is_known = found.settled_on is not None or row["due_on"] + grace < on
            if not is_known or (on - row["due_on"]).days > _RECORD_DAYS or found.credited >= row["amount"]:
                continue
            due += 1
            late += found.settled_on is None or found.settled_on > row["due_on"] + grace
        return cls(turnover, due, late)

    def and_of(self, other: PaymentRecord) -> PaymentRecord:
        """The record over the invoices of both."""
        currencies = {*self.turnover, *other.turnover}
        turnover = {
            currency: self.turnover.get(currency, NOTHING_OWED) + other.turnover.get(currency, NOTHING_OWED)
            for currency in currencies
        }
        return PaymentRecord(
            turnover, self.fallen_due_count + other.fallen_due_count, self.late_count + other.late_count
        )
