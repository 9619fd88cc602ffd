"""What makes one look twice at a valid ledger: nothing paid, one customer, overpaid, dangling mentions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from features.ids import match_keys
from features.ledger.ledger import Ledger
from features.ledger.report import Note
from features.messages import localized
from features.terms import EndOfMonthReading, due_date_report

#: A larger share of rows in quarantine points to a wrong mapping rather than to faulty rows.
NOTABLE_REJECTED_SHARE: Final = 0.05
_OVERPAID_TOLERANCE: Final = 0.05


def ledger_warnings(ledger: Ledger, quarantine: Mapping[str, pl.DataFrame]) -> list[Note]:
    """Notes on a checked ledger; none of them makes it invalid.

    Args:
        ledger: the accepted rows.
        quarantine: the rejected ones per table.
    """
    notes = []
    invoices = ledger.invoices.filter(pl.col("kind") == "invoice")
    if invoices.is_empty():
        notes.append(Note(localized("no invoice was accepted")))
    elif ledger.payments.is_empty():
        notes.append(
            Note(
                localized("no payment at all: lateness cannot be learned from this ledger"),
            )
        )
    if ledger.customers.height == 1:
        notes.append(
            Note(
                localized("one customer only: nothing can be compared between customers"),
            )
        )
    currencies = sorted(invoices["currency"].unique())
    if len(currencies) > 1:
        listed = ", ".join(currencies)
        notes.append(Note(localized("several currencies: {listed}", listed=listed), len(currencies)))
    notes += _overpaid(invoices, ledger.payments)
    notes += _dangling_mentions(ledger)
    notes += _broken_schedules(quarantine)
    notes += _odd_disputes(ledger)
    notes += _close_customers(ledger.customers)
    notes += _due_dates_against_terms(ledger.invoices)
    for table, frame in ledger.tables():
        rejected = quarantine[table].height if table in quarantine else 0
        if rejected > NOTABLE_REJECTED_SHARE * (rejected + frame.height):
            share = rejected / (rejected + frame.height)
            notes.append(
                Note(
                    localized("{share:.2%} of {table} is in quarantine", share=share, table=table),
                    rejected,
                )
            )
    return notes


def _overpaid(invoices: pl.DataFrame, payments: pl.DataFrame) -> list[Note]:
    """Invoices paid beyond their amount: a duplicate payment, or a payment on the wrong invoice."""
    paid = payments.group_by("invoice_id").agg(pl.col("amount").sum().alias("paid"))
    over = invoices.join(paid, on="invoice_id", how="inner", validate="1:1").filter(
        (pl.col("paid") - pl.col("amount")).cast(pl.Float64) > _OVERPAID_TOLERANCE
    )
    if over.is_empty():
        return []
    return [
        Note(
            localized("invoices were paid more than their amount"),
            over.height,
        )
    ]


def _dangling_mentions(ledger: Ledger) -> list[Note]:
    """What names an invoice or payment that the ledger lacks, and is accepted all the same."""
    notes = []
    for table, frame in (("emails", ledger.emails), ("interactions", ledger.interactions)):
        if frame is None:
            continue
        named = frame.filter(pl.col("invoice_id").is_not_null())
        count = named.join(ledger.invoices, on="invoice_id", how="anti").height
        if count:
            notes.append(
                Note(
                    localized(
                        "{table} name an invoice that is not in the ledger; they are kept for their customer",
                        table=table,
                    ),
                    count,
                )
            )
    reversed_ids = ledger.payments["reverses_payment_id"].drop_nulls()
    unknown = (~reversed_ids.is_in(ledger.payments["payment_id"].implode())).sum()
    if unknown:
        notes.append(
            Note(
                localized("rows reverse a payment that is not in the ledger; they are kept and undo cash"),
                int(unknown),
            )
        )
    replaced = ledger.invoices["replaces_invoice_id"].drop_nulls()
    unknown = (~replaced.is_in(ledger.invoices["invoice_id"].implode())).sum()
    if unknown:
        notes.append(
            Note(
                localized("invoices replace one that is not in the ledger"),
                int(unknown),
            )
        )
    return notes


def _broken_schedules(quarantine: Mapping[str, pl.DataFrame]) -> list[Note]:
    """Invoices whose instalments were put aside: they are due as a whole, which may be too early."""
    if "instalments" not in quarantine:
        return []
    invoices = quarantine["instalments"]["invoice_id"].drop_nulls().unique().sort()
    shown = ", ".join(invoices.head(3).to_list())
    return [
        Note(
            localized(
                "invoices whose instalments are in quarantine are due as a whole on their own due date: {shown}",
                shown=shown,
            ),
            invoices.len(),
        )
    ]


def _odd_disputes(ledger: Ledger) -> list[Note]:
    """Disputed parts that exceed their invoice: the whole of it is disputed."""
    if ledger.disputes is None:
        return []
    amounts = ledger.invoices.select("invoice_id", pl.col("amount").alias("owed"))
    count = (
        ledger.disputes.join(amounts, on="invoice_id", how="inner", validate="m:1")
        .filter(pl.col("amount") > pl.col("owed"))
        .height
    )
    if not count:
        return []
    return [
        Note(
            localized("disputed parts are more than their invoice: all of it is taken as disputed"),
            count,
        )
    ]


def _close_customers(customers: pl.DataFrame) -> list[Note]:
    """Customers whose ids differ in case or form only: perhaps one customer delivered twice."""
    close = customers.select("customer_id", key=match_keys(customers["customer_id"])).filter(
        pl.col("key").is_duplicated()
    )
    if close.is_empty():
        return []
    shown = " / ".join(repr(text) for text in close.sort("key", "customer_id")["customer_id"].head(2))
    return [
        Note(
            localized(
                "customers whose ids differ in case or form only are taken as different customers, for example {shown}",
                shown=shown,
            ),
            close["key"].n_unique(),
        )
    ]


def _due_dates_against_terms(invoices: pl.DataFrame) -> list[Note]:
    """How due dates agree with terms: a wrong reading of "fin de mois" is a two-week error in every label."""
    wordings = due_date_report(invoices, EndOfMonthReading.DAYS_THEN_MONTH_END).by_terms
    understood = wordings.filter(pl.col("is_understood"))
    notes = []
    if wordings.height > understood.height:
        odd = wordings.filter(~pl.col("is_understood"))
        shown = ", ".join(repr(text) for text in odd["terms"].head(3))
        notes.append(
            Note(
                localized("terms that are not understood, for example {shown}", shown=shown),
                int(odd["invoices"].sum()),
            )
        )
    neither = understood["agree_neither"].sum()
    if neither:
        notes.append(
            Note(
                localized("due dates differ from what the terms give under either reading of end of month"),
                int(neither),
            )
        )
    first, second = (f"agree_{reading.value}" for reading in EndOfMonthReading)
    open_wordings = understood.filter(pl.col(first) != pl.col(second))
    if open_wordings.height:
        one, other = ((open_wordings[name] - open_wordings["agree_both"]).sum() for name in (first, second))
        notes.append(
            Note(
                localized(
                    "end-of-month terms: {days_first} due dates count the days first, {month_first} the "
                    "end of the month first",
                    days_first=one,
                    month_first=other,
                ),
            )
        )
    return notes
