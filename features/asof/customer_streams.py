"""The event streams of a set of customers, with their attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from features.asof import events
from features.asof.conversion import Conversion
from features.asof.dates import Int64Array, day_numbers, days_of_month, months, weekdays
from features.asof.identifiers import IdIndex
from features.asof.payers import CustomerAttributes, GroupParts
from features.asof.payers.merged import (
    ledger_of_payers,
    members_of,
    pairs_of,
    payer_at,
    payers_by_day,
    signals_of_payers,
)
from features.asof.reader import AsOfReader
from features.asof.streams import EventStream
from features.ledger.ledger import Ledger
from features.ledger.receivables import receivables
from features.settings import LedgerSettings
from features.settlement import settlement_episodes

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
        streams: events per customer; those of `KEYED_BY_EPOCH` per epoch of a customer.
        own: events per invoice.
        reopenings: days on which closings of a customer were taken back, each once; they begin its epochs.
        first_closed: day each invoice was first known to be closed, by code; NEVER while it never was.
        attributes: what the customers are, by version.
        parts: events of customers by the group they were counted in; null where no customer ever changed its group.
        customer_since: day number by customer code, NEVER where unknown.
        merged: the same of the payers that merged customers became; null where nobody was ever merged.
        payers_by_day: payer in `merged` that each customer is part of, by the day that became known; null where
            nobody was ever merged.
        readers: readers of single landmarks by customer code and day, as `features.asof.reader.reader_at` caches them.
    """

    customers: IdIndex
    invoices: IdIndex
    streams: Mapping[str, EventStream]
    own: Mapping[str, EventStream]
    reopenings: EventStream
    first_closed: Int64Array
    attributes: CustomerAttributes
    parts: GroupParts | None
    customer_since: Int64Array
    merged: CustomerStreams | None = None
    payers_by_day: EventStream | None = None
    readers: dict[tuple[int, int], AsOfReader] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(
        cls,
        ledger: Ledger,
        settings: LedgerSettings,
        signals: pl.DataFrame | None,
        conversion: Conversion | None = None,
        episodes: pl.DataFrame | None = None,
    ) -> CustomerStreams:
        """Prepare every stream the ledger's tables allow; its receivables count as its invoices.

        Args:
            ledger: every row of some customers, and of those that are merged with them.
            settings: how lateness and settlement are read; settlement is judged in each invoice's own currency.
            signals: what the e-mails of these customers say; None when they have not been read.
            conversion: into the reporting currency; amounts are taken as they are where it is None or not needed.
            episodes: settlement episodes of the ledger, where they are at hand.
        """
        if conversion is not None and not conversion.is_needed(ledger):
            conversion = None
        if episodes is None:
            episodes = settlement_episodes(ledger, settings)
        apart = cls._apart(ledger, settings, signals, conversion, episodes)
        merges = ledger.customer_merges
        if merges is None or merges.is_empty():
            return apart
        members = members_of(merges)
        of_payers = ledger_of_payers(ledger, members)
        merged = cls._apart(
            of_payers,
            settings,
            signals_of_payers(signals, members),
            conversion,
            settlement_episodes(of_payers, settings),
        )
        parts = GroupParts.build(
            merged.attributes, pairs_of(members, apart.customers), apart.attributes, apart.streams
        )
        # An invoice is the same whoever its payer is.
        merged = replace(
            merged,
            parts=parts,
            invoices=apart.invoices,
            own=apart.own,
            first_closed=apart.first_closed,
        )
        return replace(apart, merged=merged, payers_by_day=payers_by_day(members, apart.customers))

    @classmethod
    def _apart(
        cls,
        ledger: Ledger,
        settings: LedgerSettings,
        signals: pl.DataFrame | None,
        conversion: Conversion | None,
        episodes: pl.DataFrame,
    ) -> CustomerStreams:
        """The streams of every customer by itself."""
        whole, ledger = ledger, receivables(ledger)
        customers = ledger.customers.sort("customer_id")
        ids = ledger.invoices.filter(pl.col("kind") == "invoice").get_column("invoice_id").sort()
        customer_index, invoice_index = IdIndex.build(customers["customer_id"]), IdIndex.build(ids)
        customer_codes = _codes(customers["customer_id"], "customer_id", "entity")
        invoice_codes = _codes(ids, "invoice_id", "invoice")

        attributes = CustomerAttributes.build(
            customers, customer_index, ledger.customer_history, ledger.customer_merges
        )
        base = events.invoice_base(ledger, customer_codes, invoice_codes, conversion)
        allocations = events.allocation_base(ledger.payments, base)
        reminders = None
        if ledger.interactions is not None:
            reminders = events.reminder_events(ledger.interactions, customer_codes, invoice_codes)
        closings = events.with_last_reminder(
            events.with_parts(events.closings_of(episodes, base), allocations), reminders
        )
        epochs = events.Epochs.of(closings, len(customer_index))
        closed = events.first_closed(closings, len(invoice_index))
        by_customer = {
            "issued": events.issued_events(base),
            **events.state_events(
                base, closings, closed, epochs, settings, is_dated=attributes.changes is not None
            ),
            **events.allocation_events(allocations),
            "paydays": events.payday_events(allocations),
            "credit_notes": events.credit_note_events(
                ledger.invoices, ledger.payments, allocations, customer_codes, conversion
            ),
            "on_account": events.account_events(ledger.payments, allocations, customer_codes, conversion),
            "bounces": events.bounce_events(whole.payments, whole.invoices, customer_codes),
        }
        money = ["money"] if conversion is not None else []
        by_invoice = {"allocated": allocations.select(*money, entity="invoice", day="booked", amount="cents")}
        if conversion is not None:
            unpriced = events.unpriced_open_events(base, closings)
            by_customer["unpriced_open"] = unpriced.drop("invoice")
            by_invoice["unpriced_open"] = unpriced.drop("entity").rename({"invoice": "entity"})
            by_customer["unpriced"] = events.unpriced_events(
                base, ledger.invoices, ledger.payments, customer_codes, conversion
            )
        if not epochs.reopenings.is_empty():
            by_invoice["closed_again"] = events.later_changes(closings)
        if ledger.disputes is not None and whole.disputes is not None:
            # One dispute about several receivables of an invoice is one, and so is one reminder.
            by_customer |= events.customer_dispute_events(
                whole.disputes, whole.invoices, customer_codes, conversion
            )
            by_invoice |= events.invoice_dispute_events(ledger.disputes, invoice_codes)
        if reminders is not None and ledger.interactions is not None and whole.interactions is not None:
            sent = events.reminder_events(whole.interactions, customer_codes, invoice_codes)
            by_customer["reminders"] = sent.select("entity", "day")
            by_invoice |= events.lifecycle_events(ledger.interactions, invoice_codes)
            by_invoice["reminders"] = reminders.filter(pl.col("invoice") >= 0).select(
                pl.col("invoice").alias("entity"), "day"
            )
        if signals is not None:
            by_customer |= events.communication_events(signals, customer_codes)
            by_customer["promises"] = events.promise_events(signals, allocations, customer_codes, settings)
        entity_counts = dict.fromkeys(events.KEYED_BY_EPOCH, epochs.code_count)
        streams = {
            name: _stream(name, frame, entity_counts.get(name, len(customer_index)))
            for name, frame in by_customer.items()
        }
        # Where nothing was ever taken back, they are the same events.
        streams.setdefault("settlements", streams["settled"])
        streams.setdefault("due_states", streams["due"])
        everybody = np.arange(len(customer_index), dtype=np.int64)
        parts = None
        if attributes.changes is not None:
            parts = GroupParts.build(attributes, (everybody, everybody), attributes, streams)
        return cls(
            customer_index,
            invoice_index,
            streams,
            {name: _stream(name, frame, len(invoice_index)) for name, frame in by_invoice.items()},
            _stream("reopenings", epochs.reopenings, len(customer_index)),
            closed,
            attributes,
            parts,
            day_numbers(customers["customer_since_on"]),
        )

    def epochs(self, entities: Int64Array, as_of: Int64Array) -> Int64Array:
        """Code of the epoch of each customer at each day: what was taken back by then has not happened in it."""
        if self.reopenings.size == 0:
            return entities
        before = self.reopenings.positions(entities, as_of)
        is_later = before > self.reopenings.starts_of(entities)
        return np.where(is_later & (entities >= 0), len(self.customers) + before - 1, entities)

    def payers(
        self, customers: Int64Array, as_of: Int64Array
    ) -> list[tuple[CustomerStreams, Int64Array, Int64Array]]:
        """The streams in which each customer is read at its day: by itself, or as part of the payer it was merged into.

        Returns:
            Streams, the places of the customers that are read there, and their codes in them.
        """
        everything = np.arange(len(customers), dtype=np.int64)
        if self.merged is None or self.payers_by_day is None:
            return [(self, everything, customers)]
        payers = payer_at(self.payers_by_day, customers, as_of)
        apart, together = np.flatnonzero(payers < 0), np.flatnonzero(payers >= 0)
        found = ((self, apart, customers[apart]), (self.merged, together, payers[together]))
        return [part for part in found if len(part[1])]

    def attribute(self, values: Int64Array, codes: Int64Array, missing: int) -> Int64Array:
        """An attribute per landmark, `missing` for customers that are not known."""
        if len(values) == 0:
            return np.full(len(codes), missing, dtype=np.int64)
        return np.where(codes < 0, missing, values.take(np.maximum(codes, 0)))


def _codes(ids: pl.Series, name: str, code: str) -> pl.DataFrame:
    return pl.DataFrame({name: ids, code: np.arange(len(ids), dtype=np.int64)})


def _stream(name: str, frame: pl.DataFrame, entity_count: int) -> EventStream:
    whole = frame if set(frame.dtypes) == {pl.Int64} else frame.cast(pl.Int64)
    columns = {column: whole.get_column(column).to_numpy() for column in frame.columns}
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
