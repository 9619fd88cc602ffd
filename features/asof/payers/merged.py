"""Customers that were merged, as payers of their own: the rows of all of them under one name.

A date after the merge sees the payer, a date before it sees the customers apart. Each payer is prepared once more, as
if it had always been one customer; ledgers without merges are not concerned.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.asof.dates import Int64Array, day_numbers
from features.asof.identifiers import IdIndex
from features.asof.streams import EventStream
from features.ledger.customers_at import merged_payers
from features.ledger.ledger import Ledger
from features.ledger.references import customers_of
from features.ledger.schemas import SHARED_TABLES, id_columns

_PAYER = "\0payer"
_DIGITS = 9


def _name(payer: pl.Expr) -> pl.Expr:
    """Id of a merged payer: ordered by its number, and unlike any id of a ledger (these have no control character)."""
    return pl.concat_str(pl.lit("\0"), payer.cast(pl.String).str.zfill(_DIGITS))


def members_of(merges: pl.DataFrame) -> pl.DataFrame:
    """The answer of `merged_payers` with the id under which each payer is prepared (`payer_name`)."""
    return merged_payers(merges).with_columns(payer_name=_name(pl.col("payer")))


def ledger_of_payers(ledger: Ledger, members: pl.DataFrame) -> Ledger:
    """The rows of all customers of each merged payer, as a ledger in which the payer is one customer.

    A customer that is part of several payers, one after the other, has its rows in each of them, under ids that begin
    with the payer's. Attributes are those of the customer the others were merged into.

    Args:
        ledger: the ledger, with its instalments.
        members: the answer of `members_of`.
    """
    payers = members.select("payer_id", "payer_name").unique()
    described = payers.join(ledger.customers, left_on="payer_id", right_on="customer_id", how="left")
    tables = {"customers": described.rename({"payer_name": "customer_id"}).select(ledger.customers.columns)}
    for name, frame in ledger.tables():
        if name in ("customers", "customer_merges", *SHARED_TABLES):
            continue
        if name == "customer_history":
            held = payers.join(frame, left_on="payer_id", right_on="customer_id")
            tables[name] = held.rename({"payer_name": "customer_id"}).select(frame.columns)
            continue
        owned = frame.with_columns(customers_of(name, frame, ledger.invoices).alias(_PAYER))
        tables[name] = _renamed(owned, members, id_columns(name)).select(frame.columns)
    return Ledger.from_tables(tables)


def signals_of_payers(signals: pl.DataFrame | None, members: pl.DataFrame) -> pl.DataFrame | None:
    """What the e-mails of each merged payer say."""
    if signals is None:
        return None
    owned = signals.with_columns(pl.col("customer_id").alias(_PAYER))
    return _renamed(owned, members, ["email_id", "customer_id"]).select(signals.columns)


def _renamed(owned: pl.DataFrame, members: pl.DataFrame, ids: list[str]) -> pl.DataFrame:
    """Rows of customers as rows of their payers; `_PAYER` says whose each row is."""
    held = owned.join(
        members.select("customer_id", "payer_name").rename({"customer_id": _PAYER}),
        on=_PAYER,
        validate="m:m",
    )
    renamed = {name: pl.concat_str("payer_name", name) for name in ids if name != "customer_id"}
    if "customer_id" in ids:
        renamed["customer_id"] = pl.when(pl.col("customer_id").is_not_null()).then("payer_name")
    return held.with_columns(**renamed)


def payers_by_day(members: pl.DataFrame, customers: IdIndex) -> EventStream:
    """Which payer each customer is part of: the number of a payer on the day on which its merge became known."""
    codes = customers.codes_of(members["customer_id"])
    is_known = codes >= 0
    return EventStream.build(
        codes[is_known],
        day_numbers(members["merged_on"])[is_known],
        {"payer": members["payer"].to_numpy()[is_known]},
        entity_count=len(customers),
    )


def payer_at(payers: EventStream, customers: Int64Array, as_of: Int64Array) -> Int64Array:
    """Number of the merged payer each customer was part of, as known strictly before a day; -1 while it was apart."""
    latest = payers.positions(customers, as_of) - 1
    is_part = (customers >= 0) & (latest >= payers.starts_of(customers))
    return np.where(is_part, payers.values("payer", np.maximum(latest, 0)), -1)


def pairs_of(members: pl.DataFrame, customers: IdIndex) -> tuple[Int64Array, Int64Array]:
    """Code of each customer that is part of a payer, and the number of the payer."""
    codes = customers.codes_of(members["customer_id"])
    is_known = codes >= 0
    return codes[is_known], members["payer"].to_numpy()[is_known]
