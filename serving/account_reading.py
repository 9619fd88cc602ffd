"""What the ledger and the e-mails hold on the invoices of some customers, as of a day, gathered row by row."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import polars as pl

from features.ledger import Ledger, customers_of
from features.settings import DEFAULT_CURRENCY
from features.settlement import settlement_at
from features.words import (
    CALL,
    CONTACT_KINDS,
    CREDIT_NOTE,
    LIFECYCLE_PREFIX,
    ON_ACCOUNT,
    PAYMENT_METHODS,
    REVERSAL,
    SMS_SENT,
    TASK_CLOSED,
    TASK_OPENED,
    THANKS_SENT,
    ClosedBy,
)
from serving.account_events import ACCOUNT_KINDS, Event
from serving.dunning import Contact, PartPayment, TaskOpened
from serving.dunning.words import Channel

NOTHING_OWED = Decimal("0.00")
_CHANNELS: Mapping[str, Channel] = {
    "email": "email",
    "phone": "call",
    "sms": "sms",
    "post": "letter",
    "registered_letter": "registered_letter",
    "portal": "portal",
    "edi": "portal",
    "in_person": "call",
}
"""By what a customer was reached, by the channel of an interaction; a visit takes a person's time as a call does."""
_KIND_CHANNELS: Mapping[str, Channel] = {CALL: "call", SMS_SENT: "sms"}
_TASK_KINDS = (TASK_OPENED, TASK_CLOSED, THANKS_SENT)
INVOICE_COLUMNS = (
    "invoice_id",
    "customer_id",
    "issued_on",
    "due_on",
    "amount",
    "currency",
    "delivery_channel",
)


@dataclass(frozen=True)
class SignalMemory:
    """How long what a customer said holds, in days since it was said.

    Attributes:
        dispute_days: a dispute raised by mail, until it is recorded or forgotten.
        admin_block_days: an administrative blockage raised by mail.
        payment_sent_days: a payment said to be on its way, unless money came since.
        plan_days: an agreed payment plan whose instalments were not told.
        contact_days: contacts looked back at for the policy's caps.
    """

    dispute_days: int = 45
    admin_block_days: int = 45
    payment_sent_days: int = 10
    plan_days: int = 90
    contact_days: int = 60


@dataclass
class CustomerRead:
    """Everything said and done by one customer that bears on its open invoices.

    `credits` is what the company holds for it and has set against no invoice, by currency: credit notes less what was
    set off or refunded, overpayments, payments on cancelled invoices, and cash on account.
    """

    row: Mapping[str, Any]
    credits: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: NOTHING_OWED))
    last_cash_on: dt.date | None = None
    contacts: list[Contact] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    received: list[tuple[dt.date, str, Decimal]] = field(default_factory=list)
    mails: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Receipt:
    """What one payment brought on one receivable; a set-off brings no cash."""

    paid_on: dt.date
    amount: Decimal
    is_cash: bool


@dataclass
class InvoiceRead:
    """One open or asked-for invoice with what happened to it."""

    row: Mapping[str, Any]
    balance: Decimal
    credited: Decimal = NOTHING_OWED
    from_account: Decimal = NOTHING_OWED
    closed_by: ClosedBy | None = None
    settled_on: dt.date | None = None
    receipts: dict[str, Receipt] = field(default_factory=dict)
    received: list[tuple[dt.date, str, Decimal]] = field(default_factory=list)
    is_disputed: bool = False
    disputed: Decimal | None = None
    disputed_on: dt.date | None = None
    status: str | None = None
    status_on: dt.date | None = None
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    tasks: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def owed(self) -> Decimal:
        """What can be asked for on it before credits: nothing once it is closed, be it some cents short."""
        return NOTHING_OWED if self.closed_by is not None else max(self.balance, NOTHING_OWED)

    @property
    def last_paid_on(self) -> dt.date | None:
        """The value day of the newest cash received on it that stands; None without any."""
        return max((receipt.paid_on for receipt in self.receipts.values() if receipt.is_cash), default=None)

    @property
    def late_payments(self) -> tuple[PartPayment, ...]:
        """What was paid on it after the due date and stands."""
        return tuple(
            PartPayment(receipt.paid_on, receipt.amount)
            for receipt in self.receipts.values()
            if receipt.paid_on > self.row["due_on"]
        )

    def tasks_opened(self) -> tuple[TaskOpened, ...]:
        """The tasks and thanks about it; a task that was closed carries the day of it."""
        found: list[TaskOpened] = []
        for event in self.tasks:
            sequence_id, day = event["sequence_id"] or "unknown", event["happened_at"].date()
            if event["kind"] != TASK_CLOSED:
                found.append(TaskOpened(sequence_id, event["step_id"] or "unknown", day))
                continue
            for place, task in enumerate(found):
                if task.sequence_id == sequence_id and task.closed_on is None:
                    found[place] = replace(task, closed_on=day)
        return tuple(found)

    def undo(self, payment_id: str | None, amount: Decimal) -> None:
        """Take back what was paid: of the payment named, else of the newest ones."""
        for key in [payment_id] if payment_id is not None else list(reversed(self.receipts)):
            receipt = self.receipts.get(key)
            if receipt is None or amount <= 0:
                continue
            left = max(receipt.amount - amount, NOTHING_OWED)
            amount -= receipt.amount - left
            if left:
                self.receipts[key] = replace(receipt, amount=left)
            else:
                del self.receipts[key]

    def take(self, event: Mapping[str, Any]) -> None:
        """Note an interaction about the invoice; they come in the order they happened."""
        if event["kind"].startswith(LIFECYCLE_PREFIX):
            self.status, self.status_on = event["kind"], event["happened_at"].date()
        elif event["kind"] in CONTACT_KINDS:
            self.steps.append(event)
        elif event["kind"] in _TASK_KINDS:
            self.tasks.append(event)


