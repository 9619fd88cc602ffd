"""What a feature group sees: landmarks, and everything known strictly before each of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from features.asof.context import KINDS, ContextStreams, portfolio_labels
from features.asof.customer_streams import UNKNOWN, CustomerStreams
from features.asof.dates import NEVER, BoolArray, Int64Array
from features.asof.landmarks import LandmarkArrays
from features.asof.reader import AsOfReader
from features.calendars import count_working_days
from features.settings import LedgerSettings


class LandmarkView:
    """Landmarks of one set of customers with readers of their streams.

    Args:
        landmarks: the landmarks.
        streams: streams of the customers they belong to.
        context: sector, country and portfolio.
        settings: how lateness and settlement are read.
        entities: customer code of each landmark; -1 when the customer is unknown.
        invoices: invoice code of each landmark; -1 for a draft.
    """

    def __init__(
        self,
        landmarks: LandmarkArrays,
        streams: CustomerStreams,
        context: ContextStreams,
        settings: LedgerSettings,
        entities: Int64Array,
        invoices: Int64Array,
    ) -> None:
        self.landmarks = landmarks
        self.streams = streams
        self.settings = settings
        self.entities = entities
        self.customer = AsOfReader(streams.streams, entities, landmarks.as_of)
        self.invoice = AsOfReader(streams.own, invoices, landmarks.as_of)
        self._invoice_codes = invoices
        self._context = context
        self._context_readers: dict[str, list[AsOfReader]] = {}
        self._context_code_cache: dict[str, Int64Array] = {}

    def __len__(self) -> int:
        return len(self.landmarks)

    @cached_property
    def own_is_visible(self) -> BoolArray:
        """Whether the scored invoice itself is among the invoices known before the as-of date."""
        return (self._invoice_codes >= 0) & (self.landmarks.issued_on < self.landmarks.as_of)

    @cached_property
    def own_open_amount(self) -> Int64Array:
        """Cents of the scored invoice not yet allocated, as known; its amount for a draft."""
        return self.landmarks.amount - self.invoice.total("allocated", "amount")

    @cached_property
    def own_is_open(self) -> BoolArray:
        """Whether the scored invoice counts among the customer's open invoices."""
        known = self.streams.attribute(self.streams.settlement_known, self._invoice_codes, NEVER)
        return self.own_is_visible & (known >= self.landmarks.as_of)

    @cached_property
    def days_past_due(self) -> Int64Array:
        """As-of date minus due date; negative before it is due."""
        return self.landmarks.as_of - self.landmarks.due_on

    @cached_property
    def credit_limit(self) -> Int64Array:
        """Cents; UNKNOWN where there is none."""
        return self.streams.attribute(self.streams.credit_limit, self.entities, UNKNOWN)

    @cached_property
    def customer_since(self) -> Int64Array:
        """Day number; NEVER where unknown."""
        return self.streams.attribute(self.streams.customer_since, self.entities, NEVER)

    def working_days(self, starts: Int64Array, ends: Int64Array) -> Int64Array:
        """Working days d of each payer's country with start <= d < end; negative when the end lies before."""
        codes, places = self._distinct_customers
        return count_working_days(starts, ends, self._labels_of("country", codes), places)

    def context_total(self, kind: str, measure: str, window: int | None) -> Int64Array:
        """Outcomes of everybody else in the sector, country or portfolio: the customer's own are left out.

        Where the sector or country is unknown the total is 0.
        """
        readers = self._readers(kind)
        total = np.zeros(len(self), dtype=np.int64)
        for reader in readers:
            total = total + reader.total("outcome", measure, window)
        own = self.customer.total("outcome", measure, window)
        return total - np.where(self._context_codes(kind) >= 0, own, 0)

    def indicator(self, kind: str) -> AsOfReader | None:
        """Published figures on the sector or country; None when there are none at all."""
        stream = self._context.indicators.get(kind)
        if stream is None:
            return None
        codes = self._context_codes(kind)
        known = np.where(codes < len(stream.starts) - 1, codes, -1)
        return AsOfReader({"indicator": stream}, known, self.landmarks.as_of)

    def _readers(self, kind: str) -> list[AsOfReader]:
        if kind not in self._context_readers:
            codes = self._context_codes(kind)
            self._context_readers[kind] = [
                AsOfReader(
                    {"outcome": stream},
                    np.where(codes < len(stream.starts) - 1, codes, -1),
                    self.landmarks.as_of,
                )
                for stream in (self._context.outcomes[kind], self._context.differences.get(kind))
                if stream is not None
            ]
        return self._context_readers[kind]

    def _context_codes(self, kind: str) -> Int64Array:
        if kind not in KINDS:
            msg = f"{kind!r} is not one of {KINDS}"
            raise KeyError(msg)
        if kind not in self._context_code_cache:
            codes, places = self._distinct_customers
            self._context_code_cache[kind] = self._context.codes(kind, self._labels_of(kind, codes)).take(
                places
            )
        return self._context_code_cache[kind]

    @cached_property
    def _distinct_customers(self) -> tuple[Int64Array, Int64Array]:
        codes, places = np.unique(self.entities, return_inverse=True)
        return codes, places.astype(np.int64)

    def _labels_of(self, kind: str, codes: Int64Array) -> Sequence[str | None]:
        if kind == "portfolio":
            return portfolio_labels(len(codes))
        labels = self.streams.sectors if kind == "sector" else self.streams.countries
        return [labels[code] if code >= 0 else None for code in codes.tolist()]
