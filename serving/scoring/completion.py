"""From invoices and what is known of their customers to landmarks. Pure: values in, values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import polars as pl

from features.asof import LANDMARK_SCHEMA
from features.ledger import Ledger, empty_table, table_dtypes
from features.messages import Message, localized, localized_plural
from features.settings import DEFAULT_CURRENCY
from features.settlement import EPISODE_SCHEMA
from features.terms import EndOfMonthReading, due_date, parse_terms
from serving.messages.answers import MissingField
from serving.messages.refusals import IS_MISSING, RefusalError, RequestFault
from serving.messages.requests import InvoiceToScore
from serving.scoring.customer_knowledge import Knowledge
from serving.scoring.ledger_parts import CustomerPart
from serving.security.access import AccessKey

#: Days granted when neither due date nor terms are known (Code de commerce, art. L441-10, I).
DEFAULT_TERM_DAYS: Final = 30
#: Begins the id of a draft inside the core; no ledger id can begin so.
DRAFT_MARK: Final = "\x00draft "
_LANDMARKS: Final = pl.Schema([*LANDMARK_SCHEMA.items(), ("country", pl.String())])
_OPTIONAL: Final = ("terms", "delivery_channel", "purchase_order")
#: What a request may say of a known invoice; where it says otherwise, it asks what would be.
_CONTENT: Final = ("issued_on", "due_on", "amount", "currency", *_OPTIONAL)


@dataclass(frozen=True)
class InvoiceInFull:
    """An invoice to score with every field the features need.

    Attributes:
        row: place in the request.
        invoice_id: null for a draft without a number.
        is_known: it is in the ledger.
        missing: what the request did not give, and what was taken instead.
        is_simulation: its content is not that of the known invoice of this id: a question of what would be.
        is_others: its id is that of an invoice of an account the caller may not see.
    """

    row: int
    invoice_id: str | None
    customer_id: str
    as_of: dt.date
    issued_on: dt.date
    due_on: dt.date
    amount: Decimal
    currency: str
    terms: str | None
    delivery_channel: str | None
    purchase_order: str | None
    country: str | None
    is_known: bool
    missing: tuple[MissingField, ...]
    is_simulation: bool = False
    is_others: bool = False

    @property
    def landmark_id(self) -> str:
        """The id under which the core knows it; of another account's invoice it knows nothing."""
        if self.invoice_id is None or self.is_others:
            return f"{DRAFT_MARK}{self.row}"
        return self.invoice_id

    @property
    def is_dunned(self) -> bool:
        """Whether steps are decided on it: not on a draft, nor on a simulation."""
        return self.invoice_id is not None and not self.is_simulation


@dataclass(frozen=True)
class KnownFacts:
    """What the caller may see of the history, as look-ups.

    Attributes:
        invoice: the row of an invoice; null when unknown or not the caller's to see.
        is_others: whether an invoice is known and not the caller's to see.
        country: country of a customer; null when unknown.
        sees: whether the caller may see a customer.
    """

    invoice: Callable[[str], dict[str, Any] | None]
    is_others: Callable[[str], bool]
    country: Callable[[str], str | None]
    sees: Callable[[str], bool]


def in_instalments(invoice: InvoiceToScore, knowledge: Knowledge) -> list[InvoiceToScore]:
    """Return each instalment of a known invoice that is due in instalments; any other invoice as it was requested."""
    ids = () if invoice.invoice_id is None else knowledge.instalment_ids(invoice.invoice_id)
    row = knowledge.invoice(invoice.invoice_id) if invoice.invoice_id is not None and ids else None
    stated = invoice.model_dump(exclude_none=True)
    if row is None or any(row[field] != value for field, value in stated.items()):
        return [invoice]
    return [InvoiceToScore(invoice_id=key, customer_id=row["customer_id"]) for key in ids]


