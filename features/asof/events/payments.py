"""What was booked on invoices, credit notes and accounts, as dated events."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof.dates import day_expression as _day
from features.cents import amount_in_cents
from features.words import CASH_METHODS, CREDIT_NOTE

AGEING_STARTS = (0, 30, 60, 90)
"""Days past due after which an open amount enters an ageing bucket."""


def allocation_base(payments: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """One row per allocation with its invoice's codes and days; `credit` marks credit notes, `cash` real receipts.

    `known` is the day from which it can be told whose it is: when it was booked, at the earliest its invoice's issue. A
    cancellation allocates what is left of its invoice; what is booked on it afterwards settles nothing.
    """
    method = pl.col("method")
    is_money = method.is_null() | method.is_in(list(CASH_METHODS))
    booked = (
        payments.lazy()
        .join(
            base.lazy().select("invoice_id", "entity", "invoice", "issued", "due", "cancelled"),
            on="invoice_id",
            validate="m:1",
        )
        .filter((_day("known_on") <= pl.col("cancelled")).fill_null(value=True))
        .select(
            "entity",
            "invoice",
            "issued",
            "due",
            paid=_day("paid_on"),
            known=pl.max_horizontal(_day("known_on"), "issued"),
            booked=_day("known_on"),
            cents=amount_in_cents("amount"),
            credit=(method == CREDIT_NOTE).fill_null(value=False),
            cash=is_money & (pl.col("amount") > 0),
        )
        .collect(engine="in-memory")
    )
    cancelled = base.filter(pl.col("cancelled").is_not_null())
    if cancelled.is_empty():
        return booked
    rest = cancelled.join(
        booked.group_by("invoice").agg(pl.col("cents").sum().alias("allocated")), on="invoice", how="left"
    ).select(
        "entity",
        "invoice",
        "issued",
        "due",
        paid="cancelled",
        known=pl.max_horizontal("cancelled", "issued"),
        booked="cancelled",
        cents=pl.col("cents") - pl.col("allocated").fill_null(0),
        credit=pl.lit(value=False),
        cash=pl.lit(value=False),
    )
    return pl.concat([booked, rest])


def allocation_events(allocations: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Streams per customer made of allocations: what reduces the open and the overdue amount, credit applied."""
    events = {
        "allocated": allocations.select("entity", day="known", amount="cents"),
        "credit_applied": allocations.filter("credit").select("entity", day="known", amount="cents"),
    }
    for start in AGEING_STARTS:
        events[f"overdue_allocated_{start}"] = allocations.select(
            "entity", day=pl.max_horizontal("known", pl.col("due") + start), amount="cents"
        )
    return events


def payday_events(allocations: pl.DataFrame) -> pl.DataFrame:
    """One row per customer, value date and booking date on which cash came in: a payment run as the payer made it.

    Grouping by booking date too keeps each event wholly known on its day.
    """
    return (
        allocations.filter("cash")
        .group_by("entity", "paid", "known")
        .agg(
            pl.col("invoice").n_unique().cast(pl.Int64).alias("invoices"),
            pl.col("cents").sum().alias("amount"),
        )
        .select(
            "entity",
            "paid",
            "invoices",
            "amount",
            day="known",
            batch=(pl.col("invoices") > 1).cast(pl.Int64),
            batched_invoices=pl.col("invoices") * (pl.col("invoices") > 1),
        )
        .sort("entity", "day", "paid")
    )


def credit_note_events(invoices: pl.DataFrame, customer_codes: pl.DataFrame) -> pl.DataFrame:
    """Credit notes issued, per customer."""
    return (
        invoices.filter(pl.col("kind") == "credit_note")
        .join(customer_codes, on="customer_id", validate="m:1")
        .select("entity", day=_day("issued_on"), amount=amount_in_cents("amount"))
    )
