"""What a feature group sees: landmarks, and everything known strictly before each of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from features.asof.context import labels_of, portfolio_labels
from features.asof.customer_streams import CustomerStreams
from features.asof.dates import NEVER, BoolArray, Float64Array, Int64Array
from features.asof.history import PaymentHistory
from features.asof.indicators import SCALE, Place
from features.asof.landmarks import LandmarkArrays
from features.asof.payers import KINDS, UNKNOWN
from features.asof.reader import AsOfReader, known, reader_at
from features.asof.streams import EventStream
from features.calendars import count_working_days


class LandmarkView:
    """Landmarks of one set of customers with readers of their streams.

    Args:
        landmarks: the landmarks.
        history: context, indicators and settings.
        streams: streams of the customers they belong to.
        entities: customer code of each landmark; -1 when the customer is unknown.
        invoices: invoice code of each landmark; -1 for a draft.
    """

    def __init__(
        self,
        landmarks: LandmarkArrays,
        history: PaymentHistory,
        streams: CustomerStreams,
        entities: Int64Array,
        invoices: Int64Array,
    ) -> None:
        self.landmarks = landmarks
        self.streams = streams
        self.settings = history.settings
        self.entities = entities
        epochs = streams.epochs(entities, landmarks.as_of)
        self.customer = reader_at(streams.streams, streams.readers, entities, landmarks.as_of, epochs)
        self.invoice = AsOfReader(streams.own, invoices, landmarks.as_of)
        self._invoice_codes = invoices
        self._context = history.context
        self._indicators = history.indicators
        self._context_readers: dict[tuple[str, str], list[AsOfReader]] = {}
        self._part_readers: dict[tuple[str, str], AsOfReader] = {}
        self._context_code_cache: dict[str, Int64Array] = {}
        self._others: dict[tuple[str, str, str, int | None], Int64Array] = {}

    def __len__(self) -> int:
        return len(self.landmarks)

    @cached_property
    def own_is_visible(self) -> BoolArray:
        """Whether the scored invoice itself is among the invoices known before the as-of date."""
        return (self._invoice_codes >= 0) & (self.landmarks.issued_on < self.landmarks.as_of)

    @cached_property
    def own_open_amount(self) -> Int64Array:
        """Cents of the scored invoice not yet allocated, as known, in the reporting currency; all of a draft."""
        is_converted = "money" in self.streams.own["allocated"].totals
        return self.landmarks.money - self.invoice.total("allocated", "money" if is_converted else "amount")

    @cached_property
    def own_is_open(self) -> BoolArray:
        """Whether the scored invoice counts among the customer's open invoices."""
        first = self.streams.attribute(self.streams.first_closed, self._invoice_codes, NEVER)
        is_closed = first < self.landmarks.as_of
        if "closed_again" in self.invoice:
            is_closed = is_closed & (self.invoice.total("closed_again", "count") >= 0)
        return self.own_is_visible & ~is_closed

    @cached_property
    def days_past_due(self) -> Int64Array:
        """As-of date minus due date; negative before it is due."""
        return self.landmarks.as_of - self.landmarks.due_on

    @cached_property
    def credit_limit(self) -> Int64Array:
        """Cents; UNKNOWN where there is none."""
        attributes = self.streams.attributes
        return self.streams.attribute(attributes.credit_limit, self._versions, UNKNOWN)

    @cached_property
    def bureau_score(self) -> Float64Array:
        """Score of a credit bureau; NaN where there is none."""
        scores = self.streams.attributes.bureau_score
        if len(scores) == 0:
            return np.full(len(self), np.nan)
        return np.where(self._versions < 0, np.nan, scores.take(np.maximum(self._versions, 0)))

    @cached_property
    def customer_since(self) -> Int64Array:
        """Day number; NEVER where unknown."""
        return self.streams.attribute(self.streams.customer_since, self.entities, NEVER)

    def working_days(self, starts: Int64Array, ends: Int64Array) -> Int64Array:
        """Working days d of each payer's country with start <= d < end; negative when the end lies before."""
        codes, places = self._distinct_versions
        return count_working_days(starts, ends, self._labels_of("country", codes), places)

    def others(self, kind: str, stream: str, measure: str, window: int | None) -> Int64Array:
        """Total over everybody else among the customer's peers, sector, country or portfolio.

        The customer's own events are left out. Where the group is unknown the total is 0.
        """
        key = (kind, stream, measure, window)
        if key not in self._others:
            self._others[key] = self._without_own(kind, stream, measure, window)
        return self._others[key]

    def _without_own(self, kind: str, stream: str, measure: str, window: int | None) -> Int64Array:
        total: Int64Array | int = 0
        for reader in self._readers(kind, stream):
            total = total + reader.total(stream, measure, window)
        return np.asarray(
            total - np.where(self._context_codes(kind) >= 0, self._own(kind, stream, measure, window), 0)
        )

    def _own(self, kind: str, stream: str, measure: str, window: int | None) -> Int64Array:
        """What of the group's total came from the customer itself."""
        parts = self.streams.parts
        if parts is None or kind not in parts.of_version:
            read = self.customer
            return read.count(stream, window) if measure == "count" else read.total(stream, measure, window)
        if (kind, stream) not in self._part_readers:
            codes = self.streams.attribute(parts.of_version[kind], self._versions, UNKNOWN)
            self._part_readers[kind, stream] = self._reader(stream, parts.streams[stream, kind], codes)
        return self._part_readers[kind, stream].total(stream, measure, window)

    def indicator(self, kind: str) -> tuple[Float64Array, Float64Array]:
        """Latest figure known on each customer's sector or country, and its change since the period before.

        For a sector, the figure about the sector in the customer's country comes before the one about the sector
        everywhere. NaN where none is known.
        """
        unknown = np.full(len(self), np.nan)
        if self._indicators is None:
            return unknown, unknown
        value, change = unknown, unknown
        for codes in self._indicator_codes(kind):
            if (codes < 0).all():
                continue
            figures = self._indicators.figures
            reader = self._reader("figures", figures, codes)
            latest, exists = reader.nth_last("figures", "value", 1)
            previous, _ = reader.nth_last("figures", "previous", 1)
            had, _ = reader.nth_last("figures", "has_previous", 1)
            first = np.isnan(value)
            value = np.where(first, known(latest / SCALE, exists), value)
            change = np.where(first, known((latest - previous) / SCALE, exists & (had > 0)), change)
        return value, change

    def _indicator_codes(self, kind: str) -> list[Int64Array]:
        codes, rows = self._distinct_versions
        sectors, countries = self._labels_of("sector", codes), self._labels_of("country", codes)
        tried: list[list[Place]] = (
            [list(zip(sectors, countries, strict=True)), [(sector, None) for sector in sectors]]
            if kind == "sector"
            else [[(None, country) for country in countries]]
        )
        narrowest = sectors if kind == "sector" else countries
        is_known = np.array([label is not None for label in narrowest], dtype=np.bool_)
        return [
            np.where(is_known, self._indicators.codes(places), -1).take(rows)
            for places in tried
            if self._indicators is not None
        ]

    def _readers(self, kind: str, stream: str) -> list[AsOfReader]:
        if (kind, stream) not in self._context_readers:
            codes = self._context_codes(kind)
            sources = (
                self._context.totals.get((stream, kind)),
                self._context.differences.get((stream, kind)),
            )
            self._context_readers[kind, stream] = [
                self._reader(stream, events, np.where(codes < len(events.starts) - 1, codes, -1))
                for events in sources
                if events is not None
            ]
        return self._context_readers[kind, stream]

    def _reader(self, stream: str, events: EventStream, codes: Int64Array) -> AsOfReader:
        return reader_at({stream: events}, events.readers, codes, self.landmarks.as_of)

    def _context_codes(self, kind: str) -> Int64Array:
        if kind not in KINDS:
            msg = f"{kind!r} is not one of {KINDS}"
            raise KeyError(msg)
        if kind not in self._context_code_cache:
            codes, places = self._distinct_versions
            self._context_code_cache[kind] = self._context.codes(kind, self._labels_of(kind, codes)).take(
                places
            )
        return self._context_code_cache[kind]

    @cached_property
    def _versions(self) -> Int64Array:
        """Version of each landmark's customer as known strictly before its as-of date; -1 for an unknown one."""
        return self.streams.attributes.known_before(self.entities, self.landmarks.as_of)

    @cached_property
    def _distinct_versions(self) -> tuple[Int64Array, Int64Array]:
        codes, places = np.unique(self._versions, return_inverse=True)
        return codes, places.astype(np.int64)

    def _labels_of(self, kind: str, codes: Int64Array) -> Sequence[str | None]:
        if kind == "portfolio":
            return portfolio_labels(len(codes))
        labels = labels_of(self.streams, kind)
        return [labels[code] if code >= 0 else None for code in codes.tolist()]
