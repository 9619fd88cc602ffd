"""A whole ledger in memory from which the part of one customer is cut without a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.asof.identifiers import IdIndex
from features.ledger import KEYS, SHARED_TABLES, Ledger, customers_of
from features.ledger.receivables import receivables


@dataclass(frozen=True)
class _Cut:
    """A table sorted by customer; rows of customer code `c` begin at `starts[c]` and end before `starts[c + 1]`."""

    frame: pl.DataFrame
    starts: npt.NDArray[np.int64]

    def rows(self, code: int) -> pl.DataFrame:
        """Return the rows of one customer; none of a code below zero."""
        return self.frame.clear() if code < 0 else self.between(code, code + 1)

    def between(self, first: int, end: int) -> pl.DataFrame:
        """Return the rows of the customers from code `first` to before `end`."""
        return self.frame.slice(int(self.starts[first]), int(self.starts[end] - self.starts[first]))


@dataclass(frozen=True)
class CustomerPart:
    """Everything known of one customer, or of some that are one payer.

    Attributes:
        ledger: every row of it.
        episodes: when each of its receivables was settled (`settlement_episodes`).
        signals: what its e-mails say, one row per mail; null when they are not read.
    """

    ledger: Ledger
    episodes: pl.DataFrame
    signals: pl.DataFrame | None

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {invoice_id: place for place, invoice_id in enumerate(self.ledger.invoices["invoice_id"])}

    def invoice(self, invoice_id: str) -> dict[str, Any] | None:
        """Return one of its invoices as a row; null when it has none of this id."""
        place = self._places.get(invoice_id)
        return None if place is None else self.ledger.invoices.row(place, named=True)


@dataclass(frozen=True)
class LedgerParts:
    """A ledger, sorted so that each customer's rows lie together.

    Attributes:
        customers: codes of the customers.
        invoices: codes of the invoices: their place in the table of invoices.
        cuts: each table that belongs to customers.
        shared: the tables that belong to nobody.
    """

    customers: IdIndex
    invoices: IdIndex
    cuts: Mapping[str, _Cut]
    shared: Mapping[str, pl.DataFrame]
    _episodes: _Cut
    _signals: _Cut | None

    @classmethod
    def of(cls, ledger: Ledger, episodes: pl.DataFrame, signals: pl.DataFrame | None = None) -> LedgerParts:
        """Sort a ledger once.

        Args:
            ledger: the ledger.
            episodes: when each of its receivables was settled.
            signals: what its e-mails say; null when they are not read.
        """
        tables = dict(ledger.tables())
        customers = IdIndex.build(ledger.customers["customer_id"])

        def cut(frame: pl.DataFrame, owners: pl.Series, key: Sequence[str]) -> _Cut:
            codes = pl.Series("\0code", customers.codes_of(owners))
            ordered = frame.with_columns(codes).sort("\0code", *key)
            places = np.arange(len(customers) + 1, dtype=np.int64)
            starts = np.searchsorted(ordered["\0code"].to_numpy(), places)
            return _Cut(ordered.select(frame.columns).rechunk(), starts.astype(np.int64))

        cuts = {
            name: cut(frame, customers_of(name, frame, ledger.invoices), KEYS[name])
            for name, frame in tables.items()
            if name not in SHARED_TABLES
        }
        invoices = IdIndex.build(cuts["invoices"].frame["invoice_id"])
        shared = {name: frame for name, frame in tables.items() if name in SHARED_TABLES}
        due = receivables(ledger).invoices.select("invoice_id", "customer_id")
        debtors = episodes.join(due, on="invoice_id", how="left", validate="m:1", maintain_order="left")
        settled = cut(episodes, debtors["customer_id"], ("invoice_id", "episode"))
        said = None if signals is None else cut(signals, signals["customer_id"], KEYS["emails"])
        return cls(customers, invoices, cuts, shared, settled, said)

    def part(self, customer_id: str) -> CustomerPart | None:
        """Return everything known of one customer; null when it is unknown."""
        code = self.customers.code_of(customer_id)
        return None if code < 0 else self._between(code, code + 1)

    def blocks(self, size: int) -> Iterator[CustomerPart]:
        """Return everything known of all customers, so many of them at a time."""
        for first in range(0, len(self.customers), size):
            yield self._between(first, min(first + size, len(self.customers)))

    def _between(self, first: int, end: int) -> CustomerPart:
        tables = {name: cut.between(first, end) for name, cut in self.cuts.items()}
        ledger = Ledger.from_tables({**tables, **self.shared})
        signals = None if self._signals is None else self._signals.between(first, end)
        return CustomerPart(ledger, self._episodes.between(first, end), signals)

    def customer(self, customer_id: str) -> pl.DataFrame:
        """Return one customer; no row when it is unknown."""
        return self.cuts["customers"].rows(self.customers.code_of(customer_id))

    def rows(self, table: str, customer_id: str) -> pl.DataFrame | None:
        """Return the rows of one customer in a table; null where there is no such table."""
        cut = self.cuts.get(table)
        return None if cut is None else cut.rows(self.customers.code_of(customer_id))

    def signals(self, customer_id: str) -> pl.DataFrame | None:
        """Return what one customer's e-mails say, one row per mail; null when they are not read."""
        return None if self._signals is None else self._signals.rows(self.customers.code_of(customer_id))

    def invoice(self, invoice_id: str) -> dict[str, Any] | None:
        """Return one invoice as a row; null when it is unknown."""
        place = self.invoices.code_of(invoice_id)
        return None if place < 0 else self.cuts["invoices"].frame.row(place, named=True)
