"""A ledger as it stood at the start of a day: nothing known on that day or later."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from features.ledger.ledger import Ledger


def as_known_before(ledger: Ledger, day: dt.date) -> Ledger:
    """The ledger with everything known on or after a day left out; a dispute closed later is open again.

    Customers are kept: their table is not dated.
    """
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    invoices = ledger.invoices.filter(pl.col("issued_on") < day)
    ids = invoices["invoice_id"].implode()
    disputes, emails = ledger.disputes, ledger.emails
    interactions, indicators = ledger.interactions, ledger.indicators
    return replace(
        ledger,
        invoices=invoices,
        payments=ledger.payments.filter((pl.col("known_on") < day) & pl.col("invoice_id").is_in(ids)),
        disputes=None
        if disputes is None
        else disputes.filter((pl.col("opened_on") < day) & pl.col("invoice_id").is_in(ids)).with_columns(
            pl.when(pl.col("closed_on") < day).then(pl.col("closed_on")).alias("closed_on")
        ),
        emails=None if emails is None else emails.filter(pl.col("sent_at") < midnight),
        interactions=None if interactions is None else interactions.filter(pl.col("happened_at") < midnight),
        indicators=None if indicators is None else indicators.filter(pl.col("published_on") < day),
    )
