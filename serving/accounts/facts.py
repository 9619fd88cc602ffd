"""The facts of one receivable at decision time, from what was read of it and of its customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from features.legal_forms import natural_person
from features.words import lifecycle
from serving.accounts.customers import CustomerRead, SignalMemory
from serving.accounts.events import (
    Plan,
    complaint_since,
    insolvency_of,
    last_step_of,
    mediation_since,
    plan_of,
    quiet_days_of,
    recorded_promise_of,
    tasks_of,
)
from serving.accounts.invoices import InvoiceRead
from serving.accounts.mails import MailsAbout, announced_on, blockage_of, insolvency_hint, promises_of
from serving.accounts.totals import AccountTotals, PaymentRecord
from serving.dunning import AccountFacts, FeedDay, PersonOverride

_DISPUTED_STATUS = lifecycle(207)


@dataclass(frozen=True)
class Moment:
    """What is the same for every receivable decided on together.

    Attributes:
        on: the day of the decision.
        rates: what one unit of each currency is worth in the policy's.
        feeds: up to which day each table is known.
        tolerance: what may be missing of an instalment of a plan.
        memory: how long a signal is used.
    """

    on: dt.date
    rates: Mapping[str, Decimal]
    feeds: tuple[FeedDay, ...]
    tolerance: Decimal
    memory: SignalMemory


def facts_of(
    invoice: InvoiceRead,
    customer: CustomerRead,
    totals: AccountTotals,
    paying: PaymentRecord,
    moment: Moment,
    *,
    credit_share: Decimal,
    override: PersonOverride | None,
) -> AccountFacts:
    """The facts of a receivable.

    Args:
        invoice: the receivable.
        customer: its customer.
        totals: what the customer owes.
        paying: how the customer has paid.
        moment: the day, and what is the same for every receivable.
        credit_share: the part of the customer's unapplied credit that falls on it.
        override: what a person decided on it; null without.
    """
    on, memory = moment.on, moment.memory
    row = customer.row
    said = MailsAbout(customer.mails, invoice.row["invoice_id"], invoice.row["issued_on"])
    promise, unclear_promise = promises_of(said, on)
    recorded = recorded_promise_of(customer.events, invoice.row["invoice_id"])
    if recorded is not None and (promise is None or recorded.made_on >= promise.made_on):
        promise = recorded  # a person heard it
        if unclear_promise is not None and unclear_promise.said_on <= recorded.made_on:
            unclear_promise = None
    disputed_by_mail = said.last("dispute", on, memory.dispute_days)
    is_partly_disputed = (
        invoice.is_disputed and invoice.status != _DISPUTED_STATUS and disputed_by_mail is None
    )
    blockage, blocked_since = blockage_of(invoice, said, on, memory)
    published = insolvency_of(customer.events)
    plan = _plan(customer, invoice, moment)
    return AccountFacts(
        balance_amount=invoice.owed,
        unapplied_credit_amount=credit_share,
        closed_by=invoice.closed_by,
        feeds=moment.feeds,
        has_open_dispute=invoice.is_disputed
        or invoice.status == _DISPUTED_STATUS
        or disputed_by_mail is not None,
        disputed_amount=invoice.disputed if is_partly_disputed else None,
        dispute_opened_on=invoice.disputed_on,
        is_insolvent=published.published_on is not None,
        insolvency_published_on=published.published_on,
        insolvency_hint=insolvency_hint(published, said, on),
        mediation_since=mediation_since(customer.events, invoice.row["invoice_id"]),
        complaint_opened_on=complaint_since(customer.events, invoice.row["invoice_id"]),
        payment_announced_on=announced_on(invoice, customer, said, on, memory),
        promise=promise,
        unclear_promise=unclear_promise,
        has_running_plan=plan is not None,
        plan_next_due_on=None if plan is None else plan[1],
        admin_blockage=blockage,
        admin_blockage_since=blocked_since,
        last_paid_on=invoice.last_paid_on,
        is_natural_person=natural_person(row.get("is_natural_person"), row.get("legal_form")),
        is_strategic=bool(row.get("is_strategic", False)),
        contacts=tuple(
            contact for contact in customer.contacts if (on - contact.on).days <= memory.contact_days
        ),
        quiet_days=quiet_days_of(customer.events, on),
        last_step=last_step_of(invoice.steps, invoice.row["due_on"]),
        tasks=tasks_of(invoice.tasks),
        country=row.get("country"),
        language=row.get("language"),
        delivery_channel=invoice.row["delivery_channel"],
        customer_since_on=row.get("customer_since_on"),
        turnover_amounts=tuple(sorted(paying.turnover.items())),
        overdue_amounts=tuple(sorted(totals.overdue.items())),
        outstanding_amounts=tuple(sorted(totals.outstanding.items())),
        exchange_rates=tuple(sorted(moment.rates.items())),
        credit_limit=row.get("credit_limit"),
        fallen_due_count=paying.fallen_due_count,
        late_count=paying.late_count,
        late_part_payments=invoice.late_payments,
        override=override,
    )


def _plan(customer: CustomerRead, invoice: InvoiceRead, moment: Moment) -> tuple[Plan, dt.date | None] | None:
    """The plan that runs and its first unpaid instalment; null when none runs or everything agreed is paid.

    A plan whose instalments are not known is taken to run for a while. Whether a missed instalment has broken
    the plan is the policy's to say.
    """
    plan = plan_of(customer.events, invoice.row["invoice_id"])
    if plan is None:
        return None
    if not plan.instalments:
        return (plan, None) if (moment.on - plan.agreed_on).days <= moment.memory.plan_days else None
    received = customer.received if plan.invoice_id is None else invoice.received
    next_due_on = plan.next_due_on(received, moment.tolerance)
    return None if next_due_on is None else (plan, next_due_on)
