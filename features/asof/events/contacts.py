"""Disputes, reminders and what the buyer's side reported of an invoice, as dated events."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof.conversion import Conversion, converted
from features.asof.dates import NEVER
from features.asof.dates import day_expression as _day
from features.cents import amount_in_cents
from features.words import INVOICE_VIEWED, REMINDER_SENT, lifecycle

LIFECYCLE: Mapping[str, tuple[str, ...]] = {
    "taken_in_charge": (lifecycle(204),),
    "approved": (lifecycle(205), lifecycle(206)),
    "contested": (lifecycle(207), lifecycle(208), lifecycle(210)),
    "viewed": (INVOICE_VIEWED,),
}
"""What the buyer's side reported of an invoice: kinds of interaction (statuses of the French e-invoicing reform)."""


def customer_dispute_events(
    disputes: pl.DataFrame,
    invoices: pl.DataFrame,
    customer_codes: pl.DataFrame,
    conversion: Conversion | None,
) -> Mapping[str, pl.DataFrame]:
    """Disputes opened and closed, per customer, with the disputed part of the invoice's amount.

    Nothing is known of an invoice of the customer before it is issued; what was opened earlier counts from then on.

    Args:
        disputes: one row per opening; one about an invoice with instalments is one.
        invoices: the ledger's invoices, whole.
        customer_codes: customer ids and their codes.
        conversion: None where every amount is in the reporting currency; else the part has its invoice's factor.
    """
    billed = (
        invoices.filter(pl.col("kind") == "invoice")
        .join(customer_codes, on="customer_id", validate="m:1")
        .select("invoice_id", "entity", "currency", issued=_day("issued_on"), cents=amount_in_cents("amount"))
    )
    joined = disputes.join(billed, on="invoice_id", validate="m:1").select(
        "entity",
        "currency",
        "issued",
        opened=pl.max_horizontal(_day("opened_on"), "issued"),
        closed=pl.max_horizontal(_day("closed_on").fill_null(NEVER), _day("opened_on"), "issued"),
        amount=amount_in_cents("amount").fill_null(pl.col("cents")),
    )
    if conversion is not None:
        factors = conversion.factors(joined["currency"], joined["issued"].to_numpy())
        joined = joined.with_columns(amount=pl.Series(converted(joined["amount"].to_numpy(), factors)))
    return {
        "dispute_opened": joined.select("entity", "amount", day="opened"),
        "dispute_closed": joined.filter(pl.col("closed") < NEVER).select("entity", "amount", day="closed"),
    }


def invoice_dispute_events(disputes: pl.DataFrame, invoice_codes: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Disputes opened and closed, per invoice, on their own days: one opened before the issue is seen at the issue."""
    joined = disputes.join(invoice_codes, on="invoice_id", validate="m:1").select(
        entity="invoice",
        opened=_day("opened_on"),
        closed=pl.max_horizontal(_day("closed_on").fill_null(NEVER), _day("opened_on")),
    )
    return {
        "dispute_opened": joined.select("entity", day="opened"),
        "dispute_closed": joined.filter(pl.col("closed") < NEVER).select("entity", day="closed"),
    }


def reminder_events(
    interactions: pl.DataFrame, customer_codes: pl.DataFrame, invoice_codes: pl.DataFrame
) -> pl.DataFrame:
    """Reminders sent, per customer; `invoice` is -1 for one about the account as a whole."""
    return (
        interactions.filter(pl.col("kind") == REMINDER_SENT)
        .join(customer_codes, on="customer_id", validate="m:1")
        .join(invoice_codes, on="invoice_id", how="left", validate="m:1")
        .select("entity", pl.col("invoice").fill_null(-1), day=_day_of_instant("happened_at"))
    )


def lifecycle_events(interactions: pl.DataFrame, invoice_codes: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Streams per invoice of what the buyer's side reported of it."""
    joined = interactions.join(invoice_codes, on="invoice_id", validate="m:1").select(
        "kind", entity="invoice", day=_day_of_instant("happened_at")
    )
    return {
        name: joined.filter(pl.col("kind").is_in(kinds)).select("entity", "day")
        for name, kinds in LIFECYCLE.items()
    }


def _day_of_instant(column: str) -> pl.Expr:
    return pl.col(column).dt.date().cast(pl.Int32).cast(pl.Int64)
