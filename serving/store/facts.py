"""One fact in the columns of the store, and what became of it when it was offered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from features.errors import EncoursError, Fault, InvalidInputError
from serving.store.tables import FACT_COLUMNS, fact_key

# A fact that may be completed later: these columns may go from unknown to known, nothing else may change.
COMPLETED_LATER: Final[dict[str, tuple[str, ...]]] = {
    "disputes": ("closed_on",),
    "invoices": ("cancelled_on",),
}
# A fact that describes a present state: the newest description replaces the older one.
REPLACED_BY_NEWER: Final = ("customers",)


class Outcome(StrEnum):
    """What the store did with an offered fact."""

    ACCEPTED = "accepted"
    ALREADY_KNOWN = "already_known"
    COMPLETED = "completed"
    REPLACED = "replaced"
    PENDING = "pending"
    ERASED = "erased"


@dataclass(frozen=True)
class Fact:
    """One row of a ledger table, in the store's terms.

    Attributes:
        table: name of the ledger table.
        values: one value per column of `FACT_COLUMNS[table]`; money in cents, null is `None`.
        stated: the columns that it says something about; null when it says everything. Of a fact that describes a
            state the others stay as they are known.
        parts: of `instalments` only: every instalment of the invoice, which are one fact; `values` then contains the id
            of the invoice alone.
    """

    table: str
    values: Mapping[str, Any]
    stated: frozenset[str] | None = None
    parts: tuple[Mapping[str, Any], ...] | None = None

    @property
    def key(self) -> str:
        """The id under which the fact is known; of a table of instalments that of the invoice."""
        return str(self.values["invoice_id"]) if self.parts is not None else fact_key(self.table, self.values)

    def completed_by(self, known: Mapping[str, Any] | None) -> Fact:
        """Return the whole fact: what it does not state is taken from what is known under its id."""
        if self.stated is None or known is None:
            return Fact(self.table, self.values)
        kept = {column: known[column] for column in FACT_COLUMNS[self.table] if column not in self.stated}
        return Fact(self.table, {**self.values, **kept})

    @property
    def known_on(self) -> dt.date | None:
        """The day on which the fact became known; null for customers and instalments."""
        for column in (
            "known_on",
            "issued_on",
            "opened_on",
            "sent_at",
            "happened_at",
            "valid_from_on",
            "merged_on",
        ):
            value = self.values.get(column)
            if isinstance(value, dt.datetime):
                return value.astimezone(dt.UTC).date()
            if isinstance(value, dt.date):
                return value
        return None


@dataclass(frozen=True)
class FactOutcome:
    """What became of one offered fact; `customer_id` is null while it waits for its invoice."""

    table: str
    key: str
    outcome: Outcome
    customer_id: str | None


@dataclass(frozen=True)
class Conflict:
    """Two facts with one id and different content; nothing of the request was stored.

    Attributes:
        position: place of the offered fact in the request, from 0.
        known: the stored values, for the columns that differ.
        offered: the values offered, for the same columns.
    """

    position: int
    table: str
    key: str
    known: Mapping[str, Any]
    offered: Mapping[str, Any]


class ConflictError(EncoursError):
    """Facts offered under an id that already has another content."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        self.conflicts = conflicts
        first = conflicts[0]
        super().__init__(
            f"{len(conflicts)} fact(s) differ from what is known under the same id, first: "
            f"{first.table} {first.key} ({', '.join(first.known)}); nothing was stored. "
            "To do: correct the id or the content; a true correction belongs to the nightly load."
        )


class FactsRefusedError(InvalidInputError):
    """Facts that contradict what is known in a way that no later fact could mend; nothing was stored.

    Args:
        faults: place of each fact in the request, from 0, and what is wrong with it.
    """

    def __init__(self, faults: Sequence[tuple[int, Fault]]) -> None:
        self.rows = tuple(place for place, _ in faults)
        super().__init__("Facts do not agree with what is known; nothing was stored.", [f for _, f in faults])


def differing_columns(table: str, known: Mapping[str, Any], offered: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns in which two facts of the same id differ, in ledger order."""
    return tuple(column for column in FACT_COLUMNS[table] if known[column] != offered[column])


def is_completion(table: str, known: Mapping[str, Any], offered: Mapping[str, Any]) -> bool:
    """Say whether the offered fact only fills in what was still unknown and may be filled in later."""
    allowed = COMPLETED_LATER.get(table, ())
    changed = differing_columns(table, known, offered)
    return bool(changed) and all(column in allowed and known[column] is None for column in changed)


def is_older_version(table: str, known: Mapping[str, Any], offered: Mapping[str, Any]) -> bool:
    """Say whether the offered fact is the incomplete form of the one known (sent again or overtaken)."""
    return is_completion(table, offered, known)
