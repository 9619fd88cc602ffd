"""The ledger as a value: the tables that describe what a company invoiced and what it was paid."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.schemas import REQUIRED_TABLES, SCHEMAS, table_dtypes
from features.messages import localized

#: Columns that say when a fact became known, per table.
KNOWN_TIMES: Final[dict[str, tuple[str, ...]]] = {
    "customers": (),
    "invoices": ("issued_on", "cancelled_on"),
    "customer_merges": ("merged_on",),
    "customer_history": ("valid_from_on",),
    "instalments": (),
    "payments": ("known_on",),
    "disputes": ("opened_on", "closed_on"),
    "emails": ("sent_at",),
    "interactions": ("happened_at",),
    "indicators": ("published_on",),
    "feeds": ("complete_through_on",),
}


@dataclass(frozen=True)
class Ledger:
    """What a company knows of its receivables, in the contracts' columns and types.

    An optional table that is None was not delivered: its facts are unknown. An empty one says there was
    nothing. Row order carries no meaning.

    Attributes:
        customers: one row per customer, as it is at present.
        invoices: one row per invoice or credit note.
        payments: one row per allocation to an invoice, refund, or cash on account.
        disputes: one row per dispute and day it was opened or reopened, or None.
        emails: one row per e-mail, or None.
        interactions: one row per contact or event, or None.
        indicators: one row per published figure, or None.
        customer_merges: one row per customer merged into another, or None.
        customer_history: one row per customer and day its attributes changed, or None.
        instalments: one row per part of an invoice with several due dates, or None.
        feeds: one row per table that the source declares complete through a day, or None.
    """

    customers: pl.DataFrame
    invoices: pl.DataFrame
    payments: pl.DataFrame
    disputes: pl.DataFrame | None = None
    emails: pl.DataFrame | None = None
    interactions: pl.DataFrame | None = None
    indicators: pl.DataFrame | None = None
    customer_merges: pl.DataFrame | None = None
    customer_history: pl.DataFrame | None = None
    instalments: pl.DataFrame | None = None
    feeds: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse frames that are not in the contracts' columns and types."""
        faults = [fault for name, frame in self.tables() for fault in _shape_faults(name, frame)]
        if faults:
            raise InvalidInputError(localized("these frames are not ledger tables"), faults)

    def tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """The tables that are present, as (name, frame), in contract order."""
        for name in SCHEMAS:
            frame = getattr(self, name)
            if frame is not None:
                yield name, frame

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> Ledger:
        """A ledger from named frames that already are in the contracts' columns and types."""
        unknown = sorted(set(tables) - set(SCHEMAS))
        missing = [name for name in ("customers", *REQUIRED_TABLES) if name not in tables]
        if unknown or missing:
            faults = [
                Fault(localized("is not a ledger table"), where=name, expected=", ".join(SCHEMAS))
                for name in unknown
            ]
            faults += [Fault(localized("table is missing"), where=name) for name in missing]
            raise InvalidInputError(localized("these frames do not make a ledger"), faults)
        return cls(**dict(tables))


def _shape_faults(table: str, frame: pl.DataFrame) -> list[Fault]:
    """Differences between a frame's columns and its contract; none for a ledger table."""
    expected = table_dtypes(table)
    if dict(frame.schema) == expected and frame.columns == list(expected):
        return []
    faults = [
        Fault(
            localized("column is {dtype}", dtype=str(frame.schema[name])),
            where=f"{table}.{name}",
            expected=str(dtype),
        )
        for name, dtype in expected.items()
        if name in frame.schema and frame.schema[name] != dtype
    ]
    faults += [
        Fault(localized("column is missing"), where=f"{table}.{name}")
        for name in expected
        if name not in frame.schema
    ]
    faults += [
        Fault(localized("column is not in the contract"), where=f"{table}.{n}")
        for n in frame.columns
        if n not in expected
    ]
    return faults or [Fault(localized("columns are out of order"), where=table, expected=", ".join(expected))]


def last_known_on(ledger: Ledger) -> dt.date | None:
    """The last day on which anything in the ledger became known; None when it contains no dated fact.

    Instants count as the UTC day they fall in. A due date is not a fact of its own day and is not counted.
    """
    days = [
        frame.select(pl.col(column).cast(pl.Date).max()).item()
        for name, frame in ledger.tables()
        for column in KNOWN_TIMES[name]
    ]
    return max((day for day in days if day is not None), default=None)


def ledger_fingerprint(ledger: Ledger) -> str:
    """SHA-256 (hexadecimal) of the ledger's content.

    The same rows give the same fingerprint whatever their order or the machine; a changed cell, a missing
    table or an added row gives another. An absent table differs from an empty one. A column without any value counts
    as absent, so that a column added to a contract leaves the fingerprints of ledgers without it as they were.
    """
    digest = hashlib.sha256()
    for name, frame in ledger.tables():
        filled = frame.select(column for column in frame if column.null_count() < column.len())
        digest.update(f"table {name} {frame.height} {','.join(filled.columns)}\n".encode())
        ordered = filled.sort(filled.columns, nulls_last=True)
        digest.update(_canonical_text(ordered))
    return digest.hexdigest()


def _canonical_text(frame: pl.DataFrame) -> bytes:
    """The rows as unambiguous CSV: every text quoted, null unquoted and empty."""
    return frame.write_csv(include_header=False, quote_style="non_numeric", float_precision=None).encode()
