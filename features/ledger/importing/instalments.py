"""Invoices that a flat export repeats once per due date: one invoice for each id, and its instalments."""

from __future__ import annotations

import polars as pl

from features.ledger.importing.sources import FILE
from features.ledger.importing.tables import BuiltTable
from features.ledger.importing.text_files import ROW
from features.ledger.schemas import table_dtypes

_OWN = ("due_on", "source_due_on", "amount")
"""Columns in which the rows of one invoice differ when they are its instalments."""


def with_instalments(built: BuiltTable) -> tuple[BuiltTable, pl.DataFrame]:
    """Fold rows that share an id and differ in due date and amount only into one invoice and its instalments.

    The invoice is the sum of its parts and due with the last of them. Equal rows are one row delivered several times.
    Rows of an id that differ in anything else stay as they are, for the check to put aside. Those of an id of which a
    row is put aside already go too, since what is left of it would be another amount.

    Args:
        built: the invoices as they were read, one row per due date.

    Returns:
        The invoices, and the rows of `instalments`.
    """
    rows = built.rows
    given = [name for name in rows.columns if name not in (FILE, ROW)]
    distinct = rows.sort(FILE, ROW, nulls_last=True).unique(given, keep="first", maintain_order=True)
    copies = rows.join(distinct.select(FILE, ROW), on=[FILE, ROW], how="anti")
    same = [name for name in given if name not in ("invoice_id", *_OWN)]
    amount = pl.col("amount").cast(pl.Decimal(38, 4), strict=False)
    sizes = distinct.group_by("invoice_id").agg(
        lines=pl.len(),
        versions=pl.struct(same).n_unique() if same else pl.lit(1),
        is_sound=(amount > 0).all() & pl.col("due_on").is_not_null().all(),
    )
    broken = built.rejected["invoice_id"].drop_nulls().unique()
    of_parts = sizes.filter(
        (pl.col("lines") > 1)
        & (pl.col("versions") == 1)
        & pl.col("is_sound").fill_null(value=False)
        & pl.col("invoice_id").is_not_null()
    )
    is_broken = pl.col("invoice_id").is_in(broken.implode())
    parted = distinct.join(of_parts.filter(~is_broken).select("invoice_id"), on="invoice_id", how="semi")
    others = distinct.join(parted, on="invoice_id", how="anti")
    incomplete = others.filter(is_broken)
    folded = parted.group_by("invoice_id", maintain_order=True).agg(
        *(pl.col(name).first() for name in same),
        *(pl.col(name).max() for name in ("due_on", "source_due_on") if name in given),
        amount.sum().cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".").alias("amount"),
        pl.col(FILE, ROW).first(),
    )
    instalments = parted.select("invoice_id", "due_on", "amount", FILE, ROW)
    put_aside = pl.concat(
        [
            built.rejected,
            _rejected(incomplete, "invoices.invoice_id: another row of it is in quarantine"),
            _rejected(copies, "invoices.invoice_id: exact copy of another row"),
        ],
        how="diagonal",
    )
    whole = pl.concat([others.filter(~is_broken), folded.select(rows.columns)])
    return BuiltTable(whole, put_aside, built.notes, built.assumptions), instalments


def _rejected(rows: pl.DataFrame, rule: str) -> pl.DataFrame:
    """Rows put aside under a rule, their values as text."""
    texts = [pl.col(name).cast(pl.String) for name in rows.columns if name in table_dtypes("invoices")]
    return rows.select(*texts, FILE, ROW, rule=pl.lit(rule), other_rules=pl.lit(None, pl.String))
