"""The invoices: who is billed when, for how much, under which terms."""

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
from data_samples.generator.settings import WorldSettings

_SUPPLIER = COUNTRY_CODES.index(SUPPLIER_COUNTRY)
_MONTH_ACTIVITY = np.array([0.95, 0.95, 1.10, 1.0, 1.0, 1.10, 0.95, 0.60, 1.05, 1.05, 1.10, 1.05])
_BUILDING_ACTIVITY = np.array([0.75, 0.85, 1.05, 1.1, 1.1, 1.15, 1.05, 0.55, 1.1, 1.1, 1.0, 0.75])
_BUILDING_SECTORS = ("41", "43")
_NET_DAYS = {
    "30 jours": 30, "45 jours": 45, "60 net": 60, "à réception": 0,
    "30 days": 30, "45 days": 45, "60 days": 60, "14 days": 14,
}  # fmt: skip
_END_OF_MONTH_DAYS = {"45 jours fin de mois": 45, "30 jours fin de mois": 30, "30 days EOM": 30}
_MONTH_END_FIFTEENTH = "fin de mois le 15"


@dataclass(frozen=True)
class Invoices:
    """The invoices of a world in order of issue, one position per invoice in every array.

    Attributes:
        ids: invoice numbers.
        customer: position of the customer.
        issued: day number of the issue.
        due: day number of the due date.
        printed_due: due day that the source's bookkeeping printed.
        cents: gross amount in cents.
        terms: terms of payment as worded; empty where missing.
        channel: delivery channel.
        order_number: the customer's order number; empty where missing.
        trigger: what caused the billing.
        lateness_days: usual payment day for this invoice in days past due: habit, climate and amount.
    """

    ids: list[str]
    customer: IntArray
    issued: IntArray
    due: IntArray
    printed_due: IntArray
    cents: IntArray
    terms: StrArray
    channel: StrArray
    order_number: StrArray
    trigger: StrArray
    lateness_days: FloatArray

    def __len__(self) -> int:
        """Number of invoices."""
        return len(self.ids)


def draw_invoices(
    settings: WorldSettings,
    calendar: DayCalendar,
    customers: Customers,
    states: np.typing.NDArray[np.int8],
    climate: FloatArray,
    random: np.random.Generator,
) -> Invoices:
    """The invoices issued from the first to the last day of the world.

    Orders follow the season of the sector and fall when the customer is strained or worse, before its
    payments do; an insolvent customer orders nothing.
    """
    customer, issued = _issue_days(settings, calendar, customers, random)
    active = (issued >= customers.arrives[customer]) & (issued <= customers.leaves[customer])
    kept = np.array(settings.order_share)[states[customer, issued]]
    chosen = active & (random.random(len(issued)) < kept)
    customer, issued = customer[chosen], issued[chosen]
    order = np.lexsort((customer, issued))
    customer, issued = customer[order], issued[order]
    count = len(customer)

    within = np.where(
        customers.is_subscriber[customer], 0.0, random.normal(0, settings.amount_within_log_sd, count)
    )
    cents = np.maximum(np.round(np.exp(customers.log_amount[customer] + within) * 100).astype(np.int64), 1500)
    worded = customers.terms[customer]
    due, other_due = due_days(calendar, issued, worded)
    slip = random.random(count) < settings.due_slip_share
    printed = np.where(customers.other_reading[customer], other_due, due)
    printed = np.maximum(np.where(slip, due + random.integers(-3, 4, count), printed), issued)
    habit = customers.habit_days[customer, calendar.month[issued]]
    lateness = (
        habit
        + settings.sector_climate_days * climate[customers.sector[customer], calendar.month[issued]]
        + settings.large_amount_days * np.clip(within, -1.0, 2.5)
    )
    requires = customers.requires_order_number[customer]
    has_order = random.random(count) < np.where(requires, 0.88, 0.30)
    usual_channel = random.random(count) < 0.95
    return Invoices(
        ids=[f"F{number:07d}" for number in range(1, count + 1)],
        customer=customer,
        issued=issued,
        due=due,
        printed_due=printed,
        cents=cents,
        terms=np.where(random.random(count) < settings.missing_terms_share, "", worded),
        channel=np.where(usual_channel, customers.channel[customer], "email"),
        order_number=np.where(has_order, _order_numbers(random, count), ""),
        trigger=_triggers(customers.is_subscriber[customer], random),
        lateness_days=lateness,
    )


