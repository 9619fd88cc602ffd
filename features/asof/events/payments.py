"""What was booked on invoices, credit notes and accounts, as dated events."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof.dates import NEVER
from features.asof.dates import day_expression as _day
from features.cents import amount_in_cents
from features.words import CASH_METHODS, CREDIT_NOTE, ON_ACCOUNT, REVERSAL

AGEING_STARTS = (0, 30, 60, 90)
"""Days past due after which an open amount enters an ageing bucket."""


def with_effects(payments: pl.DataFrame) -> pl.DataFrame:
    """Add to each row the method it counts for (`effect`, null is cash), its value date, and when it was undone.

    A reversal counts for the row it names, where that was known by then, with its value date; else for cash. `bounced`
    is the day on which the first reversal that names the row became known; NEVER where there is none.
    """
    reversals = payments.filter(_is_reversal())
    if reversals.is_empty():
        return payments.with_columns(effect="method", value=_day("paid_on"), bounced=pl.lit(NEVER, pl.Int64))
    named = payments.select(
        undone="payment_id", undone_method="method", undone_known="known_on", undone_paid=_day("paid_on")
    )
    undoing = (
        reversals.select(payment_id="reverses_payment_id", reversed_on="known_on")
        .join(payments.select("payment_id", "known_on"), on="payment_id")
        .filter(pl.col("reversed_on") >= pl.col("known_on"))
        .group_by("payment_id")
        .agg(bounced=_day("reversed_on").min())
    )
    is_named = _is_reversal() & (pl.col("undone_known") <= pl.col("known_on")).fill_null(value=False)
    return (
        payments.join(named, left_on="reverses_payment_id", right_on="undone", how="left", validate="m:1")
        .join(undoing, on="payment_id", how="left", validate="1:1")
        .with_columns(
            effect=pl.when(is_named)
            .then("undone_method")
            .when(_is_reversal())
            .then(pl.lit(None, pl.String))
            .otherwise("method"),
            value=pl.when(is_named).then("undone_paid").otherwise(_day("paid_on")),
            bounced=pl.col("bounced").fill_null(NEVER),
        )
        .drop("undone_method", "undone_known", "undone_paid")
    )


def _is_reversal() -> pl.Expr:
    return (pl.col("method") == REVERSAL).fill_null(value=False)


def _is_cash(method: str) -> pl.Expr:
    return pl.col(method).is_null() | pl.col(method).is_in(list(CASH_METHODS))


def bounce_events(
    payments: pl.DataFrame, invoices: pl.DataFrame, customer_codes: pl.DataFrame
) -> pl.DataFrame:
    """Reversals of cash on invoices or on the account, per customer, each once.

    Args:
        payments: the ledger's payments, whole.
        invoices: the ledger's invoices, whole.
        customer_codes: customer ids and their codes.
    """
    bounces = with_effects(payments).filter(_is_reversal() & _is_cash("effect"))
    of_invoices = bounces.drop("customer_id").join(
        invoices.filter(pl.col("kind") == "invoice").select("invoice_id", "customer_id", "issued_on"),
        on="invoice_id",
        validate="m:1",
    )
    day = pl.max_horizontal(_day("known_on"), _day("issued_on"))
    known = pl.concat(
        [
            of_invoices.select("customer_id", day=day),
            bounces.filter(pl.col("invoice_id").is_null()).select("customer_id", day=_day("known_on")),
        ]
    )
    return known.join(customer_codes, on="customer_id", validate="m:1").select("entity", "day")


def account_events(
    payments: pl.DataFrame, allocations: pl.DataFrame, customer_codes: pl.DataFrame
) -> pl.DataFrame:
    """What changed the cash on account, per customer: received or given back, and set against invoices."""
    on_account = (
        payments.filter(pl.col("invoice_id").is_null())
        .join(customer_codes, on="customer_id", validate="m:1")
        .select("entity", day=_day("known_on"), amount=amount_in_cents("amount"))
    )
    set_off = allocations.filter("from_account").select("entity", day="known", amount=-pl.col("cents"))
    return pl.concat([on_account, set_off])


def allocation_base(payments: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """One row per allocation with its invoice's codes and days, and what it is.

    `credit` marks credit notes and `from_account` cash on account set against the invoice, or undone again; `cash` real
    receipts; `bounce` reversals of cash. `value` is the value date, of a reversal that of the row it undoes; `bounced`
    the day on which a receipt was known to be undone, NEVER where it stayed.

    `known` is the day from which it can be told whose it is: when it was booked, at the earliest its invoice's issue. A
    cancellation allocates what is left of its invoice; what is booked on it afterwards settles nothing.
    """
    effect = pl.col("effect")
    booked = (
        with_effects(payments)
        .lazy()
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
            credit=(effect == CREDIT_NOTE).fill_null(value=False),
            from_account=(effect == ON_ACCOUNT).fill_null(value=False),
            cash=_is_cash("method") & (pl.col("amount") > 0),
            bounce=_is_reversal() & _is_cash("effect"),
            value="value",
            bounced="bounced",
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
        from_account=pl.lit(value=False),
        cash=pl.lit(value=False),
        bounce=pl.lit(value=False),
        value="cancelled",
        bounced=pl.lit(NEVER, pl.Int64),
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


def credit_note_events(
    invoices: pl.DataFrame, payments: pl.DataFrame, customer_codes: pl.DataFrame
) -> pl.DataFrame:
    """Credit notes issued, per customer, less what was refunded on them; one that is cancelled is taken back.

    Any row on a credit note but one of method `credit_note` is a refund of it, whatever its sign.
    """
    notes = (
        invoices.filter(pl.col("kind") == "credit_note")
        .join(customer_codes, on="customer_id", validate="m:1")
        .select(
            "invoice_id",
            "entity",
            issued=_day("issued_on"),
            cancelled=_day("cancelled_on"),
            cents=amount_in_cents("amount"),
        )
    )
    refunds = payments.filter(pl.col("method").ne_missing(CREDIT_NOTE)).join(
        notes, on="invoice_id", validate="m:1"
    )
    return pl.concat(
        [
            notes.select("entity", day="issued", amount="cents"),
            notes.filter(pl.col("cancelled").is_not_null()).select(
                "entity", day=pl.max_horizontal("cancelled", "issued"), amount=-pl.col("cents")
            ),
            refunds.select(
                "entity",
                day=pl.max_horizontal(_day("known_on"), "issued"),
                amount=-amount_in_cents("amount").abs(),
            ),
        ]
    )
