"""What a customer owes, and how it has paid: sums over all its invoices, by currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import polars as pl

from serving.accounts.invoices import NOTHING_OWED, InvoiceRead
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


NO_RECORD: Final = PaymentRecord({}, 0, 0)
"""Of a customer that was never invoiced."""


def payment_records(
    rows: pl.DataFrame, credited: Collection[str], on: dt.date, grace_days: int
) -> dict[str, PaymentRecord]:
    """How some customers have paid, from all their invoices.

    Args:
        rows: one row per invoice with its customer, days, amount and currency, and `settled_on`, null while it is open.
        credited: invoices credited in full: nobody could be late with them.
        on: the day.
        grace_days: days after the due date that are no delay yet.

    Returns:
        The record of each customer that has invoices.
    """
    is_open, due_on, grace = pl.col("settled_on").is_null(), pl.col("due_on"), dt.timedelta(days=grace_days)
    is_invoiced = pl.col("issued_on").is_between(on - dt.timedelta(days=_TURNOVER_DAYS - 1), on)
    has_fallen_due = (~is_open | (due_on < on - grace)) & (due_on >= on - dt.timedelta(days=_RECORD_DAYS))
    if credited:
        has_fallen_due &= ~pl.col("invoice_id").is_in(list(credited))
    is_late = is_open | (pl.col("settled_on") > due_on + grace)
    found: dict[str, PaymentRecord] = {}
    for customer_id, currency, in_year, amount, due, late in (
        rows.select(
            "customer_id",
            "currency",
            pl.when(is_invoiced).then("amount"),
            due=has_fallen_due,
            late=has_fallen_due & is_late,
        )
        .group_by("customer_id", "currency")
        .agg(pl.col("amount").count().alias("in_year"), pl.col("amount").sum(), pl.col("due", "late").sum())
        .iter_rows()
    ):
        record = PaymentRecord({currency: amount} if in_year else {}, due, late)
        found[customer_id] = found.get(customer_id, NO_RECORD).and_of(record)
    return found
