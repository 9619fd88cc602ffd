"""Customers as they were on a day: their dated attributes, and who had been merged into whom."""

from __future__ import annotations

import datetime as dt

import polars as pl

from features.ledger.schemas import DATED_ATTRIBUTES

_PLACE = pl.int_range(pl.len(), dtype=pl.Int64)


def customers_at(
    customers: pl.DataFrame, history: pl.DataFrame | None, day: dt.date | None = None
) -> pl.DataFrame:
    """The customers with the attributes that were in force, as known strictly before a day.

    The newest row of `customer_history` with `valid_from_on` before the day is in force; before the oldest row of a
    customer the oldest one is (an assumption: nothing earlier is known). An attribute that no row of a customer fills
    is taken from `customers` for all time.

    Args:
        customers: the ledger's customers.
        history: the ledger's `customer_history`; None leaves the customers as they are.
        day: the day; None for the present, whose newest row counts.

    Returns:
        The customers in the same order, in contract columns.
    """
    if history is None or history.is_empty():
        return customers
    is_known = pl.col("valid_from_on") < (dt.date.max if day is None else day)
    return (
        customer_versions(customers, history)
        .filter(_PLACE.over("customer_id") == _last_known(is_known).over("customer_id"))
        .select(customers.columns)
    )


def customer_versions(customers: pl.DataFrame, history: pl.DataFrame | None) -> pl.DataFrame:
    """One row per customer and stretch of time in which its attributes were the same, oldest first.

    Args:
        customers: the ledger's customers.
        history: the ledger's `customer_history`, or None.

    Returns:
        The columns of `customers`, and `valid_from_on`: the day from which the row was known. Null for a customer
        without history. Customers are in the same order.
    """
    if history is None or history.is_empty():
        return customers.with_columns(valid_from_on=pl.lit(None, pl.Date))
    then = {name: f"\0then {name}" for name in DATED_ATTRIBUTES}
    held = customers.join(
        history.sort("customer_id", "valid_from_on").rename(then),
        on="customer_id",
        how="left",
        validate="1:m",
        maintain_order="left_right",
    )
    taken = {
        name: pl.when(pl.col(dated).is_not_null().any().over("customer_id"))
        .then(pl.col(dated))
        .otherwise(pl.col(name))
        for name, dated in then.items()
    }
    # A customer is strategic or not; a row that does not say leaves it as it is.
    taken["is_strategic"] = pl.coalesce(taken["is_strategic"], pl.col("is_strategic"))
    return held.with_columns(**taken).select(*customers.columns, "valid_from_on")


def payer_changes(merges: pl.DataFrame | None) -> pl.DataFrame:
    """Every day on which the payer of a merged customer changed; chains are followed.

    Where A is part of B, and B of C, the payer of A is B until the later merge of B became known, and C from then on.

    Args:
        merges: the ledger's `customer_merges`, without circles; None when nobody was ever merged.

    Returns:
        `customer_id`, `merged_on` (day on which the change became known), `payer_id`; the oldest change first.
    """
    steps: dict[str, tuple[str, dt.date]] = {}
    if merges is not None:
        rows = merges.select("customer_id", "merged_into_id", "merged_on").iter_rows()
        steps = {customer: (into, day) for customer, into, day in rows}
    changes = []
    for customer in sorted(steps):
        payer, known_on = customer, dt.date.min
        payers: dict[dt.date, str] = {}
        while payer in steps:
            payer, merged_on = steps[payer]
            # A chain is followed through the first merge that is not known yet.
            known_on = max(known_on, merged_on)
            payers[known_on] = payer
        changes += [(customer, day, payer) for day, payer in payers.items()]
    schema = {"customer_id": pl.String, "merged_on": pl.Date, "payer_id": pl.String}
    return pl.DataFrame(changes, schema=schema, orient="row")


def payers_at(merges: pl.DataFrame | None, day: dt.date | None = None) -> dict[str, str]:
    """Who pays for each merged customer, by the merges known strictly before a day; chains are followed.

    Args:
        merges: the ledger's `customer_merges`, without circles; None when nobody was ever merged.
        day: the day; None counts every merge.

    Returns:
        Merged customer to the customer it is part of; a customer that was never merged is not in it.
    """
    return {
        customer: payer
        for customer, merged_on, payer in payer_changes(merges).iter_rows()
        if day is None or merged_on < day
    }


def merged_payers(merges: pl.DataFrame) -> pl.DataFrame:
    """Payers made of several customers, and the customers each is made of.

    A payer is the same as long as nobody joins it: whoever is merged later makes another one of it.

    Args:
        merges: the ledger's `customer_merges`, without circles.

    Returns:
        `payer` (number, from 0), `payer_id` (the customer the others were merged into), `merged_on` (day on which it
        became known that they are one) and `customer_id`; one row per payer and customer.
    """
    changes = payer_changes(merges)
    payers = changes.select("payer_id", "merged_on").unique().sort("payer_id", "merged_on")
    payers = payers.with_columns(payer=pl.int_range(pl.len(), dtype=pl.Int64))
    until = pl.col("merged_on").shift(-1).over("customer_id").fill_null(dt.date.max)
    joined = payers.join(
        changes.with_columns(until=until).rename({"merged_on": "joined_on"}),
        on="payer_id",
        validate="m:m",
    ).filter((pl.col("joined_on") <= pl.col("merged_on")) & (pl.col("merged_on") < pl.col("until")))
    columns = ["payer", "payer_id", "merged_on", "customer_id"]
    return pl.concat(
        [payers.with_columns(customer_id="payer_id").select(columns), joined.select(columns)]
    ).sort("payer", "customer_id")


def with_merges(versions: pl.DataFrame, merges: pl.DataFrame) -> pl.DataFrame:
    """The versions of all customers, those of a merged customer followed by those of its payer.

    From the day on which a merge became known a customer is what its payer is.

    Args:
        versions: the answer of `customer_versions`.
        merges: the ledger's `customer_merges`, without circles.

    Returns:
        The same columns; `valid_from_on` is null in the first row of each customer, which is in force before all
        others.
    """
    own = versions.select("customer_id", merged_on=pl.lit(None, pl.Date), payer_id="customer_id").unique()
    spans = pl.concat([own, payer_changes(merges)]).sort("customer_id", "merged_on", nulls_last=False)
    spans = spans.with_columns(until=pl.col("merged_on").shift(-1).over("customer_id"))
    of_payer = versions.rename({"customer_id": "payer_id"})
    held = spans.join(of_payer, on="payer_id", how="left", validate="m:m", maintain_order="left_right")
    span = ["customer_id", "merged_on"]
    place = _PLACE.over(span)
    in_force = _last_known(pl.col("valid_from_on") <= pl.col("merged_on")).over(span)
    is_later = (place > in_force) & (pl.col("valid_from_on") < pl.col("until").fill_null(dt.date.max))
    return (
        held.with_columns(
            valid_from_on=pl.when(place == in_force).then("merged_on").otherwise("valid_from_on"),
            is_held=(place == in_force) | is_later,
        )
        .filter("is_held")
        .select(versions.columns)
    )


def _last_known(is_known: pl.Expr) -> pl.Expr:
    """Place of the last row that is known; of the first one where none is, which is in force for the time before it."""
    return pl.max_horizontal(is_known.fill_null(value=False).cast(pl.Int64).sum() - 1, 0)


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