def sees_payer(knowledge: Knowledge, key: AccessKey, customer_id: str, day: dt.date) -> bool:
    """Return whether the holder of a key may see every customer that is one payer with this one, known before a day."""
    return all(map(key.sees, knowledge.members_of_payer_of(customer_id, day)))


def known_facts(knowledge: Knowledge, key: AccessKey, as_of: dt.date) -> KnownFacts:
    """Return what the holder of a key may see of the history; the country of a customer as known before a day."""

    def invoice(invoice_id: str) -> dict[str, object] | None:
        row = knowledge.invoice(invoice_id)
        return row if row is None or key.sees(row["customer_id"]) else None

    def country(customer_id: str) -> str | None:
        row = knowledge.customer(customer_id, as_of)
        return None if row is None else row["country"]

    def is_others(invoice_id: str) -> bool:
        row = knowledge.invoice(invoice_id)
        return row is not None and not key.sees(row["customer_id"])

    return KnownFacts(invoice, is_others, country, key.sees)


def complete_invoices(
    invoices: Sequence[InvoiceToScore], as_of: dt.date, known: KnownFacts
) -> list[InvoiceInFull]:
    """Fill in what the request left out: from the known invoice, else by a stated assumption.

    Raises:
        RefusalError: when an invoice cannot be completed or the caller may not see its customer; names
            every row.
    """
    faults: list[RequestFault] = []
    completed: list[InvoiceInFull] = []
    seen: dict[str, int] = {}
    for row, invoice in enumerate(invoices):
        if invoice.invoice_id is not None:
            first = seen.setdefault(invoice.invoice_id, row)
            if first != row:
                faults.append(
                    _fault(
                        row,
                        "invoice_id",
                        localized("stands in row {row} too", row=str(first)),
                        localized("each invoice once"),
                    )
                )
                continue
        found = _complete(row, invoice, as_of, known)
        if isinstance(found, InvoiceInFull):
            completed.append(found)
        else:
            faults += found
    if faults:
        raise RefusalError(
            422,
            "invalid_request",
            localized_plural(
                "{count} fault in the invoices; nothing was scored. "
                "To do: correct the fields named and send the request again.",
                "{count:d} faults in the invoices; nothing was scored. "
                "To do: correct the fields named and send the request again.",
                count=len(faults),
            ),
            faults,
        )
    hidden = [found.row for found in completed if not known.sees(found.customer_id)]
    if hidden:
        raise RefusalError(
            403,
            "forbidden",
            localized("The key is limited to some accounts, and these are not among them."),
            [
                _fault(
                    row,
                    "customer_id",
                    localized("is not an account of this key"),
                    localized("an account of this key"),
                )
                for row in hidden
            ],
        )
    return completed


