"""The ledger's contracts: every table, its columns in order, their types and what one row must satisfy.

Rules that need several rows or several tables are in `features.ledger.table_rules`. Conventions: ids are text
(leading zeros matter) in normal form (`features.ids`), civil days end in `_on`, UTC instants in `_at`, amounts are
exact decimals with two places, shares run from 0 to 1, null means "not known".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import dataframely as dy
import polars as pl

from features.words import INSTALMENT_KINDS, INTERACTION_CHANNELS, INTERACTION_KINDS, PAYMENT_METHODS

INVOICE_KINDS: Final = ("invoice", "credit_note")
EMAIL_DIRECTIONS: Final = ("inbound", "outbound")
#: Tables that a source may declare complete through a day.
FEED_NAMES: Final = (
    "customers",
    "invoices",
    "customer_merges",
    "customer_history",
    "instalments",
    "payments",
    "disputes",
    "emails",
    "interactions",
    "indicators",
)
_COUNTRY: Final = r"^[A-Z]{2}$"
_CURRENCY: Final = r"^[A-Z]{3}$"


def _one_of(words: Iterable[str]) -> Callable[[pl.Expr], pl.Expr]:
    """A check that a text is one of a closed list of words."""
    return lambda column: column.is_in(list(words))


class Customers(dy.Schema):
    """One row per customer (the debtor), as the company knows it."""

    customer_id = dy.String(
        primary_key=True, min_length=1, description="the company's own number for the customer"
    )
    name = dy.String(nullable=True, description="trade name")
    country = dy.String(nullable=True, regex=_COUNTRY, description="ISO 3166 alpha-2 of the payer")
    sector = dy.String(nullable=True, description="NACE division, two digits as text")
    legal_form = dy.String(nullable=True, description="legal form as registered")
    is_natural_person = dy.Bool(nullable=True, description="a sole trader or private person")
    size_class = dy.String(nullable=True, description="size class as the company words it")
    siren = dy.String(nullable=True, description="French company number, nine digits as text")
    language = dy.String(nullable=True, description="language of correspondence, ISO 639-1")
    customer_since_on = dy.Date(nullable=True, description="first day of the business relation")
    credit_limit = dy.Decimal(
        18, 2, nullable=True, description="agreed exposure limit, in the reporting currency"
    )
    is_strategic = dy.Bool(description="a person decides every step for this customer")
    group_id = dy.String(nullable=True, description="group of customers under one parent")
    bureau_score = dy.Float64(
        nullable=True,
        allow_inf=False,
        allow_nan=False,
        description="score of a credit bureau as delivered; higher is safer",
    )


class CustomerHistory(dy.Schema):
    """One row per customer and day from which its attributes were as they are in the row.

    A row is in force until the next one of its customer; visible strictly after `valid_from_on`, the day it became
    known. Before the oldest row the oldest one is in force. A column that no row of a customer fills says nothing: the
    customer's own row is then in force for all time.
    """

    customer_id = dy.String(primary_key=True, min_length=1, description="the customer")
    valid_from_on = dy.Date(primary_key=True, description="day from which this was known")
    country = dy.String(nullable=True, regex=_COUNTRY, description="ISO 3166 alpha-2 of the payer")
    sector = dy.String(nullable=True, description="NACE division, two digits as text")
    legal_form = dy.String(nullable=True, description="legal form as registered")
    is_natural_person = dy.Bool(nullable=True, description="a sole trader or private person")
    size_class = dy.String(nullable=True, description="size class as the company words it")
    credit_limit = dy.Decimal(
        18, 2, nullable=True, description="agreed exposure limit, in the reporting currency"
    )
    is_strategic = dy.Bool(nullable=True, description="a person decides every step for this customer")
    group_id = dy.String(nullable=True, description="group of customers under one parent")
    bureau_score = dy.Float64(
        nullable=True,
        allow_inf=False,
        allow_nan=False,
        description="score of a credit bureau as delivered; higher is safer",
    )


class CustomerMerges(dy.Schema):
    """One row per customer that was merged into another: from the day after, the two are one payer."""

    customer_id = dy.String(primary_key=True, min_length=1, description="the customer that was merged")
    merged_into_id = dy.String(min_length=1, description="the customer it is part of since")
    merged_on = dy.Date(description="day the merge became known; visible strictly after")


class Invoices(dy.Schema):
    """One row per invoice or credit note, amounts including tax, positive in both kinds."""

    invoice_id = dy.String(primary_key=True, min_length=1, description="invoice number as printed")
    customer_id = dy.String(min_length=1, description="who owes it")
    kind = dy.String(check=_one_of(INVOICE_KINDS), description="invoice or credit_note")
    issued_on = dy.Date(description="issue date; the day it becomes known")
    due_on = dy.Date(description="last day on which payment is on time")
    amount = dy.Decimal(18, 2, min_exclusive=0, description="gross amount in `currency`, above zero")
    currency = dy.String(regex=_CURRENCY, description="ISO 4217")
    terms = dy.String(nullable=True, description="terms of payment as worded on the invoice")
    delivery_channel = dy.String(nullable=True, description="how it was sent: email, portal, paper, ...")
    purchase_order = dy.String(nullable=True, description="the customer's order number")
    billing_trigger = dy.String(
        nullable=True, description="what caused it: delivery, milestone, subscription, ..."
    )
    source_due_on = dy.Date(
        nullable=True, description="due date the source gave, where `due_on` was recomputed"
    )
    cancelled_on = dy.Date(
        nullable=True, description="day its cancellation became known: from then nothing is owed on it"
    )
    replaces_invoice_id = dy.String(
        nullable=True, description="the cancelled invoice it was issued instead of"
    )


class Instalments(dy.Schema):
    """One row per part of an invoice that is due on a day of its own; the parts add up to the invoice exactly."""

    invoice_id = dy.String(primary_key=True, min_length=1, description="the invoice it is a part of")
    number = dy.Int64(primary_key=True, min=1, description="number of the part within its invoice, from 1")
    due_on = dy.Date(
        description="last day on which the part is paid on time; of retention money, its release"
    )
    amount = dy.Decimal(18, 2, min_exclusive=0, description="gross amount in the invoice's currency")
    kind = dy.String(check=_one_of(INSTALMENT_KINDS), description="instalment or retention")


class Payments(dy.Schema):
    """One row per change of what an invoice, a credit note or a customer's account comes to."""

    payment_id = dy.String(primary_key=True, min_length=1, description="id of the allocation")
    invoice_id = dy.String(
        nullable=True, min_length=1, description="the invoice or credit note concerned; null: cash on account"
    )
    customer_id = dy.String(
        nullable=True, min_length=1, description="the payer; required where there is no invoice"
    )
    paid_on = dy.Date(description="value date of the cash")
    known_on = dy.Date(description="day the company knew of it (booked); visible strictly after")
    amount = dy.Decimal(18, 2, description="above zero, or below zero with method `reversal` or `refund`")
    method = dy.String(
        nullable=True, check=_one_of(PAYMENT_METHODS), description="one of the payment methods; null: cash"
    )
    currency = dy.String(
        nullable=True,
        regex=_CURRENCY,
        description="of the money; null: the invoice's, or the reporting currency",
    )
    reverses_payment_id = dy.String(nullable=True, description="of a `reversal`: the row it undoes")


