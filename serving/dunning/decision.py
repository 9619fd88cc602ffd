"""What Encours proposes for one invoice on one day, with the rules that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from features.words import Grade, Segment, Text
from serving.dunning.words import Channel, GateId, RouteState, Tone

NOTHING = Decimal("0.00")


def receivable_id(invoice_id: str, instalment_number: int | None) -> str:
    """Key of what is due and chased by itself: the invoice id, or `INVOICE#NUMBER` for an instalment."""
    return invoice_id if instalment_number is None else f"{invoice_id}#{instalment_number}"


@dataclass(frozen=True)
class Reason(Text):
    """One rule of the policy that had a part in the decision, in both languages."""

    rule_id: str

    @classmethod
    def of(cls, rule_id: str, text: Text) -> Reason:
        """The reason a rule gives in the words of a text."""
        return cls(text.fr, text.en, rule_id)


@dataclass(frozen=True)
class NextStep:
    """The next thing to do about the invoice.

    Attributes:
        step_id: id in the sequence.
        stage: 0 and below before the due date, then 1, 2, 3; 0 for internal tasks and thanks.
        on: the day to do it, always a day on which the customer may be contacted.
        channel: how; `task` is work inside the house, the customer hears nothing.
        tone: from courteous to legal.
        template_id: text to use, in the customer's language.
        language: `fr` or `en`.
        label: the step in words.
        is_automatic: true only when no person has to look first, at the step or at the conversation it is part of,
            and a machine can serve the channel.
        is_fallback: a cheaper channel is used because the planned one costs more than it brings.
        deadline_on: last lawful day, when there is one; null otherwise.
    """

    step_id: str
    stage: int
    on: date
    channel: Channel
    tone: Tone
    template_id: str
    language: str
    label: Text
    is_automatic: bool
    is_fallback: bool = False
    deadline_on: date | None = None


@dataclass(frozen=True)
class RatePeriod:
    """Interest of one semester: a principal, a yearly rate and the days it ran."""

    begins_on: date
    ends_on: date
    days: int
    principal: Decimal
    rate_percent: Decimal
    basis: str


@dataclass(frozen=True)
class Claim:
    """Late-payment interest and recovery indemnity on the invoice.

    Attributes:
        interest_amount: interest accrued to the decision date; null when a rate is missing or not in euros.
        indemnity_amount: flat recovery indemnity; null when it cannot be asked for.
        is_interest_claimed: the step asks for the interest amount.
        is_indemnity_claimed: the step asks for the indemnity.
        is_interest_reserved: the step would ask for interest, but it could not be computed: named, not
            counted.
        periods: how the interest was computed.
        refusal: why an amount is null; null when both are known or nothing is due yet.
    """

    interest_amount: Decimal | None
    indemnity_amount: Decimal | None
    is_interest_claimed: bool = False
    is_indemnity_claimed: bool = False
    is_interest_reserved: bool = False
    periods: tuple[RatePeriod, ...] = ()
    refusal: Text | None = None

    @property
    def claimed_amount(self) -> Decimal:
        """What the step adds to the balance it asks for."""
        interest = self.interest_amount if self.is_interest_claimed else None
        indemnity = self.indemnity_amount if self.is_indemnity_claimed else None
        return (interest or NOTHING) + (indemnity or NOTHING)


NO_CLAIM = Claim(NOTHING, NOTHING)


@dataclass(frozen=True)
class NetBenefit:
    """What the step is expected to bring, in the policy's currency.

    Attributes:
        cost_amount: cost of the step.
        gain_amount: expected gain; null when the balance is in a currency without a rate.
        net_amount: gain less cost; null with the gain.
        is_assumed: the effect behind it is an assumption, not a measurement.
    """

    cost_amount: Decimal
    gain_amount: Decimal | None
    net_amount: Decimal | None
    is_assumed: bool


@dataclass(frozen=True)
class PersonDecides:
    """A person decides the steps against this debtor, whatever else decided.

    Attributes:
        because: `natural_person`, `legal_form_unknown` (when the policy treats that as one) or
            `strategic_account`; the first closed gate.
        level: who decides at least.
        why: in both languages, for the person and, on request, for the debtor.
    """

    because: str
    level: str
    why: Text


@dataclass(frozen=True)
class ConversationItem:
    """One invoice of a conversation.

    Attributes:
        invoice_id: the invoice, once, however many of its instalments are in the contact.
        instalment_numbers: its instalments in the contact, ascending; empty for an invoice due as a whole.
        amount: asked for on it, claims included.
        currency: of the amount.
    """

    invoice_id: str
    instalment_numbers: tuple[int, ...]
    amount: Decimal
    currency: str

    @property
    def receivable_ids(self) -> tuple[str, ...]:
        """Keys of the receivables in the contact."""
        numbers = self.instalment_numbers or (None,)
        return tuple(receivable_id(self.invoice_id, number) for number in numbers)


@dataclass(frozen=True)
class Conversation:
    """The one contact a customer has on a day, about all its receivables that are due for one.

    Whoever acts on decisions acts on it once, whichever of its receivables they came by.

    Attributes:
        customer_id: the customer.
        on: the day.
        lead_invoice_id: the invoice whose step sets channel, tone and text.
        lead_instalment_number: its instalment that leads; null for an invoice due as a whole.
        items: every invoice in the contact, the lead's first, then by id; each receivable advances by its own
            step.
        channel: of the lead.
        tone: of the lead.
        template_id: of the lead.
        language: of the lead.
        totals: amount asked for by currency, claims included, in order of currency.
        requires_approval: a person must approve first, because of any of the receivables or of their total.
        approval_level: the highest level asked for.
        is_automatic: a machine may do it alone.
        benefit: gains of every receivable less the cost of one contact.
        total_amount: the totals in the policy's currency; null when one of the currencies has no rate.
    """

    customer_id: str
    on: date
    lead_invoice_id: str
    lead_instalment_number: int | None
    items: tuple[ConversationItem, ...]
    channel: Channel
    tone: Tone
    template_id: str
    language: str
    totals: tuple[tuple[str, Decimal], ...]
    requires_approval: bool
    approval_level: str | None
    is_automatic: bool
    benefit: NetBenefit
    total_amount: Decimal | None = None

    @property
    def conversation_id(self) -> str:
        """The same for every decision of the customer on the day: there is no second conversation."""
        return f"{self.customer_id}/{self.on.isoformat()}"

    @property
    def lead_receivable_id(self) -> str:
        """The receivable whose step sets channel, tone and text."""
        return receivable_id(self.lead_invoice_id, self.lead_instalment_number)

    @property
    def invoice_ids(self) -> tuple[str, ...]:
        """Every invoice in the contact, each once, the lead's first."""
        return tuple(item.invoice_id for item in self.items)

    @property
    def receivable_ids(self) -> tuple[str, ...]:
        """Every receivable in the contact."""
        return tuple(key for item in self.items for key in item.receivable_ids)


