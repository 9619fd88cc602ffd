"""The state of an account at decision time: everything besides the score that a decision is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.words import BLOCKAGE_KINDS, CLOSED_BY, BlockageKind, ClosedBy
from serving.dunning.deciding.facts.validation import (
    Named,
    amount_faults,
    currency_faults,
    day_faults,
    sign_faults,
    word_faults,
)
from serving.dunning.decision import NOTHING
from serving.dunning.words import CHANNELS, FEED_NAMES, Channel, FeedName, Tone

Amounts = tuple[tuple[str, Decimal], ...]
"""Amounts by currency, each currency once, in order of currency; two currencies are never added."""


@dataclass(frozen=True)
class Contact:
    """One message or call that reached (or was sent to) the customer, about any of its invoices."""

    on: date
    channel: Channel
    invoice_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepTaken:
    """One dunning step already done for this receivable.

    Attributes:
        sequence_id: sequence the step belonged to; it may no longer exist in today's policy.
        step_id: the step.
        stage: 0 and below before the due date, then 1, 2, 3 in the order of contacts.
        on: the day it was done.
        tone: its tone; null when not recorded.
    """

    sequence_id: str
    step_id: str
    stage: int
    on: date
    tone: Tone | None = None


@dataclass(frozen=True)
class TaskOpened:
    """A task inside the house, or thanks, that was done for a receivable.

    Attributes:
        sequence_id: the sequence it belongs to.
        step_id: which step.
        opened_on: the day it was opened.
        closed_on: the day a person closed it; null while it is open, and for thanks.
    """

    sequence_id: str
    step_id: str
    opened_on: date
    closed_on: date | None = None


@dataclass(frozen=True)
class PartPayment:
    """Money received on the receivable after its due date: it bore interest until that day."""

    on: date
    amount: Decimal


@dataclass(frozen=True)
class FeedDay:
    """Up to which day a table of the ledger is known.

    Attributes:
        feed: the table.
        known_through_on: the newest day on which a fact of it became known, or through which its source states
            it is complete; null when nothing was ever delivered.
    """

    feed: FeedName
    known_through_on: date | None


@dataclass(frozen=True)
class Promise:
    """A promise to pay with a usable date.

    Attributes:
        made_on: the day it was made.
        due_on: the day promised.
        amount: in the receivable's currency; null means all of it.
        quote: the sentence; null when there is none, or quotes are switched off.
    """

    made_on: date
    due_on: date
    amount: Decimal | None = None
    quote: str | None = None


@dataclass(frozen=True)
class DebtorStatement:
    """Something a debtor wrote that a person has to read.

    Attributes:
        said_on: the day it was written.
        quote: the sentence; null when there is none, or quotes are switched off.
    """

    said_on: date
    quote: str | None = None


@dataclass(frozen=True)
class PersonOverride:
    """A person's decision about the receivable, in place of what the policy proposes, until a later one.

    Attributes:
        override_id: its key in the audit log, beside its reason.
        sequence_id: sequence chosen, which may no longer exist in today's policy; null withdraws an earlier
            choice: the policy is followed again.
        decided_by: who decided, as given.
        decided_on: the day it was decided, UTC.
        hold_until: no step before this day; null when the person set none.
    """

    override_id: str
    sequence_id: str | None
    decided_by: str
    decided_on: date
    hold_until: date | None = None


@dataclass(frozen=True)
class AccountFacts:
    """The account of one receivable at decision time. Null means unknown and is never filled in.

    Attributes:
        balance_amount: open amount of the receivable at decision time, net of part payments, in its currency.
        unapplied_credit_amount: the receivable's share of the customer's credit notes and cash on account that
            are set against nothing yet, in its currency; 0 or more.
        closed_by: how the receivable was settled or closed; null while something may be owed.
        feeds: up to which day each table is known; a table that is missing counts as never delivered.
        has_open_dispute: a dispute is open on the receivable.
        disputed_amount: the disputed part, in the receivable's currency; null means all of it.
        dispute_opened_on: the day the open dispute was opened; null when not known.
        is_insolvent: insolvency proceedings are open on the customer, by official notice or a person's word.
        insolvency_published_on: day of the official notice; null when not known.
        insolvency_hint: a debtor's mail speaks of insolvency; null if none.
        mediation_since: the day a running mediation began; null if none runs.
        complaint_opened_on: the day of the complaint that is not answered yet; null if none.
        payment_announced_on: day the customer says it pays (remittance, e-invoice status 211); null if
            none.
        promise: the promise to pay that was made last; null if none.
        unclear_promise: a promise made since then whose date is missing or implausible; null if none.
        has_running_plan: a payment plan was agreed and is not paid in full.
        plan_next_due_on: first instalment of the plan that is not paid; null when not known.
        admin_blockage: the paperwork that stops payment; null if none.
        admin_blockage_since: the day it became known; null when not known.
        last_paid_on: value day of the newest cash received on the receivable; null when none came.
        is_natural_person: the debtor is a natural person (sole traders included); null when not known.
        is_strategic: an account on which a person decides.
        contacts: contacts with the customer about any invoice, as far back as the policy's caps look.
        quiet_days: days on which the customer asked not to be contacted.
        last_step: last dunning step done for this receivable; null if none.
        tasks: tasks and thanks done for this receivable, in order of day.
        country: ISO 3166 alpha-2 of the payer; null takes the policy's country for holidays.
        language: `fr`, `fr-BE`, `en` or another tag (written to in English); null takes the policy's.
        delivery_channel: how the invoice was delivered (`email`, `portal`, `post`, ...); null when not known.
        customer_since_on: the day the relation began; null when not known.
        turnover_amounts: invoiced to the customer in the last 365 days, by currency.
        overdue_amounts: overdue of the whole customer, by currency.
        outstanding_amounts: open balance of the whole customer, by currency.
        exchange_rates: policy currency for one unit of a currency, by currency; a currency that is missing
            has no rate and its amounts stay apart.
        credit_limit: credit limit of the customer, in the policy's currency; null if none.
        fallen_due_count: receivables of the customer that fell due in the last two years; null when not known.
        late_count: those of them that were paid late or are overdue; null when not known.
        late_part_payments: money received on the receivable after the due date.
        override: the newest decision a person took about the receivable in place of a proposal; null if none.
    """

    balance_amount: Decimal
    unapplied_credit_amount: Decimal = NOTHING
    closed_by: ClosedBy | None = None
    feeds: tuple[FeedDay, ...] = ()
    has_open_dispute: bool = False
    disputed_amount: Decimal | None = None
    dispute_opened_on: date | None = None
    is_insolvent: bool = False
    insolvency_published_on: date | None = None
    insolvency_hint: DebtorStatement | None = None
    mediation_since: date | None = None
    complaint_opened_on: date | None = None
    payment_announced_on: date | None = None
    promise: Promise | None = None
    unclear_promise: DebtorStatement | None = None
    has_running_plan: bool = False
    plan_next_due_on: date | None = None
    admin_blockage: BlockageKind | None = None
    admin_blockage_since: date | None = None
    last_paid_on: date | None = None
    is_natural_person: bool | None = None
    is_strategic: bool = False
    contacts: tuple[Contact, ...] = ()
    quiet_days: tuple[date, ...] = ()
    last_step: StepTaken | None = None
    tasks: tuple[TaskOpened, ...] = ()
    country: str | None = None
    language: str | None = None
    delivery_channel: str | None = None
    customer_since_on: date | None = None
    turnover_amounts: Amounts = ()
    overdue_amounts: Amounts = ()
    outstanding_amounts: Amounts = ()
    exchange_rates: Amounts = ()
    credit_limit: Decimal | None = None
    fallen_due_count: int | None = None
    late_count: int | None = None
    late_part_payments: tuple[PartPayment, ...] = ()
    override: PersonOverride | None = None

    def __post_init__(self) -> None:
        amounts = (
            ("balance_amount", self.balance_amount),
            ("unapplied_credit_amount", self.unapplied_credit_amount),
            ("disputed_amount", self.disputed_amount),
            ("promise", None if self.promise is None else self.promise.amount),
            ("credit_limit", self.credit_limit),
            *(("late_part_payments", payment.amount) for payment in self.late_part_payments),
        )
        by_currency = (
            ("turnover_amounts", self.turnover_amounts),
            ("overdue_amounts", self.overdue_amounts),
            ("outstanding_amounts", self.outstanding_amounts),
            ("exchange_rates", self.exchange_rates),
        )
        faults = amount_faults(
            (*amounts, *((name, amount) for name, pairs in by_currency for _, amount in pairs))
        )
        faults += day_faults(_days(self))
        faults += word_faults(
            ("admin_blockage", self.admin_blockage, BLOCKAGE_KINDS),
            ("closed_by", self.closed_by, CLOSED_BY),
            *(("contacts", contact.channel, CHANNELS) for contact in self.contacts),
            *(("feeds", feed.feed, FEED_NAMES) for feed in self.feeds),
        )
        faults += sign_faults(
            (
                ("unapplied_credit_amount", self.unapplied_credit_amount),
                ("disputed_amount", self.disputed_amount),
            )
        )
        faults += [fault for name, pairs in by_currency for fault in _currency_faults(name, pairs)]
        faults += [
            Fault(localized("{rate} is not a rate", rate=rate), "exchange_rates", localized("more than 0"))
            for _, rate in self.exchange_rates
            if rate.is_finite() and rate <= 0
        ]
        faults += self._count_faults()
        if faults:
            raise InvalidInputError(localized("account facts cannot be decided on"), faults)

    def _count_faults(self) -> list[Fault]:
        due, late = self.fallen_due_count, self.late_count
        if (due is None) == (late is None) and (due is None or late is None or 0 <= late <= due):
            return []
        expected = localized("both known or both null; late ones no more than those that fell due")
        return [
            Fault(
                localized("{late} late of {due}", late=late, due=due),
                "late_count, fallen_due_count",
                expected,
            )
        ]

    @cached_property
    def net_balance_amount(self) -> Decimal:
        """The open balance less unapplied credits, in the receivable's currency."""
        return self.balance_amount - self.unapplied_credit_amount

    @cached_property
    def disputed_part_amount(self) -> Decimal:
        """What of the net balance is disputed; the whole balance where the dispute names no amount."""
        net = max(self.net_balance_amount, NOTHING)
        if not self.has_open_dispute:
            return NOTHING
        return net if self.disputed_amount is None else min(self.disputed_amount, net)

    @cached_property
    def undisputed_amount(self) -> Decimal:
        """The net balance without its disputed part."""
        return self.net_balance_amount - self.disputed_part_amount


