"""Ledger rows written by hand: each builder gives a sound row, of which a test says only what matters to it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl

from features.ledger import Ledger, table_dtypes

Row = dict[str, Any]
FIRST_DAY = dt.date(2026, 1, 1)


def day(offset: int) -> dt.date:
    """So many days after the first day."""
    return FIRST_DAY + dt.timedelta(days=offset)


def frame(table: str, rows: list[Row]) -> pl.DataFrame:
    """Rows in the contract's columns; what a row does not say is null."""
    dtypes = table_dtypes(table)
    return pl.DataFrame([{name: row.get(name) for name in dtypes} for row in rows], schema=dtypes)


def invoice(invoice_id: str = "F1", **values: Any) -> Row:
    """1,000 EUR of customer K1, issued on the first day and due 30 days later."""
    return {
        "invoice_id": invoice_id,
        "customer_id": "K1",
        "kind": "invoice",
        "issued_on": day(0),
        "due_on": day(30),
        "amount": Decimal("1000.00"),
        "currency": "EUR",
        **values,
    }


def payment(payment_id: str, amount: str, on: int, **values: Any) -> Row:
    """A transfer on F1, booked on its value date unless `known` says another day."""
    known = values.pop("known", on)
    return {
        "payment_id": payment_id,
        "invoice_id": "F1",
        "paid_on": day(on),
        "known_on": day(known),
        "amount": Decimal(amount),
        "method": "transfer",
        **values,
    }


def ledger(invoices: list[Row], payments: list[Row], **tables: list[Row]) -> Ledger:
    """A ledger of these rows; customers are those of the invoices and payments unless given."""
    named = {row.get("customer_id") for row in (*invoices, *payments)} - {None}
    people = tables.pop("customers", None) or [
        {"customer_id": customer, "is_strategic": False} for customer in sorted(named)
    ]
    others = {name: frame(name, rows) for name, rows in tables.items()}
    return Ledger(
        frame("customers", people), frame("invoices", invoices), frame("payments", payments), **others
    )
