"""References of one table to another, brought to the ids they mean; invoices delivered twice under two spellings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from features.ids import match_keys, resolved_ids
from features.ledger.ledger import Ledger
from features.ledger.quarantine import PROVENANCE, split_by_rules
from features.ledger.report import Note
from features.ledger.schemas import SHARED_TABLES, TABLES_OF_INVOICES, table_dtypes
from features.messages import localized

#: Columns that refer to an invoice or to a customer, per table.
REFERENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "invoices": {"customer_id": "customers"},
    "customer_merges": {"customer_id": "customers", "merged_into_id": "customers"},
    "customer_history": {"customer_id": "customers"},
    "instalments": {"invoice_id": "invoices"},
    "payments": {"invoice_id": "invoices", "customer_id": "customers"},
    "disputes": {"invoice_id": "invoices"},
    "emails": {"customer_id": "customers", "invoice_id": "invoices"},
    "interactions": {"customer_id": "customers", "invoice_id": "invoices"},
}
_SHOWN_PAIRS: Final = 3


def with_references(
    table: str, frame: pl.DataFrame, known: Mapping[str, pl.Series]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A table whose references are the ids they mean, and the rows put aside for an ambiguous one.

    Args:
        table: name of the ledger table.
        frame: its rows.
        known: ids there are, by table referred to.
    """
    resolved, faults = {}, {}
    for column, target in REFERENCES.get(table, {}).items():
        resolved[column], ambiguous = resolved_ids(frame[column], known[target])
        if ambiguous.any():
            faults[f"{table}.{column}: several ids differ in spelling only"] = pl.lit(ambiguous)
    if not faults:
        return frame.with_columns(**resolved), split_by_rules(frame, {})[1]
    good, bad = split_by_rules(frame.with_columns(**resolved), faults)
    return good, bad


def without_respelt_copies(invoices: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[Note]]:
    """Invoices of which none is another one under a second spelling of its id.

    Rows whose ids have one match key and that are equal in every other column are one row delivered twice: the first
    id in order stays. Rows that differ are different invoices; how many ids are so close to another is noted.

    Args:
        invoices: rows with unique ids and resolved customers, with provenance.

    Returns:
        The rows accepted, the copies with `rule`, and the note.
    """
    keys = match_keys(invoices["invoice_id"])
    close = keys.is_duplicated()
    if not close.any():
        return invoices, split_by_rules(invoices, {})[1], []
    content = [name for name in table_dtypes("invoices") if name != "invoice_id"]
    marked = invoices.with_columns(keys.alias("\0key"), close.alias("\0close"))
    doubtful = marked.filter("\0close").sort("invoice_id", *PROVENANCE, nulls_last=True)
    doubtful = doubtful.with_columns(pl.struct("\0key", *content).is_first_distinct().alias("\0first"))
    kept, copies = split_by_rules(
        doubtful, {"invoices.invoice_id: copy under another spelling of its id": ~pl.col("\0first")}
    )
    pairs = (
        kept.group_by("\0key").agg(pl.col("invoice_id").sort()).filter(pl.col("invoice_id").list.len() > 1)
    )
    notes = []
    if pairs.height:
        shown = ", ".join(
            " / ".join(repr(text) for text in ids)
            for ids in pairs.sort("\0key")["invoice_id"].head(_SHOWN_PAIRS)
        )
        notes.append(
            Note(
                localized(
                    "invoices whose ids differ in case or form only are taken as different invoices: {shown}",
                    shown=shown,
                ),
                pairs.height,
            )
        )
    marks = ["\0key", "\0close", "\0first"]
    others = marked.filter(~pl.col("\0close")).drop("\0key", "\0close")
    return pl.concat([others, kept.drop(marks)]), copies.drop(marks), notes


def customers_of(table: str, frame: pl.DataFrame, owners: pl.DataFrame) -> pl.Series:
    """Whose each row of a table is: the customer of its invoice, or the one it names; null where nobody knows.

    Args:
        table: name of a ledger table that belongs to customers.
        frame: its rows.
        owners: `invoice_id, customer_id` of every invoice.
    """
    named = (
        frame["customer_id"] if "customer_id" in frame.columns else pl.repeat(None, frame.height, eager=True)
    )
    if table not in TABLES_OF_INVOICES:
        return named
    of_invoice = frame.select("invoice_id").join(
        owners.select("invoice_id", "customer_id"),
        on="invoice_id",
        how="left",
        validate="m:1",
        maintain_order="left",
    )["customer_id"]
    return pl.select(pl.coalesce(of_invoice, named.cast(pl.String))).to_series().alias("customer_id")


def rows_of_customers(ledger: Ledger, customer_ids: Collection[str]) -> Ledger:
    """Every row of some customers, as a ledger; tables that belong to nobody stay whole."""
    wanted = list(customer_ids)
    tables = {
        name: frame
        if name in SHARED_TABLES
        else frame.filter(customers_of(name, frame, ledger.invoices).is_in(wanted))
        for name, frame in ledger.tables()
    }
    return Ledger.from_tables(tables)


def with_reversed_payment(payments: pl.DataFrame) -> pl.DataFrame:
    """Payments whose `reverses_payment_id` is the id it means; a reversal that names nothing else takes its invoice.

    A bank that reports an unpaid cheque names the payment only: its invoice, or the account it was paid on, is that of
    the payment.
    """
    if payments["reverses_payment_id"].null_count() == payments.height:
        return payments
    named, ambiguous = resolved_ids(payments["reverses_payment_id"], payments["payment_id"])
    reversed_rows = payments.select(
        pl.col("payment_id").alias("reverses_payment_id"),
        pl.col("invoice_id").alias("\0invoice"),
        pl.col("customer_id").alias("\0payer"),
    )
    says_nothing = pl.col("invoice_id").is_null() & pl.col("customer_id").is_null()
    return (
        payments.with_columns(pl.when(~ambiguous).then(named).otherwise(pl.col("reverses_payment_id")))
        .join(reversed_rows, on="reverses_payment_id", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            invoice_id=pl.when(says_nothing).then("\0invoice").otherwise("invoice_id"),
            customer_id=pl.when(says_nothing).then("\0payer").otherwise("customer_id"),
        )
        .select(payments.columns)
    )
