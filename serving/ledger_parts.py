"""A whole ledger in memory from which the part of one customer is cut without a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.asof.identifiers import IdIndex
from features.ledger import KEYS, SHARED_TABLES, Ledger, customers_of


@dataclass(frozen=True)
class _Cut:
    """A table sorted by customer; rows of customer code `c` are `starts[c]` to `starts[c + 1]`."""

    frame: pl.DataFrame
    starts: npt.NDArray[np.int64]

    def rows(self, code: int) -> pl.DataFrame:
        """Return the rows of one customer; none of a code below zero."""
        if code < 0:
            return self.frame.clear()
        return self.frame.slice(int(self.starts[code]), int(self.starts[code + 1] - self.starts[code]))


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
    _signals: _Cut | None

    @classmethod
    def of(cls, ledger: Ledger, signals: pl.DataFrame | None = None) -> LedgerParts:
        """Sort a ledger once, and what its e-mails say; null when they are not read."""
        tables = dict(ledger.tables())
        customers = IdIndex.build(ledger.customers["customer_id"])
        owners = ledger.invoices.select("invoice_id", "customer_id")
        cuts = {
            name: _cut(name, frame, owners, customers)
            for name, frame in tables.items()
            if name not in SHARED_TABLES
        }
        invoices = IdIndex.build(cuts["invoices"].frame["invoice_id"])
        shared = {name: frame for name, frame in tables.items() if name in SHARED_TABLES}
        said = None if signals is None else _cut("emails", signals, owners, customers)
        return cls(customers, invoices, cuts, shared, said)

    def part(self, customer_id: str) -> Ledger | None:
        """Return every row of one customer as a ledger; null when the customer is unknown."""
        code = self.customers.code_of(customer_id)
        if code < 0:
            return None
        tables = {name: cut.rows(code) for name, cut in self.cuts.items()}
        return Ledger.from_tables({**tables, **self.shared})

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


def _cut(table: str, frame: pl.DataFrame, owners: pl.DataFrame, customers: IdIndex) -> _Cut:
    codes = pl.Series("\0code", customers.codes_of(customers_of(table, frame, owners)))
    ordered = frame.with_columns(codes).sort("\0code", *KEYS[table])
    starts = np.searchsorted(ordered["\0code"].to_numpy(), np.arange(len(customers) + 1, dtype=np.int64))
    return _Cut(ordered.select(frame.columns).rechunk(), starts.astype(np.int64))
