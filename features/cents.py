"""Money as whole cents, in which sums are exact in any order."""

from __future__ import annotations

from typing import Final

import polars as pl

CENTS: Final = 100
MONEY: Final = pl.Decimal(18, 2)


def amount_in_cents(column: str) -> pl.Expr:
    """A money column, whose two decimals are exact, as integer cents."""
    return pl.col(column).cast(MONEY).to_physical().cast(pl.Int64)


def cents_as_amount(column: str) -> pl.Expr:
    """Integer cents as a money column."""
    return (pl.col(column).cast(pl.Decimal(20, 2)) / pl.lit(CENTS, dtype=pl.Int64)).cast(MONEY)
