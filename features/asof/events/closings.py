"""Every stretch of time in which an invoice was known to be closed, and the days on which one was taken back.

What is read at a date depends on which closings were in force then: an invoice that was paid reads as if it never had
been from the day after its payment is known to have bounced. The reopenings of a customer divide its time into epochs,
within which nothing is taken back. Streams made of closings are keyed by epoch, so that medians, maxima and the last
so many settlements are exact: those of a landmark's epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.asof.dates import NEVER, Int64Array
from features.asof.dates import day_expression as _day
from features.asof.events.invoices import PERMILLE
from features.words import CLOSED_WITHOUT_PAY


def closings_of(episodes: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """One row per invoice and stretch in which it was known to be closed, in the order in which that became known.

    Nothing is known of an invoice before it is issued: what was booked earlier becomes known on the day of issue, and
    what was closed and opened again before it never was.

    Args:
        episodes: the answer of `settlement_episodes` for the ledger of the base.
        base: the answer of `invoice_base`.

    Returns:
        Columns of the base, and:

        - `begun`: day on which it became known; `ended`: day on which the reopening did, NEVER while it lasts.
        - `withdrawn`: day from which it no longer counts: `ended`, or that of a cancellation on top of it.
        - `settled`: value date since which it was covered; NEVER where it closed without being paid.
        - `is_paid`, `is_written_off`, `is_cancelled`: what closed it; `is_on_top`: a cancellation of a closed invoice.
        - `allocation_count`: allocations known by then.
    """
    is_closed = pl.col("settlement_known_on").is_not_null()
    rows = (
        episodes.lazy()
        .with_columns(receivable=(pl.col("episode") <= 1).cum_sum() - 1)
        .filter(is_closed)
        .join(
            base.lazy().drop("invoice_id", "cancelled", "has_purchase_order"),
            on="receivable",
            validate="m:1",
            maintain_order="left",
        )
        .select(
            "entity",
            "invoice",
            "issued",
            "due",
            "cents",
            *(name for name in ("money", "priced") if name in base.columns),
            "allocation_count",
            begun=pl.max_horizontal(_day("settlement_known_on"), "issued"),
            ended=pl.max_horizontal(_day("reopened_on").fill_null(NEVER), "issued"),
            settled=_day("settled_on").fill_null(NEVER),
            is_paid=~pl.col("closed_by").is_in(list(CLOSED_WITHOUT_PAY)),
            is_written_off=pl.col("closed_by") == "written_off",
            is_cancelled=pl.col("closed_by") == "cancelled",
        )
        .filter(pl.col("begun") < pl.col("ended"))
        .collect(engine="in-memory")
    )
    follows = (pl.col("invoice") == pl.col("invoice").shift(1)).fill_null(value=False)
    on_top = follows & pl.col("is_cancelled") & (pl.col("ended").shift(1) == NEVER)
    # Closings of one invoice lie together, in order of time; the cancellation is the last of them.
    rows = rows.with_columns(is_on_top=on_top & (pl.col("begun").shift(1) < pl.col("begun")), after=on_top)
    if rows["after"].any():
        covered = pl.col("after").shift(-1).fill_null(value=False)
        withdrawn = pl.when(covered).then(pl.col("begun").shift(-1)).otherwise("ended")
        rows = rows.with_columns(withdrawn=withdrawn).filter(pl.col("begun") < pl.col("withdrawn"))
    else:
        rows = rows.with_columns(withdrawn="ended")
    return rows.drop("after").sort("entity", "begun", "settled", "invoice")


@dataclass(frozen=True)
class Epochs:
    """The days on which closings of a customer were taken back, and the codes of the epochs between them.

    The epoch before a customer's first reopening has the customer's own code; that after the n-th reopening of all
    customers (in order of customer and day, from 0) has the code `customer_count + n`.

    Attributes:
        reopenings: `entity, day`, one row per customer and such day, sorted.
        customer_count: number of customers.
    """

    reopenings: pl.DataFrame
    customer_count: int

    @classmethod
    def of(cls, closings: pl.DataFrame, customer_count: int) -> Epochs:
        """The epochs between the days on which closings were withdrawn."""
        days = closings.filter(pl.col("withdrawn") < NEVER).select("entity", day="withdrawn")
        return cls(days.unique().sort("entity", "day"), customer_count)

    @property
    def code_count(self) -> int:
        """Number of codes of epochs."""
        return self.customer_count + self.reopenings.height

    def spans(self) -> pl.DataFrame:
        """Each epoch of the customers that have several: `entity, code`, `start` < as-of date <= `stop`."""
        later = self.reopenings.with_columns(
            code=self.customer_count + pl.int_range(pl.len(), dtype=pl.Int64), start="day"
        ).drop("day")
        first = self.reopenings.select("entity").unique().with_columns(code="entity", start=-NEVER)
        spans = pl.concat([first.with_columns(pl.col("start").cast(pl.Int64)), later]).sort("entity", "start")
        return spans.with_columns(stop=pl.col("start").shift(-1).over("entity").fill_null(NEVER))

    def keyed(self, rows: pl.DataFrame, begun: str, withdrawn: str) -> pl.DataFrame:
        """Rows whose `entity` is the code of an epoch: each in every epoch in which it counts.

        Args:
            rows: rows per customer.
            begun: column of the day on which a row became known.
            withdrawn: column of the day from which it no longer counts.
        """
        if self.reopenings.is_empty():
            return rows
        once = rows.join(self.reopenings, on="entity", how="anti", maintain_order="left")
        several = (
            rows.join(self.spans(), on="entity", how="inner", validate="m:m")
            .filter((pl.col(begun) < pl.col("stop")) & (pl.col(withdrawn) > pl.col("start")))
            .with_columns(entity="code")
            .select(rows.columns)
        )
        return pl.concat([once, several])


def first_closed(closings: pl.DataFrame, invoice_count: int) -> Int64Array:
    """Day on which each invoice was first known to be closed, by code; NEVER where it never was."""
    days = np.full(invoice_count, NEVER, dtype=np.int64)
    np.minimum.at(days, closings["invoice"].to_numpy(), closings["begun"].to_numpy())
    return days


def later_changes(closings: pl.DataFrame) -> pl.DataFrame:
    """Per invoice, what happened after its first closing: -1 when it was opened again, 1 when it was closed again."""
    own = closings.filter(~pl.col("is_on_top"))
    is_first = pl.col("begun") == pl.col("begun").min().over("invoice")
    again = own.filter(~is_first).select(entity="invoice", day="begun", count=pl.lit(1, pl.Int64))
    opened = own.filter(pl.col("ended") < NEVER).select(
        entity="invoice", day="ended", count=pl.lit(-1, pl.Int64)
    )
    return pl.concat([again, opened])


def with_parts(closings: pl.DataFrame, allocations: pl.DataFrame) -> pl.DataFrame:
    """Add whether cash for each settled invoice came on several days, and the part of the first day in permille.

    Only receipts known by the settlement that stayed count: not credit notes, what had bounced by then, or what was
    booked afterwards.
    `first_part` is 0 where the invoice was not paid in parts.
    """
    is_several = pl.col("allocation_count") > 1
    if not closings.select(is_several.any()).item():
        return closings.with_columns(part_paid=pl.lit(0, pl.Int64), first_part=pl.lit(0, pl.Int64))
    closings = closings.with_row_index("row")
    several = closings.lazy().filter(is_several).select("row", "invoice", "cents", "begun")
    parts = (
        allocations.lazy()
        .filter("cash")
        .select("invoice", "paid", "known", "bounced", part="cents")
        .join(several, on="invoice", validate="m:m")
        .filter((pl.col("known") <= pl.col("begun")) & (pl.col("bounced") > pl.col("begun")))
        .group_by("row")
        .agg(
            days=pl.col("paid").n_unique(),
            first=pl.col("part").filter(pl.col("paid") == pl.col("paid").min()).sum(),
            owed=pl.col("cents").first(),
        )
        .filter(pl.col("days") > 1)
        .select(
            "row",
            part_paid=pl.lit(1, pl.Int64),
            first_part=pl.min_horizontal(pl.col("first") * PERMILLE // pl.col("owed"), PERMILLE),
        )
        .collect(engine="in-memory")
    )
    joined = closings.join(parts, on="row", how="left", validate="1:1", maintain_order="left")
    return joined.with_columns(pl.col("part_paid", "first_part").fill_null(0)).drop("row")


def with_last_reminder(closings: pl.DataFrame, reminders: pl.DataFrame | None) -> pl.DataFrame:
    """Add whether each invoice was reminded before it was settled, and the days from the last reminder to that.

    Both are 0 where there was no reminder, or where no interactions are known at all.
    """
    if reminders is None:
        return closings.with_columns(reminded=pl.lit(0, pl.Int64), reminder_days=pl.lit(0, pl.Int64))
    closings = closings.with_row_index("row")
    last = (
        reminders.filter(pl.col("invoice") >= 0)
        .join(closings.select("row", "invoice", "settled", "begun"), on="invoice", validate="m:m")
        .filter(pl.col("day") <= pl.min_horizontal("settled", "begun"))
        .group_by("row")
        .agg(pl.col("day").max().alias("last_reminder"))
    )
    joined = closings.join(last, on="row", how="left", validate="1:1", maintain_order="left")
    return joined.with_columns(
        reminded=pl.col("last_reminder").is_not_null().cast(pl.Int64),
        reminder_days=(pl.col("settled") - pl.col("last_reminder")).fill_null(0),
    ).drop("row", "last_reminder")
