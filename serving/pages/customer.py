"""What a reader sees of one customer: what it owes, how it has paid, what its e-mails say. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import polars as pl

from features.ledger import Ledger
from features.ledger.receivables import receivables
from features.settlement import settlement_at

SHOWN_INVOICES: Final = 24
YEAR: Final = dt.timedelta(days=365)


@dataclass(frozen=True)
class PaidInvoice:
    """A receivable of the past: how many days after its due date it was settled, below zero before it."""

    invoice_id: str
    due_on: dt.date
    settled_on: dt.date
    days_late: int


@dataclass(frozen=True)
class Period:
    """How receivables settled in a period were paid.

    Attributes:
        count: settled in it.
        late_share: share of them settled after the due date; null without any.
        median_days_late: of them; null without any.
    """

    count: int
    late_share: float | None
    median_days_late: float | None


@dataclass(frozen=True)
class CustomerHistory:
    """How a customer has paid.

    Attributes:
        last_year, before: receivables settled in the last 365 days, and earlier.
        newest: the receivables settled last, the newest first.
    """

    last_year: Period
    before: Period
    newest: tuple[PaidInvoice, ...]


def customer_history(ledger: Ledger, episodes: pl.DataFrame, day: dt.date) -> CustomerHistory:
    """How a customer has paid, as known before a day; what was closed by credit notes alone tells nothing of it.

    Args:
        ledger: everything known of the customer.
        episodes: when each of its receivables was settled (`settlement_episodes`).
        day: the day.
    """
    due = receivables(ledger).invoices.filter(pl.col("kind") == "invoice").select("invoice_id", "due_on")
    paid = (
        due.join(settlement_at(episodes, day), on="invoice_id", how="inner", validate="1:1")
        .filter(pl.col("settled_on").is_not_null() & (pl.col("closed_by") != "credited"))
        .with_columns((pl.col("settled_on") - pl.col("due_on")).dt.total_days().alias("days_late"))
        .sort("settled_on", "invoice_id", descending=[True, False])
    )
    found = [
        PaidInvoice(**row)
        for row in paid.select("invoice_id", "due_on", "settled_on", "days_late").to_dicts()
    ]
    since = day - YEAR
    return CustomerHistory(
        last_year=_period([each for each in found if each.settled_on >= since]),
        before=_period([each for each in found if each.settled_on < since]),
        newest=tuple(found[:SHOWN_INVOICES]),
    )


def _period(paid: list[PaidInvoice]) -> Period:
    if not paid:
        return Period(0, None, None)
    late = sum(each.days_late > 0 for each in paid)
    return Period(len(paid), late / len(paid), float(median(each.days_late for each in paid)))


def settled_now(episodes: pl.DataFrame, invoice_ids: list[str], day: dt.date) -> frozenset[str]:
    """Those of some receivables that are closed as known before a day: nothing is to be asked for on them."""
    state = settlement_at(episodes, day).filter(pl.col("settlement_known_on").is_not_null())
    return frozenset(state["invoice_id"]) & frozenset(invoice_ids)


def facts_of(customer: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    """What is known of a customer itself, as name of the column and value; unknown columns are left out."""
    shown = (
        "legal_form",
        "country",
        "sector",
        "size_class",
        "siren",
        "customer_since_on",
        "credit_limit",
        "bureau_score",
    )
    return [(name, customer[name]) for name in shown if customer and customer.get(name) is not None]
