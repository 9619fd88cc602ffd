"""The tables of the history store: one definition for SQLite and PostgreSQL.

Facts have the columns of the ledger's contracts, with four differences: money is a whole number of cents (exact in both
databases), what names an invoice carries the customer of the invoice (null while the invoice is unknown: the fact is
*pending*), a key of several columns is also stored as one, and every row says where it came from (`batch` or `event`)
and when it was received.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import polars as pl
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

from features.ledger import KEYS, SCHEMAS, SHARED_TABLES, TABLES_OF_INVOICES, table_dtypes

Value = TypeVar("Value")

METADATA: Final = MetaData()

# Letters of the id of an answer. PostgreSQL refuses a longer one.
ANSWER_ID_LENGTH: Final = 40


# Values in one statement, such as one IN (...) list: below the smallest limit of both databases.
CHUNK: Final = 500


def in_chunks(values: Sequence[Value]) -> Iterator[list[Value]]:
    """Return the values in lists of at most `CHUNK`, in their order."""
    for start in range(0, len(values), CHUNK):
        yield list(values[start : start + CHUNK])


class UtcInstant(TypeDecorator[dt.datetime]):
    """A UTC instant with microseconds, the same value in both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Convert an aware instant to what the database stores."""
        if value is None:
            return None
        utc = value.astimezone(dt.UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give back an aware UTC instant."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


# Tables of the ledger stored fact by fact; published series are replaced as a whole, feeds are a state.
FACT_TABLES: Final = tuple(name for name in SCHEMAS if name not in SHARED_TABLES)

# Facts that name an invoice: their customer is that of the invoice, and they wait until it is known.
FOLLOWS_INVOICE: Final = TABLES_OF_INVOICES

# The key column of facts whose ledger key has several columns: its parts, joined.
COMPOSITE_KEY: Final = "fact_key"
_KEY_MARK: Final = "@"


def store_column(table: str, name: str) -> str:
    """Return the store's name of a ledger column: money is in cents, what a payment says of its payer is as stated."""
    if table == "payments" and name == "customer_id":
        return "stated_customer_id"
    return f"{name}_cents" if isinstance(table_dtypes(table)[name], pl.Decimal) else name


# The columns of each fact, in ledger order.
FACT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    table: tuple(store_column(table, name) for name in table_dtypes(table)) for table in FACT_TABLES
}


def key_column(table: str) -> str:
    """Return the column under which a table's facts are found."""
    return KEYS[table][0] if len(KEYS[table]) == 1 else COMPOSITE_KEY


def fact_key(table: str, values: Mapping[str, Any]) -> str:
    """Return the key of a fact: its id, or the parts of a composite one joined (`D-1@2026-03-02`)."""
    return _KEY_MARK.join(str(values[name]) for name in KEYS[table])


def fact_keys(table: str) -> pl.Expr:
    """The key of every row of a store frame, as `fact_key` gives it."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in KEYS[table]], separator=_KEY_MARK).alias(
        key_column(table)
    )


def owner_of(table: str, values: Mapping[str, Any], owners: Mapping[str, str]) -> str | None:
    """Return whose a fact is; null while it names an invoice that nobody is known to owe.

    Args:
        table: its table.
        values: its columns.
        owners: who owes each known invoice.
    """
    if table not in FOLLOWS_INVOICE:
        return str(values["customer_id"])
    if values["invoice_id"] is None:
        return str(values["stated_customer_id"])
    return owners.get(values["invoice_id"])


def _sql_type(dtype: pl.DataType) -> Any:
    """Return the database's type of a ledger type."""
    kinds: list[tuple[Any, Any]] = [
        (pl.Date, Date),
        (pl.Datetime, UtcInstant),
        (pl.Decimal, BigInteger),
        (pl.Boolean, Boolean),
        (pl.Float64, Float),
        (pl.Int64, BigInteger),
    ]
    return next((sql for known, sql in kinds if dtype == known), Text)


def _fact_table(name: str) -> Table:
    dtypes = table_dtypes(name)
    key = key_column(name)
    made: list[Column[Any]] = [] if key in FACT_COLUMNS[name] else [Column(key, Text, primary_key=True)]
    for column, dtype in zip(FACT_COLUMNS[name], dtypes.values(), strict=True):
        made.append(Column(column, _sql_type(dtype), primary_key=column == key))
    if name in FOLLOWS_INVOICE:
        made.append(Column("customer_id", Text))
    made += [
        Column("origin", String(5), nullable=False),
        Column("received_at", UtcInstant, nullable=False),
    ]
    table = Table(f"fact_{name}", METADATA, *made)
    if key != "customer_id":
        Index(f"fact_{name}_by_customer", table.c.customer_id)
    if name in FOLLOWS_INVOICE:
        Index(f"fact_{name}_by_invoice", table.c.invoice_id)
    return table


FACTS: Final[dict[str, Table]] = {name: _fact_table(name) for name in FACT_TABLES}

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

# The ids by which facts may name an invoice or a customer, and the invoices that facts wait for, with what two
# spellings of one id have in common.
KNOWN_IDS: Final = Table(
    "known_ids",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("match_key", Text, nullable=False),
)
Index("known_ids_by_key", KNOWN_IDS.c.kind, KNOWN_IDS.c.match_key)

# Values that events gave for columns that are null in the batch: one row per column, its value as JSON.
STATEMENTS: Final = Table(
    "fact_statements",
    METADATA,
    Column("table_name", String(16), primary_key=True),
    Column("fact_id", Text, primary_key=True),
    Column("column_name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

# What the e-mails say, one row per mail that the reader of this version has read or failed on.
MAIL_SIGNALS: Final = Table(
    "mail_signals",
    METADATA,
    Column("email_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("content", String(64), nullable=False),
    Column("reader", String(64), nullable=False),
    Column("failure", Text),
    Column("body", Text),
    Column("read_at", UtcInstant, nullable=False),
)

# Work that one process at a time does: its holder, and when its lease expires unless renewed.
LEASES: Final = Table(
    "leases",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
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
    Column("complete_through_on", Date),
    Column("declared_through_on", Date),
)

# Facts erased on request: they are not loaded again. Of a customer, only what identifies is blanked.
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
# small as the open invoices are few. A score that a person decides on is stored permanently among the answers.
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
