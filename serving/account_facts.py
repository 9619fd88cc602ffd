"""The state of each account at decision time, read from the ledger and from what its e-mails said.

One function for the nightly batch and for one customer in the score service.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from features.ledger import Ledger
from features.settings import CENTS, LedgerSettings
from serving.account_reading import (
    INVOICE_COLUMNS,
    NOTHING_OWED,
    CustomerRead,
    InvoiceRead,
    SignalMemory,
    read_customers,
    read_invoices,
)
from serving.dunning import AccountFacts, StepTaken, allocate_unapplied_credits
from serving.dunning.words import BlockageKind

_DISPUTED_STATUS, _PAYMENT_SENT_STATUS = "lifecycle_207", "lifecycle_211"
_BLOCKED_STATUSES: Mapping[str, BlockageKind] = {
    "lifecycle_208": "suspended_by_buyer",
    "lifecycle_210": "rejected_by_platform",
    "lifecycle_213": "rejected_by_platform",
}
"""Statuses of the French e-invoicing reform that stop dunning: suspended, refused, rejected."""


@dataclass(frozen=True)
class _Totals:
    """What one customer owes: overdue, in all, and by invoice with its due date."""

    overdue: Decimal = NOTHING_OWED
    outstanding: Decimal = NOTHING_OWED
    open_balances: Mapping[str, tuple[dt.date, Decimal]] = field(default_factory=dict)

    def and_owes(self, invoices: Iterable[InvoiceRead], known_before: dt.date) -> _Totals:
        """The same customer with more invoices; what is overpaid or settled is no debt."""
        owed = {
            found.row["invoice_id"]: (found.row["due_on"], found.balance)
            for found in invoices
            if found.balance > 0
        }
        if not owed:
            return self
        overdue = sum((balance for due_on, balance in owed.values() if due_on < known_before), self.overdue)
        outstanding = sum((balance for _, balance in owed.values()), self.outstanding)
        return _Totals(overdue, outstanding, {**self.open_balances, **owed})


def account_facts(
    ledger: Ledger,
    invoice_ids: Sequence[str],
    known_before: dt.date,
    *,
    signals: pl.DataFrame | None = None,
    feed_age_hours: float | None = None,
    settings: LedgerSettings | None = None,
    memory: SignalMemory | None = None,
) -> dict[str, AccountFacts]:
    """The account's state for each of these invoices, from what was known strictly before a day.

    Args:
        ledger: every row of the invoices' customers (more does no harm).
        invoice_ids: invoices to decide on; unknown ones are left out of the answer.
        known_before: the day; the service passes tomorrow to see what was posted today.
        signals: what the e-mails say (`features.email_signals.signals_frame`); None when they have not
            been read. Only decided signals count: an unsure one never holds or moves a route.
        feed_age_hours: age of the newest ledger feed; None (unknown) counts as stale.
        settings: tolerance of settlement.
        memory: how long a signal holds.

    Returns:
        Facts by invoice id.
    """
    wanted = ledger.invoices.filter(
        pl.col("invoice_id").is_in(list(invoice_ids)) & (pl.col("kind") == "invoice")
    )
    customer_ids = wanted["customer_id"].unique().to_list()
    accounts = read_accounts(
        ledger,
        customer_ids,
        known_before,
        also=list(invoice_ids),
        signals=signals,
        settings=settings,
        memory=memory,
    )
    return accounts.facts(wanted["invoice_id"].to_list(), feed_age_hours)


@dataclass(frozen=True)
class NewInvoice:
    """An invoice being created: not in the ledger yet, open for its whole amount."""

    invoice_id: str
    customer_id: str
    issued_on: dt.date
    due_on: dt.date
    amount: Decimal


@dataclass(frozen=True)
class Accounts:
    """What the ledger and the e-mails say of some customers, read once; never changed.

    Attributes:
        known_before: what was known strictly before this day is in it.
        settings: tolerance of settlement.
        memory: how long a signal holds.
    """

    known_before: dt.date
    settings: LedgerSettings
    memory: SignalMemory
    _invoices: Mapping[str, InvoiceRead]
    _customers: Mapping[str, CustomerRead]
    _events: Mapping[str, Sequence[Mapping[str, Any]]]
    _totals: Mapping[str, _Totals]

    @property
    def invoice_ids(self) -> Set[str]:
        """The invoices whose facts can be asked for."""
        return self._invoices.keys()

    def has_credit(self, customer_id: str) -> bool:
        """Whether the customer has credits that are set against no invoice yet."""
        return self._customers[customer_id].credit > 0

    def facts(
        self,
        invoice_ids: Sequence[str],
        feed_age_hours: float | None = None,
        new: Sequence[NewInvoice] = (),
    ) -> dict[str, AccountFacts]:
        """The account's state for each of these invoices.

        Args:
            invoice_ids: invoices read, or among the new ones.
            feed_age_hours: age of the newest ledger feed; None (unknown) counts as stale.
            new: invoices being created for these customers; they count in what a customer owes.
        """
        made = {invoice.invoice_id: self._as_read(invoice) for invoice in new}
        asked = {key: made[key] if key in made else self._invoices[key] for key in invoice_ids}
        totals: dict[str, _Totals] = {}
        shares: dict[str, Decimal] = {}
        for customer_id in {invoice.row["customer_id"] for invoice in asked.values()}:
            added = [found for found in made.values() if found.row["customer_id"] == customer_id]
            totals[customer_id] = self._totals[customer_id].and_owes(added, self.known_before)
            credit = self._customers[customer_id].credit
            if credit > 0:
                shares |= allocate_unapplied_credits(credit, totals[customer_id].open_balances)
        return {
            key: _facts(
                invoice,
                self._customers[invoice.row["customer_id"]],
                shares.get(key, NOTHING_OWED),
                totals[invoice.row["customer_id"]],
                self.known_before,
                feed_age_hours,
                self.settings.settled_tolerance,
                self.memory,
            )
            for key, invoice in asked.items()
        }

    def _as_read(self, new: NewInvoice) -> InvoiceRead:
        invoice = InvoiceRead({name: getattr(new, name) for name in INVOICE_COLUMNS}, new.amount)
        for event in self._events.get(new.invoice_id, ()):
            invoice.take(event)
        return invoice


def read_accounts(
    ledger: Ledger,
    customer_ids: Sequence[str],
    known_before: dt.date,
    *,
    also: Sequence[str] = (),
    signals: pl.DataFrame | None = None,
    settings: LedgerSettings | None = None,
    memory: SignalMemory | None = None,
) -> Accounts:
    """Read everything that bears on the invoices of some customers, from what was known strictly before a day.

    Args:
        ledger: every row of the customers (more does no harm).
        customer_ids: the customers; unknown ones owe nothing yet.
        known_before: the day.
        also: invoices read though they were issued later.
        signals: what the e-mails say; None when they have not been read.
        settings: tolerance of settlement.
        memory: how long a signal holds.
    """
    settings, memory, ids = settings or LedgerSettings(), memory or SignalMemory(), list(customer_ids)
    invoices, events = read_invoices(ledger, ids, known_before, extra=list(also))
    customers = read_customers(ledger, ids, invoices, known_before, signals, memory)
    owed: dict[str, list[InvoiceRead]] = {customer_id: [] for customer_id in customers}
    for invoice in invoices.values():
        owed[invoice.row["customer_id"]].append(invoice)
    totals = {key: _Totals().and_owes(found, known_before) for key, found in owed.items()}
    return Accounts(known_before, settings, memory, invoices, customers, events, totals)


def _facts(
    invoice: InvoiceRead,
    customer: CustomerRead,
    credit_share: Decimal,
    totals: _Totals,
    known_before: dt.date,
    feed_age_hours: float | None,
    tolerance: Decimal,
    memory: SignalMemory,
) -> AccountFacts:
    row = customer.row
    said = _Said(customer.mails, invoice.row["invoice_id"], invoice.row["issued_on"])
    promise = said.last("promise_to_pay", known_before, None, lambda mail: mail["promise_date"] is not None)
    blockage = _BLOCKED_STATUSES.get(invoice.status or "")
    if blockage is None and said.last("admin_block", known_before, memory.admin_block_days):
        blockage = "other"
    is_settled = invoice.balance <= tolerance
    return AccountFacts(
        balance_amount=max(invoice.balance, NOTHING_OWED),
        unapplied_credit_amount=credit_share,
        is_settled=is_settled,
        is_settled_by_credit=is_settled
        and invoice.credited > 0
        and invoice.credited >= invoice.row["amount"],
        ledger_feed_age_hours=feed_age_hours,
        has_open_dispute=invoice.is_disputed
        or invoice.status == _DISPUTED_STATUS
        or said.last("dispute", known_before, memory.dispute_days) is not None,
        is_insolvent=said.last("insolvency", known_before, None) is not None,
        payment_announced_on=_announced(invoice, customer, said, known_before, memory),
        promise_due_on=None if promise is None else promise["promise_date"],
        promise_amount=None if promise is None else _money(promise["promise_amount"]),
        has_running_plan=_has_plan(customer, invoice, known_before, memory),
        admin_blockage=blockage,
        is_natural_person=row.get("is_natural_person"),
        is_strategic=bool(row.get("is_strategic", False)),
        contacts=tuple(
            contact
            for contact in customer.contacts
            if (known_before - contact.on).days <= memory.contact_days
        ),
        last_step=_last_taken(invoice.steps, invoice.row["due_on"]),
        last_task=_last_taken(invoice.tasks, invoice.row["due_on"]),
        country=row.get("country"),
        language=row.get("language"),
        overdue_amount=totals.overdue,
        outstanding_amount=totals.outstanding,
        credit_limit=row.get("credit_limit"),
        late_part_payments=tuple(invoice.late_payments),
    )


@dataclass(frozen=True)
class _Said:
    """Mails of a customer that may be about an invoice: those naming it, or naming none and sent after its issue."""

    mails: Sequence[Mapping[str, Any]]
    invoice_id: str
    issued_on: dt.date

    def last(
        self, label: str, known_before: dt.date, within_days: int | None, also: Any = lambda mail: True
    ) -> Mapping[str, Any] | None:
        """The latest mail with a decided signal, at most so many days old."""
        for mail in reversed(self.mails):
            sent = mail["sent_at"].date()
            if within_days is not None and (known_before - sent).days > within_days:
                return None
            about = mail.get("invoice_id")
            concerns = about == self.invoice_id or (about is None and sent >= self.issued_on)
            if label == "insolvency":
                concerns = True
            if concerns and mail[label] and also(mail):
                return dict(mail)
        return None


def _announced(
    invoice: InvoiceRead, customer: CustomerRead, said: _Said, known_before: dt.date, memory: SignalMemory
) -> dt.date | None:
    """The day a payment was said to have been sent, unless it is long ago or money came since."""
    mail = said.last("payment_sent", known_before, memory.payment_sent_days)
    days: list[dt.date] = [mail["sent_at"].date()] if mail is not None else []
    if invoice.status == _PAYMENT_SENT_STATUS and invoice.status_on is not None:
        days.append(invoice.status_on)
    announced: dt.date | None = max(days, default=None)
    if announced is None or (known_before - announced).days > memory.payment_sent_days:
        return None
    if customer.last_cash_on is not None and customer.last_cash_on >= announced:
        return None
    return announced


def _has_plan(
    customer: CustomerRead, invoice: InvoiceRead, known_before: dt.date, memory: SignalMemory
) -> bool:
    return any(
        row["invoice_id"] in (None, invoice.row["invoice_id"])
        and (known_before - row["happened_at"].date()).days <= memory.plan_days
        for row in customer.plan_agreed
    )


def _last_taken(steps: Sequence[Mapping[str, Any]], due_on: dt.date) -> StepTaken | None:
    """The last of these steps about the invoice; its stage is the number of them since it fell due."""
    if not steps:
        return None
    last = steps[-1]
    stage = sum(step["happened_at"].date() > due_on for step in steps)
    return StepTaken(
        last["sequence_id"] or "unknown", last["step_id"] or "unknown", stage, last["happened_at"].date()
    )


def _money(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(round(amount * CENTS)) / CENTS
