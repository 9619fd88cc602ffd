"""The state of receivables at a date, read from their settlement episodes."""

from __future__ import annotations

import datetime as dt

import polars as pl

from features.words import CLOSED_WITHOUT_PAY


def settlement_at(episodes: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """The state of every receivable as it was known strictly before a day.

    Args:
        episodes: the answer of `settlement_episodes`.
        day: the day.

    Returns:
        One row per receivable in the order of the episodes: `invoice_id`, `settled_on`, `settlement_known_on`,
        `allocation_count`, `closed_by`; all null while it is open, `settled_on` also where it closed without being
        paid.
    """
    is_closed = (pl.col("settlement_known_on") < day) & ~(pl.col("reopened_on") < day).fill_null(value=False)
    state = [
        pl.when("\0closed").then(pl.col(name)).alias(name)
        for name in ("settled_on", "settlement_known_on", "allocation_count", "closed_by")
    ]
    marked = episodes.with_columns(is_closed.fill_null(value=False).alias("\0closed"))
    if episodes["episode"].max() not in (None, 0, 1):
        # Of several episodes the last one in force counts, else any: it says nothing.
        rank = pl.when("\0closed").then("episode").otherwise(0)
        last = rank == rank.max().over("invoice_id")
        first_of_none = pl.col("episode") == pl.col("episode").min().over("invoice_id")
        marked = marked.filter(last & (pl.col("\0closed") | first_of_none))
    return marked.select("invoice_id", *state)


def still_open(landmarks: pl.DataFrame, episodes: pl.DataFrame) -> pl.DataFrame:
    """The landmarks whose receivable was known to be open on its as-of date, sorted by as-of date and receivable.

    Args:
        landmarks: at least `invoice_id, as_of`; several per receivable at will.
        episodes: the answer of `settlement_episodes`.
    """
    lasts = (pl.col("reopened_on") >= pl.col("as_of")).fill_null(value=True)
    closed = (
        landmarks.select("invoice_id", "as_of")
        .join(
            episodes.select("invoice_id", "settlement_known_on", "reopened_on"),
            on="invoice_id",
            how="inner",
            validate="m:m",
        )
        .filter((pl.col("settlement_known_on") < pl.col("as_of")) & lasts)
    )
    return landmarks.join(closed, on=["invoice_id", "as_of"], how="anti").sort("as_of", "invoice_id")


def is_paid() -> pl.Expr:
    """Whether a receivable of `settlement_at` is closed and was paid, by cash, credit, set-off or with a discount."""
    return pl.col("settlement_known_on").is_not_null() & ~pl.col("closed_by").is_in(list(CLOSED_WITHOUT_PAY))
