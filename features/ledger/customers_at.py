"""Customers as they were on a day: their dated attributes, and who had been merged into whom."""

from __future__ import annotations

import datetime as dt

import polars as pl

from features.ledger.schemas import DATED_ATTRIBUTES


def customers_at(
    customers: pl.DataFrame, history: pl.DataFrame | None, day: dt.date | None = None
) -> pl.DataFrame:
    """The customers with the attributes that were in force, as known strictly before a day.

    The newest row of `customer_history` with `valid_from_on` before the day holds; before the oldest row of a customer
    the oldest one holds (an assumption: nothing earlier is known). An attribute that no row of a customer fills is
    taken from `customers` for all time.

    Args:
        customers: the ledger's customers.
        history: the ledger's `customer_history`; None leaves the customers as they are.
        day: the day; None for the present, whose newest row counts.

    Returns:
        The customers in the same order, in contract columns.
    """
    if history is None or history.is_empty():
        return customers
    ordered = history.sort("customer_id", "valid_from_on")
    visible = ordered if day is None else ordered.filter(pl.col("valid_from_on") < day)
    oldest = ordered.unique("customer_id", keep="first", maintain_order=True)
    in_force = visible.unique("customer_id", keep="last", maintain_order=True)
    before_all = oldest.join(in_force, on="customer_id", how="anti")
    filled = ordered.group_by("customer_id").agg(
        pl.col(name).is_not_null().any().alias(f"\0{name}") for name in DATED_ATTRIBUTES
    )
    rows = pl.concat([in_force, before_all]).drop("valid_from_on")
    held = customers.join(
        rows.rename({name: f"\0then {name}" for name in DATED_ATTRIBUTES}).join(filled, on="customer_id"),
        on="customer_id",
        how="left",
        validate="1:1",
        maintain_order="left",
    )
    taken = {
        name: pl.when(pl.col(f"\0{name}").fill_null(value=False))
        .then(pl.col(f"\0then {name}"))
        .otherwise(pl.col(name))
        for name in DATED_ATTRIBUTES
    }
    # A customer is strategic or not; a row that does not say leaves it as it is.
    taken["is_strategic"] = pl.coalesce(taken["is_strategic"], pl.col("is_strategic"))
    return held.with_columns(**taken).select(customers.columns)


def payers_at(merges: pl.DataFrame | None, day: dt.date | None = None) -> dict[str, str]:
    """Who pays for each merged customer, by the merges known strictly before a day; chains are followed.

    Args:
        merges: the ledger's `customer_merges`, without circles; None when nobody was ever merged.
        day: the day; None counts every merge.

    Returns:
        Merged customer to the customer it is part of; a customer that was never merged is not in it.
    """
    if merges is None:
        return {}
    known = merges if day is None else merges.filter(pl.col("merged_on") < day)
    steps = dict(known.select("customer_id", "merged_into_id").iter_rows())
    payers = {}
    for customer in steps:
        payer = steps[customer]
        while payer in steps:
            payer = steps[payer]
        payers[customer] = payer
    return payers


def in_circles(merges: pl.DataFrame) -> list[str]:
    """Merged customers whose chain comes back to themselves, sorted."""
    steps = dict(merges.select("customer_id", "merged_into_id").drop_nulls().iter_rows())
    circles = set()
    for customer in steps:
        seen = {customer}
        payer = steps[customer]
        while payer in steps and payer not in seen:
            seen.add(payer)
            payer = steps[payer]
        if payer == customer:
            circles.add(customer)
    return sorted(circles)
