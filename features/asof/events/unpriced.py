"""Amounts that no known rate converts: how many there are, since they are part of no sum."""

from __future__ import annotations

import polars as pl

from features.asof.conversion import Conversion
from features.asof.dates import NEVER
from features.asof.dates import day_expression as _day


def unpriced_open_events(base: pl.DataFrame, closings: pl.DataFrame) -> pl.DataFrame:
    """Invoices that are not priced: `count` 1 when issued or opened again, -1 when known to be closed.

    Columns `entity, invoice, day, count`: codes of the customer and of the invoice.

    Args:
        base: the answer of `invoice_base`, priced.
        closings: the answer of `closings_of` for it.
    """
    issued = base.filter(pl.col("priced") == 0)
    closed = closings.filter((pl.col("priced") == 0) & ~pl.col("is_on_top"))
    one, codes = pl.lit(1, pl.Int64), ("entity", "invoice")
    return pl.concat(
        [
            issued.select(*codes, day="issued", count=one),
            closed.select(*codes, day="begun", count=-one),
            closed.filter(pl.col("ended") < NEVER).select(*codes, day="ended", count=one),
        ]
    )


def unpriced_events(
    base: pl.DataFrame,
    invoices: pl.DataFrame,
    payments: pl.DataFrame,
    customer_codes: pl.DataFrame,
    conversion: Conversion,
) -> pl.DataFrame:
    """Invoices, credit notes and payments on account that no rate converts, per customer, each once.

    Args:
        base: the answer of `invoice_base`, priced.
        invoices: the ledger's invoices and credit notes.
        payments: its payments.
        customer_codes: customer ids and their codes.
        conversion: how amounts are converted.
    """
    notes = invoices.filter(pl.col("kind") == "credit_note").select(
        "customer_id", "currency", day=_day("issued_on")
    )
    on_account = payments.filter(pl.col("invoice_id").is_null()).select(
        "customer_id", "currency", day=_day("known_on")
    )
    others = pl.concat([notes, on_account]).join(customer_codes, on="customer_id", validate="m:1")
    factors = pl.Series(conversion.factors(others["currency"], others["day"].to_numpy()))
    return pl.concat(
        [
            base.filter(pl.col("priced") == 0).select("entity", day="issued"),
            others.filter(factors.is_nan()).select("entity", "day"),
        ]
    )
