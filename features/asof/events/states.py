"""What became of invoices, as dated events: settled, given up, overdue, known to be late or on time."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof.conversion import money_of
from features.asof.dates import NEVER, Int64Array
from features.asof.events.closings import Epochs
from features.asof.events.invoices import SEVERE_DELAY_DAYS, SMALL_DELAY_DAYS
from features.asof.payers import FIRST_KNOWN
from features.settings import LedgerSettings

NOT_CURED = -NEVER
"""Below every negated cure time: the value of an invoice that was not paid late."""
LATE_BEFORE = "late_before"
"""Measure of `outcome_30d`: those that were late, whether or not they were still unpaid 30 days past due."""
KEYED_BY_EPOCH = ("settled", "due_states")
"""Streams of a customer whose entities are epochs."""


def state_events(
    base: pl.DataFrame,
    closings: pl.DataFrame,
    first_closed: Int64Array,
    epochs: Epochs,
    settings: LedgerSettings,
    *,
    is_dated: bool,
) -> Mapping[str, pl.DataFrame]:
    """Streams per customer made of invoices and their closings.

    Args:
        base: the answer of `invoice_base`.
        closings: the answer of `closings_of`, with parts and reminders.
        first_closed: day each invoice was first known to be closed, by code.
        epochs: the reopenings of each customer.
        settings: days of grace.
        is_dated: customers change their groups: what is totalled by group then says when the first event of its invoice
            became known (`first_known`).

    Returns:
        `due`; `settled`, keyed by epoch; `outcome`; `outcome_30d`, which is the same with 30 days of grace; and the
        number of invoices that are closed without being paid (`closed_unpaid`), written off (`written_off`), or closed
        and past due (`overdue_closed`), each event adding `count` to it. Where closings were taken back also
        `settlements`, which removes what `settled` no longer contains, and `due_states`, keyed by epoch: when what fell
        due was known to be closed.
    """
    unpaid, written_off = closings.filter(~pl.col("is_paid")), closings.filter("is_written_off")
    closed_due = closings.filter(~pl.col("is_on_top")).with_columns(
        begun=pl.max_horizontal("begun", "due"), ended=pl.max_horizontal("ended", "due")
    )
    paid = closings.filter("is_paid")
    in_epochs = epochs.keyed(paid, "begun", "withdrawn")
    if not epochs.reopenings.is_empty():
        in_epochs = in_epochs.sort("entity", "begun", "settled", "invoice")
    closed_known = pl.Series(first_closed.take(base["invoice"].to_numpy()))
    streams = {
        "settled": _settled(in_epochs, settings),
        "due": base.select("entity", day="due", amount=money_of(base), closed_known=closed_known),
        "outcome": outcome_events(base, closings, settings.grace_days, is_dated=is_dated),
        "outcome_30d": outcome_events(
            base, closings, SEVERE_DELAY_DAYS, is_dated=is_dated, late_after=settings.grace_days
        ),
        "closed_unpaid": _counted(unpaid, "withdrawn"),
        "written_off": _counted(written_off, "withdrawn"),
        "overdue_closed": _counted(closed_due, "ended"),
    }
    if not epochs.reopenings.is_empty():
        days_late = pl.col("settled") - pl.col("due")
        kept = (FIRST_KNOWN,) if is_dated else ()
        first = (
            paid.with_columns(pl.col("begun").min().over("invoice").alias(FIRST_KNOWN)) if is_dated else paid
        )
        streams["settlements"] = _counted(first, "withdrawn", kept, days_late=days_late)
        streams["due_states"] = _due_states(base, closings, epochs)
    return streams


def _counted(
    closings: pl.DataFrame, until: str, kept: tuple[str, ...] = (), **measures: pl.Expr
) -> pl.DataFrame:
    """Closings as events that add 1, and their measures, when they begin, and subtract both when they end.

    Where none ends there is no count: each event then counts one. The columns `kept` are the same in both.
    """
    is_over = closings[until] < NEVER
    if not is_over.any():
        return closings.select("entity", *kept, day="begun", **measures)
    begun = closings.select("entity", *kept, day="begun", count=pl.lit(1, pl.Int64), **measures)
    ended = closings.filter(is_over).select(
        "entity",
        *kept,
        day=until,
        count=pl.lit(-1, pl.Int64),
        **{name: -value for name, value in measures.items()},
    )
    return pl.concat([begun, ended])


def _settled(paid: pl.DataFrame, settings: LedgerSettings) -> pl.DataFrame:
    """Paid invoices on the day that became known; of one day in order of value date and invoice."""
    days_late = pl.col("settled") - pl.col("due")
    late = days_late > settings.grace_days
    money = money_of(paid)
    return paid.select(
        "entity",
        day="begun",
        late=late.cast(pl.Int64),
        severely_late=(days_late > SEVERE_DELAY_DAYS).cast(pl.Int64),
        small_delay=days_late.is_between(1, SMALL_DELAY_DAYS).cast(pl.Int64),
        days_late=days_late,
        days_late_squared=days_late * days_late,
        late_days=days_late * late.cast(pl.Int64),
        amount=money,
        amount_days_late=pl.col(money) * days_late,
        days_to_settle=pl.col("settled") - pl.col("issued"),
        negated_cure=pl.when(late).then(-days_late).otherwise(NOT_CURED),
        part_paid="part_paid",
        first_part="first_part",
        reminded="reminded",
        reminder_days="reminder_days",
    )


def _due_states(base: pl.DataFrame, closings: pl.DataFrame, epochs: Epochs) -> pl.DataFrame:
    """What fell due, and when it was known to be closed as seen from each epoch; NEVER while it was open."""
    closed = (
        epochs.keyed(closings, "begun", "ended")
        .group_by("entity", "invoice")
        .agg(closed_known=pl.col("begun").min())
    )
    due = epochs.keyed(base.with_columns(withdrawn=pl.lit(NEVER, pl.Int64)), "due", "withdrawn")
    return due.join(closed, on=["entity", "invoice"], how="left", validate="1:1").select(
        "entity", day="due", closed_known=pl.col("closed_known").fill_null(NEVER)
    )


def outcome_events(
    base: pl.DataFrame,
    closings: pl.DataFrame,
    grace_days: int,
    *,
    is_dated: bool,
    late_after: int | None = None,
) -> pl.DataFrame:
    """What each day changed in which invoices are known to be late or on time.

    An invoice has no outcome until it is closed or its grace has ended. Open at the end of its grace it is late from
    that day on, paid or not: an open overdue invoice is never counted as on time. Closed it is late when its value date
    lies after the grace or when it was written off. Each change of that reading is an event on the day it became known:
    a payment booked afterwards that was in time withdraws the mark (`late` -1, `count` 0), its bounce sets it again. A
    cancellation changes nothing that was known by then. With `late_after` the events also say (`late_before`) whether
    the invoice was late by so many days, fewer than the grace. With `is_dated`, each event also says when the first one
    of its invoice became known.
    """
    invoice = ("invoice",) if is_dated else ()
    grace_end = pl.max_horizontal(pl.col("due") + grace_days, "issued")
    decided = closings.filter((pl.col("begun") <= grace_end) & (grace_end <= pl.col("ended")))
    marked = base.join(decided, on="invoice", how="anti")
    bounds = {"late": grace_days} | ({} if late_after is None else {LATE_BEFORE: late_after})
    late = {name: (pl.col("settled") > pl.col("due") + days).cast(pl.Int64) for name, days in bounds.items()}
    before = (LATE_BEFORE,) if late_after is not None else ()
    one, money = pl.lit(1, pl.Int64), money_of(base)
    closed, is_first = closings.filter(~pl.col("is_cancelled")), pl.col("begun") <= grace_end
    reopened, was_marked = closed.filter(pl.col("ended") < NEVER), pl.col("ended") >= grace_end
    changes = [
        marked.select("entity", money, *invoice, day=grace_end, count=one, **dict.fromkeys(bounds, one)),
        closed.select(
            "entity",
            money,
            *invoice,
            day="begun",
            count=pl.when(is_first).then(one).otherwise(0),
            **{
                name: pl.when(is_first).then(is_late).otherwise(is_late - 1) for name, is_late in late.items()
            },
        ).filter(pl.any_horizontal(pl.col("count", *bounds) != 0)),
        reopened.select(
            "entity",
            money,
            *invoice,
            day="ended",
            count=pl.when(was_marked).then(0 * one).otherwise(-one),
            **{
                name: pl.when(was_marked).then(1 - is_late).otherwise(-is_late)
                for name, is_late in late.items()
            },
        ),
    ]
    first = {FIRST_KNOWN: pl.col("day").min().over("invoice")} if is_dated else {}
    return pl.concat(changes).select(
        "entity",
        "day",
        "count",
        "late",
        *before,
        amount=pl.col(money) * pl.col("count"),
        late_amount=pl.col(money) * pl.col("late"),
        **first,
    )
