"""The groups by which a backtest reports its errors: every test invoice belongs to one class of each."""

from __future__ import annotations

from typing import Final

import polars as pl

from models.evaluation.backtest import CUSTOMER_COLUMNS

MOST_CLASSES: Final = 8
"""Number of distinct classes of a customer's attribute; the rarer ones are combined."""

UNKNOWN: Final = "unknown"
OTHERS: Final = "all others"

_DEPTHS: Final = ((0, "0 settled invoices"), (2, "1 to 2"), (5, "3 to 5"), (20, "6 to 20"))
_DEEP: Final = "more than 20"


def group_classes(rows: pl.DataFrame) -> pl.DataFrame:
    """The class of each test invoice in every group.

    Args:
        rows: predictions of one model, as `models.evaluation.backtest.PREDICTION_SCHEMA`.

    Returns:
        One column of strings per group, without null: `history`, `history_depth`, `amount`, `grade`, `segment`, the
        customer's attributes that the ledger knows of anybody, `cutoff`, `issued` (quarter of issue, with the cut-off
        of the model that was asked: how calibration ages), `outcome`.
    """
    attributes = {
        name: _attribute(rows[name]) for name in CUSTOMER_COLUMNS if rows[name].null_count() < rows.height
    }
    return rows.select(
        history=pl.when(pl.col("history_depth") >= 3)
        .then(pl.lit("known customer"))
        .otherwise(pl.lit("new customer (fewer than 3 settled invoices)")),
        history_depth=_depth(),
        amount=_quarter(rows),
        grade=pl.col("grade").fill_null(UNKNOWN),
        segment=pl.col("segment").fill_null(UNKNOWN),
        **attributes,
        cutoff=pl.col("cutoff").cast(pl.String),
        issued=pl.format(
            "{} Q{}, model of {}",
            pl.col("as_of").dt.year(),
            pl.col("as_of").dt.quarter(),
            pl.col("cutoff").cast(pl.String),
        ),
        outcome=pl.when(pl.col("is_unpaid_30d").fill_null(False))
        .then(pl.lit("more than 30 days late"))
        .when(pl.col("is_late"))
        .then(pl.lit("late, at most 30 days"))
        .otherwise(pl.lit("on time")),
    )


def _depth() -> pl.Expr:
    told = pl.lit(_DEEP)
    for most, label in reversed(_DEPTHS):
        told = pl.when(pl.col("history_depth") <= most).then(pl.lit(label)).otherwise(told)
    return told


def _quarter(rows: pl.DataFrame) -> pl.Expr:
    edges = [rows["amount"].quantile(share) for share in (0.25, 0.5, 0.75)]
    labels = ("1 smallest quarter", "2 second quarter", "3 third quarter")
    told = pl.lit("4 largest quarter")
    for edge, label in reversed(list(zip(edges, labels, strict=True))):
        told = pl.when(pl.col("amount") <= edge).then(pl.lit(label)).otherwise(told)
    return pl.when(pl.col("amount").is_null()).then(pl.lit(UNKNOWN)).otherwise(told)


def _attribute(values: pl.Series) -> pl.Series:
    """The value itself where it is among the most frequent ones."""
    counts = values.drop_nulls().value_counts().sort(["count", values.name], descending=[True, False])
    frequent = counts[values.name].head(MOST_CLASSES).to_list()
    known = values.to_frame().select(
        pl.when(pl.col(values.name).is_null())
        .then(pl.lit(UNKNOWN))
        .when(pl.col(values.name).is_in(frequent))
        .then(pl.col(values.name))
        .otherwise(pl.lit(OTHERS))
        .alias(values.name)
    )
    return known.to_series()
