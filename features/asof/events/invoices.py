"""Invoices with their codes, days and cents: what every event of an invoice starts from."""

from __future__ import annotations

import polars as pl

from features.asof.conversion import Conversion, money_of
from features.asof.dates import day_expression as _day
from features.cents import amount_in_cents
from features.ledger.ledger import Ledger

SMALL_DELAY_DAYS = 15
SEVERE_DELAY_DAYS = 30
PERMILLE = 1_000
LOG_SCALE = 1_000
"""Logarithms of amounts are stored as integers in thousandths, so that their totals are exact."""


def invoice_base(
    ledger: Ledger,
    customer_codes: pl.DataFrame,
    invoice_codes: pl.DataFrame,
    conversion: Conversion | None = None,
) -> pl.DataFrame:
    """One row per invoice (credit notes left out) with codes, day numbers and cents; `receivable` is its place.

    Args:
        ledger: the ledger, without instalments.
        customer_codes: customer ids and their codes.
        invoice_codes: invoice ids and their codes.
        conversion: None where every amount is in the reporting currency. Else the rows have, beside the `cents` of
            their `currency`, their `factor`, `money` and `priced` (see `Conversion.priced`).
    """
    base = (
        ledger.invoices.lazy()
        .filter(pl.col("kind") == "invoice")
        .with_row_index("receivable")
        .join(customer_codes.lazy(), on="customer_id", validate="m:1", maintain_order="left")
        .join(invoice_codes.lazy(), on="invoice_id", validate="1:1", maintain_order="left")
        .select(
            "receivable",
            "invoice_id",
            "entity",
            "invoice",
            issued=_day("issued_on"),
            due=_day("due_on"),
            cents=amount_in_cents("amount"),
            cancelled=_day("cancelled_on"),
            has_purchase_order=pl.col("purchase_order").is_not_null().cast(pl.Int64),
            **({} if conversion is None else {"currency": pl.col("currency")}),
        )
        .sort("entity", "issued", "invoice")
        .collect(engine="in-memory")
    )
    return base if conversion is None else conversion.priced(base, "issued")


def issued_events(base: pl.DataFrame) -> pl.DataFrame:
    """Invoices issued, per customer; those that are not priced count, and add nothing to any amount."""
    money = money_of(base)
    log_amount = (pl.col(money).clip(lower_bound=1).log() * LOG_SCALE).round().cast(pl.Int64)
    return base.select(
        "entity",
        "has_purchase_order",
        *(["priced"] if "priced" in base.columns else []),
        day="issued",
        amount=money,
        terms_days=pl.col("due") - pl.col("issued"),
        log_amount=log_amount,
        log_amount_squared=log_amount**2,
    )
