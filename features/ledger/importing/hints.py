"""Why rows of an export went to quarantine, and which key of the mapping would have taken them: the usual cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from features.ledger.importing.mapping import RUNNING_NUMBER, Column, ImportMapping, Table
from features.ledger.quarantine import as_quarantine
from features.ledger.report import Note
from features.ledger.schemas import table_dtypes
from features.messages import localized

Tables = Mapping[str, pl.DataFrame]


def hints(mapping: ImportMapping, quarantine: Tables) -> list[Note]:
    """Notes with a remedy for rows that a better mapping would have taken.

    Args:
        mapping: the mapping of the import.
        quarantine: the rows put aside, by table.
    """
    notes: list[Note] = []
    for hint in (
        _shared_payment_ids,
        _no_payment_id,
        _no_payer,
        _parts_of_invoices,
        _below_zero,
        _no_due_date,
    ):
        notes += hint(mapping, quarantine)
    return notes


def _broken(quarantine: Tables, table: str, is_meant: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    """Rows of a table whose rules include one that is meant."""
    if table not in quarantine:
        return as_quarantine(table, pl.DataFrame(schema={"rule": pl.String}))
    rules = pl.concat_str(["rule", "other_rules"], separator="; ", ignore_nulls=True)
    return quarantine[table].filter(is_meant(rules))


def _column(mapping: ImportMapping, table: str, column: str) -> Column | None:
    spec: Table | None = mapping.tables.get(table)
    return None if spec is None else spec.columns.get(column)


def _named(column: Column | None) -> str:
    """The column of the export that a ledger column is taken from, for an example."""
    return "Number" if column is None or not column.source else column.source[0]


def _shared_payment_ids(mapping: ImportMapping, quarantine: Tables) -> list[Note]:
    spec = _column(mapping, "payments", "payment_id")
    if spec is None or f"{{{RUNNING_NUMBER}}}" in (spec.template or ""):
        return []
    rows = _broken(
        quarantine,
        "payments",
        lambda rules: rules.str.contains("payments.payment_id: (same id|exact copy)"),
    )
    if rows.is_empty():
        return []
    shown = ", ".join(rows["payment_id"].drop_nulls().unique().sort().head(3))
    template = spec.template or f"{{{_named(spec)}}}"
    key = f"payment_id: {{template: '{template}-{{{RUNNING_NUMBER}}}'}}"
    return [
        Note(
            localized(
                "payments share their id ({shown}): a payment that settles several invoices, or one "
                "invoice twice, has several rows; number them with `{key}`",
                shown=shown,
                key=key,
            ),
            rows.height,
        )
    ]


def _no_payment_id(mapping: ImportMapping, quarantine: Tables) -> list[Note]:
    rows = _broken(quarantine, "payments", lambda rules: rules.str.contains("payments.payment_id: missing"))
    if rows.is_empty():
        return []
    date = _named(_column(mapping, "payments", "paid_on"))
    key = f"payment_id: {{template: '{{{date}}}-{{{RUNNING_NUMBER}}}'}}"
    return [
        Note(
            localized("payments have no id of their own: put one together, for example `{key}`", key=key),
            rows.height,
        )
    ]


def _no_payer(mapping: ImportMapping, quarantine: Tables) -> list[Note]:
    rows = _broken(quarantine, "payments", lambda rules: rules.str.contains("neither invoice nor customer"))
    if rows.is_empty() or _column(mapping, "payments", "customer_id") is not None:
        return []
    return [
        Note(
            localized(
                "payments without an invoice: map `customer_id` of payments, and they are cash on account "
                "of the customer"
            ),
            rows.height,
        )
    ]


def _parts_of_invoices(mapping: ImportMapping, quarantine: Tables) -> list[Note]:
    spec = mapping.tables.get("invoices")
    rows = _broken(quarantine, "invoices", lambda rules: rules.str.contains("invoices.invoice_id: same id"))
    if rows.is_empty() or spec is None or spec.instalments:
        return []
    same = [name for name in table_dtypes("invoices") if name not in ("due_on", "source_due_on", "amount")]
    parts = rows.filter((pl.struct(same).n_unique() == 1).over("invoice_id"))
    if parts.is_empty():
        return []
    shown = ", ".join(parts["invoice_id"].unique().sort().head(3))
    return [
        Note(
            localized(
                "rows of one invoice differ in due date and amount only ({shown}): if they are its "
                "instalments, set `instalments: true` for invoices",
                shown=shown,
            ),
            parts.height,
        )
    ]


def _below_zero(mapping: ImportMapping, quarantine: Tables) -> list[Note]:
    kind, amount = _column(mapping, "invoices", "kind"), _column(mapping, "invoices", "amount")
    rows = _broken(
        quarantine, "invoices", lambda rules: rules.str.contains("invoices.amount: not above zero")
    ).filter(pl.col("amount").str.starts_with("-"))
    if rows.is_empty() or kind is not None:
        return []
    name = _named(amount)
    keys = (
        f"kind: {{from: {name}, by_sign: {{positive: invoice, negative: credit_note}}}}, "
        f"amount: {{from: {name}, absolute: true}}"
    )
    return [
        Note(
            localized("invoices below zero: if they are credit notes, say so with `{keys}`", keys=keys),
            rows.height,
        )
    ]


def _no_due_date(mapping: ImportMapping, quarantine: Tables) -> list[Note]:
    due, terms = _column(mapping, "invoices", "due_on"), _column(mapping, "invoices", "terms")
    rows = _broken(quarantine, "invoices", lambda rules: rules.str.contains("invoices.due_on: missing"))
    if rows.is_empty() or due is None or due.source is None:
        return []
    issued = _named(_column(mapping, "invoices", "issued_on"))
    rule = f"{{terms: {{wording: {_named(terms)}, issued_on: {issued}, reading: days_then_month_end}}}}"
    key = f"due_on: {{first_of: [{due.source[0]}, {rule}]}}"
    return [
        Note(
            localized(
                "invoices without a due date: where the terms give it, take it from them with `{key}`",
                key=key,
            ),
            rows.height,
        )
    ]
