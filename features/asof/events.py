"""The ledger's rows as dated events: who, on which day it became known, and integer measures.

Each function returns a lazy frame with `entity` (customer code, or invoice code where said), `day` (day number on
which the event became known) and integer measures. Nothing here looks at an as-of date: an event at day d may only
depend on facts known at or before d, and the streams are read strictly before t.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof.dates import NEVER
from features.cents import amount_in_cents
from features.ledger.ledger import Ledger
from features.settings import LedgerSettings
from features.settlement import settlement_episodes
from features.words import (
    CASH_METHODS,
    CLOSED_WITHOUT_PAY,
    CREDIT_NOTE,
    INVOICE_VIEWED,
    REMINDER_SENT,
    lifecycle,
)

AGEING_STARTS = (0, 30, 60, 90)
"""Days past due after which an open amount enters an ageing bucket."""
SMALL_DELAY_DAYS = 15
SEVERE_DELAY_DAYS = 30
PERMILLE = 1_000
LOG_SCALE = 1_000
"""Logarithms of amounts are kept as integers in thousandths, so that their totals are exact."""
NOT_CURED = -NEVER
"""Stands below every negated cure time, for an invoice that was not paid late."""
LIFECYCLE: Mapping[str, tuple[str, ...]] = {
    "taken_in_charge": (lifecycle(204),),
    "approved": (lifecycle(205), lifecycle(206)),
    "contested": (lifecycle(207), lifecycle(208), lifecycle(210)),
    "viewed": (INVOICE_VIEWED,),
}
"""What the buyer's side reported of an invoice: kinds of interaction (statuses of the French e-invoicing reform)."""


def _day(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int32).cast(pl.Int64)


def invoice_base(
    ledger: Ledger, customer_codes: pl.DataFrame, invoice_codes: pl.DataFrame, settings: LedgerSettings
) -> pl.DataFrame:
    """One row per invoice (credit notes left out) with codes, day numbers, cents and how it was first closed.

    Only the first episode counts: an invoice that was paid stays so here, also when the payment bounced since; the open
    amounts, which follow the allocations, know better. `settled_known` is NEVER while it was never closed; `settled`
    also where it closed without being paid (`is_paid` tells). Nothing is known of an invoice before it is issued: what
    was booked earlier becomes known on the day of issue.
    """
    first = settlement_episodes(ledger, settings).filter(pl.col("episode") <= 1)
    return (
        ledger.invoices.filter(pl.col("kind") == "invoice")
        .hstack(first.drop("invoice_id"))
        .lazy()
        .join(customer_codes.lazy(), on="customer_id", validate="m:1")
        .join(invoice_codes.lazy(), on="invoice_id", validate="1:1")
        .select(
            "invoice_id",
            "entity",
            "invoice",
            issued=_day("issued_on"),
            due=_day("due_on"),
            cents=amount_in_cents("amount"),
            settled=_day("settled_on").fill_null(NEVER),
            settled_known=pl.max_horizontal(_day("settlement_known_on").fill_null(NEVER), _day("issued_on")),
            is_paid=pl.col("closed_by").is_in(list(CLOSED_WITHOUT_PAY)).not_().fill_null(value=False),
            is_cancelled=(pl.col("closed_by") == "cancelled").fill_null(value=False),
            cancelled=_day("cancelled_on"),
            allocation_count=pl.col("allocation_count").fill_null(0),
            has_purchase_order=pl.col("purchase_order").is_not_null().cast(pl.Int64),
        )
        .sort("entity", "settled_known", "settled", "invoice_id")
        .collect(engine="in-memory")
    )


