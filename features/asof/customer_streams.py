"""The event streams of a set of customers, with their attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from features.asof import events
from features.asof.communication_events import communication_events, promise_events
from features.asof.dates import NEVER, Int64Array, day_numbers, days_of_month, months, weekdays
from features.asof.identifiers import IdIndex
from features.asof.reader import AsOfReader
from features.asof.streams import EventStream
from features.cents import amount_in_cents
from features.ledger.ledger import Ledger
from features.ledger.receivables import receivables
from features.settings import LedgerSettings

UNKNOWN = -1
"""Stands for an unknown amount or code where only non-negative values are real."""

_RANKED = {"settled": ("days_late",)}
_CATEGORIES: Mapping[str, Mapping[str, tuple[str, Callable[[Int64Array], Int64Array], int]]] = {
    "issued": {"month": ("day", lambda days: months(days) - 1, 12)},
    "paydays": {
        "weekday": ("paid", weekdays, 7),
        "day_of_month": ("paid", lambda days: days_of_month(days) - 1, 31),
    },
}


@dataclass(frozen=True)
class CustomerStreams:
    """Streams keyed by customer, streams keyed by invoice, and what the customer table says.

    A stream is missing when the ledger has no table for it; its features are then unknown.

    Attributes:
        customers: customer ids and their codes.
        invoices: invoice ids (credit notes left out) and their codes.
        streams: events per customer.
        own: events per invoice.
        settlement_known: day each invoice's settlement became known, by code; NEVER while open.
        sectors, countries: text by customer code, null where unknown.
        peers: sector and size class together, by customer code; null where either is unknown.
        credit_limit: cents by customer code, UNKNOWN where null.
        customer_since: day number by customer code, NEVER where unknown.
        readers: readers of single landmarks by customer code and day, as `features.asof.reader.reader_at` keeps them.
    """

    customers: IdIndex
    invoices: IdIndex
    streams: Mapping[str, EventStream]
    own: Mapping[str, EventStream]
    settlement_known: Int64Array
    sectors: Sequence[str | None]
    countries: Sequence[str | None]
    peers: Sequence[str | None]
    credit_limit: Int64Array
    customer_since: Int64Array
    readers: dict[tuple[int, int], AsOfReader] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(cls, ledger: Ledger, settings: LedgerSettings, signals: pl.DataFrame | None) -> CustomerStreams:
        """Prepare every stream the ledger's tables allow; its receivables count as its invoices."""
        whole, ledger = ledger, receivables(ledger)
        customers = ledger.customers.sort("customer_id")
        ids = ledger.invoices.filter(pl.col("kind") == "invoice").get_column("invoice_id").sort()
        customer_index, invoice_index = IdIndex.build(customers["customer_id"]), IdIndex.build(ids)
        customer_codes = _codes(customers["customer_id"], "customer_id", "entity")
        invoice_codes = _codes(ids, "invoice_id", "invoice")

        base = events.invoice_base(ledger, customer_codes, invoice_codes, settings)
        allocations = events.allocation_base(ledger.payments, base)
        reminders = None
        if ledger.interactions is not None:
            reminders = events.reminder_events(ledger.interactions, customer_codes, invoice_codes)
        by_customer = {
            **events.invoice_events(
                events.with_last_reminder(events.with_parts(base, allocations), reminders), settings
            ),
            **events.allocation_events(allocations),
            "paydays": events.payday_events(allocations),
            "credit_issued": events.credit_note_events(ledger.invoices, customer_codes),
        }
        by_invoice = {
            "allocated": allocations.select(pl.col("invoice").alias("entity"), day="booked", amount="cents")
        }
        if ledger.disputes is not None:
            for name, frame in events.dispute_events(ledger.disputes, base).items():
                by_customer[name] = frame.drop("invoice")
                by_invoice[name] = frame.select(pl.col("invoice").alias("entity"), "day")
        if reminders is not None and ledger.interactions is not None and whole.interactions is not None:
            # One reminder about several receivables of an invoice is one.
            sent = events.reminder_events(whole.interactions, customer_codes, invoice_codes)
            by_customer["reminders"] = sent.select("entity", "day")
            by_invoice |= events.lifecycle_events(ledger.interactions, invoice_codes)
            by_invoice["reminders"] = reminders.filter(pl.col("invoice") >= 0).select(
                pl.col("invoice").alias("entity"), "day"
            )
        if signals is not None:
            by_customer |= communication_events(signals, customer_codes)
            by_customer["promises"] = promise_events(signals, allocations, customer_codes, settings)

        settlement_known = np.full(len(invoice_index), NEVER, dtype=np.int64)
        settlement_known[base["invoice"].to_numpy()] = base["settled_known"].to_numpy()
        return cls(
            customer_index,
            invoice_index,
            {name: _stream(name, frame, len(customer_index)) for name, frame in by_customer.items()},
            {name: _stream(name, frame, len(invoice_index)) for name, frame in by_invoice.items()},
            settlement_known,
            customers["sector"].to_list(),
            customers["country"].to_list(),
            customers.select(pl.concat_str("sector", "size_class", separator=" ")).to_series().to_list(),
            customers.select(amount_in_cents("credit_limit").fill_null(UNKNOWN)).to_series().to_numpy(),
            day_numbers(customers["customer_since_on"]),
        )

    def attribute(self, values: Int64Array, codes: Int64Array, missing: int) -> Int64Array:
        """An attribute per landmark, `missing` for customers that are not known."""
        if len(values) == 0:
            return np.full(len(codes), missing, dtype=np.int64)
        return np.where(codes < 0, missing, values.take(np.maximum(codes, 0)))


def _codes(ids: pl.Series, name: str, code: str) -> pl.DataFrame:
    return pl.DataFrame({name: ids, code: np.arange(len(ids), dtype=np.int64)})


def _stream(name: str, frame: pl.DataFrame, entity_count: int) -> EventStream:
    columns = {column: frame[column].cast(pl.Int64).to_numpy() for column in frame.columns}
    entities, days = columns.pop("entity"), columns.pop("day")
    categories = {
        category: (to_code(days if source == "day" else columns[source]), bins)
        for category, (source, to_code, bins) in _CATEGORIES.get(name, {}).items()
    }
    return EventStream.build(
        entities,
        days,
        columns,
        entity_count=entity_count,
        categories=categories,
        ranked=_RANKED.get(name, ()),
    )
