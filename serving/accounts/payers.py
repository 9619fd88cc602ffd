"""Merged customers as one payer: what either owes is decided together from the day the merge is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import polars as pl

from features.ledger import KEYS, SHARED_TABLES, Ledger
from serving.dunning import Case, PersonOverride
from serving.store import Overrides

#: Customer to the payer it is part of; a customer that is its own payer is not in it.
Payers = Mapping[str, str]


def ledger_of_payers(ledger: Ledger, payers: Payers) -> Ledger:
    """The ledger in which every row of a merged customer is the payer's; the payer is described by its own row."""
    if not payers:
        return ledger
    merged = pl.col("customer_id").is_in(list(payers))
    tables: dict[str, pl.DataFrame] = {}
    for name, frame in ledger.tables():
        if name in ("customers", "customer_history"):
            tables[name] = frame.filter(~merged)
        elif name not in ("customer_merges", *SHARED_TABLES) and "customer_id" in frame.columns:
            tables[name] = frame.with_columns(pl.col("customer_id").replace(dict(payers)))
        elif name != "customer_merges":
            tables[name] = frame
    return Ledger.from_tables(tables)


def signals_of_payers(signals: pl.DataFrame | None, payers: Payers) -> pl.DataFrame | None:
    """What the mails of each payer say."""
    if signals is None or not payers:
        return signals
    return signals.with_columns(pl.col("customer_id").replace(dict(payers)))


def overrides_of_payers(overrides: Overrides, payers: Payers) -> Overrides:
    """The decisions of people on what each payer owes."""
    if not payers:
        return overrides
    found: dict[str, dict[str, PersonOverride]] = {}
    for customer_id, held in overrides.items():
        found.setdefault(payers.get(customer_id, customer_id), {}).update(held)
    return found


def cases_of_payers(cases: Iterable[Case], payers: Payers) -> list[Case]:
    """The cases, those of merged customers as cases of their payer."""
    return [
        replace(case, score=replace(case.score, customer_id=payers[case.score.customer_id]))
        if case.score.customer_id in payers
        else case
        for case in cases
    ]


def joined_ledger(parts: Iterable[Ledger]) -> Ledger:
    """The rows of several customers as one ledger; of tables that belong to nobody those of the first."""
    tables: dict[str, list[pl.DataFrame]] = {}
    for part in parts:
        for name, frame in part.tables():
            if name not in SHARED_TABLES or name not in tables:
                tables.setdefault(name, []).append(frame)
    return Ledger.from_tables(
        {
            name: frames[0]
            if name in SHARED_TABLES
            else pl.concat(frames).unique(KEYS[name]).sort(KEYS[name])
            for name, frames in tables.items()
        }
    )
