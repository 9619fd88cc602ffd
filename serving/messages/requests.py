"""What callers send: strict, named, with units, ranges and examples; unknown fields and NaN are refused.

Days are civil days (ISO 8601), instants carry a time zone, amounts are gross, in `currency`, with at most
two decimals (a JSON number or, to be safe from rounding on the way, a string). Events are in `event_messages`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from features.messages import localized
from serving.messages.fields import (
    NO_NUL,
    Amount,
    Currency,
    Day,
    Direction,
    Id,
    Instant,
    Message,
    Prose,
    Words,
)
from serving.operations.settings import MAXIMUM_INVOICES


class InvoiceToScore(Message):
    """An invoice, or the draft of one.

    An invoice the service already knows needs its id only; what is given here wins over what is known. For a
    draft, give what there is: the answer lists what was missing and what was assumed instead.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "invoice_id": "F-2026-00417",
                    "customer_id": "C-0042",
                    "issued_on": "2026-03-02",
                    "due_on": "2026-04-01",
                    "amount": "1840.50",
                    "currency": "EUR",
                    "terms": "30 jours net",
                    "delivery_channel": "email",
                    "purchase_order": "PO-7781",
                },
                {"customer_id": "C-0042", "amount": 990, "terms": "45 jours fin de mois"},
            ]
        }
    )

    invoice_id: Id | None = Field(None, description="null for a draft without a number")
    customer_id: Id | None = Field(
        None, description="who owes it; may be left out for a known invoice; may be unknown to the service"
    )
    issued_on: Day | None = Field(None, description="issue date; a draft is taken as issued on `as_of`")
    due_on: Day | None = Field(None, description="last day on which payment is on time")
    amount: Amount | None = Field(None, description="gross amount; may be left out for a known invoice")
    currency: Currency | None = Field(None, description="ISO 4217 code; EUR when missing")
    terms: Words | None = Field(None, description="terms of payment as worded on the invoice")
    delivery_channel: Words | None = Field(None, description="how it is sent: email, portal, paper, ...")
    purchase_order: Words | None = Field(None, description="the customer's order number")


class ScoreRequest(Message):
    """One to 1,000 invoices to score as seen at one as-of date."""

    as_of: Day | None = Field(
        None,
        description=(
            "the score knows what was known strictly before this day; today (UTC) when missing. "
            "At most tomorrow: to score with everything known up to now, send tomorrow's date"
        ),
        examples=["2026-03-02"],
    )
    invoices: list[InvoiceToScore] = Field(min_length=1, max_length=MAXIMUM_INVOICES)
    with_reasons: bool = Field(True, description="whether the answer holds the reasons of each score")


class EmailRequest(Message):
    """One e-mail to read; it is not stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "subject": "Facture F-2026-00417",
                    "body": "Bonjour, le virement sera fait vendredi 6 mars. Cordialement",
                    "sent_at": "2026-03-02T09:30:00+01:00",
                    "direction": "inbound",
                }
            ]
        }
    )

    subject: Prose = ""
    body: Prose = Field(description="plain text")
    sent_at: Instant = Field(description="instant it was sent; relative days are read from it")
    direction: Direction = "inbound"


class OverrideRequest(Message):
    """A person's decision in place of the proposed one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sequence_id": "courtesy",
                    "reason": "The customer's accountant is away until Monday and asked for patience.",
                    "decided_by": "m.durand",
                }
            ]
        }
    )

    sequence_id: Id | None = Field(
        description="dunning sequence chosen instead, one of the policy's; null follows the policy again"
    )
    reason: Annotated[str, StringConstraints(min_length=10, max_length=2000, pattern=NO_NUL)] = Field(
        description="why, in words; stored in the audit log"
    )
    decided_by: Words = Field(description="who decided")
    hold_until: Day | None = Field(
        None, description="no step before this day; from today to the longest hold of the policy (92 days)"
    )

    @model_validator(mode="after")
    def _reason_says_something(self) -> OverrideRequest:
        if len(self.reason.split()) < 2:
            raise ValueError(localized("reason needs at least two words"))
        return self
