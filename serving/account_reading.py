"""What the ledger and the e-mails hold on the invoices of some customers, as of a day, gathered row by row."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from features.ledger import Ledger
from serving.account_events import ACCOUNT_KINDS, Event
from serving.dunning import Contact, PartPayment
from serving.dunning.words import Channel

NOTHING_OWED = Decimal("0.00")
_CHANNELS: Mapping[str, Channel] = {
    "email": "email",
    "phone": "call",
    "call": "call",
    "letter": "letter",
    "post": "letter",
    "registered_letter": "registered_letter",
    "portal": "portal",
    "sms": "sms",
    "edi": "portal",
}
_SMS_SENT = "sms_sent"
_DUNNING_KINDS = ("reminder_sent", "call", _SMS_SENT)
_TASK_KINDS = ("task_opened", "task_closed", "thanks_sent")
_WITHOUT_CASH = frozenset({"credit_note", "discount", "write_off", "offset", "on_account"})
"""Methods of allocations that bring no money in."""
_LIFECYCLE = "lifecycle_"
INVOICE_COLUMNS = (
    "invoice_id",
    "customer_id",
    "issued_on",
    "due_on",
    "amount",
    "currency",
    "delivery_channel",
)
EXCHANGE_RATE = "exchange_rate_"
"""Begins the name of an indicator that says what one unit of a currency is worth: `exchange_rate_USD`."""


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
    """Everything said and done by one customer that bears on its open invoices; credits by currency."""

    row: Mapping[str, Any]
    credits: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: NOTHING_OWED))
    last_cash_on: dt.date | None = None
    contacts: list[Contact] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    received: list[tuple[dt.date, Decimal]] = field(default_factory=list)
    mails: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class InvoiceRead:
    """One open or asked-for invoice with what happened to it."""

    row: Mapping[str, Any]
    balance: Decimal
    credited: Decimal = NOTHING_OWED
    methods: set[str | None] = field(default_factory=set)
    last_paid_on: dt.date | None = None
    settled_on: dt.date | None = None
    late_payments: list[PartPayment] = field(default_factory=list)
    received: list[tuple[dt.date, Decimal]] = field(default_factory=list)
    is_disputed: bool = False
    disputed_on: dt.date | None = None
    status: str | None = None
    status_on: dt.date | None = None
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    tasks: list[Mapping[str, Any]] = field(default_factory=list)

    def take(self, event: Mapping[str, Any]) -> None:
        """Note an interaction about the invoice; they come in the order they happened."""
        if event["kind"].startswith(_LIFECYCLE):
            self.status, self.status_on = event["kind"], event["happened_at"].date()
        elif event["kind"] in _DUNNING_KINDS:
            self.steps.append(event)
        elif event["kind"] in _TASK_KINDS:
            self.tasks.append(event)


def read_invoices(
    ledger: Ledger, customer_ids: list[str], known_before: dt.date, extra: list[str], tolerance: Decimal
) -> tuple[dict[str, InvoiceRead], dict[str, list[Mapping[str, Any]]]]:
    """Invoices of the customers known by then, or asked for; with allocations, disputes, statuses and steps.

    Beside them, interactions of these customers about invoices that are not known, by invoice.
    """
    rows = ledger.invoices.filter(
        pl.col("customer_id").is_in(customer_ids)
        & (pl.col("kind") == "invoice")
        & ((pl.col("issued_on") < known_before) | pl.col("invoice_id").is_in(extra))
    )
    rows = rows.select(INVOICE_COLUMNS)
    found = {row["invoice_id"]: InvoiceRead(row, row["amount"]) for row in rows.iter_rows(named=True)}
    unknown: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    allocations = ledger.payments.filter(
        pl.col("invoice_id").is_in(rows["invoice_id"].implode()) & (pl.col("known_on") < known_before)
    ).sort("known_on", "payment_id")
    for row in allocations.iter_rows(named=True):
        invoice = found[row["invoice_id"]]
        invoice.balance -= row["amount"]
        invoice.received.append((row["paid_on"], row["amount"]))
        invoice.methods.add(row["method"])
        is_settled = invoice.balance <= tolerance
        invoice.settled_on = (invoice.settled_on or row["paid_on"]) if is_settled else None
        if row["method"] not in _WITHOUT_CASH and row["amount"] > 0:
            invoice.last_paid_on = max(invoice.last_paid_on or row["paid_on"], row["paid_on"])
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
        for invoice_id, opened_on in disputes.select("invoice_id", "opened_on").iter_rows():
            invoice = found[invoice_id]
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
) -> dict[str, CustomerRead]:
    """The customers with unapplied credit, latest cash, contacts, notices and mails; unknown ones with nothing."""
    of_them = pl.col("customer_id").is_in(customer_ids)
    found = {
        row["customer_id"]: CustomerRead(row)
        for row in ledger.customers.filter(of_them).iter_rows(named=True)
    }
    for customer_id in customer_ids:
        found.setdefault(customer_id, CustomerRead({}))
    credit_notes = ledger.invoices.filter(
        of_them & (pl.col("kind") == "credit_note") & (pl.col("issued_on") < known_before)
    )
    for row in credit_notes.iter_rows(named=True):
        found[row["customer_id"]].credits[row["currency"]] += row["amount"]
    for invoice in invoices.values():
        customer = found[invoice.row["customer_id"]]
        customer.credits[invoice.row["currency"]] -= invoice.credited
        customer.received += invoice.received
        if invoice.balance < 0:
            customer.credits[invoice.row["currency"]] -= invoice.balance
    cash = ledger.payments.filter((pl.col("amount") > 0) & (pl.col("known_on") < known_before)).join(
        ledger.invoices.filter(of_them).select("invoice_id", "customer_id"), on="invoice_id", validate="m:1"
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
            if row["kind"] in _DUNNING_KINDS:
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


def read_rates(ledger: Ledger, known_before: dt.date) -> dict[str, Decimal]:
    """What one unit of each currency is worth in the reporting currency, by the newest rate known by then.

    Rates are indicators about no sector and no country, named `exchange_rate_` and the currency.
    """
    if ledger.indicators is None:
        return {}
    rates = ledger.indicators.filter(
        pl.col("name").str.starts_with(EXCHANGE_RATE)
        & pl.col("sector").is_null()
        & pl.col("country").is_null()
        & (pl.col("published_on") < known_before)
        & (pl.col("value") > 0)
    ).sort("published_on", "period")
    return {
        name.removeprefix(EXCHANGE_RATE): Decimal(str(value))
        for name, value in rates.select("name", "value").iter_rows()
    }


def _before(frame: pl.DataFrame, instant: str, known_before: dt.date) -> pl.DataFrame:
    return frame.filter(pl.col(instant).dt.date() < known_before).sort(instant, frame.columns[0])


def _channel(row: Mapping[str, Any]) -> Channel:
    if row["kind"] == "call":
        return "call"
    if row["kind"] == _SMS_SENT:
        return "sms"
    return _CHANNELS.get(row["channel"] or "email", "email")
