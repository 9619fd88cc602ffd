"""What the supplier did and the platform saw: reminders, calls, plans, views and e-invoicing statuses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data_samples.generator.allocations import Allocations, DisputeDays
from data_samples.generator.customers import Customers, StrArray
from data_samples.generator.day_calendar import (
    COUNTRY_CODES,
    SUPPLIER_COUNTRY,
    BoolArray,
    DayCalendar,
    IntArray,
)
from data_samples.generator.episodes import DISTRESSED, NEVER
from data_samples.generator.invoices import Invoices, text_or_null
from data_samples.generator.payment_process import FREE, PaymentProcess, PaymentStory
from data_samples.generator.settings import WorldSettings
from features.words import CALL, INVOICE_VIEWED, PLAN_AGREED, REMINDER_BOUNCED, REMINDER_SENT, lifecycle

SEQUENCE = "standard"
_SUPPLIER = COUNTRY_CODES.index(SUPPLIER_COUNTRY)
_STEPS = (
    (REMINDER_SENT, "email"),
    (REMINDER_SENT, "email"),
    (CALL, "phone"),
    (REMINDER_SENT, "post"),
)
_BOUNCED_SHARE = 0.015
_FOREVER = 1 << 40


@dataclass(frozen=True)
class Events:
    """Dated contacts and platform events, one position per event.

    Attributes:
        invoice: position of the invoice concerned.
        day: day number.
        minute: minute of the day (UTC).
        kind: kind of the event.
        channel: channel; empty where none.
        step: dunning step that caused it, from 1; 0 where none.
    """

    invoice: IntArray
    day: IntArray
    minute: IntArray
    kind: StrArray
    channel: StrArray
    step: IntArray

    def __len__(self) -> int:
        """Number of events."""
        return len(self.day)


def office_minutes(random: np.random.Generator, count: int) -> IntArray:
    """Minutes of the day within office hours, 07:00 to 16:59 UTC."""
    return random.integers(7 * 60, 17 * 60, count)


def join_events(parts: list[Events]) -> Events:
    """All events of several lists."""
    return Events(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__)
    )


def draw_reminders(
    settings: WorldSettings,
    calendar: DayCalendar,
    process: PaymentProcess,
    story: PaymentStory,
    disputes: DisputeDays,
    money: Allocations,
    random: np.random.Generator,
) -> Events:
    """Reminders as sent: first working day from each step on, while the invoice is not known to be settled.

    Nothing is sent while a dispute is open, nor for customers who are not reminded.
    """
    count = len(process.due)
    settled_known = np.full(count, _FOREVER)
    final = (story.settled[money.invoice] == money.paid) & (story.settled[money.invoice] != NEVER)
    np.minimum.at(settled_known, money.invoice[final], money.known[final])
    opened, closed = np.full(count, _FOREVER), np.full(count, -1)
    opened[disputes.invoice] = disputes.opened
    closed[disputes.invoice] = np.where(disputes.closed == NEVER, _FOREVER, disputes.closed)
    parts = []
    for number, (offset, (kind, channel)) in enumerate(zip(settings.reminder_days, _STEPS, strict=True), 1):
        planned = np.minimum(process.due + offset, calendar.length - 1)
        day = calendar.working_day_from(_SUPPLIER, planned)
        sent = process.is_reminded & (settled_known >= day) & ~((opened <= day) & (day < closed))
        rows = np.flatnonzero(sent & (day < settings.days))
        minutes = office_minutes(random, len(rows))
        parts.append(_events(rows, day[rows], minutes, kind, channel, number))
        if channel == "email":
            lost = random.random(len(rows)) < _BOUNCED_SHARE
            parts.append(
                _events(rows[lost], day[rows[lost]], minutes[lost] + 1, REMINDER_BOUNCED, channel, number)
            )
    return join_events(parts)


def draw_platform_events(
    calendar: DayCalendar,
    process: PaymentProcess,
    invoices: Invoices,
    story: PaymentStory,
    disputes: DisputeDays,
    states: np.typing.NDArray[np.int8],
    random: np.random.Generator,
) -> Events:
    """Views, e-invoicing statuses (204 taken in charge, 205 approved, 207 in dispute), plans agreed.

    An invoice that nothing holds up is seen within a week in seven cases of ten; one that is stuck or
    forgotten hardly ever.
    """
    count = len(process.due)
    seen_share = np.array([0.70, 0.15, 0.10, 0.85])[story.hold]
    by_view = np.isin(invoices.channel, ("portal", "email"))
    seen = np.flatnonzero(
        (random.random(count) < seen_share * np.where(invoices.channel == "portal", 1.0, 0.4)) & by_view
    )
    view_day = invoices.issued[seen] + random.integers(1, 7, len(seen))
    parts = [_events(seen, view_day, office_minutes(random, len(seen)), INVOICE_VIEWED, "portal", 0)]

    electronic = invoices.channel == "edi"
    taken = np.flatnonzero(electronic & (random.random(count) < np.where(story.hold == 2, 0.2, 0.97)))
    day = invoices.issued[taken] + random.integers(1, 4, len(taken))
    parts.append(_events(taken, day, office_minutes(random, len(taken)), lifecycle(204), "edi", 0))
    approved = np.flatnonzero(electronic & (story.hold == FREE) & (random.random(count) < 0.6))
    day = invoices.issued[approved] + random.integers(4, 20, len(approved))
    before_payment = (story.settled[approved] == NEVER) | (day < story.settled[approved])
    approved, day = approved[before_payment], day[before_payment]
    parts.append(_events(approved, day, office_minutes(random, len(approved)), lifecycle(205), "edi", 0))
    contested = electronic[disputes.invoice]
    rows = disputes.invoice[contested]
    parts.append(
        _events(rows, disputes.opened[contested], office_minutes(random, len(rows)), lifecycle(207), "edi", 0)
    )

    in_parts = np.flatnonzero(story.first_part != NEVER)
    distressed = states[process.customer[in_parts], story.first_part[in_parts]] == DISTRESSED
    planned = in_parts[distressed & (story.first_part[in_parts] > process.due[in_parts])]
    day = np.maximum(story.first_part[planned] - 2, invoices.issued[planned])
    parts.append(_events(planned, day, office_minutes(random, len(planned)), PLAN_AGREED, "phone", 0))
    return join_events(parts)


def interaction_rows(
    settings: WorldSettings, calendar: DayCalendar, customers: Customers, invoices: Invoices, events: Events
) -> pl.DataFrame:
    """The ledger's interactions up to its last day, numbered in order of time."""
    order = np.lexsort((events.kind, events.invoice, events.minute, events.day))
    order = order[events.day[order] < settings.days]
    rows, steps = events.invoice[order], events.step[order]
    by_step: BoolArray = steps > 0
    return pl.DataFrame(
        {
            "interaction_id": pl.Series(
                [f"I{number:08d}" for number in range(1, len(order) + 1)], dtype=pl.String
            ),
            "customer_id": pl.Series(customers.ids, dtype=pl.String).gather(invoices.customer[rows]),
            "invoice_id": pl.Series(invoices.ids, dtype=pl.String).gather(rows),
            "happened_at": instants(calendar, events.day[order], events.minute[order]),
            "kind": text_or_null(events.kind[order]),
            "channel": text_or_null(events.channel[order]),
            "sequence_id": text_or_null(np.where(by_step, SEQUENCE, "")),
            "step_id": text_or_null(np.where(by_step, steps.astype(np.str_), "")),
        }
    )


def instants(calendar: DayCalendar, days: IntArray, minutes: IntArray) -> pl.Series:
    """UTC instants of day numbers and minutes of the day."""
    civil = calendar.to_dates(days).cast(pl.Int64)
    return ((civil * 1440 + pl.Series(minutes, dtype=pl.Int64)) * 60_000_000).cast(pl.Datetime("us", "UTC"))


def _events(rows: IntArray, day: IntArray, minute: IntArray, kind: str, channel: str, step: int) -> Events:
    count = len(rows)
    return Events(
        rows, day, minute, np.full(count, kind), np.full(count, channel), np.full(count, step, dtype=np.int64)
    )
