"""The facts that callers send to `POST /v1/events`: one message a fact, checked as an import checks its rows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from features.ledger.schemas import FEED_NAMES
from features.messages import localized
from features.words import NEGATIVE_METHODS, PAYMENT_METHODS, REVERSAL
from serving.accounts.events import DETAIL_FORMS, has_readable_detail
from serving.messages.fields import (
    Amount,
    ContactBy,
    Country,
    Currency,
    Day,
    Direction,
    FeedName,
    Id,
    Instant,
    InvoiceKind,
    Kind,
    Message,
    Method,
    PartKind,
    Prose,
    SignedAmount,
    Words,
)
from serving.operations.settings import MAXIMUM_EVENTS
from serving.store import Fact, to_cents
from serving.store.frames import ledger_column
from serving.store.tables import FACT_COLUMNS

#: Parts of one invoice in one event.
MAXIMUM_INSTALMENTS: Final = 400
_ONLY_NEGATIVE: Final = localized(
    "amount is below zero exactly when method is {first} or {second}",
    first=NEGATIVE_METHODS[0],
    second=NEGATIVE_METHODS[1],
)


class _FactMessage(Message):
    """A message that becomes one fact of the ledger."""

    def fact(self) -> Fact:
        """Return the fact in the store's terms."""
        table = _TABLE_OF[self.type]  # type: ignore[attr-defined]
        values: dict[str, Any] = {}
        for column in FACT_COLUMNS[table]:
            value = getattr(self, ledger_column(column), None)
            if isinstance(value, Decimal):
                value = to_cents(value)
            elif isinstance(value, dt.datetime):
                value = value.astimezone(dt.UTC)
            values[column] = value
        return Fact(table, values, self._stated(table))

    def _stated(self, table: str) -> frozenset[str] | None:
        """The columns the message says something about; null when it says everything."""
        return None


class _Attributes(_FactMessage):
    """The attributes of a customer whose changes are dated; a field that is left out stays as it is, null clears it."""

    country: Country | None = None
    sector: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")] | None = Field(
        None, description="NACE division, two digits", examples=["47"]
    )
    legal_form: Words | None = None
    is_natural_person: bool | None = Field(
        None, description="a sole trader or private person; null: what the legal form implies"
    )
    size_class: Words | None = None
    credit_limit: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2)] | None = Field(
        None, description="agreed exposure limit"
    )
    is_strategic: bool | None = Field(
        False, description="a person decides every step for this customer; null is false"
    )
    group_id: Id | None = None
    bureau_score: float | None = Field(None, description="score of a credit bureau; higher is safer")

    @field_validator("is_strategic")
    @classmethod
    def _cleared_is_false(cls, value: bool | None) -> bool:
        return bool(value)

    def _stated(self, table: str) -> frozenset[str]:
        return frozenset(
            column for column in FACT_COLUMNS[table] if ledger_column(column) in self.model_fields_set
        )


class CustomerEvent(_Attributes):
    """What is newly known of a customer: a field that is left out stays as it is, null clears it.

    A change of a dated attribute is valid from the day it is received; earlier days keep the earlier value.
    """

    type: Literal["customer"]
    customer_id: Id
    name: Words | None = None
    siren: Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")] | None = Field(
        None, description="French company number", examples=["732829320"]
    )
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] | None = Field(
        None, description="language of correspondence, ISO 639-1", examples=["fr"]
    )
    customer_since_on: Day | None = None


class CustomerHistoryEvent(_Attributes):
    """A customer's attributes as they were from a day on, until the next day that is known.

    What is left out is as it was on that day. The newest row is the present. Sent again for the same day, it replaces.
    """

    type: Literal["customer_history"]
    customer_id: Id
    valid_from_on: Day = Field(description="day from which this was known; today at most")


