"""Attributes of customers as they were known on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.asof.dates import Float64Array, Int64Array, day_numbers
from features.asof.identifiers import IdIndex
from features.asof.streams import EventStream
from features.cents import amount_in_cents
from features.ledger.customers_at import customer_versions, with_merges

UNKNOWN = -1
"""An unknown amount or code where only non-negative values are real."""
_FIRST_DAY = 0
"""Day number of a customer's first version, which is in force before all others: earlier than any day of a ledger."""


@dataclass(frozen=True)
class CustomerAttributes:
    """What customers are, one entry per version of a customer.

    A customer without dated attributes has one version. Where no customer has any, the code of a version is that of its
    customer.

    Attributes:
        sectors, countries: text, null where unknown.
        peers: sector and size class together, null where either is unknown.
        credit_limit: cents, UNKNOWN where null.
        bureau_score: as the bureau delivered it, NaN where unknown.
        changes: day on which each version became known, per customer; null where every customer has one version.
    """

    sectors: Sequence[str | None]
    countries: Sequence[str | None]
    peers: Sequence[str | None]
    credit_limit: Int64Array
    bureau_score: Float64Array
    changes: EventStream | None

    @classmethod
    def build(
        cls,
        customers: pl.DataFrame,
        index: IdIndex,
        history: pl.DataFrame | None,
        merges: pl.DataFrame | None,
    ) -> CustomerAttributes:
        """The attributes of all customers at all times.

        Args:
            customers: the ledger's customers, sorted by id.
            index: their codes.
            history: the ledger's `customer_history`, or None.
            merges: the ledger's `customer_merges`, or None; from the day on which its merge became known a customer is
                what its payer is.
        """
        has_history = history is not None and not history.is_empty()
        has_merges = merges is not None and not merges.is_empty()
        versions, changes = customers, None
        if has_history or has_merges:
            versions = customer_versions(customers, history)
            if merges is not None and has_merges:
                versions = with_merges(versions, merges)
            versions = versions.filter(pl.col("customer_id").is_in(customers["customer_id"].implode()))
            is_first = pl.int_range(pl.len()).over("customer_id") == 0
            versions = versions.with_columns(valid_from_on=pl.when(~is_first).then("valid_from_on"))
            changes = EventStream.build(
                index.codes_of(versions["customer_id"]),
                day_numbers(versions["valid_from_on"], missing=_FIRST_DAY),
                {},
                entity_count=len(index),
            )
        return cls(
            versions["sector"].to_list(),
            versions["country"].to_list(),
            versions.select(pl.concat_str("sector", "size_class", separator=" ")).to_series().to_list(),
            versions.select(amount_in_cents("credit_limit").fill_null(UNKNOWN)).to_series().to_numpy(),
            versions["bureau_score"].fill_null(float("nan")).to_numpy(),
            changes,
        )

    @property
    def size(self) -> int:
        """Number of versions."""
        return len(self.credit_limit)

    @property
    def customers(self) -> Int64Array:
        """Code of the customer of each version."""
        if self.changes is None:
            return np.arange(self.size, dtype=np.int64)
        starts = self.changes.starts
        return np.repeat(np.arange(len(starts) - 1, dtype=np.int64), np.diff(starts))

    def known_before(self, customers: Int64Array, days: Int64Array) -> Int64Array:
        """Version of each customer as known strictly before a day; -1 for an unknown customer.

        Before a customer's oldest version became known, that version is in force.
        """
        if self.changes is None:
            return customers
        latest = self.changes.positions(customers, days) - 1
        found = np.maximum(latest, self.changes.starts_of(customers))
        return np.where(customers < 0, -1, found)

    def known_through(self, customers: Int64Array, days: Int64Array) -> Int64Array:
        """Version of each customer as known by the end of a day."""
        return customers if self.changes is None else self.known_before(customers, days + 1)

    def labels(self, kind: str) -> Sequence[str | None]:
        """Peers, sector or country of each version; null where unknown."""
        return {"peers": self.peers, "sector": self.sectors, "country": self.countries}[kind]
