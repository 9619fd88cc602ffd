"""The tables of the first version, the oldest that can be upgraded: facts, answers, night's scores, audit chain."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of the first version."""
    _create_facts()
    op.create_table(
        "fact_indicators",
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sector", sa.Text),
        sa.Column("country", sa.Text),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("published_on", sa.Date, nullable=False),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "customer_changes",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("change", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "feeds",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("is_provided", sa.Boolean, nullable=False),
        sa.Column("loaded_at", _INSTANT),
        sa.Column("known_on", sa.Date),
        sa.Column("received_at", _INSTANT),
    )
    op.create_table(
        "erased_facts",
        sa.Column("table_name", sa.String(16), primary_key=True),
        sa.Column("fact_id", sa.Text, primary_key=True),
        sa.Column("erased_at", _INSTANT, nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("answer_id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.Text, index=True),
        sa.Column("customer_id", sa.Text, index=True),
        sa.Column("created_at", _INSTANT, nullable=False, index=True),
        sa.Column("body", sa.Text),
        sa.Column("erased_at", _INSTANT),
    )
    op.create_index("answers_by_kind", "answers", ["kind", "subject_id"])
    create_nightly_scores()
    op.create_table(
        "audit_chain",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("written_at", _INSTANT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("answer_id", sa.String(40), nullable=False, unique=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("body_sha256", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("line_hash", sa.String(64), nullable=False),
    )


def create_nightly_scores() -> None:
    """Create the table of the night's scores and the index of overrides, where a store lacks them."""
    op.create_table(
        "nightly_scores",
        sa.Column("answer_id", sa.String(40), primary_key=True),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        if_not_exists=True,
    )
    for name in ("subject_id", "customer_id"):
        op.create_index(f"ix_nightly_scores_{name}", "nightly_scores", [name], if_not_exists=True)
    is_override = sa.text("kind = 'override'")
    op.create_index(
        "answers_overrides",
        "answers",
        ["customer_id", "kind"],
        sqlite_where=is_override,
        postgresql_where=is_override,
        if_not_exists=True,
    )


def _create_facts() -> None:
    _create_fact(
        "customers",
        sa.Column("customer_id", sa.Text, primary_key=True),
        *_texts("name", "country", "sector", "legal_form"),
        sa.Column("is_natural_person", sa.Boolean),
        *_texts("size_class", "siren", "language"),
        sa.Column("customer_since_on", sa.Date),
        sa.Column("credit_limit_cents", sa.BigInteger),
        sa.Column("is_strategic", sa.Boolean),
        *_texts("group_id"),
    )
    _create_fact(
        "invoices",
        sa.Column("invoice_id", sa.Text, primary_key=True),
        *_texts("customer_id", "kind"),
        sa.Column("issued_on", sa.Date),
        sa.Column("due_on", sa.Date),
        sa.Column("amount_cents", sa.BigInteger),
        *_texts("currency", "terms", "delivery_channel", "purchase_order", "billing_trigger"),
        sa.Column("source_due_on", sa.Date),
    )
    _create_fact(
        "payments",
        sa.Column("payment_id", sa.Text, primary_key=True),
        *_texts("invoice_id"),
        sa.Column("paid_on", sa.Date),
        sa.Column("known_on", sa.Date),
        sa.Column("amount_cents", sa.BigInteger),
        *_texts("method", "customer_id"),
    )
    _create_fact(
        "disputes",
        sa.Column("dispute_id", sa.Text, primary_key=True),
        *_texts("invoice_id"),
        sa.Column("opened_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        *_texts("reason", "customer_id"),
    )
    _create_fact(
        "emails",
        sa.Column("email_id", sa.Text, primary_key=True),
        *_texts("customer_id"),
        sa.Column("sent_at", _INSTANT),
        *_texts("direction", "subject", "body", "invoice_id"),
    )
    _create_fact(
        "interactions",
        sa.Column("interaction_id", sa.Text, primary_key=True),
        *_texts("customer_id", "invoice_id"),
        sa.Column("happened_at", _INSTANT),
        *_texts("kind", "channel", "sequence_id", "step_id"),
    )
    for name in ("invoices", "payments", "disputes", "emails", "interactions"):
        op.create_index(f"fact_{name}_by_customer", f"fact_{name}", ["customer_id"])
    for name in ("payments", "disputes"):
        op.create_index(f"fact_{name}_by_invoice", f"fact_{name}", ["invoice_id"])


def _create_fact(name: str, *columns: sa.Column[Any]) -> None:
    origin = sa.Column("origin", sa.String(5), nullable=False)
    received_at = sa.Column("received_at", _INSTANT, nullable=False)
    op.create_table(f"fact_{name}", *columns, origin, received_at)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text) for name in names]
