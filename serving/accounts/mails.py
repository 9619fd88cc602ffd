"""What the mails of a customer say about one of its invoices, beside the e-invoice statuses that say the same."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from features.cents import CENTS
from features.words import BlockageKind, lifecycle
from serving.accounts.customers import CustomerRead, SignalMemory
from serving.accounts.events import Insolvency
from serving.accounts.invoices import InvoiceRead
from serving.dunning import DebtorStatement, Promise

_PAYMENT_SENT_STATUS = lifecycle(211)
_BLOCKED_STATUSES: Mapping[str, BlockageKind] = {
    lifecycle(208): "suspended_by_buyer",
    lifecycle(210): "rejected_by_platform",
    lifecycle(213): "rejected_by_platform",
}
"""Statuses of the French e-invoicing reform that stop dunning: suspended, refused, rejected."""


@dataclass(frozen=True)
class MailsAbout:
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


def promises_of(said: MailsAbout, on: dt.date) -> tuple[Promise | None, DebtorStatement | None]:
    """The last promise with a date, and a later one without."""
    last = said.last("promise_to_pay", on, None)
    dated = said.last("promise_to_pay", on, None, lambda mail: mail["promise_date"] is not None)
    unclear = None
    if last is not None and last["promise_date"] is None:
        unclear = DebtorStatement(last["sent_at"].date(), _quote(last, "promise_to_pay"))
    if dated is None:
        return None, unclear
    return (
        Promise(
            dated["sent_at"].date(),
            dated["promise_date"],
            _money(dated["promise_amount"]),
            _quote(dated, "promise_to_pay"),
        ),
        unclear,
    )


def blockage_of(
    invoice: InvoiceRead, said: MailsAbout, on: dt.date, memory: SignalMemory
) -> tuple[BlockageKind | None, dt.date | None]:
    """The paperwork that stops payment, and since when: an e-invoice status, or what a mail said."""
    kind = _BLOCKED_STATUSES.get(invoice.status or "")
    if kind is not None:
        return kind, invoice.status_on
    mail = said.last("admin_block", on, memory.admin_block_days)
    return (None, None) if mail is None else ("other", mail["sent_at"].date())


def announced_on(
    invoice: InvoiceRead, customer: CustomerRead, said: MailsAbout, on: dt.date, memory: SignalMemory
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


def insolvency_hint(published: Insolvency, said: MailsAbout, on: dt.date) -> DebtorStatement | None:
    """The last mail that speaks of insolvency since the last notice that closed proceedings; null if none."""
    closed_on = published.closed_on
    mail = said.last(
        "insolvency", on, None, lambda mail: closed_on is None or mail["sent_at"].date() > closed_on
    )
    return None if mail is None else DebtorStatement(mail["sent_at"].date(), _quote(mail, "insolvency"))


def _quote(mail: Mapping[str, Any], label: str) -> str | None:
    """The first sentence a signal rests on; null when quotes are not stored."""
    quotes = json.loads(mail.get("quotes") or "[]")
    return next((quote["sentence"] for quote in quotes if quote["label"] == label), None)


def _money(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(round(amount * CENTS)) / CENTS
