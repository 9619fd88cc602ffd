"""What the ledger and the e-mails say about some customers beside their invoices, as of a day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from features.ledger import customers_of
from features.ledger.customers_at import customers_at
from features.settings import DEFAULT_CURRENCY
from features.words import CALL, CONTACT_KINDS, CREDIT_NOTE, SMS_SENT
from serving.accounts.events import ACCOUNT_KINDS, Event
from serving.accounts.invoices import NOTHING_OWED, InvoiceRead, KnownFacts, before
from serving.dunning import Contact
from serving.dunning.words import Channel

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


@dataclass(frozen=True)
class SignalMemory:
    """How long a customer's statement is used, in days.

    Attributes:
        dispute_days: a dispute raised by mail, until it is recorded or forgotten.
        admin_block_days: an administrative blockage raised by mail.
        payment_sent_days: a payment said to be on its way, unless money came since.
        plan_days: an agreed payment plan whose instalments are not known.
        contact_days: past days of contacts for the policy's caps.
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
    set off or refunded, overpayments, payments on cancelled invoices, and cash on account. `received` is what was
    allocated to its invoices; it is read of those with a payment plan only.
    """

    row: Mapping[str, Any]
    credits: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: NOTHING_OWED))
    last_cash_on: dt.date | None = None
    contacts: list[Contact] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    received: list[tuple[dt.date, str, Decimal]] = field(default_factory=list)
    mails: list[Mapping[str, Any]] = field(default_factory=list)


def read_customers(
    facts: KnownFacts,
    customer_ids: list[str],
    invoices: Mapping[str, InvoiceRead],
    on: dt.date,
    signals: pl.DataFrame | None,
    memory: SignalMemory,
    reporting_currency: str | None,
) -> dict[str, CustomerRead]:
    """The customers with unapplied credit, latest cash, contacts, notices and mails; unknown ones with nothing.

    A customer is described as it was known by then: a natural person, strategic, with its limit and its country.
    """
    ledger, known_before = facts.ledger, facts.known_before
    of_them = pl.col("customer_id").is_in(customer_ids)
    described = customers_at(ledger.customers.filter(of_them), ledger.customer_history, known_before)
    found = {row["customer_id"]: CustomerRead(row) for row in described.iter_rows(named=True)}
    for customer_id in customer_ids:
        found.setdefault(customer_id, CustomerRead({}))
    for customer_id, currency, amount in _unapplied(facts, customer_ids, reporting_currency).iter_rows():
        found[customer_id].credits[currency] += amount
    for invoice in invoices.values():
        customer, currency = found[invoice.row["customer_id"]], invoice.row["currency"]
        customer.credits[currency] -= invoice.credited + invoice.from_account
        if invoice.balance < 0:
            customer.credits[currency] -= invoice.balance
    received = facts.payments.filter(pl.col("amount") > 0)
    payers = customers_of("payments", received, ledger.invoices)
    for customer_id, day in received.group_by(payers).agg(pl.col("paid_on").max()).iter_rows():
        if customer_id in found:
            found[customer_id].last_cash_on = day
    if facts.interactions is not None:
        since = on - dt.timedelta(days=memory.contact_days)
        of_account = pl.col("kind").is_in(ACCOUNT_KINDS)
        bearing = facts.interactions.filter(
            of_them & (of_account | (pl.col("happened_at").dt.date() >= since))
        )
        contacts: dict[tuple[str, dt.date, Channel], list[str]] = defaultdict(list)
        for row in bearing.iter_rows(named=True):
            if row["kind"] in CONTACT_KINDS:
                about = contacts[row["customer_id"], row["happened_at"].date(), _channel(row)]
                about += [] if row["invoice_id"] is None else [row["invoice_id"]]
            elif row["kind"] in ACCOUNT_KINDS:
                found[row["customer_id"]].events.append(row)
        # Reminders of one day by one channel are one conversation, reported once for each of its invoices.
        for (customer_id, day, channel), invoice_ids in contacts.items():
            found[customer_id].contacts.append(Contact(day, channel, tuple(invoice_ids)))
    if signals is not None:
        mails = before(signals, "sent_at", known_before).filter(
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


def _unapplied(facts: KnownFacts, customer_ids: list[str], reporting_currency: str | None) -> pl.DataFrame:
    """Credit notes of the customers less what was refunded on them, and cash on account: customer, currency, amount.

    Cash on account whose currency is not stated is in the reporting currency, without one in that of most invoices.
    What of all this was set against invoices is not taken off here.
    """
    ledger, known_before, known = facts.ledger, facts.known_before, facts.payments
    of_them = pl.col("customer_id").is_in(customer_ids)
    is_cancelled = (pl.col("cancelled_on") < known_before).fill_null(value=False)
    notes = ledger.invoices.filter(
        of_them & (pl.col("kind") == "credit_note") & (pl.col("issued_on") < known_before)
    )
    on_account = known.filter(pl.col("invoice_id").is_null() & of_them)
    if notes.is_empty() and on_account.is_empty():
        return notes.select("customer_id", "currency", "amount")
    refunds = known.filter(pl.col("method").ne_missing(CREDIT_NOTE)).join(
        notes.select("invoice_id", "customer_id", "currency"),
        on="invoice_id",
        how="inner",
        validate="m:1",
        suffix="_of_note",
    )
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


def _channel(row: Mapping[str, Any]) -> Channel:
    return _KIND_CHANNELS.get(row["kind"]) or _CHANNELS[row["channel"] or "email"]
