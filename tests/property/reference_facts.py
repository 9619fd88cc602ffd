"""What is known of one customer at one date, in plain Python loops: slow, obvious, and shared with no engine code.

Rule: a fact is visible at `t` when it was known strictly before `t` and its invoice was issued strictly before `t`.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from features.ledger.ledger import Ledger
from features.ledger.receivables import receivables
from features.settings import LedgerSettings
from tests.property.reference_money import Movement, Rates, most_used
from tests.property.reference_settlement import (
    WITHOUT_PAY,
    Episode,
    Row,
    cents,
    episodes_of,
    state_at,
    tables,
)

DAY = dt.timedelta(days=1)
DATED = ("country", "sector", "size_class", "credit_limit", "bureau_score")
CASH = (None, "transfer", "direct_debit", "cheque", "card", "cash", "bill_of_exchange", "other")


@dataclass
class Invoice:
    """An invoice as known at a date: what was allocated to it, and whether that settles it.

    `amount` is in cents of its own currency, `money` in cents of the reporting currency, 0 without a rate.
    """

    invoice_id: str
    issued: dt.date
    due: dt.date
    amount: int
    has_order: bool
    currency: str | None = None
    factor: float | None = 1.0
    allocations: list[Row] = field(default_factory=list)
    settled_on: dt.date | None = None
    closed_known: dt.date | None = None
    closed_by: str | None = None
    cancelled: dt.date | None = None
    episodes: list[Episode] = field(default_factory=list)

    @property
    def settlement_known(self) -> dt.date | None:
        """Since when it is known to have been paid; None where it was closed otherwise."""
        return None if self.closed_by in WITHOUT_PAY else self.closed_known

    @property
    def first_settlement_known(self) -> dt.date:
        """Since when it was known to have been paid for the first time, whether or not that stayed."""
        begun = []
        cancelled = None if self.cancelled is None else max(self.cancelled, self.issued)
        for episode in self.episodes:
            start, end = max(episode.known_on, self.issued), episode.reopened_on or dt.date.max
            if episode.closed_by not in WITHOUT_PAY and start < max(end, self.issued) and start != cancelled:
                begun.append(start)
        return min(begun)

    @property
    def days_late(self) -> int:
        assert self.settled_on is not None
        return (self.settled_on - self.due).days

    def open_amount(self, t: dt.date) -> int:
        if self.cancelled is not None and max(self.cancelled, self.issued) < t:
            return 0
        return self.money - sum(a["money"] for a in self.allocations if a["known"] < t)

    @property
    def money(self) -> int:
        return 0 if self.factor is None else round(self.amount * self.factor)


@dataclass
class Outcome:
    """Late or on time, and since when that is known; or a late mark withdrawn."""

    known: dt.date
    count: int
    late: int
    amount: int
    late_amount: int
    first: dt.date
    """Since when anything is known of what became of its invoice."""


class Facts:
    """Tables of a ledger as lists of rows.

    `apart` holds the same facts with every customer by itself, as `seen_at` found them.
    """

    def __init__(self, ledger: Ledger, signals: Any, settings: LedgerSettings) -> None:
        self.settings = settings
        self.has_signals = signals is not None
        self.tables = tables(receivables(ledger))
        self.whole = tables(ledger)
        self.payments = {row["payment_id"]: row for row in self.tables["payments"]}
        self.signals = signals.to_dicts() if signals is not None else []
        into = settings.reporting_currency or most_used(self.whole["invoices"])
        self.rates = Rates(self.whole.get("indicators", []), into)
        self.customers = {row["customer_id"]: row for row in self.tables["customers"]}
        self.apart = self
        self.people: dict[tuple[str, dt.date], Row] = {}
        self.known_outcomes: dict[tuple[str, dt.date, int, int], list[Outcome]] = {}
        self.known_settled: dict[tuple[str, dt.date], list[Invoice]] = {}

    def seen_at(self, t: dt.date) -> Facts:
        """The facts with customers as they were known at t: their attributes, and merged ones under their payer."""
        seen = copy.copy(self)
        seen.tables, seen.whole = (
            {name: [self.with_payer(row, t) for row in rows] for name, rows in tables.items()}
            for tables in (self.tables, self.whole)
        )
        seen.payments = {row["payment_id"]: row for row in seen.tables["payments"]}
        seen.known_outcomes, seen.known_settled = {}, {}
        seen.signals = [self.with_payer(row, t) for row in self.signals]
        payers = {self.payer(customer_id, t) for customer_id in self.customers}
        seen.customers = {payer: self.person(payer, t) for payer in payers}
        return seen

    def with_payer(self, row: Row, t: dt.date) -> Row:
        if row.get("customer_id") is None:
            return row
        return row | {"customer_id": self.payer(row["customer_id"], t)}

    def payer(self, customer_id: str, t: dt.date) -> str:
        """Whom a customer is part of, by the merges known strictly before t."""
        for row in self.apart.tables.get("customer_merges", []):
            if row["customer_id"] == customer_id and row["merged_on"] < t:
                return self.payer(row["merged_into_id"], t)
        return customer_id

    def person(self, customer_id: str, t: dt.date) -> Row:
        """What a customer was known to be at t, or what its payer was."""
        if (customer_id, t) not in self.people:
            self.people[customer_id, t] = self.read_person(customer_id, t)
        return self.people[customer_id, t]

    def read_person(self, customer_id: str, t: dt.date) -> Row:
        payer = self.payer(customer_id, t)
        rows = [row for row in self.apart.tables.get("customer_history", []) if row["customer_id"] == payer]
        rows.sort(key=lambda row: row["valid_from_on"])
        person = dict(self.apart.customers[payer])
        if rows:
            in_force = ([row for row in rows if row["valid_from_on"] < t] or rows[:1])[-1]
            for name in DATED:
                if any(row[name] is not None for row in rows):
                    person[name] = in_force[name]
        return person

    def invoices(self, customer_id: str, t: dt.date) -> list[Invoice]:
        """Invoices issued strictly before t, with what was booked strictly before t."""
        found = []
        for row in self.tables["invoices"]:
            if (
                row["customer_id"] != customer_id
                or row["kind"] != "invoice"
                or row["issued_on"] >= t
                or customer_id not in self.customers
            ):
                continue
            invoice = Invoice(
                row["invoice_id"],
                row["issued_on"],
                row["due_on"],
                cents(row["amount"]),
                row["purchase_order"] is not None,
                row["currency"],
                self.rates.factor(row["currency"], row["issued_on"]),
            )
            if row["cancelled_on"] is not None and row["cancelled_on"] < t:
                invoice.cancelled = row["cancelled_on"]
            invoice.allocations = self.allocations(invoice, t)
            self.settle(invoice, row, t)
            found.append(invoice)
        return found

    def allocations(self, invoice: Invoice, t: dt.date) -> list[Row]:
        rows: list[Row] = []
        allocated = 0
        for row in sorted(self.tables["payments"], key=lambda row: (row["known_on"], row["payment_id"])):
            is_void = invoice.cancelled is not None and row["known_on"] > invoice.cancelled
            if row["invoice_id"] == invoice.invoice_id and row["known_on"] < t and not is_void:
                known = max(row["known_on"], invoice.issued)
                is_cash = row["method"] in CASH and row["amount"] > 0
                effect, value = self.effect(row)
                before, allocated = allocated, allocated + cents(row["amount"])
                rows.append(
                    {
                        "money": self.rates.money(allocated, invoice.factor)
                        - self.rates.money(before, invoice.factor),
                        "paid": row["paid_on"],
                        "booked": row["known_on"],
                        "known": known,
                        "cents": cents(row["amount"]),
                        "effect": effect,
                        "value": value,
                        "cash": is_cash,
                        "bounce": row["method"] == "reversal" and effect in CASH,
                        "undone": [
                            other["known_on"]
                            for other in self.tables["payments"]
                            if other["method"] == "reversal"
                            and other["reverses_payment_id"] == row["payment_id"]
                            and other["known_on"] >= row["known_on"]
                        ],
                    }
                )
        return rows

    def effect(self, row: Row) -> tuple[str | None, dt.date]:
        """What a row counts as, and its value date; a reversal counts as the row it names, else as cash."""
        if row["method"] != "reversal":
            return row["method"], row["paid_on"]
        payments = self.payments | {whole["payment_id"]: whole for whole in self.whole["payments"]}
        undone = payments.get(row["reverses_payment_id"])
        if undone is None or undone["known_on"] > row["known_on"]:
            return None, row["paid_on"]
        return undone["method"], undone["paid_on"]

    def bounces(self, customer_id: str, t: dt.date) -> list[dt.date]:
        """Days on which reversals of cash became known, oldest first; each row once, whatever it is split into."""
        invoices = {row["invoice_id"]: row for row in self.whole["invoices"] if row["kind"] == "invoice"}
        days = []
        for row in self.whole["payments"]:
            if row["method"] != "reversal" or self.effect(row)[0] not in CASH:
                continue
            invoice = invoices.get(row["invoice_id"])
            if invoice is not None and invoice["customer_id"] == customer_id:
                days.append(max(row["known_on"], invoice["issued_on"]))
            if row["invoice_id"] is None and row["customer_id"] == customer_id:
                days.append(row["known_on"])
        return sorted(day for day in days if day < t and customer_id in self.customers)

    def unapplied_credit(self, customer_id: str, t: dt.date) -> int:
        """Credit notes less what was refunded on them or set against invoices; a cancelled one counts no more."""
        moved: list[Movement] = []
        for note in self.whole["invoices"]:
            if (note["kind"], note["customer_id"]) != ("credit_note", customer_id) or note["issued_on"] >= t:
                continue
            cancelled = note["cancelled_on"]
            moved.append((note["issued_on"], note["currency"], cents(note["amount"])))
            if cancelled is not None and max(cancelled, note["issued_on"]) < t:
                moved.append((max(cancelled, note["issued_on"]), note["currency"], -cents(note["amount"])))
            for row in self.whole["payments"]:
                known = max(row["known_on"], note["issued_on"])
                if row["invoice_id"] == note["invoice_id"] and row["method"] != "credit_note" and known < t:
                    moved.append((known, note["currency"], -abs(cents(row["amount"]))))
        moved += self.set_off(customer_id, t, "credit_note")
        return self.rates.held(moved) * (customer_id in self.customers)

    def on_account(self, customer_id: str, t: dt.date) -> int:
        """Cash on account less what was given back of it or set against invoices."""
        came = [
            (row["known_on"], row["currency"] or self.rates.into, cents(row["amount"]))
            for row in self.account_rows(customer_id, t)
        ]
        moved = [*came, *self.set_off(customer_id, t, "on_account")]
        return self.rates.held(moved) * (customer_id in self.customers)

    def account_rows(self, customer_id: str, t: dt.date) -> list[Row]:
        return [
            row
            for row in self.whole["payments"]
            if row["invoice_id"] is None and row["customer_id"] == customer_id and row["known_on"] < t
        ]

    def unpriced_count(self, customer_id: str, t: dt.date) -> int:
        """Invoices, credit notes and payments on account that no rate converts."""
        known = [
            *((i.currency, i.issued) for i in self.invoices(customer_id, t)),
            *(
                (note["currency"], note["issued_on"])
                for note in self.whole["invoices"]
                if (note["kind"], note["customer_id"]) == ("credit_note", customer_id)
                and note["issued_on"] < t
            ),
            *((row["currency"], row["known_on"]) for row in self.account_rows(customer_id, t)),
        ]
        return sum(self.rates.factor(*where) is None for where in known) * (customer_id in self.customers)

    def set_off(self, customer_id: str, t: dt.date, method: str) -> list[Movement]:
        """What was set against the customer's invoices by a method, less what was undone of it."""
        return [
            (a["known"], invoice.currency, -a["cents"])
            for invoice in self.invoices(customer_id, t)
            for a in invoice.allocations
            if a["effect"] == method
        ]

    def settle(self, invoice: Invoice, row: Row, t: dt.date) -> None:
        """Whether and how the invoice is closed at t, from what was booked before."""
        known = {key: paid for key, paid in self.payments.items() if paid["known_on"] < t}
        own = [paid for paid in known.values() if paid["invoice_id"] == invoice.invoice_id]
        seen = row if invoice.cancelled is not None else row | {"cancelled_on": None}
        invoice.episodes = episodes_of(seen, own, known, self.settings)
        state = state_at(invoice.episodes, t)
        if state is not None:
            invoice.settled_on, invoice.closed_by = state.settled_on, state.closed_by
            invoice.closed_known = max(state.known_on, invoice.issued)

    def outcomes(
        self, customer_id: str, t: dt.date, grace_days: int | None = None, late_after: int | None = None
    ) -> list[Outcome]:
        grace = self.settings.grace_days if grace_days is None else grace_days
        key = (customer_id, t, grace, grace if late_after is None else late_after)
        if key not in self.known_outcomes:
            self.known_outcomes[key] = self.read_outcomes(*key)
        return self.known_outcomes[key]

    def read_outcomes(self, customer_id: str, t: dt.date, grace_days: int, late_after: int) -> list[Outcome]:
        """What each day before t changed in what its invoices were known to be: late, on time, or neither yet.

        An invoice is neither until it is closed or its grace has ended; open at the end of the grace it is late; closed
        it is late when its value date lies after the grace or when it was written off. From the day of a cancellation
        nothing changes any more. Each change is dated on the day on which it became known.
        """
        found = []
        for invoice in self.invoices(customer_id, t):
            grace_end = max(invoice.due + grace_days * DAY, invoice.issued)
            days = {grace_end}
            for episode in invoice.episodes:
                days.add(max(episode.known_on, invoice.issued))
                if episode.reopened_on is not None:
                    days.add(max(episode.reopened_on, invoice.issued))
            before, first = (0, 0), None
            for day in sorted(day for day in days if day < t):
                now = self.reading(invoice, day, grace_days, late_after, before)
                if now != before:
                    count, late = now[0] - before[0], now[1] - before[1]
                    first = first or day
                    found.append(
                        Outcome(day, count, late, invoice.money * count, invoice.money * late, first)
                    )
                before = now
        return found

    def reading(
        self, invoice: Invoice, day: dt.date, grace_days: int, late_after: int, before: tuple[int, int]
    ) -> tuple[int, int]:
        """Whether the invoice's outcome is known through the day, and whether it is late (1 or 0 each)."""
        state = state_at(invoice.episodes, day + DAY)
        if state is not None and state.closed_by == "cancelled":
            return before
        if state is not None:
            in_time = invoice.due + late_after * DAY
            return 1, int(state.settled_on is None or state.settled_on > in_time)
        grace_end = max(invoice.due + grace_days * DAY, invoice.issued)
        return (1, 1) if day >= grace_end else (0, 0)

    def settled(self, customer_id: str, t: dt.date) -> list[Invoice]:
        """Settled invoices, in the order in which that became known."""
        if (customer_id, t) not in self.known_settled:
            self.known_settled[customer_id, t] = sorted(
                (i for i in self.invoices(customer_id, t) if i.settlement_known is not None),
                key=lambda i: (i.settlement_known, i.settled_on, i.invoice_id),
            )
        return self.known_settled[customer_id, t]

    def paydays(self, customer_id: str, t: dt.date) -> list[Row]:
        """Cash by value date and day it became known."""
        grouped: dict[tuple[dt.date, dt.date], list[tuple[Invoice, int]]] = defaultdict(list)
        for invoice in self.invoices(customer_id, t):
            for a in invoice.allocations:
                if a["cash"]:
                    grouped[a["known"], a["paid"]].append((invoice, a["money"]))
        return [
            {
                "known": known,
                "paid": paid,
                "invoices": len({invoice.invoice_id for invoice, _ in parts}),
                "priced": any(invoice.factor is not None for invoice, _ in parts),
                "amount": sum(part for _, part in parts),
            }
            for (known, paid), parts in sorted(grouped.items())
        ]

    def reminders(
        self, t: dt.date, *, customer_id: str | None = None, invoice_id: str | None = None
    ) -> list[dt.date]:
        return self.interactions(("reminder_sent",), t, customer_id=customer_id, invoice_id=invoice_id)

    def interactions(
        self,
        kinds: tuple[str, ...],
        t: dt.date,
        *,
        customer_id: str | None = None,
        invoice_id: str | None = None,
    ) -> list[dt.date]:
        """Days of the interactions of these kinds, of a customer or on an invoice."""
        rows = self.tables if customer_id is None else self.whole
        return sorted(
            row["happened_at"].date()
            for row in rows.get("interactions", [])
            if row["kind"] in kinds
            and row["happened_at"].date() < t
            and (customer_id is None or row["customer_id"] == customer_id)
            and (invoice_id is None or row["invoice_id"] == invoice_id)
        )

    def disputes(self, customer_id: str, t: dt.date) -> list[Row]:
        """Disputes on the customer's invoices; one about several instalments of an invoice is one."""
        if customer_id not in self.customers:
            return []
        rows = []
        for invoice in self.whole["invoices"]:
            if (invoice["customer_id"], invoice["kind"]) != (customer_id, "invoice") or invoice[
                "issued_on"
            ] >= t:
                continue
            for row in self.whole.get("disputes", []):
                if row["invoice_id"] != invoice["invoice_id"] or row["opened_on"] >= t:
                    continue
                opened = max(row["opened_on"], invoice["issued_on"])
                closed = row["closed_on"]
                is_closed = closed is not None and max(closed, opened) < t
                amount = invoice["amount"] if row["amount"] is None else row["amount"]
                rows.append(
                    {
                        "invoice_id": invoice["invoice_id"],
                        "opened": opened,
                        "is_open": not is_closed,
                        "amount": self.rates.money(
                            cents(amount), self.rates.factor(invoice["currency"], invoice["issued_on"])
                        ),
                    }
                )
        return rows

    def own_open_disputes(self, invoice_id: str, t: dt.date) -> int:
        """Open disputes on a receivable, whether or not they were opened before it was issued."""
        return sum(
            row["invoice_id"] == invoice_id
            and row["opened_on"] < t
            and (row["closed_on"] is None or max(row["closed_on"], row["opened_on"]) >= t)
            for row in self.tables.get("disputes", [])
        )

    def mails(self, customer_id: str, t: dt.date) -> list[Row]:
        """Mails of a person at the customer's, oldest first."""
        if customer_id not in self.customers:
            return []
        return sorted(
            (
                row | {"day": row["sent_at"].date()}
                for row in self.signals
                if row["customer_id"] == customer_id
                and row["direction"] == "inbound"
                and not row["auto_reply"]
                and row["sent_at"].date() < t
            ),
            key=lambda row: (row["day"], row["email_id"]),
        )

    def promises_due(self, customer_id: str, t: dt.date) -> list[Row]:
        """Promises whose day and booking grace have passed, oldest first, kept or not."""
        due = []
        for mail in self.mails(customer_id, t):
            if mail["promise_date"] is None:
                continue
            day = max(mail["promise_date"], mail["day"]) + self.settings.promise_grace_days * DAY
            if day >= t:
                continue
            by_currency: dict[str | None, int] = defaultdict(int)
            for invoice in self.invoices(customer_id, t):
                for a in invoice.allocations:
                    if a["cash"] or a["bounce"]:
                        counts = a["value"] >= mail["day"] and a["known"] <= day
                        by_currency[invoice.currency] += a["cents"] * counts
            received = max(by_currency.values(), default=0)
            if mail["promise_amount"] is None:
                kept = received > 0
            else:
                kept = received * 100 >= 95 * round(mail["promise_amount"] * 100)
            due.append({"day": day, "email_id": mail["email_id"], "kept": int(kept)})
        return sorted(due, key=lambda row: (row["day"], row["email_id"]))
