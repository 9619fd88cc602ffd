"""The state of each account at decision time, read from the ledger and from what its e-mails said.

One function for the nightly batch and for one customer in the score service.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from features.ledger import Ledger
from features.settings import CENTS, LedgerSettings
from serving.account_events import Insolvency, Plan, insolvency_of, plan_of, quiet_days_of
from serving.account_reading import (
    INVOICE_COLUMNS,
    NOTHING_OWED,
    CustomerRead,
    InvoiceRead,
    SignalMemory,
    read_customers,
    read_invoices,
    read_rates,
)
from serving.dunning import AccountFacts, PersonOverride, StepTaken, allocate_unapplied_credits
from serving.dunning.words import BlockageKind
from serving.store import Overrides

_DISPUTED_STATUS, _PAYMENT_SENT_STATUS = "lifecycle_207", "lifecycle_211"
_BLOCKED_STATUSES: Mapping[str, BlockageKind] = {
    "lifecycle_208": "suspended_by_buyer",
    "lifecycle_210": "rejected_by_platform",
    "lifecycle_213": "rejected_by_platform",
}
"""Statuses of the French e-invoicing reform that stop dunning: suspended, refused, rejected."""


@dataclass(frozen=True)
class _Totals:
    """What one customer owes: overdue and in all in the reporting currency, and by invoice with its due date."""

    overdue: Decimal = NOTHING_OWED
    outstanding: Decimal = NOTHING_OWED
    open_balances: Mapping[str, tuple[dt.date, Decimal]] = field(default_factory=dict)

    def and_owes(self, invoices: Sequence[InvoiceRead], on: dt.date, rates: Mapping[str, Decimal]) -> _Totals:
        """The same customer with more invoices; what is overpaid or settled is no debt.

        A balance in a currency without a rate counts as it stands.
        """
        owed = {
            found.row["invoice_id"]: (found.row["due_on"], found.balance)
            for found in invoices
            if found.balance > 0
        }
        if not owed:
            return self
        overdue, outstanding = self.overdue, self.outstanding
        for found in invoices:
            if found.balance > 0:
                worth = _in_reporting_currency(found, rates)
                outstanding += worth
                overdue += worth if found.row["due_on"] < on else NOTHING_OWED
        return _Totals(overdue, outstanding, {**self.open_balances, **owed})


def _in_reporting_currency(invoice: InvoiceRead, rates: Mapping[str, Decimal]) -> Decimal:
    rate = rates.get(invoice.row["currency"])
    return invoice.balance if rate is None else (invoice.balance * rate).quantize(Decimal("0.01"))


def account_facts(
    ledger: Ledger,
    invoice_ids: Sequence[str],
    known_before: dt.date,
    *,
    on: dt.date | None = None,
    signals: pl.DataFrame | None = None,
    feed_age_hours: float | None = None,
    settings: LedgerSettings | None = None,
    memory: SignalMemory | None = None,
    overrides: Overrides | None = None,
) -> dict[str, AccountFacts]:
    """The account's state for each of these invoices, from what was known strictly before a day.

    Args:
        ledger: every row of the invoices' customers (more does no harm).
        invoice_ids: invoices to decide on; unknown ones are left out of the answer.
        known_before: what was known strictly before this day counts; the service passes tomorrow to see what
            was posted today.
        on: the day of the decision, from which is counted how long ago something was; null takes
            `known_before`.
        signals: what the e-mails say (`features.email_signals.signals_frame`); None when they have not
            been read. Only decided signals count: an unsure one never holds or moves a route.
        feed_age_hours: age of the newest ledger feed; None (unknown) counts as stale.
        settings: tolerance of settlement.
        memory: how long a signal holds.
        overrides: the decisions of people that stand; as orders, not knowledge, they hold whatever the day.

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
        on=on,
        also=list(invoice_ids),
        signals=signals,
        settings=settings,
        memory=memory,
        overrides=overrides,
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
    currency: str = "EUR"


