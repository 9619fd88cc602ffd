"""How much of an opinion rests on the customer's own past: the rung of the cold-start ladder."""

from __future__ import annotations

import polars as pl

HISTORY_DEPTH_COLUMN = "settled_invoice_count"
SEGMENT_DEPTH_COLUMN = "segment_settled_invoice_count"
PORTFOLIO_DEPTH_COLUMN = "portfolio_settled_invoice_count"

OWN_HISTORY_FROM = 3
SEGMENT_FROM = 30
PORTFOLIO_FROM = 30

RUNGS: tuple[str, ...] = ("own_history", "segment", "portfolio", "no_opinion")


def history_depth(features: pl.DataFrame) -> pl.Series:
    """Settled invoices known of each landmark's customer; 0 when none or when the feature is absent."""
    return _count(features, HISTORY_DEPTH_COLUMN).cast(pl.Int64)


def rung_of(features: pl.DataFrame) -> pl.Series:
    """What the score of each landmark rests on.

    Returns:
        `own_history` from 3 settled invoices on; `segment` from 30 in the customer's segment; `portfolio` from 30 in
        the whole ledger; `no_opinion` below.
    """
    counts = pl.DataFrame(
        {
            "own": _count(features, HISTORY_DEPTH_COLUMN),
            "segment": _count(features, SEGMENT_DEPTH_COLUMN),
            "portfolio": _count(features, PORTFOLIO_DEPTH_COLUMN),
        }
    )
    return counts.select(
        pl.when(pl.col("own") >= OWN_HISTORY_FROM)
        .then(pl.lit(RUNGS[0]))
        .when(pl.col("segment") >= SEGMENT_FROM)
        .then(pl.lit(RUNGS[1]))
        .when(pl.col("portfolio") >= PORTFOLIO_FROM)
        .then(pl.lit(RUNGS[2]))
        .otherwise(pl.lit(RUNGS[3]))
        .alias("cold_start_rung")
    ).to_series()


def _count(features: pl.DataFrame, column: str) -> pl.Series:
    if column not in features.columns:
        return pl.zeros(features.height, dtype=pl.Float64, eager=True)
    return features[column].fill_null(0.0)