def _complete(
    row: int, invoice: InvoiceToScore, as_of: dt.date, known: KnownFacts
) -> InvoiceInFull | list[RequestFault]:
    held = known.invoice(invoice.invoice_id) if invoice.invoice_id is not None else None
    missing: list[MissingField] = []
    faults: list[RequestFault] = []

    def take(field: str) -> Any:
        given = getattr(invoice, field)
        if given is not None or held is None:
            return given
        if held[field] is not None:
            missing.append(MissingField(field=field, assumed=str(held[field]), source="ledger"))
        return held[field]

    if held is not None and held["kind"] == "credit_note":
        faults.append(_fault(row, "invoice_id", localized("is a credit note"), localized("an invoice")))
    customer_id, amount = take("customer_id"), take("amount")
    for field, value in (("customer_id", customer_id), ("amount", amount)):
        if value is None:
            faults.append(_fault(row, field, IS_MISSING, localized("a value, or the id of a known invoice")))
    if held is not None and customer_id != held["customer_id"]:
        faults.append(
            _fault(row, "customer_id", localized("is not the customer of this known invoice"), None)
        )
    issued_on = take("issued_on")
    if issued_on is None:
        issued_on = as_of
        missing.append(MissingField(field="issued_on", assumed=str(as_of), source="assumption"))
    terms, channel, order = (take(field) for field in _OPTIONAL)
    due_on = take("due_on") or _assumed_due_on(terms, issued_on, missing)
    currency = take("currency")
    if currency is None:
        currency = DEFAULT_CURRENCY
        missing.append(MissingField(field="currency", assumed=DEFAULT_CURRENCY, source="assumption"))
    if invoice.invoice_id is None:
        missing.append(MissingField(field="invoice_id", assumed=None, source="none"))
    missing += [
        MissingField(field=field, assumed=None, source="none")
        for field, value in zip(_OPTIONAL, (terms, channel, order), strict=True)
        if value is None
    ]
    if due_on < issued_on:
        faults.append(
            _fault(
                row, "due_on", localized("lies before issued_on"), localized("{day} or later", day=issued_on)
            )
        )
    if issued_on > as_of:
        faults.append(
            _fault(row, "issued_on", localized("lies after as_of"), localized("{day} or earlier", day=as_of))
        )
    if faults:
        return faults
    is_others = invoice.invoice_id is not None and held is None and known.is_others(invoice.invoice_id)
    return InvoiceInFull(
        row=row,
        invoice_id=invoice.invoice_id,
        customer_id=customer_id,
        as_of=as_of,
        issued_on=issued_on,
        due_on=due_on,
        amount=amount,
        currency=currency,
        terms=terms,
        delivery_channel=channel,
        purchase_order=order,
        country=known.country(customer_id),
        is_known=held is not None,
        missing=tuple(sorted(missing, key=lambda field: field.field)),
        is_simulation=is_others or (held is not None and _says_otherwise(invoice, held)),
        is_others=is_others,
    )


def _says_otherwise(invoice: InvoiceToScore, held: Mapping[str, Any]) -> bool:
    """Whether a request contradicts what is known of the invoice; what it adds is no contradiction."""
    said = ((getattr(invoice, field), held[field]) for field in _CONTENT)
    return any(given is not None and known is not None and given != known for given, known in said)


def _assumed_due_on(terms: str | None, issued_on: dt.date, missing: list[MissingField]) -> dt.date:
    understood = parse_terms(terms)
    if understood is None:
        assumed = issued_on + dt.timedelta(days=DEFAULT_TERM_DAYS)
    else:
        assumed = due_date(understood, issued_on, EndOfMonthReading.DAYS_THEN_MONTH_END)
    missing.append(MissingField(field="due_on", assumed=str(assumed), source="assumption"))
    return assumed


def _fault(row: int, field: str, message: Message, expected: Message | None) -> RequestFault:
    return RequestFault(message, row, field, expected)


def landmarks_of(invoices: Sequence[InvoiceInFull]) -> pl.DataFrame:
    """Return the landmarks of the invoices, in their order, with the payer's country beside."""
    rows = [
        {
            "invoice_id": invoice.landmark_id,
            "customer_id": invoice.customer_id,
            "as_of": invoice.as_of,
            "issued_on": invoice.issued_on,
            "due_on": invoice.due_on,
            "amount": float(invoice.amount),
            "currency": invoice.currency,
            "terms": invoice.terms,
            "delivery_channel": invoice.delivery_channel,
            "purchase_order": invoice.purchase_order,
            "country": invoice.country,
        }
        for invoice in invoices
    ]
    return pl.from_dicts(rows, schema=_LANDMARKS)


def nothing_known_of(customer_id: str) -> CustomerPart:
    """Return what is known of a customer that is not known yet: its id and nothing else."""
    customer = dict.fromkeys(table_dtypes("customers"))
    row: Mapping[str, Any] = {**customer, "customer_id": customer_id, "is_strategic": False}
    ledger = Ledger.from_tables(
        {
            "customers": pl.DataFrame([row], schema=table_dtypes("customers")),
            "invoices": empty_table("invoices"),
            "payments": empty_table("payments"),
        }
    )
    return CustomerPart(ledger, pl.DataFrame(schema=EPISODE_SCHEMA), signals=None)
