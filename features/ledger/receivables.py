"""Receivables: what can be due, scored and chased. An invoice is one, unless its instalments are.

An invoice with instalments becomes one receivable for each of them, with the id `INVOICE#NUMBER`. What was allocated to
the invoice fills its instalments in order of due date and number: with T allocated in all, the n-th instalment gets
what T exceeds the instalments before it by, at most its amount; the last one also gets what is paid too much. A
negative row thus takes from the instalment that was filled last. A row's split follows from the rows up to it in order
(known_on, payment_id), so nothing that becomes known later changes an earlier split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from features.cents import amount_in_cents, cents_as_amount
from features.errors import Fault, InvalidInputError
from features.ledger.ledger import Ledger
from features.ledger.schemas import KEYS
from features.messages import localized
from features.words import InstalmentKind

_MARK: Final = "#"


def receivable_ids(of: str = "invoice_id") -> pl.Expr:
    """The id of each instalment's receivable, or of the part of a row that concerns it: `ID#NUMBER`."""
    return pl.concat_str(pl.col(of), pl.lit(_MARK), pl.col("number").cast(pl.String))


@dataclass(frozen=True)
class InstalmentPlace:
    """Which instalment of which invoice a receivable is.

    Attributes:
        invoice_id: the invoice.
        number: of the instalment, as the source numbers it.
        count: instalments of the invoice.
        kind: `instalment` or `retention`.
    """

    invoice_id: str
    number: int
    count: int
    kind: InstalmentKind


def instalment_places(ledger: Ledger) -> Mapping[str, InstalmentPlace]:
    """Which instalment each receivable is, by its id; an invoice due as a whole is not in it.

    Args:
        ledger: with its instalments, before `receivables`.
    """
    if ledger.instalments is None:
        return {}
    rows = ledger.instalments.select(
        receivable_ids().alias("receivable_id"),
        "invoice_id",
        "number",
        pl.len().over("invoice_id").alias("count"),
        "kind",
    )
    return {row[0]: InstalmentPlace(*row[1:]) for row in rows.iter_rows()}


def receivables(ledger: Ledger) -> Ledger:
    """The ledger in which every invoice with instalments is replaced by its receivables.

    Allocations of the invoice are split. Disputes, e-mails, interactions and the cancellation of the invoice concern
    each of its receivables: such a row is repeated, its id followed by `#NUMBER`; a disputed part falls on the
    receivables in proportion to their amounts. A ledger without instalments is returned as it is.

    Args:
        ledger: a checked ledger: the instalments of an invoice add up to it.

    Returns:
        A ledger whose `instalments` is None: each of its invoices is one receivable, due on one day.

    Raises:
        InvalidInputError: a receivable would have the id of another invoice or row.
    """
    parts = ledger.instalments
    if parts is None:
        return ledger
    if parts.is_empty():
        return replace(ledger, instalments=None)
    places = (
        parts.sort("invoice_id", "due_on", "number")
        .with_columns(receivable=receivable_ids(), part=amount_in_cents("amount"))
        .with_columns(
            end=pl.col("part").cum_sum().over("invoice_id"), total=pl.col("part").sum().over("invoice_id")
        )
        .select(
            "invoice_id",
            "receivable",
            "number",
            "part",
            "total",
            start=pl.col("end") - pl.col("part"),
            part_due_on="due_on",
            is_last=pl.col("end") == pl.col("total"),
        )
    )
    replaced = replace(
        ledger,
        instalments=None,
        invoices=_with_parts(ledger.invoices, places),
        payments=_split(ledger.payments, places),
        disputes=None if ledger.disputes is None else _disputes(ledger.disputes, places),
        emails=None if ledger.emails is None else _repeated("emails", ledger.emails, places),
        interactions=None
        if ledger.interactions is None
        else _repeated("interactions", ledger.interactions, places),
    )
    _refuse_collisions(replaced)
    return replaced


