"""What the company owes a customer: credit notes and cash on account that are set against no invoice."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.asof.conversion import Conversion, changes, converted
from features.asof.dates import day_expression as _day
from features.cents import amount_in_cents
from features.words import CREDIT_NOTE


def credit_note_events(
    invoices: pl.DataFrame,
    payments: pl.DataFrame,
    allocations: pl.DataFrame,
    customer_codes: pl.DataFrame,
    conversion: Conversion | None,
) -> pl.DataFrame:
    """Credit notes, per customer, less what was refunded on them or set against invoices; a cancelled one is undone.

    Any row on a credit note but one of method `credit_note` is a refund of it, whatever its sign.

    Args:
        invoices: the ledger's invoices and credit notes.
        payments: its payments.
        allocations: the answer of `allocation_base`.
        customer_codes: customer ids and their codes.
        conversion: None where every amount is in the reporting currency.
    """
    currency = {} if conversion is None else {"currency": pl.col("note_currency")}
    issued = invoices.filter(pl.col("kind") == "credit_note")
    if issued.is_empty():
        return _valued([_set_off(allocations, "credit", currency)], conversion)
    notes = issued.join(customer_codes, on="customer_id", validate="m:1").select(
        "invoice_id",
        "entity",
        issued=_day("issued_on"),
        cancelled=_day("cancelled_on"),
        cents=amount_in_cents("amount"),
        note_currency="currency",
    )
    refunds = payments.filter(pl.col("method").ne_missing(CREDIT_NOTE)).join(
        notes, on="invoice_id", validate="m:1"
    )
    rows = [
        notes.select("entity", **currency, day="issued", amount="cents"),
        notes.filter(pl.col("cancelled").is_not_null()).select(
            "entity", **currency, day=pl.max_horizontal("cancelled", "issued"), amount=-pl.col("cents")
        ),
        refunds.select(
            "entity",
            **currency,
            day=pl.max_horizontal(_day("known_on"), "issued"),
            amount=-amount_in_cents("amount").abs(),
        ),
    ]
    return _valued([*rows, _set_off(allocations, "credit", currency)], conversion)


def account_events(
    payments: pl.DataFrame,
    allocations: pl.DataFrame,
    customer_codes: pl.DataFrame,
    conversion: Conversion | None,
) -> pl.DataFrame:
    """What changed the cash on account, per customer: received or given back, and set against invoices.

    Arguments are those of `credit_note_events`.
    """
    currency = {} if conversion is None else {"currency": pl.col("currency").fill_null(conversion.currency)}
    on_account = (
        payments.filter(pl.col("invoice_id").is_null())
        .join(customer_codes, on="customer_id", validate="m:1")
        .select("entity", **currency, day=_day("known_on"), amount=amount_in_cents("amount"))
    )
    return _valued([on_account, _set_off(allocations, "from_account", currency)], conversion)


def _set_off(allocations: pl.DataFrame, what: str, currency: dict[str, pl.Expr]) -> pl.DataFrame:
    """What was set against invoices, in their currency."""
    return allocations.filter(what).select("entity", *currency, day="known", amount=-pl.col("cents"))


def _valued(rows: list[pl.DataFrame], conversion: Conversion | None) -> pl.DataFrame:
    """Movements of a customer's unapplied credit, in the reporting currency.

    The credit in each currency is valued again on every day on which it moves, at the newest rate published strictly
    before that day: what was set off to the last cent is worth nothing, whatever the rates did since, and no movement
    depends on a later one.
    """
    moved = pl.concat(rows)
    if conversion is None:
        return moved
    held = (
        moved.group_by("entity", "currency", "day")
        .agg(pl.col("amount").sum())
        .sort("entity", "currency", "day")
        .with_columns(balance=pl.col("amount").cum_sum().over("entity", "currency"))
    )
    is_first = np.ones(held.height, dtype=np.bool_)
    kind = held.select(pl.struct("entity", "currency").rle_id()).to_series().to_numpy()
    is_first[1:] = kind[1:] != kind[:-1]
    factors = conversion.factors(held["currency"], held["day"].to_numpy())
    worth = converted(held["balance"].to_numpy(), factors)
    return held.select("entity", "day", amount=pl.Series(changes(worth, is_first)))
