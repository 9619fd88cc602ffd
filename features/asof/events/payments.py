"""What was booked on invoices, credit notes and accounts, as dated events."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.asof.conversion import changes, converted, money_of
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
    if not payments.select(_is_reversal().any()).item():
        return pl.DataFrame(schema={"entity": pl.Int64, "day": pl.Int64})
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


def allocation_base(payments: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """One row per allocation with its invoice's codes and days, and what it is.

    `credit` marks credit notes and `from_account` cash on account set against the invoice, or undone again; `cash` real
    receipts; `bounce` reversals of cash. `value` is the value date, of a reversal that of the row it undoes; `bounced`
    the day on which a receipt was known to be undone, NEVER where it stayed.

    `known` is the day from which its owner is known: when it was booked, at the earliest its invoice's issue. A
    cancellation allocates what is left of its invoice; what is booked on it afterwards settles nothing.

    Where the base has amounts in the reporting currency (`money`), so have the rows: each has what it adds to the
    running total of its invoice, rounded to the cent as a whole, so that an invoice paid in full is open for nothing.
    """
    is_converted = "money" in base.columns
    of_currency = ("currency", "factor", "priced") if is_converted else ()
    effect = pl.col("effect")
    booked = (
        with_effects(payments)
        .lazy()
        .drop("currency", "customer_id")
        .join(
            base.lazy().select("invoice_id", "entity", "invoice", "issued", "due", "cancelled", *of_currency),
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
            **{name: pl.col(name) for name in (*of_currency, *(["payment_id"] if is_converted else []))},
        )
        .collect(engine="in-memory")
    )
    cancelled = base.filter(pl.col("cancelled").is_not_null())
    if cancelled.is_empty():
        return _with_money(booked) if is_converted else booked
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
        **{name: pl.col(name) for name in of_currency},
    )
    if not is_converted:
        return pl.concat([booked, rest])
    return _with_money(pl.concat([booked, rest.with_columns(payment_id=pl.lit(None, pl.String))]))


def _with_money(allocations: pl.DataFrame) -> pl.DataFrame:
    """Allocations with what each adds to its invoice's running total in the reporting currency.

    The running total follows the order in which rows became known: what is booked later changes nothing before it.
    """
    ordered = allocations.sort("invoice", "booked", "payment_id", nulls_last=True)
    allocated = ordered.select(pl.col("cents").cum_sum().over("invoice")).to_series().to_numpy()
    invoices = ordered["invoice"].to_numpy()
    is_first = np.ones(len(invoices), dtype=np.bool_)
    is_first[1:] = invoices[1:] != invoices[:-1]
    reached = converted(allocated, ordered["factor"].to_numpy())
    return ordered.with_columns(money=changes(reached, is_first)).drop("factor", "payment_id")


def allocation_events(allocations: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Streams per customer made of allocations: what reduces the open and the overdue amount."""
    money = money_of(allocations)
    events = {"allocated": allocations.select("entity", day="known", amount=money)}
    for start in AGEING_STARTS:
        events[f"overdue_allocated_{start}"] = allocations.select(
            "entity", day=pl.max_horizontal("known", pl.col("due") + start), amount=money
        )
    return events


def payday_events(allocations: pl.DataFrame) -> pl.DataFrame:
    """One row per customer, value date and booking date on which cash came in: a payment run as the payer made it.

    Grouping by booking date too keeps each event wholly known on its day. Of several currencies the amount is that of
    the rows that are priced.
    """
    priced = {"priced": pl.col("priced").max()} if "priced" in allocations.columns else {}
    return (
        allocations.filter("cash")
        .group_by("entity", "paid", "known")
        .agg(
            pl.col("invoice").n_unique().cast(pl.Int64).alias("invoices"),
            amount=pl.col(money_of(allocations)).sum(),
            **priced,
        )
        .select(
            "entity",
            "paid",
            "invoices",
            "amount",
            *priced,
            day="known",
            batch=(pl.col("invoices") > 1).cast(pl.Int64),
            batched_invoices=pl.col("invoices") * (pl.col("invoices") > 1),
        )
        .sort("entity", "day", "paid")
    )
