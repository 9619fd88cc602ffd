"""What a check of the ledger found: rows read, accepted and quarantined by rule, notes and assumptions.

A rule is named "<table>.<column>: <fault>", for example "invoices.due_on: before issued_on". The name is
the same in the quarantine files, the printed table and the JSON report; `rule_message` gives it in either language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from features.messages import Message, localized

#: Joins a fault and the word that was probably meant.
NEAREST: Final = "; the nearest is "
#: The faults a rule can name.
RULE_FAULTS: Final[tuple[Message, ...]] = (
    localized("missing"),
    localized("empty"),
    localized("not above zero"),
    localized("zero"),
    localized("more than two decimals"),
    localized("unreadable date"),
    localized("unreadable instant"),
    localized("unreadable amount"),
    localized("unreadable number"),
    localized("unreadable flag"),
    localized("unknown code"),
    localized("unknown word"),
    localized("control or invisible character"),
    localized("word not in the mapping"),
    localized("unreadable terms"),
    localized("not a finite number"),
    localized("more cells than the header"),
    localized("exact copy of another row"),
    localized("same id, different content"),
    localized("copy under another spelling of its id"),
    localized("several ids differ in spelling only"),
    localized("before 1990"),
    localized("years after every other invoice"),
    localized("years after issued_on"),
    localized("years after the last due date"),
    localized("before issued_on"),
    localized("before opened_on"),
    localized("no such invoice"),
    localized("its invoice is in quarantine"),
    localized("another row of it is in quarantine"),
    localized("not found in the lookup"),
    localized("several answers in the lookup"),
    localized("no such customer"),
    localized("merged in a circle"),
    localized("a credit note has no instalments"),
    localized("another invoice has the id of its receivable"),
    localized("the instalments do not add up to the invoice"),
    localized("neither invoice nor customer"),
    localized("not the customer of its invoice"),
    localized("means nothing without an invoice"),
    localized("paid in another currency than its invoice"),
    localized("negative without method reversal or refund"),
    localized("reversal or refund above zero"),
    localized("on a row that is no reversal"),
)
_BY_NAME: Final = {str(fault): fault for fault in RULE_FAULTS}


def rule_fault(name: str) -> Message:
    """The fault that a rule names after its column."""
    return _BY_NAME[name]


def rule_message(rule: str) -> Message:
    """A rule's name as a sentence that can be rendered in French; the column has the same name."""
    column, _, fault = rule.partition(": ")
    named, _, nearest = fault.partition(NEAREST)
    if nearest:
        return localized(
            "{column}: {fault}; the nearest is {nearest}",
            column=column,
            fault=_BY_NAME[named],
            nearest=nearest,
        )
    return localized("{column}: {fault}", column=column, fault=_BY_NAME[named])


@dataclass(frozen=True)
class Note:
    """Something the person should know of that rejects no row.

    Attributes:
        text: the sentence.
        count: rows or values concerned, None where counting makes no sense.
    """

    text: Message
    count: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The note in both languages as plain values for a JSON file."""
        return {"en": self.text.en, "fr": self.text.fr, "count": self.count}


@dataclass(frozen=True)
class TableReport:
    """Rows of one table.

    Attributes:
        table: name of the table.
        read: rows read, quarantined ones included, derived ones not.
        accepted: rows that are in the ledger.
        quarantined: rows put aside, by rule; a row with several faults counts under its first rule.
        derived: rows the check added (customers known from their invoices only).
    """

    table: str
    read: int
    accepted: int
    quarantined: Mapping[str, int]
    derived: int = 0

    @property
    def rejected_share(self) -> float:
        """Share of the rows read that are in quarantine, from 0 to 1; 0 for an empty table."""
        return sum(self.quarantined.values()) / self.read if self.read else 0.0


@dataclass(frozen=True)
class CheckReport:
    """The outcome of a check.

    Attributes:
        tables: one entry per table, in contract order.
        warnings: what a person should check.
        assumptions: what the source did not say and was assumed; each changes what the figures mean.
    """

    tables: tuple[TableReport, ...]
    warnings: tuple[Note, ...] = ()
    assumptions: tuple[Note, ...] = ()

    @property
    def quarantined_rows(self) -> int:
        """Rows in quarantine over all tables."""
        return sum(sum(table.quarantined.values()) for table in self.tables)

    def table(self, name: str) -> TableReport:
        """The entry of one table."""
        return next(entry for entry in self.tables if entry.table == name)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for a JSON file."""
        return {
            "tables": {
                entry.table: {
                    "read": entry.read,
                    "accepted": entry.accepted,
                    "derived": entry.derived,
                    "quarantined": dict(entry.quarantined),
                    "rejected_share": entry.rejected_share,
                }
                for entry in self.tables
            },
            "warnings": [note.to_dict() for note in self.warnings],
            "assumptions": [note.to_dict() for note in self.assumptions],
        }
