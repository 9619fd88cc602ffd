"""The state of each account at decision time, read from the ledger and from what its e-mails said.

One function for the nightly batch and for one customer in the score service.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from features.ledger import Ledger
from features.settings import CENTS, LedgerSettings
from serving.dunning import AccountFacts, Contact, PartPayment, StepTaken, allocate_unapplied_credits
from serving.dunning.words import BlockageKind, Channel

_NOTHING = Decimal("0.00")
_CHANNELS: Mapping[str, Channel] = {
    "email": "email",
    "phone": "call",
    "call": "call",
    "letter": "letter",
    "post": "letter",
    "registered_letter": "registered_letter",
    "portal": "portal",
    "edi": "portal",
}
_DUNNING_KINDS = ("reminder_sent", "call")
_TASK_KINDS = ("task_opened", "thanks_sent")
_LIFECYCLE = "lifecycle_"
_DISPUTED_STATUS, _PAYMENT_SENT_STATUS = "lifecycle_207", "lifecycle_211"
_BLOCKED_STATUSES: Mapping[str, BlockageKind] = {
    "lifecycle_208": "suspended_by_buyer",
    "lifecycle_210": "rejected_by_platform",
    "lifecycle_213": "rejected_by_platform",
}
"""Statuses of the French e-invoicing reform that stop dunning: suspended, refused, rejected."""


@dataclass(frozen=True)
class SignalMemory:
    """How long what a customer said holds, in days since it was said.

    Attributes:
        dispute_days: a dispute raised by mail, until it is recorded or forgotten.
        admin_block_days: an administrative blockage raised by mail.
        payment_sent_days: a payment said to be on its way, unless money came since.
        plan_days: an agreed payment plan whose schedule the ledger does not hold.
        contact_days: contacts looked back at for the policy's caps.
    """

    dispute_days: int = 45
    admin_block_days: int = 45
    payment_sent_days: int = 10
    plan_days: int = 90
    contact_days: int = 60


@dataclass
class _Customer:
    """Everything said and done by one customer that bears on its open invoices."""

    row: Mapping[str, Any]
    credit: Decimal = _NOTHING
    last_cash_on: dt.date | None = None
    contacts: list[Contact] = field(default_factory=list)
    plan_agreed: list[Mapping[str, Any]] = field(default_factory=list)
    mails: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class _Invoice:
    """One open or asked-for invoice with what happened to it."""

    row: Mapping[str, Any]
    balance: Decimal
    credited: Decimal = _NOTHING
    late_payments: list[PartPayment] = field(default_factory=list)
    is_disputed: bool = False
    status: str | None = None
    status_on: dt.date | None = None
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    tasks: list[Mapping[str, Any]] = field(default_factory=list)


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
    settings, memory = settings or LedgerSettings(), memory or SignalMemory()
    wanted = ledger.invoices.filter(
        pl.col("invoice_id").is_in(list(invoice_ids)) & (pl.col("kind") == "invoice")
    )
    customer_ids = wanted["customer_id"].unique().to_list()
    invoices = _invoices(ledger, customer_ids, known_before, extra=list(invoice_ids))
    customers = _customers(ledger, customer_ids, invoices, known_before, signals, memory)
    shares = _credit_shares(customers, invoices)
    totals = _totals(invoices, known_before)
    tolerance = settings.settled_tolerance
    return {
        invoice_id: _facts(
            invoices[invoice_id],
            customers[invoices[invoice_id].row["customer_id"]],
            shares.get(invoice_id, _NOTHING),
            totals[invoices[invoice_id].row["customer_id"]],
            known_before,
            feed_age_hours,
            tolerance,
            memory,
        )
        for invoice_id in wanted["invoice_id"].to_list()
    }


def _invoices(
    ledger: Ledger, customer_ids: list[str], known_before: dt.date, extra: list[str]
) -> dict[str, _Invoice]:
    """Invoices of the customers known by then, or asked for; with allocations, disputes, statuses and steps."""
    rows = ledger.invoices.filter(
        pl.col("customer_id").is_in(customer_ids)
        & (pl.col("kind") == "invoice")
        & ((pl.col("issued_on") < known_before) | pl.col("invoice_id").is_in(extra))
    )
    found = {row["invoice_id"]: _Invoice(row, row["amount"]) for row in rows.iter_rows(named=True)}
    allocations = ledger.payments.filter(
        pl.col("invoice_id").is_in(rows["invoice_id"].implode()) & (pl.col("known_on") < known_before)
    ).sort("known_on", "payment_id")
    for row in allocations.iter_rows(named=True):
        invoice = found[row["invoice_id"]]
        invoice.balance -= row["amount"]
        if row["method"] == "credit_note":
            invoice.credited += row["amount"]
        elif row["amount"] > 0 and row["paid_on"] > invoice.row["due_on"]:
            invoice.late_payments.append(PartPayment(row["paid_on"], row["amount"]))
    if ledger.disputes is not None:
        disputes = ledger.disputes.filter(
            pl.col("invoice_id").is_in(rows["invoice_id"].implode())
            & (pl.col("opened_on") < known_before)
            & (pl.col("closed_on").is_null() | (pl.col("closed_on") >= known_before))
        )
        for invoice_id in disputes["invoice_id"]:
            found[invoice_id].is_disputed = True
    if ledger.interactions is not None:
        for row in _before(ledger.interactions, "happened_at", known_before).iter_rows(named=True):
            happened = found.get(row["invoice_id"]) if row["invoice_id"] is not None else None
            if happened is None:
                continue
            if row["kind"].startswith(_LIFECYCLE):
                happened.status, happened.status_on = row["kind"], row["happened_at"].date()
            elif row["kind"] in _DUNNING_KINDS:
                happened.steps.append(row)
            elif row["kind"] in _TASK_KINDS:
                happened.tasks.append(row)
    return found


def _customers(
    ledger: Ledger,
    customer_ids: list[str],
    invoices: Mapping[str, _Invoice],
    known_before: dt.date,
    signals: pl.DataFrame | None,
    memory: SignalMemory,
) -> dict[str, _Customer]:
    of_them = pl.col("customer_id").is_in(customer_ids)
    found = {
        row["customer_id"]: _Customer(row) for row in ledger.customers.filter(of_them).iter_rows(named=True)
    }
    for customer_id in customer_ids:
        found.setdefault(customer_id, _Customer({}))
    credit_notes = ledger.invoices.filter(
        of_them & (pl.col("kind") == "credit_note") & (pl.col("issued_on") < known_before)
    )
    for row in credit_notes.iter_rows(named=True):
        found[row["customer_id"]].credit += row["amount"]
    for invoice in invoices.values():
        customer = found[invoice.row["customer_id"]]
        customer.credit -= invoice.credited
        if invoice.balance < 0:
            customer.credit -= invoice.balance
    cash = ledger.payments.filter((pl.col("amount") > 0) & (pl.col("known_on") < known_before)).join(
        ledger.invoices.filter(of_them).select("invoice_id", "customer_id"), on="invoice_id", validate="m:1"
    )
    for customer_id, day in cash.group_by("customer_id").agg(pl.col("paid_on").max()).iter_rows():
        found[customer_id].last_cash_on = day
    if ledger.interactions is not None:
        since = known_before - dt.timedelta(days=max(memory.contact_days, memory.plan_days))
        recent = _before(ledger.interactions, "happened_at", known_before).filter(
            of_them & (pl.col("happened_at").dt.date() >= since)
        )
        for row in recent.iter_rows(named=True):
            customer = found[row["customer_id"]]
            if row["kind"] in _DUNNING_KINDS:
                about = (row["invoice_id"],) if row["invoice_id"] is not None else ()
                customer.contacts.append(Contact(row["happened_at"].date(), _channel(row), about))
            elif row["kind"] == "plan_agreed":
                customer.plan_agreed.append(row)
    if signals is not None:
        mails = _before(signals, "sent_at", known_before).filter(
            of_them & (pl.col("direction") == "inbound") & ~pl.col("auto_reply")
        )
        if ledger.emails is not None and "invoice_id" not in mails:
            about_invoice = ledger.emails.select("email_id", "invoice_id")
            mails = mails.join(
                about_invoice, on="email_id", how="left", validate="m:1", maintain_order="left"
            )
        for row in mails.iter_rows(named=True):
            found[row["customer_id"]].mails.append(row)
    return found


def _before(frame: pl.DataFrame, instant: str, known_before: dt.date) -> pl.DataFrame:
    return frame.filter(pl.col(instant).dt.date() < known_before).sort(instant, frame.columns[0])


def _channel(row: Mapping[str, Any]) -> Channel:
    if row["kind"] == "call":
        return "call"
    return _CHANNELS.get(row["channel"] or "email", "email")


def _credit_shares(
    customers: Mapping[str, _Customer], invoices: Mapping[str, _Invoice]
) -> dict[str, Decimal]:
    balances: dict[str, dict[str, tuple[dt.date, Decimal]]] = defaultdict(dict)
    for invoice_id, invoice in invoices.items():
        balances[invoice.row["customer_id"]][invoice_id] = (invoice.row["due_on"], invoice.balance)
    shares: dict[str, Decimal] = {}
    for customer_id, of_customer in balances.items():
        credit = max(customers[customer_id].credit, _NOTHING)
        shares |= allocate_unapplied_credits(credit, of_customer)
    return shares


def _totals(invoices: Mapping[str, _Invoice], known_before: dt.date) -> dict[str, tuple[Decimal, Decimal]]:
    """Overdue and open amounts of each customer."""
    totals: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (_NOTHING, _NOTHING))
    for invoice in invoices.values():
        owed = max(invoice.balance, _NOTHING)
        overdue, outstanding = totals[invoice.row["customer_id"]]
        is_overdue = invoice.row["due_on"] < known_before
        totals[invoice.row["customer_id"]] = (
            overdue + (owed if is_overdue else _NOTHING),
            outstanding + owed,
        )
    return totals


def _facts(
    invoice: _Invoice,
    customer: _Customer,
    credit_share: Decimal,
    totals: tuple[Decimal, Decimal],
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
        balance_amount=max(invoice.balance, _NOTHING),
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
        overdue_amount=totals[0],
        outstanding_amount=totals[1],
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
    invoice: _Invoice, customer: _Customer, said: _Said, known_before: dt.date, memory: SignalMemory
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


def _has_plan(customer: _Customer, invoice: _Invoice, known_before: dt.date, memory: SignalMemory) -> bool:
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
