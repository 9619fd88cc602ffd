"""The portfolio at a glance: exposure by age and grade, expected late money, the largest debtors. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import polars as pl

from features.messages import Text
from features.words import GRADES

BUCKETS: Final[tuple[tuple[str, int | None, Text], ...]] = (
    ("not_due", 0, Text("non échu", "not due")),
    ("1_30", 30, Text("1 à 30 jours", "1 to 30 days")),
    ("31_60", 60, Text("31 à 60 jours", "31 to 60 days")),
    ("61_90", 90, Text("61 à 90 jours", "61 to 90 days")),
    ("over_90", None, Text("plus de 90 jours", "over 90 days")),
    ("unknown", None, Text("échéance inconnue", "due date unknown")),
)
OLDEST_BUCKET: Final = "over_90"
UNKNOWN_BUCKET: Final = "unknown"
"""Ageing buckets: id, largest number of days past due (null: no bound), label."""
LARGEST: Final = 10
WEEKS: Final = 13


@dataclass(frozen=True)
class Portfolio:
    """What is owed in one currency.

    Attributes:
        currency: of every amount here.
        total: open balance.
        overdue: open balance past due.
        late_30: expected amount still unpaid 30 days past due: the sum of balance times probability.
        exposure: open balance by grade and ageing bucket; grades as rows, buckets in the order of `BUCKETS`.
        largest: the customers who owe most: id, name, balance, share of the total, weakest grade.
        weeks: Monday of each of the next weeks, with the balance of invoices of which one in two is paid by then.
        beyond: balance of the invoices of which one in two is paid later than the last week.
    """

    currency: str
    total: Decimal
    overdue: Decimal
    late_30: Decimal
    exposure: tuple[tuple[str, tuple[Decimal, ...]], ...]
    largest: tuple[dict[str, Any], ...]
    weeks: tuple[tuple[dt.date, Decimal], ...]
    beyond: Decimal


def portfolios(rows: pl.DataFrame) -> tuple[Portfolio, ...]:
    """One portfolio per currency, that of most invoices first; amounts of two currencies are never added."""
    parts = rows.partition_by("currency", maintain_order=True)
    ordered = sorted(
        (part for part in parts if part.height), key=lambda part: (-part.height, part["currency"][0])
    )
    return tuple(_portfolio(part) for part in ordered)


def _portfolio(rows: pl.DataFrame) -> Portfolio:
    aged = rows.with_columns(_bucket().alias("bucket"))
    sums = {
        (row["grade"], row["bucket"]): row["balance"]
        for row in aged.group_by("grade", "bucket").agg(pl.col("balance").sum()).to_dicts()
    }
    zero = Decimal("0.00")
    total = _sum(rows)
    customers = (
        rows.group_by("customer_id")
        .agg(pl.col("name").first(), pl.col("balance").sum(), pl.col("grade").max())
        .sort("balance", "customer_id", descending=[True, False])
        .head(LARGEST)
    )
    monday = _first_monday(rows)
    weeks = [monday + dt.timedelta(weeks=week) for week in range(WEEKS)]
    week_of = pl.col("payment_date_p50").dt.truncate("1w")
    by_week = {
        row["week"]: row["balance"]
        for row in rows.group_by(week_of.alias("week")).agg(pl.col("balance").sum()).drop_nulls().to_dicts()
    }
    return Portfolio(
        currency=rows["currency"][0],
        total=total,
        overdue=_sum(rows.filter(pl.col("days_past_due") > 0)),
        late_30=_cents(
            sum(float(b) * p for b, p in rows.select("balance", "p_late_30").drop_nulls().iter_rows())
        ),
        exposure=tuple((g, tuple(sums.get((g, key), zero) for key, _, _ in BUCKETS)) for g in GRADES),
        largest=tuple(
            {**row, "share": float(row["balance"] / total) if total else 0.0} for row in customers.to_dicts()
        ),
        weeks=tuple((week, by_week.get(week, zero)) for week in weeks),
        beyond=sum((amount for week, amount in by_week.items() if week > weeks[-1]), zero),
    )


def _bucket() -> pl.Expr:
    days = pl.col("days_past_due")
    bounded = [pl.when(days <= bound).then(pl.lit(key)) for key, bound, _ in BUCKETS if bound is not None]
    return pl.coalesce(pl.when(days.is_null()).then(pl.lit(UNKNOWN_BUCKET)), *bounded, pl.lit(OLDEST_BUCKET))


def _first_monday(rows: pl.DataFrame) -> dt.date:
    day = rows["as_of"].max()
    assert isinstance(day, dt.date)
    return day - dt.timedelta(days=day.weekday())


def _sum(rows: pl.DataFrame) -> Decimal:
    found = rows["balance"].sum()
    return Decimal(found or 0).quantize(Decimal("0.01"))


def _cents(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.01"))