@dataclass(frozen=True)
class Decision:
    """What to do about one receivable, decided on one day.

    Attributes:
        invoice_id: the invoice.
        customer_id: the payer.
        on: the day of the decision.
        policy_id: policy file that decided.
        policy_version: its version.
        sequence_id: the dunning sequence the receivable is in.
        next_step: null when there is nothing to do, or nothing may be done.
        why: rules that led here, the deciding one first.
        gate_id: the gate that decided; null when the route table did.
        hold_until: earliest day on which this may change by itself; null when no date is known.
        requires_approval: a person must approve before the step is done.
        approval_level: who may approve; null when nobody needs to.
        claim: interest and indemnity.
        benefit: expected net benefit of the step; null without a step.
        balance_amount: open balance net of unapplied credits, in the receivable's currency.
        currency: of the balance.
        segment: payer segment used; null when unknown.
        grade: grade used; null without an opinion.
        money_band: band of the amount that can be asked for.
        state: before due, overdue, or after a broken promise.
        experiment_id: hold-out experiment; null when none applies.
        variant_id: variant drawn; null when none applies.
        assignment_probability: probability with which the variant was drawn; null when none applies.
        person_decides: a person decides the steps against this debtor, and who; null for companies that are no
            strategic account.
        conversation: the customer's one contact today, when this receivable is part of it; null otherwise.
        instalment_number: which instalment of the invoice this is about; null for an invoice due as a whole.
        instalment_count: instalments of the invoice; null for an invoice due as a whole.
        disputed_amount: what of the balance is disputed and not asked for.
        other_currency_amounts: what the customer owes in currencies without a rate, by currency: in no total.
        side_task: work inside the house beside the next step (the disputed part of an invoice whose rest is
            chased); null if none.
        is_live: false for the reconstruction of a past day: nothing may be done with it.
    """

    invoice_id: str
    customer_id: str
    on: date
    policy_id: str
    policy_version: str
    sequence_id: str
    next_step: NextStep | None
    why: tuple[Reason, ...]
    gate_id: GateId | None
    hold_until: date | None
    requires_approval: bool
    approval_level: str | None
    claim: Claim
    benefit: NetBenefit | None
    balance_amount: Decimal
    currency: str
    segment: Segment | None
    grade: Grade | None
    money_band: str
    state: RouteState
    experiment_id: str | None = None
    variant_id: str | None = None
    assignment_probability: float | None = None
    person_decides: PersonDecides | None = None
    conversation: Conversation | None = None
    instalment_number: int | None = None
    instalment_count: int | None = None
    disputed_amount: Decimal = NOTHING
    other_currency_amounts: tuple[tuple[str, Decimal], ...] = ()
    side_task: NextStep | None = None
    is_live: bool = True

    @property
    def receivable_id(self) -> str:
        """Key of the receivable: the invoice id, or `INVOICE#NUMBER` for an instalment."""
        return receivable_id(self.invoice_id, self.instalment_number)

    @property
    def asked_amount(self) -> Decimal:
        """What the next step asks for, before interest and indemnity; 0 when it asks for nothing."""
        if self.next_step is None or self.next_step.channel == "task" or self.gate_id == "settled":
            return NOTHING
        return max(self.balance_amount - self.disputed_amount, NOTHING)

    @property
    def is_contact_today(self) -> bool:
        """Whether the customer would hear from the house on the day of the decision."""
        return (
            self.next_step is not None and self.next_step.channel != "task" and self.next_step.on == self.on
        )

    @property
    def is_automatic_today(self) -> bool:
        """Whether a machine would act today without a person's approval of the step or at its conversation."""
        if self.next_step is None or not self.is_contact_today:
            return False
        return self.next_step.is_automatic and (self.conversation is None or self.conversation.is_automatic)
