"""Money and credit notes: what happened to each invoice, as payments, credit notes and disputes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data_samples.generator.customers import Customers, StrArray
from data_samples.generator.day_calendar import (
    COUNTRY_CODES,
    SUPPLIER_COUNTRY,
    BoolArray,
    DayCalendar,
    FloatArray,
    IntArray,
)
from data_samples.generator.episodes import NEVER
from data_samples.generator.invoices import Invoices, cents_to_amount, text_or_null
from data_samples.generator.payment_process import DISPUTED, PaymentStory
from data_samples.generator.settings import WorldSettings
from features.words import CARD, CHEQUE, CREDIT_NOTE, DIRECT_DEBIT, REVERSAL, TRANSFER

_SUPPLIER = COUNTRY_CODES.index(SUPPLIER_COUNTRY)
_METHODS = {TRANSFER: 0.80, DIRECT_DEBIT: 0.11, CHEQUE: 0.07, CARD: 0.02}
_REASONS = {"price": 0.30, "quantity": 0.25, "quality": 0.25, "delivery": 0.20}
_UNAPPLIED_SHARE = 0.15
_REVERSAL_AFTER_DAYS, _REPAID_AFTER_DAYS = 4, 13


@dataclass(frozen=True)
class Allocations:
    """Allocations of money or credit to invoices, one position per row of the ledger's payments.

    Attributes:
        invoice: position of the invoice.
        paid: day number of the value date.
        known: day number of the booking.
        cents: amount in cents, negative for a reversal.
        method: how it was paid, one of the payment methods.
    """

    invoice: IntArray
    paid: IntArray
    known: IntArray
    cents: IntArray
    method: StrArray


@dataclass(frozen=True)
class CreditNotes:
    """Credit notes, one position per note.

    Attributes:
        invoice: position of the invoice it corrects.
        issued: day number of its issue.
        cents: amount in cents.
        is_applied: allocated to that invoice on the day of issue; others stay unapplied.
    """

    invoice: IntArray
    issued: IntArray
    cents: IntArray
    is_applied: BoolArray


@dataclass(frozen=True)
class DisputeDays:
    """Disputes, one position per dispute; `closed` is -1 when it does not end within the tail."""

    invoice: IntArray
    opened: IntArray
    closed: IntArray
    reason: StrArray


def draw_disputes(invoices: Invoices, story: PaymentStory, random: np.random.Generator) -> DisputeDays:
    """When each dispute is raised in writing: 2 to 25 days after issue, before the matter ends."""
    rows = np.flatnonzero(story.hold == DISPUTED)
    closed = story.released[rows]
    latest = np.where(closed == NEVER, 25, np.minimum(closed - invoices.issued[rows] - 1, 25))
    opened = invoices.issued[rows] + 2 + (random.random(len(rows)) * (latest - 1)).astype(np.int64)
    reasons = np.array(list(_REASONS))[
        random.choice(len(_REASONS), size=len(rows), p=list(_REASONS.values()))
    ]
    return DisputeDays(rows, opened, closed, reasons)


def draw_credit_notes(
    settings: WorldSettings, invoices: Invoices, story: PaymentStory, random: np.random.Generator
) -> CreditNotes:
    """Credit notes: all or a part of the amount when a dispute ends, and small ones for other reasons."""
    count = len(invoices)
    draw, share = random.random(count), random.random(count)
    ended = (story.hold == DISPUTED) & (story.released != NEVER)
    partial = ended & ~story.credited & (draw < settings.partial_credit_share)
    first_money = np.where(story.first_part != NEVER, story.first_part, story.settled)
    latest = np.where(first_money == NEVER, 20, np.minimum(first_money - invoices.issued, 20))
    small = (story.hold != DISPUTED) & (draw < settings.commercial_credit_share) & (latest >= 2)
    applied = ~small | (random.random(count) >= _UNAPPLIED_SHARE)
    day = np.where(small, invoices.issued + 1 + (share * (latest - 1)).astype(np.int64), story.released)
    part = np.where(story.credited, 1.0, np.where(partial, 0.05 + 0.35 * share, 0.02 + 0.08 * share))
    chosen = np.flatnonzero(story.credited | partial | small)
    cents = np.maximum(np.round(invoices.cents[chosen] * part[chosen]).astype(np.int64), 100)
    return CreditNotes(chosen, day[chosen], cents, applied[chosen])


def draw_allocations(
    settings: WorldSettings,
    calendar: DayCalendar,
    customers: Customers,
    invoices: Invoices,
    story: PaymentStory,
    credits: CreditNotes,
    random: np.random.Generator,
) -> Allocations:
    """Every allocation of the world and its tail.

    Instalments are 30 to 60 % of what is owed. A few payments are short by some cents (bank charges), a few
    are too high (rounded up to the next ten euros), and a few are returned by the bank four days later and
    paid again.
    """
    count = len(invoices)
    owed = invoices.cents.copy()
    applied = credits.is_applied
    owed[credits.invoice[applied]] -= credits.cents[applied]
    has_first, has_second = story.first_part != NEVER, story.second_part != NEVER
    first = np.where(has_first, np.round(owed * (0.3 + 0.3 * random.random(count))).astype(np.int64), 0)
    second = np.where(
        has_second, np.round((owed - first) * (0.4 + 0.2 * random.random(count))).astype(np.int64), 0
    )
    quirk, cents_short = random.random(count), random.integers(1, 5, count)
    last = owed - first - second
    last = np.where(quirk < settings.short_cents_share, last - cents_short, last)
    too_high = (quirk > 1 - settings.overpayment_share) & ~has_first
    last = np.where(too_high, (last // 1000 + 1) * 1000, last)
    paid_out = (story.settled != NEVER) & ~story.credited
    returned = np.flatnonzero(paid_out & ~has_first & (random.random(count) < settings.reversal_share))
    back = calendar.working_day_from(_SUPPLIER, story.settled[returned] + _REVERSAL_AFTER_DAYS)
    again = calendar.working_day_from(_SUPPLIER, story.settled[returned] + _REPAID_AFTER_DAYS)

    rows_first, rows_second, rows_last = (
        np.flatnonzero(has_first),
        np.flatnonzero(has_second),
        np.flatnonzero(paid_out),
    )
    invoice = np.concatenate([rows_first, rows_second, rows_last, returned, returned])
    paid = np.concatenate(
        [story.first_part[rows_first], story.second_part[rows_second], story.settled[rows_last], back, again]
    )
    cents = np.concatenate(
        [first[rows_first], second[rows_second], last[rows_last], -last[returned], last[returned]]
    )
    usual = np.array(list(_METHODS))[
        random.choice(len(_METHODS), size=len(customers.ids), p=list(_METHODS.values()))
    ]
    method = usual[invoices.customer[invoice]]
    is_reversal = np.zeros(len(invoice), dtype=np.bool_)
    is_reversal[len(invoice) - 2 * len(returned) : len(invoice) - len(returned)] = True
    known = calendar.add_working_days(_SUPPLIER, paid, _booking_lag(settings, len(invoice), random))
    note = credits.invoice[applied]
    return Allocations(
        invoice=np.concatenate([invoice, note]),
        paid=np.concatenate([paid, credits.issued[applied]]),
        known=np.concatenate([known, credits.issued[applied]]),
        cents=np.concatenate([cents, credits.cents[applied]]),
        method=np.concatenate([np.where(is_reversal, REVERSAL, method), np.full(len(note), CREDIT_NOTE)]),
    )


def _booking_lag(settings: WorldSettings, count: int, random: np.random.Generator) -> IntArray:
    shares: FloatArray = np.array(settings.booking_lag_shares)
    return random.choice(len(shares), size=count, p=shares / shares.sum())


def payment_rows(
    settings: WorldSettings, calendar: DayCalendar, invoices: Invoices, money: Allocations
) -> pl.DataFrame:
    """The ledger's payments: what was booked by the last day of the ledger, numbered in order of booking."""
    order = np.lexsort((money.cents, money.invoice, money.known))
    order = order[money.known[order] < settings.days]
    return pl.DataFrame(
        {
            "payment_id": _numbered("P", len(order), 8),
            "invoice_id": pl.Series(invoices.ids).gather(money.invoice[order]),
            "paid_on": calendar.to_dates(money.paid[order]),
            "known_on": calendar.to_dates(money.known[order]),
            "amount": cents_to_amount(money.cents[order]),
            "method": text_or_null(money.method[order]),
        }
    )