def _with_parts(invoices: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Invoices, those with instalments replaced by one row for each; a recomputed due date is that of the whole."""
    whole = invoices.join(places, on="invoice_id", how="anti")
    of_parts = (
        invoices.join(places, on="invoice_id", how="inner", validate="1:m")
        .with_columns(
            invoice_id="receivable",
            due_on="part_due_on",
            amount=cents_as_amount("part"),
            source_due_on=pl.lit(None, pl.Date),
        )
        .select(invoices.columns)
    )
    return pl.concat([whole, of_parts]).sort("invoice_id")


def _split(payments: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Payments, those on invoices with instalments split into what each row adds to or takes from each instalment."""
    concerned = payments.join(places, on="invoice_id", how="semi")
    whole = payments.join(concerned, on="payment_id", how="anti")
    after = pl.col("amount_in_cents").cum_sum().over("invoice_id")
    reached = (
        concerned.with_columns(amount_in_cents=amount_in_cents("amount"))
        .sort("invoice_id", "known_on", "payment_id")
        .with_columns(after=after, before=after - pl.col("amount_in_cents"))
    )
    parts = (
        reached.join(places, on="invoice_id", how="inner", validate="m:m")
        .with_columns(taken=_held("after") - _held("before"))
        .filter(pl.col("taken") != 0)
        .with_columns(
            row="payment_id",
            invoice_id="receivable",
            payment_id=receivable_ids("payment_id"),
            amount=cents_as_amount("taken"),
        )
    )
    # A reversal names the part of the row it undoes on its own instalment, or else any: what kind of row it was counts.
    split = parts.group_by("row").agg(some_part=pl.col("payment_id").min())
    named = receivable_ids("reverses_payment_id")
    parts = parts.join(split, left_on="reverses_payment_id", right_on="row", how="left", validate="m:1")
    parts = parts.with_columns(
        reverses_payment_id=pl.when(named.is_in(parts["payment_id"].implode()))
        .then(named)
        .otherwise(pl.coalesce("some_part", "reverses_payment_id"))
    ).select(payments.columns)
    return pl.concat([whole, parts]).sort("payment_id")


def _held(allocated: str) -> pl.Expr:
    """Cents of an instalment that are covered once so much was allocated to its invoice.

    The last instalment gets what is paid too much, the first one what was reversed beyond what was paid.
    """
    beyond = pl.col(allocated) - pl.col("start")
    is_first = pl.col("start") == 0
    capped = pl.when(pl.col("is_last")).then(beyond).otherwise(pl.min_horizontal(beyond, "part"))
    return pl.when(is_first).then(capped).otherwise(pl.max_horizontal(capped, 0))


def _disputes(disputes: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Disputes, those on invoices with instalments repeated; a disputed part divided without losing a cent."""
    shared = amount_in_cents("amount")
    ends = pl.col("start") + pl.col("part")
    share = shared * ends // pl.col("total") - shared * pl.col("start") // pl.col("total")
    divided = (
        disputes.join(places, on="invoice_id", how="inner", validate="m:m")
        .with_columns(share=share)
        .filter(pl.col("share").is_null() | (pl.col("share") > 0))
        .with_columns(amount=cents_as_amount("share"))
    )
    return _with_repeated("disputes", disputes, places, divided)


def _repeated(table: str, frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """A table whose rows about an invoice with instalments are repeated for each of its receivables."""
    return _with_repeated(
        table, frame, places, frame.join(places, on="invoice_id", how="inner", validate="m:m")
    )


def _with_repeated(
    table: str, frame: pl.DataFrame, places: pl.DataFrame, repeated: pl.DataFrame
) -> pl.DataFrame:
    key = KEYS[table][0]
    others = frame.join(places, on="invoice_id", how="anti")
    renamed = repeated.with_columns(receivable_ids(key).alias(key), invoice_id="receivable")
    return pl.concat([others, renamed.select(frame.columns)]).sort(KEYS[table])


def _refuse_collisions(ledger: Ledger) -> None:
    faults = [
        Fault(
            localized("a receivable would have the id of another row"),
            where=f"{name}.{KEYS[name][0]}",
            expected=localized("no id that ends in {mark} and the number of an instalment", mark=_MARK),
            remedy=localized("rename the invoice or number its instalments otherwise"),
            count=len(ids),
            examples=tuple(ids[:5]),
        )
        for name in ("invoices", "payments", "disputes", "emails", "interactions")
        if (frame := getattr(ledger, name)) is not None
        and (
            ids := frame.filter(frame.select(KEYS[name]).is_duplicated())[KEYS[name][0]]
            .unique()
            .sort()
            .to_list()
        )
    ]
    if faults:
        raise InvalidInputError(
            localized("the instalments of this ledger cannot be told from other rows"), faults
        )
