"""The rules over several columns, rows or tables; which rows break them, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from features.cents import amount_in_cents
from features.ledger.customers_at import in_circles, payers_at
from features.ledger.quarantine import split_by_rules
from features.ledger.receivables import receivable_ids
from features.words import NEGATIVE_METHODS, PAYMENT_METHODS, REVERSAL

#: No electronic ledger reaches further back; an earlier day is a typing error (0202, or 1900 for empty).
EARLIEST_DAY: Final = dt.date(1990, 1, 1)
#: A day this far beyond all it should be near is a typing error (2042 for 2024, 9999 for never).
ABSURD_GAP_DAYS: Final = 3 * 366
#: Invoices dated beyond such a gap are errors only as long as they are few among enough others.
ABSURD_GROUP_SHARE: Final = 0.1
FEWEST_TO_COMPARE: Final = 5

#: Rows of `payments` that nothing but an invoice gives a meaning.
_NEEDS_INVOICE: Final = tuple(method.word for method in PAYMENT_METHODS.values() if method.needs_invoice)


@dataclass(frozen=True)
class Accepted:
    """What a table's rules read beside the table.

    Attributes:
        good: the rows accepted so far, by table; a table is final before those that refer to it.
        customer_ids: every customer there is, described or only named.
        invoices_set_aside: ids of invoices in quarantine.
    """

    good: Mapping[str, pl.DataFrame]
    customer_ids: pl.Series
    invoices_set_aside: pl.Series

    @property
    def invoices(self) -> pl.DataFrame:
        """The accepted invoices and credit notes."""
        return self.good["invoices"]


def table_rules(table: str, accepted: Accepted) -> dict[str, pl.Expr]:
    """The rules of one table: the name of each to an expression that is true where it is broken."""
    rules = _RULES.get(table)
    return {} if rules is None else rules(accepted)


def with_context(table: str, frame: pl.DataFrame, accepted: Accepted) -> pl.DataFrame:
    """A table with what its rules read beside it, in columns that begin with a zero byte; rows stay as they are."""
    if table not in ("payments", "instalments"):
        return frame
    of_invoice = accepted.invoices.select(
        "invoice_id",
        pl.col("kind").alias("\0kind"),
        pl.col("customer_id").alias("\0owner"),
        pl.col("currency").alias("\0currency"),
        pl.col("issued_on").alias("\0issued"),
        pl.col("amount").alias("\0owed"),
    )
    return frame.join(of_invoice, on="invoice_id", how="left", validate="m:1", maintain_order="left")


def _invoice_rules(accepted: Accepted) -> dict[str, pl.Expr]:
    last_believable = _last_believable_day(accepted.invoices["issued_on"])
    granted = pl.col("due_on") - pl.col("issued_on")
    cancelled = pl.col("cancelled_on") - pl.col("issued_on")
    return {
        "invoices.issued_on: before 1990": pl.col("issued_on") < EARLIEST_DAY,
        "invoices.issued_on: years after every other invoice": pl.col("issued_on") > last_believable,
        "invoices.due_on: before issued_on": (pl.col("kind") == "invoice") & (granted < pl.duration(days=0)),
        "invoices.due_on: years after issued_on": granted > pl.duration(days=ABSURD_GAP_DAYS),
        "invoices.cancelled_on: before issued_on": cancelled < pl.duration(days=0),
        "invoices.cancelled_on: years after issued_on": cancelled > pl.duration(days=ABSURD_GAP_DAYS),
    }


def _last_believable_day(days: pl.Series) -> dt.date:
    """The last day before a gap of years that few invoices follow; the last day of all if there is none."""
    counts = days.drop_nulls().value_counts().sort(days.name)
    if counts.is_empty():
        return dt.date.max
    later = counts["count"].reverse().cum_sum().reverse() - counts["count"]
    few = max(1 if days.len() >= FEWEST_TO_COMPARE else 0, int(ABSURD_GROUP_SHARE * days.len()))
    steps = counts.with_columns(gap=pl.col(days.name).diff().dt.total_days().shift(-1), later=later)
    before_gap = steps.filter((pl.col("gap") > ABSURD_GAP_DAYS) & (pl.col("later") <= few))
    last: dt.date = (before_gap if before_gap.height else counts)[days.name].item(
        0 if before_gap.height else -1
    )
    return last


def _merge_rules(accepted: Accepted) -> dict[str, pl.Expr]:
    circles = pl.Series(in_circles(accepted.good["customer_merges"]), dtype=pl.String)
    return {
        **_customer_rules("customer_merges", accepted),
        **_customer_rules("customer_merges", accepted, "merged_into_id"),
        "customer_merges.merged_into_id: merged in a circle": pl.col("customer_id").is_in(circles.implode()),
        "customer_merges.merged_on: before 1990": pl.col("merged_on") < EARLIEST_DAY,
    }


def _history_rules(accepted: Accepted) -> dict[str, pl.Expr]:
    return {
        **_customer_rules("customer_history", accepted),
        "customer_history.valid_from_on: before 1990": pl.col("valid_from_on") < EARLIEST_DAY,
    }


def _instalment_rules(accepted: Accepted) -> dict[str, pl.Expr]:
    """Parts of an invoice that do not make it up exactly all go: the invoice is then due as a whole on its own day."""
    taken = receivable_ids().is_in(accepted.invoices["invoice_id"].implode())
    granted = pl.col("due_on") - pl.col("\0issued")
    total = amount_in_cents("amount").sum().over("invoice_id")
    sound: dict[str, pl.Expr] = {
        **_reference_rules("instalments", accepted),
        "instalments.invoice_id: a credit note has no instalments": pl.col("\0kind") != "invoice",
        "instalments.due_on: before issued_on": granted < pl.duration(days=0),
        "instalments.due_on: years after issued_on": granted > pl.duration(days=ABSURD_GAP_DAYS),
        "instalments.invoice_id: another invoice has the id of its receivable": taken.any().over(
            "invoice_id"
        ),
    }
    broken = (
        pl.any_horizontal(rule.fill_null(value=False) for rule in sound.values()).any().over("invoice_id")
    )
    return {
        **sound,
        "instalments.amount: the instalments do not add up to the invoice": broken
        | (total != amount_in_cents("\0owed")),
    }


def broken_instalment_rules(instalments: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """The instalments that break a rule, each with the first in `rule`; of one invoice all do or none.

    Args:
        instalments: rows in contract columns.
        invoices: the accepted invoices, at least those named and those with the id of a receivable.
    """
    nobody = pl.Series(dtype=pl.String)
    accepted = Accepted({"invoices": invoices}, nobody, nobody)
    rows = with_context("instalments", instalments, accepted)
    return split_by_rules(rows, table_rules("instalments", accepted))[1]


def _payment_rules(accepted: Accepted) -> dict[str, pl.Expr]:
    is_negative = pl.col("method").is_in(list(NEGATIVE_METHODS)).fill_null(value=False)
    # A row on a credit note is a refund of it, whatever its sign.
    concerns_invoice = (pl.col("\0kind") == "invoice").fill_null(value=True)
    stated, owner = pl.col("customer_id"), pl.col("\0owner")
    payers = payers_at(accepted.good.get("customer_merges"))
    if payers:
        stated, owner = stated.replace(payers), owner.replace(payers)
    no_invoice = pl.col("invoice_id").is_null()
    money = pl.col("currency")
    rules = {
        **_reference_rules("payments", accepted),
        "payments.customer_id: neither invoice nor customer": no_invoice & pl.col("customer_id").is_null(),
        "payments.method: means nothing without an invoice": no_invoice
        & pl.col("method").is_in(list(_NEEDS_INVOICE)),
        "payments.customer_id: not the customer of its invoice": stated != owner,
        "payments.currency: paid in another currency than its invoice": money != pl.col("\0currency"),
        "payments.amount: zero": pl.col("amount") == 0,
        "payments.amount: negative without method reversal or refund": concerns_invoice
        & (pl.col("amount") < 0)
        & ~is_negative,
        "payments.amount: reversal or refund above zero": concerns_invoice
        & (pl.col("amount") > 0)
        & is_negative,
        "payments.reverses_payment_id: on a row that is no reversal": pl.col(
            "reverses_payment_id"
        ).is_not_null()
        & pl.col("method").ne_missing(REVERSAL),
        "payments.paid_on: before 1990": pl.col("paid_on") < EARLIEST_DAY,
        "payments.known_on: before 1990": pl.col("known_on") < EARLIEST_DAY,
    }
    for column in ("paid_on", "known_on"):
        rules |= _not_years_later("payments", column, accepted.invoices)
    return rules


def _not_years_later(table: str, column: str, invoices: pl.DataFrame) -> dict[str, pl.Expr]:
    last_due = invoices.select(pl.max_horizontal(pl.col("due_on").max(), pl.col("issued_on").max())).item()
    if last_due is None:
        return {}
    limit = last_due + dt.timedelta(min(ABSURD_GAP_DAYS, (dt.date.max - last_due).days))
    return {f"{table}.{column}: years after the last due date": pl.col(column) > limit}


def _dispute_rules(accepted: Accepted) -> dict[str, pl.Expr]:
    return _reference_rules("disputes", accepted) | {
        "disputes.opened_on: before 1990": pl.col("opened_on") < EARLIEST_DAY,
        "disputes.closed_on: before opened_on": pl.col("closed_on") < pl.col("opened_on"),
    }


def _feed_rules(accepted: Accepted) -> dict[str, pl.Expr]:
    return {
        "feeds.complete_through_on: before 1990": pl.col("complete_through_on") < EARLIEST_DAY,
        **_not_years_later("feeds", "complete_through_on", accepted.invoices),
    }


def _reference_rules(table: str, accepted: Accepted) -> dict[str, pl.Expr]:
    is_accepted = pl.col("invoice_id").is_in(accepted.invoices["invoice_id"].implode())
    set_aside = pl.col("invoice_id").is_in(accepted.invoices_set_aside.drop_nulls().unique().implode())
    return {
        f"{table}.invoice_id: its invoice is in quarantine": ~is_accepted & set_aside,
        f"{table}.invoice_id: no such invoice": ~is_accepted & ~set_aside,
    }


def _customer_rules(table: str, accepted: Accepted, column: str = "customer_id") -> dict[str, pl.Expr]:
    return {
        f"{table}.{column}: no such customer": ~pl.col(column).is_in(accepted.customer_ids.implode()),
    }


_RULES: Final[Mapping[str, Callable[[Accepted], dict[str, pl.Expr]]]] = {
    "invoices": _invoice_rules,
    "customer_merges": _merge_rules,
    "customer_history": _history_rules,
    "instalments": _instalment_rules,
    "payments": _payment_rules,
    "disputes": _dispute_rules,
    "emails": lambda accepted: _customer_rules("emails", accepted),
    "interactions": lambda accepted: _customer_rules("interactions", accepted),
    "feeds": _feed_rules,
}