def read_invoices(
    ledger: Ledger,
    customer_ids: list[str],
    known_before: dt.date,
    extra: list[str],
    episodes: pl.DataFrame,
) -> tuple[dict[str, InvoiceRead], dict[str, list[Mapping[str, Any]]]]:
    """Invoices of the customers known by then, or asked for; with allocations, disputes, statuses and steps.

    Beside them, interactions of these customers about invoices that are not known, by invoice.
    """
    invoices = ledger.invoices.filter(
        pl.col("customer_id").is_in(customer_ids)
        & (pl.col("kind") == "invoice")
        & ((pl.col("issued_on") < known_before) | pl.col("invoice_id").is_in(extra))
    )
    owed = pl.when(pl.col("cancelled_on") < known_before).then(NOTHING_OWED).otherwise(pl.col("amount"))
    rows = invoices.select(*INVOICE_COLUMNS, owed=owed)
    found = {row["invoice_id"]: InvoiceRead(row, row["owed"]) for row in rows.iter_rows(named=True)}
    unknown: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    allocations = ledger.payments.filter(
        pl.col("invoice_id").is_in(rows["invoice_id"].implode()) & (pl.col("known_on") < known_before)
    ).sort("known_on", "payment_id")
    methods = {row["payment_id"]: row["method"] for row in allocations.iter_rows(named=True)}
    for row in allocations.iter_rows(named=True):
        method = row["method"]
        if method == REVERSAL:
            method = methods.get(row["reverses_payment_id"], method)
        _allocate(found[row["invoice_id"]], row, method)
    closed = settlement_at(episodes, known_before).filter(pl.col("settlement_known_on").is_not_null())
    for invoice_id, settled_on, closed_by in closed.select(
        "invoice_id", "settled_on", "closed_by"
    ).iter_rows():
        if invoice_id in found:
            found[invoice_id].closed_by, found[invoice_id].settled_on = closed_by, settled_on
    if ledger.disputes is not None:
        disputes = ledger.disputes.filter(
            pl.col("invoice_id").is_in(rows["invoice_id"].implode())
            & (pl.col("opened_on") < known_before)
            & (pl.col("closed_on").is_null() | (pl.col("closed_on") >= known_before))
        )
        for invoice_id, opened_on, part in disputes.select("invoice_id", "opened_on", "amount").iter_rows():
            invoice = found[invoice_id]
            so_far = invoice.disputed if invoice.is_disputed else NOTHING_OWED
            invoice.disputed = None if part is None or so_far is None else so_far + part
            invoice.is_disputed = True
            invoice.disputed_on = max(invoice.disputed_on or opened_on, opened_on)
    of_customers = frozenset(customer_ids)
    if ledger.interactions is not None:
        for row in _before(ledger.interactions, "happened_at", known_before).iter_rows(named=True):
            if row["invoice_id"] in found:
                found[row["invoice_id"]].take(row)
            elif row["invoice_id"] is not None and row["customer_id"] in of_customers:
                unknown[row["invoice_id"]].append(row)
    return found, dict(unknown)


