"""A scenario file: what became known on which day, and what must be decided.

A file says one thing Encours does (`says`), where that comes from (`source`), what became known on each day (`facts`)
and what must be decided on some days (`expect`). Ids are short inside a file and made unique by the name of the
scenario, so that all scenarios live in one store. A customer `C` is a French company unless the file describes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from features.ledger import table_dtypes

FOLDER: Final = Path(__file__).parent
CUSTOMER: Final = "C"
_ISSUE_TERM: Final = dt.timedelta(days=30)
#: Tables whose rows come by import only.
_BY_IMPORT: Final = ("indicators",)
_COMPANY: Final = {
    "country": "FR",
    "language": "en",
    "legal_form": "SAS",
    "is_natural_person": False,
    "is_strategic": False,
}
#: Columns that hold an id of the scenario.
_IDS: Final = (
    "invoice_id",
    "customer_id",
    "payment_id",
    "dispute_id",
    "interaction_id",
    "email_id",
    "reverses_payment_id",
    "replaces_invoice_id",
    "merged_into_id",
    "group_id",
)


@dataclass(frozen=True)
class Row:
    """One fact: a row of a ledger table, and the day it reaches Encours.

    Attributes:
        day: the day it becomes known.
        table: its ledger table.
        values: its columns that are not null.
        by: `event` or `import`.
    """

    day: dt.date
    table: str
    values: Mapping[str, Any]
    by: str


@dataclass(frozen=True)
class Expected:
    """What must be decided about one receivable on one day; what is not named may be anything."""

    day: dt.date
    receivable_id: str
    wanted: Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """One file, read.

    Attributes:
        subject: kind of trouble: its folder.
        case: its name.
        says: what it shows.
        source: where the expectation comes from.
        content: the file as it is.
    """

    subject: str
    case: str
    says: str
    source: str
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in lists."""
        return f"{self.subject}/{self.case}"

    def full_id(self, short: str) -> str:
        """An id of the file as it is in the store."""
        return f"{self.subject}.{self.case}.{short}"

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Its facts, in the order of their days."""
        return tuple(self._rows())

    @cached_property
    def expected(self) -> tuple[Expected, ...]:
        """What must be decided, in the order of the days."""
        return tuple(
            Expected(_day(day), self.full_id(str(key)), wanted)
            for day, states in sorted(self.content["expect"].items())
            for key, wanted in states.items()
        )

    def _rows(self) -> Iterator[Row]:
        facts = {_day(day): entries for day, entries in self.content["facts"].items()}
        described = {
            entry["customer"] for entries in facts.values() for entry in entries if "customer" in entry
        }
        first = min(facts)
        if CUSTOMER not in described:
            yield self._row(first, "customers", {"customer_id": CUSTOMER, **_COMPANY}, "event")
        for day, entries in sorted(facts.items()):
            for number, entry in enumerate(entries):
                yield self._fact(day, number, dict(entry))

    def _fact(self, day: dt.date, number: int, entry: dict[str, Any]) -> Row:
        by = entry.pop("by", None)
        table, values = _READ[next(iter(entry))](day, f"{day:%m%d}{number}", entry)
        return self._row(day, table, values, by)

    def _row(self, day: dt.date, table: str, values: Mapping[str, Any], by: str | None) -> Row:
        unknown = set(values) - set(table_dtypes(table))
        assert not unknown, f"{self.name}: {table} has no column {sorted(unknown)}"
        stored = {
            name: self.full_id(str(value)) if name in _IDS and value is not None else value
            for name, value in values.items()
        }
        return Row(day, table, stored, by or ("import" if table in _BY_IMPORT else "event"))


def scenarios() -> list[Scenario]:
    """Every scenario, in the order of subject and case."""
    found = []
    for path in sorted(FOLDER.glob("*/*.yaml")):
        content = yaml.safe_load(path.read_text("utf-8"))
        found.append(Scenario(path.parent.name, path.stem, content["says"], content["source"], content))
    return found


def _day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


def _money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def _take(entry: dict[str, Any], word: str) -> Any:
    return entry.pop(word)


def _customer(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "customers", {"customer_id": _take(entry, "customer"), **_COMPANY, **_with_limit(entry)}


def _with_limit(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, **{name: _money(entry[name]) for name in ("credit_limit",) if name in entry}}


def _invoice(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    key, due, amount = _take(entry, "invoice"), _day(_take(entry, "due")), _money(_take(entry, "amount"))
    issued = _day(entry.pop("issued", min(day, due)))
    values = {
        "invoice_id": key,
        "customer_id": CUSTOMER,
        "kind": "invoice",
        "issued_on": issued,
        "due_on": due,
        "amount": amount,
        "currency": "EUR",
    }
    return "invoices", {**values, **entry}


def _credit_note(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {"invoice": _take(entry, "credit_note"), "due": day, "issued": day, "kind": "credit_note"}
    return _invoice(day, number, {**values, **entry})


def _payment(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A payment of an invoice (`of`), or cash on account without one; known on the day, paid on it unless said."""
    values = {
        "payment_id": _take(entry, "payment"),
        "invoice_id": entry.pop("of", None),
        "paid_on": _day(entry.pop("paid", day)),
        "known_on": _day(entry.pop("known", day)),
        "amount": _money(_take(entry, "amount")),
        "method": entry.pop("method", "transfer"),
    }
    if values["invoice_id"] is None:
        values["customer_id"] = CUSTOMER
    return "payments", {**values, **entry}