@dataclass(frozen=True)
class Accounts:
    """What the ledger and the e-mails say of some customers, read once; never changed.

    Attributes:
        known_before: what was known strictly before this day is in it.
        on: the day of the decision.
        settings: tolerance of settlement.
        memory: how long a signal holds.
    """

    known_before: dt.date
    on: dt.date
    settings: LedgerSettings
    memory: SignalMemory
    _invoices: Mapping[str, InvoiceRead]
    _customers: Mapping[str, CustomerRead]
    _events: Mapping[str, Sequence[Mapping[str, Any]]]
    _totals: Mapping[str, _Totals]
    _rates: Mapping[str, Decimal]
    _overrides: Overrides

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
            totals[customer_id] = self._totals[customer_id].and_owes(added, self.on, self._rates)
            credit = self._customers[customer_id].credit
            if credit > 0:
                shares |= allocate_unapplied_credits(credit, totals[customer_id].open_balances)
        return {
            key: _facts(
                invoice,
                self._customers[invoice.row["customer_id"]],
                shares.get(key, NOTHING_OWED),
                totals[invoice.row["customer_id"]],
                self.on,
                self._rates.get(invoice.row["currency"]),
                feed_age_hours,
                self.settings.settled_tolerance,
                self.memory,
                self._overrides.get(invoice.row["customer_id"], {}).get(key),
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
    on: dt.date | None = None,
    also: Sequence[str] = (),
    signals: pl.DataFrame | None = None,
    settings: LedgerSettings | None = None,
    memory: SignalMemory | None = None,
    overrides: Overrides | None = None,
) -> Accounts:
    """Read everything that bears on the invoices of some customers, from what was known strictly before a day.

    Args:
        ledger: every row of the customers (more does no harm).
        customer_ids: the customers; unknown ones owe nothing yet.
        known_before: the day.
        on: the day of the decision; null takes `known_before`.
        also: invoices read though they were issued later.
        signals: what the e-mails say; None when they have not been read.
        settings: tolerance of settlement.
        memory: how long a signal holds.
        overrides: the decisions of people that stand; none holds for another customer.
    """
    settings, memory, ids = settings or LedgerSettings(), memory or SignalMemory(), list(customer_ids)
    invoices, events = read_invoices(ledger, ids, known_before, extra=list(also))
    on = on or known_before
    customers = read_customers(ledger, ids, invoices, known_before, on, signals, memory)
    owed: dict[str, list[InvoiceRead]] = {customer_id: [] for customer_id in customers}
    for invoice in invoices.values():
        owed[invoice.row["customer_id"]].append(invoice)
    rates = read_rates(ledger, known_before)
    totals = {key: _Totals().and_owes(found, on, rates) for key, found in owed.items()}
    return Accounts(
        known_before, on, settings, memory, invoices, customers, events, totals, rates, overrides or {}
    )


def _facts(
    invoice: InvoiceRead,
    customer: CustomerRead,
    credit_share: Decimal,
    totals: _Totals,
    on: dt.date,
    exchange_rate: Decimal | None,
    feed_age_hours: float | None,
    tolerance: Decimal,
    memory: SignalMemory,
    override: PersonOverride | None,
) -> AccountFacts:
    row = customer.row
    said = _Said(customer.mails, invoice.row["invoice_id"], invoice.row["issued_on"])
    promise = said.last("promise_to_pay", on, None, lambda mail: mail["promise_date"] is not None)
    blockage = _BLOCKED_STATUSES.get(invoice.status or "")
    if blockage is None and said.last("admin_block", on, memory.admin_block_days):
        blockage = "other"
    is_settled = invoice.balance <= tolerance
    published = insolvency_of(customer.told)
    plan = _plan(customer, invoice, on, tolerance, memory)
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
        or said.last("dispute", on, memory.dispute_days) is not None,
        is_insolvent=_is_insolvent(published, said, on),
        insolvency_published_on=published.published_on,
        payment_announced_on=_announced(invoice, customer, said, on, memory),
        promise_due_on=None if promise is None else promise["promise_date"],
        promise_amount=None if promise is None else _money(promise["promise_amount"]),
        has_running_plan=plan is not None,
        plan_next_due_on=None if plan is None else plan[1],
        admin_blockage=blockage,
        is_natural_person=row.get("is_natural_person"),
        is_strategic=bool(row.get("is_strategic", False)),
        contacts=tuple(
            contact for contact in customer.contacts if (on - contact.on).days <= memory.contact_days
        ),
        quiet_days=quiet_days_of(customer.told, on),
        last_step=_last_taken(invoice.steps, invoice.row["due_on"]),
        last_task=_last_taken(invoice.tasks, invoice.row["due_on"]),
        country=row.get("country"),
        language=row.get("language"),
        overdue_amount=totals.overdue,
        outstanding_amount=totals.outstanding,
        credit_limit=row.get("credit_limit"),
        late_part_payments=tuple(invoice.late_payments),
        exchange_rate=exchange_rate,
        override=override,
    )