def _days(facts: AccountFacts) -> Iterator[Named]:
    """Every day in the facts, with its field."""
    yield "insolvency_published_on", facts.insolvency_published_on
    yield "dispute_opened_on", facts.dispute_opened_on
    yield "mediation_since", facts.mediation_since
    yield "complaint_opened_on", facts.complaint_opened_on
    yield "payment_announced_on", facts.payment_announced_on
    yield "plan_next_due_on", facts.plan_next_due_on
    yield "admin_blockage_since", facts.admin_blockage_since
    yield "last_paid_on", facts.last_paid_on
    yield "customer_since_on", facts.customer_since_on
    for feed in facts.feeds:
        yield "feeds", feed.known_through_on
    if facts.promise is not None:
        yield "promise", facts.promise.made_on
        yield "promise", facts.promise.due_on
    for name, statement in (
        ("insolvency_hint", facts.insolvency_hint),
        ("unclear_promise", facts.unclear_promise),
    ):
        yield name, None if statement is None else statement.said_on
    for contact in facts.contacts:
        yield "contacts", contact.on
    for day in facts.quiet_days:
        yield "quiet_days", day
    for payment in facts.late_part_payments:
        yield "late_part_payments", payment.on
    if facts.last_step is not None:
        yield "last_step", facts.last_step.on
    for task in facts.tasks:
        yield "tasks", task.opened_on
        yield "tasks", task.closed_on
    if facts.override is not None:
        yield "override", facts.override.decided_on
        yield "override", facts.override.hold_until


def _currency_faults(name: str, pairs: Amounts) -> list[Fault]:
    currencies = [currency for currency, _ in pairs]
    faults = currency_faults((name, currency) for currency in currencies)
    if len(set(currencies)) < len(currencies):
        faults.append(Fault(localized("a currency is given twice"), name, localized("each currency once")))
    return faults
