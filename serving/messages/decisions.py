"""A dunning decision in the words of the answer: read from the decision itself, or from a stored answer."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from pydantic import Field, model_validator

from serving.messages.reply import Money, Reply, read_from


class StepAnswer(Reply):
    """The next thing to do about an invoice."""

    step_id: str
    stage: int
    on: dt.date = Field(description="day to do it")
    channel: str
    tone: str
    template_id: str
    language: str
    label_fr: str = Field(validation_alias=read_from("label_fr", "label", "fr"))
    label_en: str = Field(validation_alias=read_from("label_en", "label", "en"))
    is_automatic: bool = Field(description="true only when no person has to approve or check it first")
    is_fallback: bool
    deadline_on: dt.date | None


class RuleAnswer(Reply):
    """One rule of the policy that had a part in the decision."""

    rule_id: str
    fr: str
    en: str


class RatePeriodAnswer(Reply):
    """Interest of one semester."""

    begins_on: dt.date
    ends_on: dt.date
    days: int
    principal: Money
    rate_percent: Money = Field(description="percent a year")
    basis: str = Field(description="ecb_plus_margin, clause or floor (three times the legal rate)")


class ClaimAnswer(Reply):
    """Late-payment interest and recovery indemnity; null when unknown or not applicable."""

    interest_amount: Money | None
    indemnity_amount: Money | None
    is_interest_claimed: bool
    is_indemnity_claimed: bool
    is_interest_reserved: bool = Field(
        False, description="the step names the interest, but its amount could not be reckoned"
    )
    periods: list[RatePeriodAnswer] = Field(default_factory=list, description="how the interest was reckoned")
    refusal_fr: str | None = Field(
        None,
        validation_alias=read_from("refusal_fr", "refusal", "fr"),
        description="why an amount is null; null when both are known",
    )
    refusal_en: str | None = Field(
        None,
        validation_alias=read_from("refusal_en", "refusal", "en"),
        description="why an amount is null; null when both are known",
    )


class BenefitAnswer(Reply):
    """What the next step is expected to cost and bring, in the policy's currency."""

    cost_amount: Money
    gain_amount: Money | None
    net_amount: Money | None
    is_assumed: bool = Field(description="the effect behind it is an assumption, not a measurement")


class PersonDecidesAnswer(Reply):
    """No step against this debtor is taken without a person (natural persons: GDPR art. 22)."""

    because: str = Field(description="natural_person, legal_form_unknown or strategic_account")
    level: str = Field(description="who decides at least: an approval level of the policy")
    fr: str = Field(validation_alias=read_from("fr", "why", "fr"))
    en: str = Field(validation_alias=read_from("en", "why", "en"))


class AmountAnswer(Reply):
    """An amount with its currency."""

    amount: Money
    currency: str

    @model_validator(mode="before")
    @classmethod
    def _of_pair(cls, given: Any) -> Any:
        """Accept the pair of currency and amount in which decisions store it."""
        return {"currency": given[0], "amount": given[1]} if isinstance(given, tuple) else given


class ConversationItemAnswer(Reply):
    """One invoice of a conversation, once, with its instalments that are in the contact."""

    invoice_id: str
    instalment_numbers: list[int] = Field(description="empty for an invoice due as a whole")
    amount: Money = Field(description="asked for on it, claims included")
    currency: str


class ConversationAnswer(Reply):
    """The one contact the customer has today, about all its invoices that are due for one.

    Act on it once: every decision of the customer on the day carries the same id, by whichever request it came.
    """

    conversation_id: str = Field(
        description="customer and day; act once per id", examples=["C-0042/2026-03-02"]
    )
    on: dt.date
    lead_invoice_id: str = Field(description="the invoice whose step sets channel, tone and text")
    lead_instalment_number: int | None = Field(
        None, description="its instalment that leads; null for an invoice due as a whole"
    )
    invoice_ids: list[str] = Field(description="every invoice in the contact, the lead first")
    items: list[ConversationItemAnswer] = Field(
        default_factory=list, description="the same invoices with what is asked for on each"
    )
    channel: str
    tone: str
    template_id: str
    language: str
    totals: list[AmountAnswer] = Field(description="asked for in all, claims included, by currency")
    total_amount: Money | None = Field(
        None, description="their sum in the policy's currency; null when one of the currencies has no rate"
    )
    requires_approval: bool
    approval_level: str | None = Field(description="the highest level any of the invoices asks for")
    is_automatic: bool = Field(description="true only when no person has to approve or check it first")


class DecisionAnswer(Reply):
    """What the dunning policy proposes; Encours never sends anything itself."""

    decision_id: str = Field(description="id for an override; the id of the score it belongs to")
    on: dt.date
    sequence_id: str
    next_step: StepAnswer | None
    why: list[RuleAnswer] = Field(description="rules that led here, the deciding one first")
    gate_id: str | None = Field(description="the gate that decided; null when the route table did")
    hold_until: dt.date | None
    requires_approval: bool
    approval_level: str | None
    claim: ClaimAnswer
    benefit: BenefitAnswer | None
    balance_amount: Money = Field(description="open net of unapplied credits, in the currency of the invoice")
    asked_amount: Money | None = Field(
        None,
        description="what the next step asks for, before claims; 0 when it asks for nothing; null in answers stored "
        "before it was distinguished from the balance",
    )
    disputed_amount: Money = Field(
        Decimal("0.00"), description="what of the balance is disputed and not asked for"
    )
    other_currency_amounts: list[AmountAnswer] = Field(
        default_factory=list,
        description="what the customer owes in currencies without an exchange rate; part of no total",
    )
    is_live: bool = Field(
        True, description="false: a reconstruction of a past day, nothing may be done with it"
    )
    instalment_number: int | None = Field(None, description="null for an invoice due as a whole")
    instalment_count: int | None = None
    side_task: StepAnswer | None = Field(
        None, description="work inside the house beside the next step: the disputed part of an invoice"
    )
    currency: str
    segment: str | None
    money_band: str
    state: str
    experiment_id: str | None
    variant_id: str | None
    assignment_probability: float | None
    policy_id: str
    policy_version: str
    person_decides: PersonDecidesAnswer | None = Field(
        None, description="set when no step against this debtor is automatic, with who decides; else null"
    )
    conversation: ConversationAnswer | None = Field(
        None, description="the customer's one contact today when this invoice is part of it; null otherwise"
    )