def _reversal(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A payment (`undoes`) that bounced."""
    amount = -_money(_take(entry, "amount"))
    undone = {"reverses_payment_id": entry.pop("undoes")} if "undoes" in entry else {}
    renamed = {"payment": _take(entry, "reversal"), "amount": amount, "method": "reversal", **undone}
    return _payment(day, number, {**renamed, **entry})


def _dispute(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {"dispute_id": _take(entry, "dispute"), "invoice_id": _take(entry, "of"), "opened_on": day}
    for name in ("opened_on", "closed_on"):
        if name in entry:
            values[name] = _day(entry.pop(name))
    if "amount" in entry:
        values["amount"] = _money(entry.pop("amount"))
    return "disputes", {**values, **entry}


def _interaction(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {
        "interaction_id": f"I{number}",
        "customer_id": CUSTOMER,
        "kind": _take(entry, "event"),
        "happened_at": dt.datetime.combine(day, dt.time(8), dt.UTC),
        "invoice_id": entry.pop("of", None),
        "step_id": entry.pop("detail", None),
    }
    return "interactions", {**values, **entry}


def _mail(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {
        "email_id": f"M{number}",
        "customer_id": CUSTOMER,
        "sent_at": dt.datetime.combine(day, dt.time(8), dt.UTC),
        "direction": "inbound",
        "subject": entry.pop("subject", "Facture"),
        "body": _take(entry, "mail"),
        "invoice_id": entry.pop("of", None),
    }
    return "emails", {**values, **entry}


def _instalment(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {
        "invoice_id": _take(entry, "instalment"),
        "number": _take(entry, "number"),
        "due_on": _day(_take(entry, "due")),
        "amount": _money(_take(entry, "amount")),
        "kind": entry.pop("kind", "instalment"),
    }
    return "instalments", {**values, **entry}


def _merge(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A customer that was merged into another one (`into`)."""
    values = {"customer_id": _take(entry, "merge"), "merged_into_id": _take(entry, "into"), "merged_on": day}
    return "customer_merges", {**values, **entry}


def _as_it_was(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A customer as it was from a day on (`from`, the day itself unless stated)."""
    values = {
        "customer_id": _take(entry, "customer_as_it_was"),
        "valid_from_on": _day(entry.pop("from", day)),
    }
    return "customer_history", {**values, **_with_limit(entry)}


def _rate(day: dt.date, number: str, entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    values = {"name": f"exchange_rate_{_take(entry, 'rate')}", "period": f"{day:%Y-%m}"}
    return "indicators", {**values, "value": float(_take(entry, "value")), "published_on": day}


_READ: Final = {
    "customer": _customer,
    "customer_as_it_was": _as_it_was,
    "merge": _merge,
    "invoice": _invoice,
    "credit_note": _credit_note,
    "payment": _payment,
    "reversal": _reversal,
    "dispute": _dispute,
    "event": _interaction,
    "mail": _mail,
    "instalment": _instalment,
    "rate": _rate,
}
"""How each kind of entry is read, by the first word of the entry."""
