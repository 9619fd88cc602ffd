"""How much of an opinion rests on the customer's own past: the rung of the cold-start ladder."""

from __future__ import annotations

import polars as pl

HISTORY_DEPTH_COLUMN = "history_depth"
SEGMENT_COLUMN = "sector_late_share_365d"
PORTFOLIO_COLUMN = "portfolio_late_share_365d"

OWN_HISTORY_FROM = 3
"""Settled invoices from which a customer's own past carries the opinion."""

RUNGS: tuple[str, ...] = ("own_history", "segment", "portfolio", "no_opinion")


def history_depth(features: pl.DataFrame) -> pl.Series:
    """Settled invoices known of each landmark's customer; 0 when none or when the feature is absent."""
    return _column(features, HISTORY_DEPTH_COLUMN).fill_null(0.0).cast(pl.Int64).alias("history_depth")


def rung_of(features: pl.DataFrame) -> pl.Series:
    """What the score of each landmark rests on.

    Returns:
        `own_history` from three settled invoices on; `segment` when outcomes of others in the customer's sector are
        known; `portfolio` when outcomes of any other customer are; `no_opinion` when nothing is known.
    """
    known = pl.DataFrame(
        {
            "own": _column(features, HISTORY_DEPTH_COLUMN).fill_null(0.0),
            "segment": _column(features, SEGMENT_COLUMN),
            "portfolio": _column(features, PORTFOLIO_COLUMN),
        }
    )
    return known.select(
        pl.when(pl.col("own") >= OWN_HISTORY_FROM)
        .then(pl.lit(RUNGS[0]))
        .when(pl.col("segment").is_not_null())
        .then(pl.lit(RUNGS[1]))
        .when(pl.col("portfolio").is_not_null())
        .then(pl.lit(RUNGS[2]))
        .otherwise(pl.lit(RUNGS[3]))
        .alias("cold_start_rung")
    ).to_series()


def _column(features: pl.DataFrame, column: str) -> pl.Series:
    if column not in features.columns:
        return pl.Series(column, [None] * features.height, dtype=pl.Float64)
    return features[column]