def read_customers(
    ledger: Ledger,
    customer_ids: list[str],
    invoices: Mapping[str, InvoiceRead],
    known_before: dt.date,
    on: dt.date,
    signals: pl.DataFrame | None,
    memory: SignalMemory,
    reporting_currency: str | None,
) -> dict[str, CustomerRead]:
    """The customers with unapplied credit, latest cash, contacts, notices and mails; unknown ones with nothing."""
    of_them = pl.col("customer_id").is_in(customer_ids)
    found = {
        row["customer_id"]: CustomerRead(row)
        for row in ledger.customers.filter(of_them).iter_rows(named=True)
    }
    for customer_id in customer_ids:
        found.setdefault(customer_id, CustomerRead({}))
    for customer_id, currency, amount in _unapplied(
        ledger, customer_ids, known_before, reporting_currency
    ).iter_rows():
        found[customer_id].credits[currency] += amount
    for invoice in invoices.values():
        customer, currency = found[invoice.row["customer_id"]], invoice.row["currency"]
        customer.received += invoice.received
        customer.credits[currency] -= invoice.credited + invoice.from_account
        if invoice.balance < 0:
            customer.credits[currency] -= invoice.balance
    payers = customers_of("payments", ledger.payments, ledger.invoices)
    cash = ledger.payments.with_columns(payers).filter(
        of_them & (pl.col("amount") > 0) & (pl.col("known_on") < known_before)
    )
    for customer_id, day in cash.group_by("customer_id").agg(pl.col("paid_on").max()).iter_rows():
        found[customer_id].last_cash_on = day
    if ledger.interactions is not None:
        since = on - dt.timedelta(days=memory.contact_days)
        of_account = pl.col("kind").is_in(ACCOUNT_KINDS)
        bearing = _before(ledger.interactions, "happened_at", known_before).filter(
            of_them & (of_account | (pl.col("happened_at").dt.date() >= since))
        )
        contacts: dict[tuple[str, dt.date, Channel], list[str]] = defaultdict(list)
        for row in bearing.iter_rows(named=True):
            if row["kind"] in CONTACT_KINDS:
                about = contacts[row["customer_id"], row["happened_at"].date(), _channel(row)]
                about += [] if row["invoice_id"] is None else [row["invoice_id"]]
            elif row["kind"] in ACCOUNT_KINDS:
                found[row["customer_id"]].told.append(row)
        # Reminders of one day by one channel are one conversation, told once for each of its invoices.
        for (customer_id, day, channel), invoice_ids in contacts.items():
            found[customer_id].contacts.append(Contact(day, channel, tuple(invoice_ids)))
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


def _allocate(invoice: InvoiceRead, row: Mapping[str, Any], method: str | None) -> None:
    """Set one allocation against an invoice; they come in the order they became known.

    Args:
        invoice: changed in place.
        row: of `payments`.
        method: its own, or of a reversal the one it undoes.
    """
    invoice.balance -= row["amount"]
    invoice.received.append((row["paid_on"], invoice.row["currency"], row["amount"]))
    if method == CREDIT_NOTE:
        invoice.credited += row["amount"]
    elif method == ON_ACCOUNT:
        invoice.from_account += row["amount"]
    if row["method"] == REVERSAL:
        invoice.undo(row["reverses_payment_id"], -row["amount"])
    elif row["amount"] > 0 and (method is None or PAYMENT_METHODS[method].closed_by == "paid"):
        is_cash = method is None or PAYMENT_METHODS[method].is_cash
        invoice.receipts[row["payment_id"]] = Receipt(row["paid_on"], row["amount"], is_cash)


def _unapplied(
    ledger: Ledger, customer_ids: list[str], known_before: dt.date, reporting_currency: str | None
) -> pl.DataFrame:
    """Credit notes of the customers less what was refunded on them, and cash on account: customer, currency, amount.

    Cash on account whose currency is not stated is in the reporting currency, without one in that of most invoices.
    What of all this was set against invoices is not taken off here.
    """
    of_them = pl.col("customer_id").is_in(customer_ids)
    is_cancelled = (pl.col("cancelled_on") < known_before).fill_null(value=False)
    notes = ledger.invoices.filter(
        of_them & (pl.col("kind") == "credit_note") & (pl.col("issued_on") < known_before)
    )
    known = ledger.payments.filter(pl.col("known_on") < known_before)
    refunds = known.filter(pl.col("method").ne_missing(CREDIT_NOTE)).join(
        notes.select("invoice_id", "customer_id", "currency"),
        on="invoice_id",
        how="inner",
        validate="m:1",
        suffix="_of_note",
    )
    on_account = known.filter(pl.col("invoice_id").is_null() & of_them)
    usual = reporting_currency or ledger.invoices["currency"].mode().sort().first() or DEFAULT_CURRENCY
    return pl.concat(
        [
            notes.filter(~is_cancelled).select("customer_id", "currency", "amount"),
            refunds.select(
                pl.col("customer_id_of_note").alias("customer_id"),
                pl.col("currency_of_note").alias("currency"),
                -pl.col("amount").abs(),
            ),
            on_account.select("customer_id", pl.col("currency").fill_null(usual), "amount"),
        ]
    )


def _before(frame: pl.DataFrame, instant: str, known_before: dt.date) -> pl.DataFrame:
    return frame.filter(pl.col(instant).dt.date() < known_before).sort(instant, frame.columns[0])


def _channel(row: Mapping[str, Any]) -> Channel:
    return _KIND_CHANNELS.get(row["kind"]) or _CHANNELS[row["channel"] or "email"]