def credit_note_rows(
    settings: WorldSettings,
    calendar: DayCalendar,
    customers: Customers,
    invoices: Invoices,
    credits: CreditNotes,
) -> pl.DataFrame:
    """The ledger's rows for credit notes issued by its last day; due on their own day, without terms."""
    order = np.lexsort((credits.invoice, credits.issued))
    order = order[credits.issued[order] < settings.days]
    count = len(order)
    rows, issued = credits.invoice[order], calendar.to_dates(credits.issued[order])
    nothing = pl.repeat(None, count, dtype=pl.String, eager=True)
    return pl.DataFrame(
        {
            "invoice_id": _numbered("A", count, 7),
            "customer_id": pl.Series(customers.ids, dtype=pl.String).gather(invoices.customer[rows]),
            "kind": pl.repeat("credit_note", count, dtype=pl.String, eager=True),
            "issued_on": issued,
            "due_on": issued,
            "amount": cents_to_amount(credits.cents[order]),
            "currency": pl.repeat("EUR", count, dtype=pl.String, eager=True),
            "terms": nothing,
            "delivery_channel": text_or_null(invoices.channel[rows]),
            "purchase_order": nothing,
            "billing_trigger": nothing,
            "source_due_on": pl.repeat(None, count, dtype=pl.Date, eager=True),
        }
    )


def dispute_rows(
    settings: WorldSettings, calendar: DayCalendar, invoices: Invoices, disputes: DisputeDays
) -> pl.DataFrame:
    """The ledger's disputes opened by its last day; those closed later are still open in it."""
    order = np.lexsort((disputes.invoice, disputes.opened))
    order = order[disputes.opened[order] < settings.days]
    closed = disputes.closed[order]
    still_open = pl.Series((closed == NEVER) | (closed >= settings.days), dtype=pl.Boolean)
    return pl.DataFrame(
        {
            "dispute_id": _numbered("L", len(order), 6),
            "invoice_id": pl.Series(invoices.ids, dtype=pl.String).gather(disputes.invoice[order]),
            "opened_on": calendar.to_dates(disputes.opened[order]),
            "closed_on": calendar.to_dates(closed).set(still_open, None),
            "reason": text_or_null(disputes.reason[order]),
        }
    )


def _numbered(letter: str, count: int, width: int) -> pl.Series:
    return pl.Series([f"{letter}{number:0{width}d}" for number in range(1, count + 1)], dtype=pl.String)