class InvoiceEvent(_FactMessage):
    """An invoice or credit note that was issued."""

    type: Literal["invoice"]
    invoice_id: Id
    customer_id: Id
    kind: InvoiceKind = "invoice"
    issued_on: Day
    due_on: Day
    amount: Amount
    currency: Currency = "EUR"
    terms: Words | None = None
    delivery_channel: Words | None = None
    purchase_order: Words | None = None
    billing_trigger: Words | None = None
    source_due_on: Day | None = None
    cancelled_on: Day | None = Field(
        None, description="day its cancellation became known; sent again with it when it is cancelled"
    )
    replaces_invoice_id: Id | None = Field(None, description="the cancelled invoice it was issued instead of")

    @model_validator(mode="after")
    def _due_after_issue(self) -> InvoiceEvent:
        if self.kind == "invoice" and self.due_on < self.issued_on:
            raise ValueError(localized("due_on lies before issued_on"))
        if self.cancelled_on is not None and self.cancelled_on < self.issued_on:
            raise ValueError(localized("cancelled_on lies before issued_on"))
        return self


class PaymentEvent(_FactMessage):
    """Cash, credit, discount, loss or a reversal on one invoice, which may arrive later; or cash on account.

    On a credit note any row but `credit_note` is a refund of it, whatever its sign.
    """

    type: Literal["payment"]
    payment_id: Id
    invoice_id: Id | None = Field(None, description="null for cash on account")
    customer_id: Id | None = Field(None, description="who paid; required without an invoice")
    paid_on: Day = Field(description="value date of the cash")
    known_on: Day = Field(description="day it was booked; visible to scores as of later days only")
    amount: SignedAmount = Field(description="above zero; below zero only with method `reversal` or `refund`")
    method: Method | None = Field(None, description="one of the payment methods; null is money")
    currency: Currency | None = Field(None, description="of the money; null is the invoice's")
    reverses_payment_id: Id | None = Field(None, description="of a `reversal`: the payment it undoes")

    @model_validator(mode="after")
    def _sign_fits_method(self) -> PaymentEvent:
        if self.amount == 0:
            raise ValueError(localized("amount is zero"))
        if (self.amount < 0) != (self.method in NEGATIVE_METHODS):
            raise ValueError(_ONLY_NEGATIVE)
        if self.invoice_id is None and self.customer_id is None:
            raise ValueError(localized("neither invoice_id nor customer_id says whose it is"))
        if self.invoice_id is None and self.method is not None and PAYMENT_METHODS[self.method].needs_invoice:
            raise ValueError(
                localized("method {method} means nothing without an invoice_id", method=self.method)
            )
        if self.reverses_payment_id is not None and self.method != REVERSAL:
            raise ValueError(localized("reverses_payment_id belongs to method {method}", method=REVERSAL))
        return self


class DisputeEvent(_FactMessage):
    """A dispute on an invoice; sent again with `closed_on` when it is closed."""

    type: Literal["dispute"]
    dispute_id: Id
    invoice_id: Id
    opened_on: Day
    closed_on: Day | None = None
    reason: Words | None = Field(None, description="price, quantity, quality, delivery, ...")
    amount: Amount | None = Field(None, description="disputed part of the invoice; null is all of it")

    @model_validator(mode="after")
    def _closed_after_opened(self) -> DisputeEvent:
        if self.closed_on is not None and self.closed_on < self.opened_on:
            raise ValueError(localized("closed_on lies before opened_on"))
        return self


class EmailEvent(_FactMessage):
    """An e-mail exchanged with a customer."""

    type: Literal["email"]
    email_id: Id
    customer_id: Id
    sent_at: Instant
    direction: Direction
    subject: Prose = ""
    body: Prose
    invoice_id: Id | None = Field(None, description="the invoice it is known to be about")


class InteractionEvent(_FactMessage):
    """A dated contact or platform event that is not an e-mail text."""

    type: Literal["interaction"]
    interaction_id: Id
    customer_id: Id
    invoice_id: Id | None = None
    happened_at: Instant
    kind: Kind = Field(description="one of the kinds of interaction")
    channel: ContactBy | None = Field(None, description="email, phone, sms, post, portal, ...")
    sequence_id: Id | None = None
    step_id: Id | None = Field(
        None,
        description="the dunning step, or the detail of the kind: "
        + "; ".join(f"of {kind} {form}" for kind, form in DETAIL_FORMS.items()),
    )

    @model_validator(mode="after")
    def _detail_can_be_read(self) -> InteractionEvent:
        if not has_readable_detail(self.kind, self.step_id):
            raise ValueError(
                localized("step_id of {kind} is not {form}", kind=self.kind, form=DETAIL_FORMS[self.kind])
            )
        return self