def allocation_base(payments: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """One row per allocation with its invoice's codes and days; `credit` marks credit notes, `cash` real receipts.

    `known` is the day from which it can be told whose it is: when it was booked, at the earliest its invoice's issue. A
    cancellation allocates what is left of its invoice; what is booked on it afterwards settles nothing.
    """
    method = pl.col("method")
    is_money = method.is_null() | method.is_in(list(CASH_METHODS))
    booked = (
        payments.lazy()
        .join(
            base.lazy().select("invoice_id", "entity", "invoice", "issued", "due", "cancelled"),
            on="invoice_id",
            validate="m:1",
        )
        .filter((_day("known_on") <= pl.col("cancelled")).fill_null(value=True))
        .select(
            "entity",
            "invoice",
            "issued",
            "due",
            paid=_day("paid_on"),
            known=pl.max_horizontal(_day("known_on"), "issued"),
            booked=_day("known_on"),
            cents=amount_in_cents("amount"),
            credit=(method == CREDIT_NOTE).fill_null(value=False),
            cash=is_money & (pl.col("amount") > 0),
        )
        .collect(engine="in-memory")
    )
    cancelled = base.filter(pl.col("cancelled").is_not_null())
    if cancelled.is_empty():
        return booked
    rest = cancelled.join(
        booked.group_by("invoice").agg(pl.col("cents").sum().alias("allocated")), on="invoice", how="left"
    ).select(
        "entity",
        "invoice",
        "issued",
        "due",
        paid="cancelled",
        known=pl.max_horizontal("cancelled", "issued"),
        booked="cancelled",
        cents=pl.col("cents") - pl.col("allocated").fill_null(0),
        credit=pl.lit(value=False),
        cash=pl.lit(value=False),
    )
    return pl.concat([booked, rest])


def invoice_events(base: pl.DataFrame, settings: LedgerSettings) -> Mapping[str, pl.DataFrame]:
    """Streams per customer made of invoices: issued, due, settled, outcome."""
    late = (pl.col("settled") - pl.col("due")) > settings.grace_days
    days_late = pl.col("settled") - pl.col("due")
    is_closed = pl.col("settled_known") < NEVER
    events = {
        "issued": base.select(
            "entity",
            "has_purchase_order",
            day="issued",
            amount="cents",
            terms_days=pl.col("due") - pl.col("issued"),
            log_amount=_log_amount(),
            log_amount_squared=_log_amount() ** 2,
        ),
        "settled": base.filter(is_closed, "is_paid").select(
            "entity",
            day="settled_known",
            late=late.cast(pl.Int64),
            severely_late=(days_late > SEVERE_DELAY_DAYS).cast(pl.Int64),
            small_delay=days_late.is_between(1, SMALL_DELAY_DAYS).cast(pl.Int64),
            days_late=days_late,
            days_late_squared=days_late * days_late,
            late_days=days_late * late.cast(pl.Int64),
            amount="cents",
            amount_days_late=pl.col("cents") * days_late,
            days_to_settle=pl.col("settled") - pl.col("issued"),
            negated_cure=pl.when(late).then(-days_late).otherwise(NOT_CURED),
            part_paid="part_paid",
            first_part="first_part",
            reminded="reminded",
            reminder_days="reminder_days",
        ),
        "due": base.select("entity", day="due", amount="cents", settled_known="settled_known"),
        "outcome": outcome_events(base, settings),
        "closed_unpaid": base.filter(is_closed, ~pl.col("is_paid")).select("entity", day="settled_known"),
        "overdue_settled": base.filter(is_closed).select(
            "entity", day=pl.max_horizontal("settled_known", "due")
        ),
    }
    return events


def outcome_events(base: pl.DataFrame, settings: LedgerSettings) -> pl.DataFrame:
    """When each invoice was first known to be late or on time.

    An invoice not known to be settled when its grace ends is late from that day on, paid or not: an open overdue
    invoice is never counted as on time. If a payment booked afterwards shows that it was paid in time, the mark is
    withdrawn on the day that became known (`late` -1, `count` 0). An invoice cancelled by the end of its grace has no
    outcome; one cancelled later was late.
    """
    grace_end = pl.max_horizontal(pl.col("due") + settings.grace_days, "issued")
    paid_late = pl.col("settled") > pl.col("due") + settings.grace_days
    marked = base.filter(pl.col("settled_known") > grace_end)
    decided = base.filter(pl.col("settled_known") <= grace_end, ~pl.col("is_cancelled"))
    return pl.concat(
        [
            marked.select("entity", day=grace_end, count=1, late=1, amount="cents", late_amount="cents"),
            decided.select(
                "entity",
                day="settled_known",
                count=1,
                late=paid_late.cast(pl.Int32),
                amount="cents",
                late_amount=pl.col("cents") * paid_late.cast(pl.Int64),
            ),
            marked.filter(pl.col("settled_known") < NEVER, "is_paid", ~paid_late).select(
                "entity",
                day="settled_known",
                count=0,
                late=-1,
                amount=0 * pl.col("cents"),
                late_amount=-pl.col("cents"),
            ),
        ]
    ).with_columns(pl.col("count", "late").cast(pl.Int64))


def allocation_events(allocations: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Streams per customer made of allocations: what reduces the open and the overdue amount, credit applied."""
    events = {
        "allocated": allocations.select("entity", day="known", amount="cents"),
        "credit_applied": allocations.filter("credit").select("entity", day="known", amount="cents"),
    }
    for start in AGEING_STARTS:
        events[f"overdue_allocated_{start}"] = allocations.select(
            "entity", day=pl.max_horizontal("known", pl.col("due") + start), amount="cents"
        )
    return events


def payday_events(allocations: pl.DataFrame) -> pl.DataFrame:
    """One row per customer, value date and booking date on which cash came in: a payment run as the payer made it.

    Grouping by booking date too keeps each event wholly known on its day.
    """
    return (
        allocations.filter("cash")
        .group_by("entity", "paid", "known")
        .agg(
            pl.col("invoice").n_unique().cast(pl.Int64).alias("invoices"),
            pl.col("cents").sum().alias("amount"),
        )
        .select(
            "entity",
            "paid",
            "invoices",
            "amount",
            day="known",
            batch=(pl.col("invoices") > 1).cast(pl.Int64),
            batched_invoices=pl.col("invoices") * (pl.col("invoices") > 1),
        )
        .sort("entity", "day", "paid")
    )


def credit_note_events(invoices: pl.DataFrame, customer_codes: pl.DataFrame) -> pl.DataFrame:
    """Credit notes issued, per customer."""
    return (
        invoices.filter(pl.col("kind") == "credit_note")
        .join(customer_codes, on="customer_id", validate="m:1")
        .select("entity", day=_day("issued_on"), amount=amount_in_cents("amount"))
    )


def dispute_events(disputes: pl.DataFrame, base: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Disputes opened and closed, with customer and invoice codes and the disputed part of the invoice's amount."""
    joined = disputes.join(
        base.select("invoice_id", "entity", "invoice", "issued", "cents"), on="invoice_id", validate="m:1"
    ).select(
        "entity",
        "invoice",
        opened=pl.max_horizontal(_day("opened_on"), "issued"),
        closed=pl.max_horizontal(_day("closed_on").fill_null(NEVER), _day("opened_on"), "issued"),
        amount=amount_in_cents("amount").fill_null(pl.col("cents")),
    )
    return {
        "dispute_opened": joined.select("entity", "invoice", "amount", day="opened"),
        "dispute_closed": joined.filter(pl.col("closed") < NEVER).select(
            "entity", "invoice", "amount", day="closed"
        ),
    }


def reminder_events(
    interactions: pl.DataFrame, customer_codes: pl.DataFrame, invoice_codes: pl.DataFrame
) -> pl.DataFrame:
    """Reminders sent, per customer; `invoice` is -1 for one about the account as a whole."""
    return (
        interactions.filter(pl.col("kind") == REMINDER_SENT)
        .join(customer_codes, on="customer_id", validate="m:1")
        .join(invoice_codes, on="invoice_id", how="left", validate="m:1")
        .select("entity", pl.col("invoice").fill_null(-1), day=_day_of_instant("happened_at"))
    )


def with_last_reminder(base: pl.DataFrame, reminders: pl.DataFrame | None) -> pl.DataFrame:
    """Add to each invoice whether it was reminded before it was settled, and the days from the last reminder to that.

    Both are 0 where there was no reminder, or where no interactions are known at all.
    """
    if reminders is None:
        return base.with_columns(reminded=pl.lit(0, pl.Int64), reminder_days=pl.lit(0, pl.Int64))
    last = (
        reminders.filter(pl.col("invoice") >= 0)
        .join(base.select("invoice", "settled", "settled_known"), on="invoice", validate="m:1")
        .filter(pl.col("day") <= pl.min_horizontal("settled", "settled_known"))
        .group_by("invoice")
        .agg(pl.col("day").max().alias("last_reminder"))
    )
    return base.join(last, on="invoice", how="left", validate="1:1", maintain_order="left").with_columns(
        reminded=pl.col("last_reminder").is_not_null().cast(pl.Int64),
        reminder_days=(pl.col("settled") - pl.col("last_reminder")).fill_null(0),
    )


def lifecycle_events(interactions: pl.DataFrame, invoice_codes: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Streams per invoice of what the buyer's side reported of it."""
    joined = interactions.join(invoice_codes, on="invoice_id", validate="m:1").select(
        "kind", entity="invoice", day=_day_of_instant("happened_at")
    )
    return {
        name: joined.filter(pl.col("kind").is_in(kinds)).select("entity", "day")
        for name, kinds in LIFECYCLE.items()
    }


def with_parts(base: pl.DataFrame, allocations: pl.DataFrame) -> pl.DataFrame:
    """Add whether cash for each settled invoice came on several days, and the part of the first day in permille.

    Only receipts known by the settlement count: not credit notes, reversals, or what was booked afterwards.
    `first_part` is 0 where the invoice was not paid in parts.
    """
    several = base.lazy().filter(pl.col("allocation_count") > 1).select("invoice", "cents", "settled_known")
    parts = (
        allocations.lazy()
        .filter("cash")
        .select("invoice", "paid", "known", part="cents")
        .join(several, on="invoice", validate="m:1")
        .filter(pl.col("known") <= pl.col("settled_known"))
        .group_by("invoice")
        .agg(
            days=pl.col("paid").n_unique(),
            first=pl.col("part").filter(pl.col("paid") == pl.col("paid").min()).sum(),
            owed=pl.col("cents").first(),
        )
        .filter(pl.col("days") > 1)
        .select(
            "invoice",
            part_paid=pl.lit(1, pl.Int64),
            first_part=pl.min_horizontal(pl.col("first") * PERMILLE // pl.col("owed"), PERMILLE),
        )
        .collect(engine="in-memory")
    )
    return base.join(parts, on="invoice", how="left", validate="1:1", maintain_order="left").with_columns(
        pl.col("part_paid", "first_part").fill_null(0)
    )


def _log_amount() -> pl.Expr:
    return (pl.col("cents").log() * LOG_SCALE).round().cast(pl.Int64)


def _day_of_instant(column: str) -> pl.Expr:
    return pl.col(column).dt.date().cast(pl.Int32).cast(pl.Int64)
