"""What a dunning decision is made from: one scored invoice, and the state of the account at decision time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from features.errors import Fault, InvalidInputError
from serving.dunning.words import (
    BLOCKAGE_KINDS,
    CHANNELS,
    COLD_START_RUNGS,
    GRADES,
    SEGMENTS,
    BlockageKind,
    Channel,
    ColdStartRung,
    Grade,
    Segment,
    Tone,
)

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2150, 12, 31)
"""Days outside these are typing errors of a source system, not receivables."""

NOTHING = Decimal("0.00")

LARGEST_AMOUNT = Decimal("1e15")
"""Beyond this an amount is a typing error, and cents would no longer be exact."""


@dataclass(frozen=True)
class ScoredInvoice:
    """One invoice as the model sees it at one as-of date.

    Attributes:
        invoice_id: key of the invoice.
        customer_id: key of the payer.
        as_of: the score knows only what was known strictly before this day.
        issued_on: issue date.
        due_on: due date; dunning days count from here and no payment moves it.
        amount: gross amount of the invoice, in `currency`.
        open_amount: what was open when the score was made; the decision uses the account's balance instead.
        currency: ISO 4217 code.
        p_late: probability of being unpaid after the due date plus grace; null without an opinion.
        p_late_30: probability of being unpaid 30 days past due; null without an opinion.
        unpaid_probability: (days past due, probability of being unpaid then), ascending in days.
        payment_date_p10: day by which one invoice in ten like this one is paid; null without an opinion.
        payment_date_p50: the median payment day; null without an opinion.
        payment_date_p90: day by which nine in ten are paid; null without an opinion.
        grade: A (will pay on time) to E (will not); null without an opinion.
        history_depth: settled invoices known of this customer.
        cold_start_rung: where the opinion comes from.
        rfm_segment: payer behaviour; null when the segment is not known.
        model_version: version of the model that scored.
        feature_version: version of the feature catalogue.
    """

    invoice_id: str
    customer_id: str
    as_of: date
    issued_on: date
    due_on: date
    amount: Decimal
    open_amount: Decimal
    currency: str = "EUR"
    p_late: float | None = None
    p_late_30: float | None = None
    unpaid_probability: tuple[tuple[int, float], ...] = ()
    payment_date_p10: date | None = None
    payment_date_p50: date | None = None
    payment_date_p90: date | None = None
    grade: Grade | None = None
    history_depth: int = 0
    cold_start_rung: ColdStartRung = "no_opinion"
    rfm_segment: Segment | None = None
    model_version: str = ""
    feature_version: str = ""

    def __post_init__(self) -> None:
        faults = _faulty_days(("as_of", self.as_of), ("issued_on", self.issued_on), ("due_on", self.due_on))
        faults += _faulty_amounts(("amount", self.amount), ("open_amount", self.open_amount))
        named = [("p_late", self.p_late), ("p_late_30", self.p_late_30)]
        named += [(f"unpaid_probability at {days} days", share) for days, share in self.unpaid_probability]
        faults += [
            Fault(f"{value} is not a probability", where=name, expected="a number from 0 to 1, or null")
            for name, value in named
            if value is not None and not 0 <= value <= 1
        ]
        horizons = [days for days, _ in self.unpaid_probability]
        if horizons != sorted(set(horizons)):
            faults.append(
                Fault("horizons are not ascending", "unpaid_probability", "each horizon once, ascending")
            )
        faults += _unknown_words(
            ("grade", self.grade, GRADES),
            ("cold_start_rung", self.cold_start_rung, COLD_START_RUNGS),
            ("rfm_segment", self.rfm_segment, SEGMENTS),
        )
        if not self.invoice_id or not self.customer_id:
            faults.append(Fault("an empty key", "invoice_id, customer_id", "both keys"))
        if self.amount <= 0:
            faults.append(Fault(f"{self.amount} is not an amount to pay", "amount", "more than 0"))
        if len(self.currency) != 3 or not self.currency.isupper():
            faults.append(
                Fault(f"{self.currency!r} is no currency", "currency", "an ISO 4217 code such as EUR")
            )
        if faults:
            raise InvalidInputError(
                f"scored invoice {self.invoice_id or '(no id)'} cannot be decided on", faults
            )

    def unpaid_at(self, days_past_due: int) -> float | None:
        """Probability of still being unpaid that many days past due; null if unknown.

        The curve is known at its horizons only: the first one at or after the day is taken (a later day is
        never more likely to find the invoice unpaid), the last one beyond it, and `p_late` without a curve.
        """
        if not self.unpaid_probability:
            return self.p_late
        later = (share for days, share in self.unpaid_probability if days >= days_past_due)
        return next(later, self.unpaid_probability[-1][1])


@dataclass(frozen=True)
class Contact:
    """One message or call that reached (or was sent to) the customer, about any of its invoices."""

    on: date
    channel: Channel
    invoice_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepTaken:
    """One step already done for this invoice.

    Attributes:
        sequence_id: sequence the step belonged to; it may no longer exist in today's policy.
        step_id: the step.
        stage: 0 and below before the due date, then 1, 2, 3 in the order of contacts.
        on: the day it was done.
        tone: how it was said; null when not recorded.
    """

    sequence_id: str
    step_id: str
    stage: int
    on: date
    tone: Tone | None = None


@dataclass(frozen=True)
class PartPayment:
    """Money received on the invoice after its due date: it bore interest until that day."""

    on: date
    amount: Decimal


@dataclass(frozen=True)
class PersonOverride:
    """A person's standing decision about the invoice, in place of what the policy proposes.

    Attributes:
        override_id: under which it stands in the audit log, with its reason.
        sequence_id: sequence chosen; it may no longer exist in today's policy.
        decided_by: who decided, as given.
        decided_on: the day it was decided, UTC.
        hold_until: no step before this day; null when the person set none.
    """

    override_id: str
    sequence_id: str
    decided_by: str
    decided_on: date
    hold_until: date | None = None


@dataclass(frozen=True)
class AccountFacts:
    """The state of the invoice and of its customer at decision time, in the ledger and in the conversation.

    Attributes:
        balance_amount: what the ledger shows open on the invoice, after payments and allocated credit
            notes.
        unapplied_credit_amount: share of the customer's unallocated payments and credits set against it.
        is_settled: the ledger says it is settled (open amount within tolerance of zero).
        is_settled_by_credit: settled by a credit note, not by money; nobody is thanked for that.
        ledger_feed_age_hours: age of the newest ledger or bank feed; null (unknown) counts as stale.
        has_open_dispute: a dispute is open on the invoice.
        is_insolvent: insolvency proceedings are open on the customer.
        insolvency_published_on: day of the official notice; null when not known.
        payment_announced_on: day the customer says it pays (remittance, e-invoice status 211); null if
            none.
        promise_due_on: day the customer promised to pay; null if none.
        promise_amount: amount promised; null means the whole balance.
        has_running_plan: a payment plan was agreed and is not paid in full.
        plan_next_due_on: first instalment that is not paid; null when not known.
        admin_blockage: the paperwork that stops payment; null if none.
        is_natural_person: the debtor is a natural person (sole traders included); null when not known.
        is_strategic: an account on which a person decides.
        contacts: contacts with the customer about any invoice, as far back as the policy's caps look.
        quiet_days: days on which the customer asked not to be contacted.
        last_step: last dunning step done for this invoice; null if none.
        last_task: last internal task or thanks done for this invoice; null if none.
        country: ISO 3166 alpha-2 of the payer; null takes the policy's country for holidays.
        language: `fr`, `fr-BE`, `en` or another tag (written to in English); null takes the policy's.
        overdue_amount: overdue of the whole customer, in the policy's currency.
        outstanding_amount: open balance of the whole customer, in the policy's currency.
        credit_limit: credit limit of the customer; null if none.
        late_part_payments: money received on the invoice after the due date.
        exchange_rate: policy currency for one unit of the invoice's currency; null when not known.
        override: the newest decision a person took about the invoice in place of a proposal; null if none.
    """

    balance_amount: Decimal
    unapplied_credit_amount: Decimal = NOTHING
    is_settled: bool = False
    is_settled_by_credit: bool = False
    ledger_feed_age_hours: float | None = None
    has_open_dispute: bool = False
    is_insolvent: bool = False
    insolvency_published_on: date | None = None
    payment_announced_on: date | None = None
    promise_due_on: date | None = None
    promise_amount: Decimal | None = None
    has_running_plan: bool = False
    plan_next_due_on: date | None = None
    admin_blockage: BlockageKind | None = None
    is_natural_person: bool | None = None
    is_strategic: bool = False
    contacts: tuple[Contact, ...] = ()
    quiet_days: tuple[date, ...] = ()
    last_step: StepTaken | None = None
    last_task: StepTaken | None = None
    country: str | None = None
    language: str | None = None
    overdue_amount: Decimal = NOTHING
    outstanding_amount: Decimal = NOTHING
    credit_limit: Decimal | None = None
    late_part_payments: tuple[PartPayment, ...] = ()
    exchange_rate: Decimal | None = None
    override: PersonOverride | None = None

    def __post_init__(self) -> None:
        faults = _faulty_amounts(
            ("balance_amount", self.balance_amount),
            ("unapplied_credit_amount", self.unapplied_credit_amount),
            ("promise_amount", self.promise_amount),
            ("overdue_amount", self.overdue_amount),
            ("outstanding_amount", self.outstanding_amount),
            ("credit_limit", self.credit_limit),
            ("exchange_rate", self.exchange_rate),
            *(("late_part_payments", payment.amount) for payment in self.late_part_payments),
        )
        faults += _faulty_days(
            ("insolvency_published_on", self.insolvency_published_on),
            ("payment_announced_on", self.payment_announced_on),
            ("promise_due_on", self.promise_due_on),
            ("plan_next_due_on", self.plan_next_due_on),
            *(("contacts", contact.on) for contact in self.contacts),
            *(("quiet_days", day) for day in self.quiet_days),
            *(("late_part_payments", payment.on) for payment in self.late_part_payments),
            *(
                ("last_step, last_task", step.on)
                for step in (self.last_step, self.last_task)
                if step is not None
            ),
            *(
                ("override", day)
                for day in (
                    () if self.override is None else (self.override.decided_on, self.override.hold_until)
                )
            ),
        )
        faults += _unknown_words(
            ("admin_blockage", self.admin_blockage, BLOCKAGE_KINDS),
            *(("contacts", contact.channel, CHANNELS) for contact in self.contacts),
        )
        age = self.ledger_feed_age_hours
        if age is not None and (math.isnan(age) or age < 0):
            faults.append(Fault(f"{age} is not an age", "ledger_feed_age_hours", "hours, 0 or more, or null"))
        if self.unapplied_credit_amount < 0:
            faults.append(
                Fault(f"{self.unapplied_credit_amount} is negative", "unapplied_credit_amount", "0 or more")
            )
        if self.exchange_rate is not None and self.exchange_rate <= 0:
            faults.append(
                Fault(f"{self.exchange_rate} is not a rate", "exchange_rate", "more than 0, or null")
            )
        if faults:
            raise InvalidInputError("account facts cannot be decided on", faults)

    @property
    def net_balance_amount(self) -> Decimal:
        """What may be asked for today: the open balance less unapplied credits, in the invoice's currency."""
        return self.balance_amount - self.unapplied_credit_amount


def _unknown_words(*named: tuple[str, str | None, Sequence[str]]) -> list[Fault]:
    return [
        Fault(f"{word!r} is not known", where=name, expected=f"one of {', '.join(known)}, or null")
        for name, word, known in named
        if word is not None and word not in known
    ]


def _faulty_days(*named: tuple[str, date | None]) -> list[Fault]:
    return [
        Fault(f"{day} is outside the days known", where=name, expected=f"{FIRST_DAY} to {LAST_DAY}")
        for name, day in named
        if day is not None and not FIRST_DAY <= day <= LAST_DAY
    ]


def _faulty_amounts(*named: tuple[str, Decimal | None]) -> list[Fault]:
    return [
        Fault(f"{amount} is not an amount", where=name, expected=f"a number below {LARGEST_AMOUNT:f}")
        for name, amount in named
        if amount is not None and not (amount.is_finite() and abs(amount) < LARGEST_AMOUNT)
    ]