class Disputes(dy.Schema):
    """One row per dispute raised on an invoice and day it was opened: a later `opened_on` reopens it."""

    dispute_id = dy.String(primary_key=True, min_length=1, description="id of the dispute")
    invoice_id = dy.String(min_length=1, description="the disputed invoice")
    opened_on = dy.Date(primary_key=True, description="day it became known that it was open, or open again")
    closed_on = dy.Date(nullable=True, description="day it was closed; null while open")
    reason = dy.String(nullable=True, description="price, quantity, quality, delivery, ...")
    amount = dy.Decimal(18, 2, nullable=True, min_exclusive=0, description="disputed part; null: all of it")


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
    kind = dy.String(check=_one_of(INTERACTION_KINDS), description="one of the kinds of interaction")
    channel = dy.String(
        nullable=True, check=_one_of(INTERACTION_CHANNELS), description="email, phone, post, portal, ..."
    )
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


class Feeds(dy.Schema):
    """One row per table of which the source says that it is complete through a day (a quiet firm's heartbeat)."""

    name = dy.String(primary_key=True, check=_one_of(FEED_NAMES), description="the table")
    complete_through_on = dy.Date(description="last day of which every fact has been delivered")


SCHEMAS: Final[dict[str, type[dy.Schema]]] = {
    "customers": Customers,
    "invoices": Invoices,
    "customer_merges": CustomerMerges,
    "customer_history": CustomerHistory,
    "instalments": Instalments,
    "payments": Payments,
    "disputes": Disputes,
    "emails": Emails,
    "interactions": Interactions,
    "indicators": Indicators,
    "feeds": Feeds,
}
"""Every table in contract order: a table comes after those its rows refer to."""
#: Tables without which there is no ledger (customers can be derived from the invoices).
REQUIRED_TABLES: Final = ("invoices", "payments")
#: Tables that may be absent: their facts are then unknown, not nil.
OPTIONAL_TABLES: Final = tuple(name for name in SCHEMAS if name not in ("customers", *REQUIRED_TABLES))
#: Tables whose rows belong to no customer.
SHARED_TABLES: Final = ("indicators", "feeds")
#: Tables whose rows belong to the customer of the invoice they name, whatever else they say.
TABLES_OF_INVOICES: Final = ("instalments", "payments", "disputes")
#: What makes a row unique. Sectors and countries of indicators may be null, hence no primary key of the schema.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    name: ("name", "sector", "country", "period") if name == "indicators" else tuple(schema.primary_key())
    for name, schema in SCHEMAS.items()
}
#: Attributes of a customer that may change and be dated in `customer_history`.
DATED_ATTRIBUTES: Final = tuple(
    name for name in CustomerHistory.columns() if name not in KEYS["customer_history"]
)


_DTYPES: Final = {
    table: {name: column.dtype for name, column in schema.columns().items()}
    for table, schema in SCHEMAS.items()
}


def table_dtypes(table: str) -> dict[str, pl.DataType]:
    """Column names of a ledger table in contract order, with their polars types."""
    return dict(_DTYPES[table])


def id_columns(table: str) -> list[str]:
    """The columns of a table with ids: its own and those it refers to."""
    return [name for name in table_dtypes(table) if name.endswith("_id")]


_EMPTY: Final = {table: pl.DataFrame(schema=dtypes) for table, dtypes in _DTYPES.items()}


def empty_table(table: str) -> pl.DataFrame:
    """The table with no rows: "there was nothing", as opposed to an absent table."""
    return _EMPTY[table]


def in_contract_columns(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A frame with every column of its contract, in order: null where the frame has none, further columns left out."""
    return frame.select(
        pl.col(name) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in table_dtypes(table).items()
    )
