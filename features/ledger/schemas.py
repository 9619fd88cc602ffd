"""The ledger's contracts: every table, its columns in order, their types and what one row must satisfy.

Rules that need several rows or several tables stand in `features.ledger.rules`. Conventions: ids are text
(leading zeros matter), civil days end in `_on`, UTC instants in `_at`, amounts are exact decimals with two
places, shares run from 0 to 1, null means "not known".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import dataframely as dy
import polars as pl

INVOICE_KINDS: Final = ("invoice", "credit_note")
EMAIL_DIRECTIONS: Final = ("inbound", "outbound")
#: Payment methods with a meaning of their own; any other text is allowed.
REVERSAL: Final = "reversal"


def _one_of(words: tuple[str, ...]) -> Callable[[pl.Expr], pl.Expr]:
    """A check that a text is one of a closed list of words."""
    return lambda column: column.is_in(list(words))


class Customers(dy.Schema):
    """One row per customer (the debtor), as the company knows it."""

    customer_id = dy.String(
        primary_key=True, min_length=1, description="the company's own number for the customer"
    )
    name = dy.String(nullable=True, description="trade name")
    country = dy.String(nullable=True, regex=r"^[A-Z]{2}$", description="ISO 3166 alpha-2 of the payer")
    sector = dy.String(nullable=True, description="NACE division, two digits as text")
    legal_form = dy.String(nullable=True, description="legal form as registered")
    is_natural_person = dy.Bool(nullable=True, description="a sole trader or private person")
    size_class = dy.String(nullable=True, description="size class as the company words it")
    siren = dy.String(nullable=True, description="French company number, nine digits as text")
    language = dy.String(nullable=True, description="language of correspondence, ISO 639-1")
    customer_since_on = dy.Date(nullable=True, description="first day of the business relation")
    credit_limit = dy.Decimal(18, 2, nullable=True, description="agreed exposure limit")
    is_strategic = dy.Bool(description="a person decides every step for this customer")
    group_id = dy.String(nullable=True, description="group of customers under one parent")


class Invoices(dy.Schema):
    """One row per invoice or credit note, amounts including tax, positive in both kinds."""

    invoice_id = dy.String(primary_key=True, min_length=1, description="invoice number as printed")
    customer_id = dy.String(min_length=1, description="who owes it")
    kind = dy.String(check=_one_of(INVOICE_KINDS), description="invoice or credit_note")
    issued_on = dy.Date(description="issue date; the day it becomes known")
    due_on = dy.Date(description="last day on which payment is on time")
    amount = dy.Decimal(18, 2, min_exclusive=0, description="gross amount in `currency`, above zero")
    currency = dy.String(regex=r"^[A-Z]{3}$", description="ISO 4217")
    terms = dy.String(nullable=True, description="terms of payment as worded on the invoice")
    delivery_channel = dy.String(nullable=True, description="how it was sent: email, portal, paper, ...")
    purchase_order = dy.String(nullable=True, description="the customer's order number")
    billing_trigger = dy.String(
        nullable=True, description="what caused it: delivery, milestone, subscription, ..."
    )
    source_due_on = dy.Date(
        nullable=True, description="due date the source gave, where `due_on` was recomputed"
    )


class Payments(dy.Schema):
    """One row per allocation of cash (or of a credit note) to an invoice."""

    payment_id = dy.String(primary_key=True, min_length=1, description="id of the allocation")
    invoice_id = dy.String(min_length=1, description="the invoice it settles in full or in part")
    paid_on = dy.Date(description="value date of the cash")
    known_on = dy.Date(description="day the company knew of it (booked); visible strictly after")
    amount = dy.Decimal(18, 2, description="above zero, or below zero with method `reversal`")
    method = dy.String(nullable=True, description="transfer, direct_debit, credit_note, reversal, ...")


class Disputes(dy.Schema):
    """One row per dispute raised on an invoice."""

    dispute_id = dy.String(primary_key=True, min_length=1, description="id of the dispute")
    invoice_id = dy.String(min_length=1, description="the disputed invoice")
    opened_on = dy.Date(description="day it became known")
    closed_on = dy.Date(nullable=True, description="day it was closed; null while open")
    reason = dy.String(nullable=True, description="price, quantity, quality, delivery, ...")


class Emails(dy.Schema):
    """One row per e-mail exchanged with a customer."""

    email_id = dy.String(primary_key=True, min_length=1, description="id of the message")
    customer_id = dy.String(min_length=1, description="the customer it was exchanged with")
    sent_at = dy.Datetime(time_zone="UTC", time_unit="us", description="instant it was sent")
    direction = dy.String(
        check=_one_of(EMAIL_DIRECTIONS), description="inbound from the customer, or outbound"
    )
    subject = dy.String(description="subject line, may be empty")
    body = dy.String(description="plain text")
    invoice_id = dy.String(nullable=True, description="the invoice it is known to be about")


class Interactions(dy.Schema):
    """One row per dated contact or platform event that is not an e-mail text."""

    interaction_id = dy.String(primary_key=True, min_length=1, description="id of the event")
    customer_id = dy.String(min_length=1, description="the customer concerned")
    invoice_id = dy.String(nullable=True, description="the invoice concerned, if one")
    happened_at = dy.Datetime(time_zone="UTC", time_unit="us", description="instant it happened")
    kind = dy.String(
        min_length=1, description="reminder_sent, call, portal_visit, lifecycle_NNN, plan_agreed, ..."
    )
    channel = dy.String(nullable=True, description="email, phone, post, portal, ...")
    sequence_id = dy.String(nullable=True, description="dunning sequence that caused it")
    step_id = dy.String(nullable=True, description="step of that sequence")


class Indicators(dy.Schema):
    """One row per published figure on a sector or country; key (name, sector, country, period)."""

    name = dy.String(min_length=1, description="name of the series")
    sector = dy.String(nullable=True, description="NACE division, null for all sectors")
    country = dy.String(nullable=True, description="ISO 3166 alpha-2, null for all countries")
    period = dy.String(min_length=1, description="period the figure is about, for example 2024-Q3")
    value = dy.Float64(allow_inf=False, allow_nan=False, description="the figure, unit of its series")
    published_on = dy.Date(description="day it became public")


SCHEMAS: Final[dict[str, type[dy.Schema]]] = {
    "customers": Customers,
    "invoices": Invoices,
    "payments": Payments,
    "disputes": Disputes,
    "emails": Emails,
    "interactions": Interactions,
    "indicators": Indicators,
}
#: Tables without which there is no ledger (customers can be derived from the invoices).
REQUIRED_TABLES: Final = ("invoices", "payments")
#: Tables that may be absent: their facts are then unknown, not nil.
OPTIONAL_TABLES: Final = ("disputes", "emails", "interactions", "indicators")
#: What makes a row unique.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "customers": ("customer_id",),
    "invoices": ("invoice_id",),
    "payments": ("payment_id",),
    "disputes": ("dispute_id",),
    "emails": ("email_id",),
    "interactions": ("interaction_id",),
    "indicators": ("name", "sector", "country", "period"),
}


def table_dtypes(table: str) -> dict[str, pl.DataType]:
    """Column names of a ledger table in contract order, with their polars types."""
    return {name: column.dtype for name, column in SCHEMAS[table].columns().items()}


def empty_table(table: str) -> pl.DataFrame:
    """The table with no rows: "there was nothing", as opposed to an absent table."""
    return pl.DataFrame(schema=table_dtypes(table))
