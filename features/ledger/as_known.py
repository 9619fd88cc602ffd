"""A ledger as known at the start of a day: nothing known on that day or later."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from features.ledger.customers_at import customers_at
from features.ledger.ledger import Ledger


def as_known_before(ledger: Ledger, day: dt.date) -> Ledger:
    """The ledger with everything known on or after a day left out.

    A dispute closed later is open again, an invoice cancelled later is not cancelled, customers merged later are apart,
    and customers have the attributes that were in force. The instalments of an invoice are part of it and known with
    it. The oldest row of a customer's history stays, since it is in force for all the time before it.
    """
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    invoices = ledger.invoices.filter(pl.col("issued_on") < day).with_columns(_if_before("cancelled_on", day))
    of_known_invoices = pl.col("invoice_id").is_in(invoices["invoice_id"].implode())
    disputes, history = ledger.disputes, ledger.customer_history
    return replace(
        ledger,
        customers=customers_at(ledger.customers, history, day),
        invoices=invoices,
        payments=ledger.payments.filter(
            (pl.col("known_on") < day) & (pl.col("invoice_id").is_null() | of_known_invoices)
        ),
        disputes=None
        if disputes is None
        else disputes.filter((pl.col("opened_on") < day) & of_known_invoices).with_columns(
            _if_before("closed_on", day)
        ),
        emails=_before(ledger.emails, "sent_at", midnight),
        interactions=_before(ledger.interactions, "happened_at", midnight),
        indicators=_before(ledger.indicators, "published_on", day),
        customer_merges=_before(ledger.customer_merges, "merged_on", day),
        customer_history=None
        if history is None
        else history.filter(
            (pl.col("valid_from_on") < day)
            | (pl.col("valid_from_on") == pl.col("valid_from_on").min().over("customer_id"))
        ),
        instalments=None if ledger.instalments is None else ledger.instalments.filter(of_known_invoices),
        feeds=_before(ledger.feeds, "complete_through_on", day),
    )


def _if_before(column: str, day: dt.date) -> pl.Expr:
    """A day of a row, null where it lies on or after the given one."""
    return pl.when(pl.col(column) < day).then(pl.col(column)).alias(column)


def _before(frame: pl.DataFrame | None, column: str, moment: dt.date) -> pl.DataFrame | None:
    return None if frame is None else frame.filter(pl.col(column) < moment)