def due_days(calendar: DayCalendar, issued: IntArray, worded: StrArray) -> tuple[IntArray, IntArray]:
    """Due day by the terms, and by the other lawful reading of "fin de mois" (equal where there is none).

    "45 jours fin de mois" is read here as 45 days, then the end of that month; the other reading goes to the
    end of the month of issue first, then adds 45 days.
    """
    due, other = issued.copy(), issued.copy()
    for words, days in _NET_DAYS.items():
        chosen = worded == words
        due[chosen] = other[chosen] = issued[chosen] + days
    for words, days in _END_OF_MONTH_DAYS.items():
        chosen = worded == words
        due[chosen] = _month_end(calendar, issued[chosen] + days)
        other[chosen] = _month_end(calendar, issued[chosen]) + days
    chosen = worded == _MONTH_END_FIFTEENTH
    due[chosen] = other[chosen] = _month_end(calendar, issued[chosen]) + 15
    return due, other


def _month_end(calendar: DayCalendar, days: IntArray) -> IntArray:
    first_days = np.flatnonzero(calendar.day_of_month == 1)
    return first_days[np.searchsorted(first_days, days, side="right")] - 1


def _issue_days(
    settings: WorldSettings, calendar: DayCalendar, customers: Customers, random: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Candidate issues at full activity: customer and working day, before orders fall for any reason."""
    months = int(calendar.month[settings.days - 1]) + 1
    month_of_year = (settings.start.month - 1 + np.arange(months)) % 12
    building = np.isin(np.array(list(settings.sector_weight))[customers.sector], _BUILDING_SECTORS)
    activity = np.where(building[:, None], _BUILDING_ACTIVITY[month_of_year], _MONTH_ACTIVITY[month_of_year])
    counts = random.poisson(customers.monthly_rate[:, None] * activity)
    counts = np.where(customers.is_subscriber[:, None], np.maximum(counts, 1), counts)
    customer, month = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    first_days = np.flatnonzero(calendar.day_of_month == 1)
    first, after = first_days[month], first_days[month + 1]
    spread = first + (random.random(len(month)) * (after - first)).astype(np.int64)
    at_end = random.random(len(month)) < settings.month_end_share
    wanted = np.where(at_end, after - 1 - random.integers(0, 3, len(month)), spread)
    working_days = np.flatnonzero(calendar.working[_SUPPLIER])
    issued = working_days[np.maximum(np.searchsorted(working_days, wanted, side="right") - 1, 0)]
    inside = issued < settings.days
    return customer[inside], issued[inside]


def _order_numbers(random: np.random.Generator, count: int) -> StrArray:
    numbers = random.integers(100_000, 1_000_000, count)
    return np.char.add("PO-", numbers.astype(np.str_))


def _triggers(is_subscriber: BoolArray, random: np.random.Generator) -> StrArray:
    others = np.array(["delivery", "milestone", "order"])[
        random.choice(3, size=len(is_subscriber), p=[0.6, 0.15, 0.25])
    ]
    return np.where(is_subscriber, "subscription", others)


def invoice_rows(calendar: DayCalendar, customers: Customers, invoices: Invoices) -> pl.DataFrame:
    """The ledger's rows for the invoices, credit notes not included."""
    ids = pl.Series(customers.ids)
    return pl.DataFrame(
        {
            "invoice_id": invoices.ids,
            "customer_id": ids.gather(invoices.customer),
            "kind": pl.repeat("invoice", len(invoices), eager=True),
            "issued_on": calendar.to_dates(invoices.issued),
            "due_on": calendar.to_dates(invoices.due),
            "amount": cents_to_amount(invoices.cents),
            "currency": pl.repeat("EUR", len(invoices), eager=True),
            "terms": text_or_null(invoices.terms),
            "delivery_channel": text_or_null(invoices.channel),
            "purchase_order": text_or_null(invoices.order_number),
            "billing_trigger": text_or_null(invoices.trigger),
            "source_due_on": calendar.to_dates(invoices.printed_due),
        }
    )


def cents_to_amount(cents: IntArray) -> pl.Series:
    """Exact decimals with two places from whole cents."""
    return (pl.Series(cents) / 100).cast(pl.Decimal(18, 2))


def text_or_null(words: StrArray) -> pl.Series:
    """Texts, with null in place of the empty text."""
    values = pl.Series(words.astype(object), dtype=pl.String)
    return values.set(values == "", None)
