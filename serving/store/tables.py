"""The tables of the history store: one definition for SQLite and PostgreSQL.

Facts keep the columns of the ledger, with three differences: money is a whole number of cents (exact in both
databases), payments and disputes carry the customer of their invoice (null while the invoice is unknown: the
fact is *pending*), and every row says where it came from (`batch` or `event`) and when it was received.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
)
from sqlalchemy.types import TypeDecorator

METADATA: Final = MetaData()

# Letters of the id of an answer. PostgreSQL refuses a longer one.
ANSWER_ID_LENGTH: Final = 40


class UtcInstant(TypeDecorator[dt.datetime]):
    """A UTC instant with microseconds, the same value in both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Convert an aware instant to what the database keeps."""
        if value is None:
            return None
        utc = value.astimezone(dt.UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give back an aware UTC instant."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _column(name: str, **options: Any) -> Column[Any]:
    """Choose the column type from the ending of its name, as the ledger does."""
    if name.endswith("_on"):
        return Column(name, Date, **options)
    if name.endswith("_at"):
        return Column(name, UtcInstant, **options)
    if name.endswith("_cents"):
        return Column(name, BigInteger, **options)
    if name.startswith("is_"):
        return Column(name, Boolean, **options)
    return Column(name, Text, **options)


# The columns of each fact, in ledger order; the first is its key.
FACT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "customers": (
        "customer_id",
        "name",
        "country",
        "sector",
        "legal_form",
        "is_natural_person",
        "size_class",
        "siren",
        "language",
        "customer_since_on",
        "credit_limit_cents",
        "is_strategic",
        "group_id",
    ),
    "invoices": (
        "invoice_id",
        "customer_id",
        "kind",
        "issued_on",
        "due_on",
        "amount_cents",
        "currency",
        "terms",
        "delivery_channel",
        "purchase_order",
        "billing_trigger",
        "source_due_on",
    ),
    "payments": ("payment_id", "invoice_id", "paid_on", "known_on", "amount_cents", "method"),
    "disputes": ("dispute_id", "invoice_id", "opened_on", "closed_on", "reason"),
    "emails": ("email_id", "customer_id", "sent_at", "direction", "subject", "body", "invoice_id"),
    "interactions": (
        "interaction_id",
        "customer_id",
        "invoice_id",
        "happened_at",
        "kind",
        "channel",
        "sequence_id",
        "step_id",
    ),
}

# Facts that name an invoice only: they wait until it is known.
FOLLOWS_INVOICE: Final = ("payments", "disputes")


def _fact_table(name: str, columns: tuple[str, ...]) -> Table:
    key = columns[0]
    made = [_column(key, primary_key=True), *(_column(column) for column in columns[1:])]
    if name in FOLLOWS_INVOICE:
        made.append(Column("customer_id", Text))
    made += [
        Column("origin", String(5), nullable=False),
        Column("received_at", UtcInstant, nullable=False),
    ]
    table = Table(f"fact_{name}", METADATA, *made)
    if name != "customers":
        Index(f"fact_{name}_by_customer", table.c.customer_id)
    if name in FOLLOWS_INVOICE:
        Index(f"fact_{name}_by_invoice", table.c.invoice_id)
    return table


FACTS: Final[dict[str, Table]] = {name: _fact_table(name, cols) for name, cols in FACT_COLUMNS.items()}

# Published series; replaced as a whole by the nightly load.
INDICATORS: Final = Table(
    "fact_indicators",
    METADATA,
    Column("line", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sector", Text),
    Column("country", Text),
    Column("period", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("published_on", Date, nullable=False),
)

# One row per counter: `change` grows with every writing transaction, `generation` with every nightly load, `night`
# with every replacement of the night's scores, `audit` is the position of the last line of the audit chain. Locking
# the row orders the writers.
COUNTERS: Final = Table(
    "counters",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# The change in which a customer's history last changed: what a worker asks before it scores.
CHANGES: Final = Table(
    "customer_changes",
    METADATA,
    Column("customer_id", Text, primary_key=True),
    Column("change", BigInteger, nullable=False, index=True),
)

# One row per kind of fact: whether the source has it at all, and how fresh it is.
FEEDS: Final = Table(
    "feeds",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("is_provided", Boolean, nullable=False),
    Column("loaded_at", UtcInstant),
    Column("known_on", Date),
    Column("received_at", UtcInstant),
)

# Facts erased on request: they are not taken in again. Of a customer, only what identifies is blanked.
IDENTIFYING: Final = ("name", "siren")
BLANKED: Final = "customers"
ERASED_FACTS: Final = Table(
    "erased_facts",
    METADATA,
    Column("table_name", String(16), primary_key=True),
    Column("fact_id", Text, primary_key=True),
    Column("erased_at", UtcInstant, nullable=False),
)

# What was answered, in full; the body can be erased, its hash stays in the chain.
ANSWERS: Final = Table(
    "answers",
    METADATA,
    Column("answer_id", String(ANSWER_ID_LENGTH), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject_id", Text, index=True),
    Column("customer_id", Text, index=True),
    Column("created_at", UtcInstant, nullable=False, index=True),
    Column("body", Text),
    Column("erased_at", UtcInstant),
)
Index("answers_by_kind", ANSWERS.c.kind, ANSWERS.c.subject_id)
# Overrides are few among many scores: what people decided about a customer is found without reading its scores. With
# the kind as second column SQLite prefers this index to that of the customer alone, whichever was made first.
_IS_OVERRIDE: Final = ANSWERS.c.kind == literal_column("'override'")
OVERRIDES_BY_CUSTOMER: Final = Index(
    "answers_overrides",
    ANSWERS.c.customer_id,
    ANSWERS.c.kind,
    sqlite_where=_IS_OVERRIDE,
    postgresql_where=_IS_OVERRIDE,
)

# What last night's job answered on each open invoice; replaced as a whole by the next night, so that it stays as
# small as the open invoices are few. A score that a person decides on is kept for good among the answers.
NIGHTLY: Final = Table(
    "nightly_scores",
    METADATA,
    Column("answer_id", String(ANSWER_ID_LENGTH), primary_key=True),
    Column("subject_id", Text, nullable=False, index=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("created_at", UtcInstant, nullable=False),
    Column("body", Text, nullable=False),
)

# Append-only, hash-chained: one line per answer, override, erasure or export.
AUDIT: Final = Table(
    "audit_chain",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("written_at", UtcInstant, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("answer_id", String(ANSWER_ID_LENGTH), nullable=False, unique=True),
    Column("caller", Text, nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("line_hash", String(64), nullable=False),
)