class InstalmentPart(Message):
    """One part of an invoice that is due on a day of its own."""

    number: int = Field(ge=1, le=9999, description="number of the part within its invoice, from 1")
    due_on: Day = Field(
        description="last day on which the part is paid on time; of retention money, its release"
    )
    amount: Amount
    kind: PartKind = "instalment"


class InstalmentsEvent(_FactMessage):
    """All instalments of one invoice, which add up to it; they replace those sent before.

    An empty list: the invoice is due as a whole. The instalments of an invoice that is not known yet wait for it.
    """

    type: Literal["instalments"]
    invoice_id: Id
    instalments: list[InstalmentPart] = Field(
        max_length=MAXIMUM_INSTALMENTS, description="every part of the invoice, or none"
    )

    @model_validator(mode="after")
    def _numbered_once(self) -> InstalmentsEvent:
        numbers = [part.number for part in self.instalments]
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        if twice:
            raise ValueError(
                localized(
                    "instalments: number {numbers} is given more than once", numbers=list(map(str, twice))
                )
            )
        return self

    def fact(self) -> Fact:
        """Return the whole table in the store's terms."""
        parts = tuple(
            {
                "number": part.number,
                "due_on": part.due_on,
                "amount_cents": to_cents(part.amount),
                "kind": part.kind,
            }
            for part in sorted(self.instalments, key=lambda part: part.number)
        )
        return Fact("instalments", {"invoice_id": self.invoice_id}, parts=parts)


class CustomerMergeEvent(_FactMessage):
    """A customer that was merged into another: from the day after, the two are one payer."""

    type: Literal["customer_merge"]
    customer_id: Id = Field(description="the customer that was merged")
    merged_into_id: Id = Field(description="the customer it is part of since; both are known customers")
    merged_on: Day = Field(description="day the merge became known")

    @model_validator(mode="after")
    def _into_another(self) -> CustomerMergeEvent:
        if self.customer_id == self.merged_into_id:
            raise ValueError(localized("merged_into_id is the customer itself"))
        return self


class FeedEvent(_FactMessage):
    """The source's statement that a table is complete through a day, also on a quiet day."""

    type: Literal["feed"]
    name: FeedName = Field(description="the table: one of " + ", ".join(FEED_NAMES))
    complete_through_on: Day = Field(
        description="no fact known by then is missing; today at most; never goes back"
    )

    def fact(self) -> Fact:
        """Return the statement in the store's terms."""
        return Fact("feeds", {"name": self.name, "complete_through_on": self.complete_through_on})


_TABLE_OF: Final = {
    "customer": "customers",
    "customer_history": "customer_history",
    "customer_merge": "customer_merges",
    "invoice": "invoices",
    "instalments": "instalments",
    "payment": "payments",
    "dispute": "disputes",
    "email": "emails",
    "interaction": "interactions",
    "feed": "feeds",
}
TYPE_OF_TABLE: Final = {table: name for name, table in _TABLE_OF.items()}

Event = Annotated[
    CustomerEvent
    | CustomerHistoryEvent
    | CustomerMergeEvent
    | InvoiceEvent
    | InstalmentsEvent
    | PaymentEvent
    | DisputeEvent
    | EmailEvent
    | InteractionEvent
    | FeedEvent,
    Field(discriminator="type"),
]


class EventsRequest(Message):
    """One to 1,000 facts, in any order; all are stored or none. Sending a fact again changes nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "type": "payment",
                            "payment_id": "P-88121",
                            "invoice_id": "F-2026-00417",
                            "paid_on": "2026-04-03",
                            "known_on": "2026-04-04",
                            "amount": "1840.50",
                            "method": "transfer",
                        }
                    ]
                }
            ]
        }
    )

    events: list[Event] = Field(min_length=1, max_length=MAXIMUM_EVENTS)