@dataclass(frozen=True)
class _Said:
    """Mails of a customer that may be about an invoice: those naming it, or naming none and sent after its issue."""

    mails: Sequence[Mapping[str, Any]]
    invoice_id: str
    issued_on: dt.date

    def last(
        self, label: str, on: dt.date, within_days: int | None, also: Any = lambda mail: True
    ) -> Mapping[str, Any] | None:
        """The latest mail with a decided signal, at most so many days old."""
        for mail in reversed(self.mails):
            sent = mail["sent_at"].date()
            if within_days is not None and (on - sent).days > within_days:
                return None
            about = mail.get("invoice_id")
            concerns = about == self.invoice_id or (about is None and sent >= self.issued_on)
            if label == "insolvency":
                concerns = True
            if concerns and mail[label] and also(mail):
                return dict(mail)
        return None


def _announced(
    invoice: InvoiceRead, customer: CustomerRead, said: _Said, on: dt.date, memory: SignalMemory
) -> dt.date | None:
    """The day a payment was said to have been sent, unless it is long ago or money came since."""
    mail = said.last("payment_sent", on, memory.payment_sent_days)
    days: list[dt.date] = [mail["sent_at"].date()] if mail is not None else []
    if invoice.status == _PAYMENT_SENT_STATUS and invoice.status_on is not None:
        days.append(invoice.status_on)
    announced: dt.date | None = max(days, default=None)
    if announced is None or (on - announced).days > memory.payment_sent_days:
        return None
    if customer.last_cash_on is not None and customer.last_cash_on >= announced:
        return None
    return announced


def _is_insolvent(published: Insolvency, said: _Said, on: dt.date) -> bool:
    """By official notice, or by a mail since the last notice that closed proceedings."""
    if published.published_on is not None:
        return True
    closed_on = published.closed_on
    return (
        said.last(
            "insolvency",
            on,
            None,
            lambda mail: closed_on is None or mail["sent_at"].date() > closed_on,
        )
        is not None
    )


def _plan(
    customer: CustomerRead, invoice: InvoiceRead, on: dt.date, tolerance: Decimal, memory: SignalMemory
) -> tuple[Plan, dt.date | None] | None:
    """The plan that runs and its first unpaid instalment; null when none runs or everything agreed is paid.

    A plan whose instalments were not told is taken to run for a while. Whether a missed instalment has broken
    the plan is the policy's to say.
    """
    plan = plan_of(customer.told, invoice.row["invoice_id"])
    if plan is None:
        return None
    if not plan.instalments:
        return (plan, None) if (on - plan.agreed_on).days <= memory.plan_days else None
    received = customer.received if plan.invoice_id is None else invoice.received
    next_due_on = plan.next_due_on(received, tolerance)
    return None if next_due_on is None else (plan, next_due_on)


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
