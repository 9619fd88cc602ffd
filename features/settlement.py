"""When an invoice is settled: the one place that says so."""

from __future__ import annotations

import polars as pl

from features.settings import CENTS, LedgerSettings


def amount_in_cents(column: str) -> pl.Expr:
    """A money column as exact integer cents."""
    return (pl.col(column).cast(pl.Decimal(18, 2)) * CENTS).cast(pl.Int64)


def settlements(
    invoices: pl.DataFrame, payments: pl.DataFrame, settings: LedgerSettings | None = None
) -> pl.DataFrame:
    """When each invoice was settled and when that was known.

    Allocations are followed in the order in which they became known; settlement is known on the first day on which
    their sum reaches the amount within tolerance. `settled_on` is the first value date by whose end those known by
    then reach it. An allocation booked later never changes a settlement already known, so facts known
    at or after a date cannot change what was settled before it.

    Args:
        invoices: the ledger's invoices; credit notes are left out.
        payments: the ledger's allocations, credit notes and reversals included.
        settings: tolerance; the defaults when None.

    Returns:
        One row per invoice, in the order of the invoices: `invoice_id`, `settled_on`, `settlement_known_on` (both null
        while open),
        `allocation_count` (allocations known by then, null while open).
    """
    tolerance = (settings or LedgerSettings()).settled_tolerance_cents
    owed = (
        invoices.lazy()
        .filter(pl.col("kind") == "invoice")
        .select("invoice_id", owed=amount_in_cents("amount") - tolerance)
        .with_row_index("invoice")
    )
    allocations = (
        payments.lazy()
        .select("invoice_id", "paid_on", "known_on", cents=amount_in_cents("amount"))
        .join(owed, on="invoice_id", how="inner", validate="m:1")
        .drop("invoice_id")
        .with_columns(allocations=pl.len().over("invoice"))
        .collect(engine="in-memory")
    )
    alone = (pl.col("allocations") == 1) & (pl.col("cents") >= pl.col("owed"))
    settled_at_once = (
        allocations.lazy()
        .filter(alone)
        .select(
            "invoice",
            settled_on="paid_on",
            settlement_known_on="known_on",
            allocation_count=pl.lit(1, pl.Int64),
        )
    )
    settled = pl.concat([settled_at_once, _settled_in_steps(allocations.filter(pl.col("allocations") > 1))])
    return (
        owed.join(settled, on="invoice", how="left", validate="1:1", maintain_order="left")
        .select("invoice_id", "settled_on", "settlement_known_on", "allocation_count")
        .collect(engine="in-memory")
    )


def _settled_in_steps(allocations: pl.DataFrame) -> pl.LazyFrame:
    """Settlement of the invoices with several allocations, from their running totals."""
    known = (
        allocations.lazy()
        .group_by("invoice", "known_on")
        .agg(pl.col("cents").sum(), pl.col("owed").first())
        .sort("invoice", "known_on")
        .with_columns(pl.col("cents").cum_sum().over("invoice").alias("reached"))
        .filter(pl.col("reached") >= pl.col("owed"))
        .group_by("invoice")
        .agg(pl.col("known_on").min().alias("settlement_known_on"))
    )
    return (
        allocations.lazy()
        .join(known, on="invoice", how="inner", validate="m:1")
        .filter(pl.col("known_on") <= pl.col("settlement_known_on"))
        .group_by("invoice", "paid_on")
        .agg(
            pl.col("cents").sum(),
            pl.col("owed", "settlement_known_on").first(),
            pl.len().cast(pl.Int64).alias("allocations"),
        )
        .sort("invoice", "paid_on")
        .with_columns(pl.col("cents").cum_sum().over("invoice").alias("reached"))
        .group_by("invoice")
        .agg(
            pl.col("paid_on").filter(pl.col("reached") >= pl.col("owed")).min().alias("settled_on"),
            pl.col("settlement_known_on").first(),
            pl.col("allocations").sum().alias("allocation_count"),
        )
    )
