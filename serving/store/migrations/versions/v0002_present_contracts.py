"""Instalments, merged customers and dated attributes; disputes are found by their id and day of opening.

Stores of the first version made before the night's scores were stored lack their table and the index of overrides: both
are created where they are missing.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from serving.store.migrations.versions.v0001_first_tables import create_nightly_scores

revision = "0002"
down_revision = "0001"

_INSTANT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and tables; give disputes their new key."""
    create_nightly_scores()  # early stores of the first version lack them
    added: list[tuple[str, sa.Column[Any]]] = [
        ("fact_customers", sa.Column("bureau_score", sa.Float)),
        ("fact_invoices", sa.Column("cancelled_on", sa.Date)),
        ("fact_invoices", sa.Column("replaces_invoice_id", sa.Text)),
        ("fact_payments", sa.Column("stated_customer_id", sa.Text)),
        ("fact_payments", sa.Column("currency", sa.Text)),
        ("fact_payments", sa.Column("reverses_payment_id", sa.Text)),
        ("feeds", sa.Column("complete_through_on", sa.Date)),
    ]
    for table, column in added:
        op.add_column(table, column)
    _key_disputes_by_opening()
    _create_new_facts()


def _key_disputes_by_opening() -> None:
    op.drop_index("fact_disputes_by_customer", "fact_disputes")
    op.drop_index("fact_disputes_by_invoice", "fact_disputes")
    op.rename_table("fact_disputes", "fact_disputes_before")
    _create_fact(
        "disputes",
        sa.Column("fact_key", sa.Text, primary_key=True),
        sa.Column("dispute_id", sa.Text),
        sa.Column("invoice_id", sa.Text),
        sa.Column("opened_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        sa.Column("reason", sa.Text),
        sa.Column("amount_cents", sa.BigInteger),
        sa.Column("customer_id", sa.Text),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    day = "opened_on" if is_sqlite else "to_char(opened_on, 'YYYY-MM-DD')"  # SQLite stores a day as this text
    same = "dispute_id, invoice_id, opened_on, closed_on, reason, customer_id, origin, received_at"
    op.execute(
        f"INSERT INTO fact_disputes (fact_key, {same}) "
        f"SELECT dispute_id || '@' || {day}, {same} FROM fact_disputes_before"
    )
    op.drop_table("fact_disputes_before")
    op.create_index("fact_disputes_by_customer", "fact_disputes", ["customer_id"])
    op.create_index("fact_disputes_by_invoice", "fact_disputes", ["invoice_id"])


def _create_new_facts() -> None:
    _create_fact(
        "customer_history",
        sa.Column("fact_key", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text),
        sa.Column("valid_from_on", sa.Date),
        sa.Column("country", sa.Text),
        sa.Column("sector", sa.Text),
        sa.Column("legal_form", sa.Text),
        sa.Column("is_natural_person", sa.Boolean),
        sa.Column("size_class", sa.Text),
        sa.Column("credit_limit_cents", sa.BigInteger),
        sa.Column("is_strategic", sa.Boolean),
        sa.Column("group_id", sa.Text),
        sa.Column("bureau_score", sa.Float),
    )
    op.create_index("fact_customer_history_by_customer", "fact_customer_history", ["customer_id"])
    _create_fact(
        "customer_merges",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("merged_into_id", sa.Text),
        sa.Column("merged_on", sa.Date),
    )
    _create_fact(
        "instalments",
        sa.Column("fact_key", sa.Text, primary_key=True),
        sa.Column("invoice_id", sa.Text),
        sa.Column("number", sa.BigInteger),
        sa.Column("due_on", sa.Date),
        sa.Column("amount_cents", sa.BigInteger),
        sa.Column("kind", sa.Text),
        sa.Column("customer_id", sa.Text),
    )
    op.create_index("fact_instalments_by_customer", "fact_instalments", ["customer_id"])
    op.create_index("fact_instalments_by_invoice", "fact_instalments", ["invoice_id"])


def _create_fact(name: str, *columns: sa.Column[Any]) -> None:
    origin = sa.Column("origin", sa.String(5), nullable=False)
    received_at = sa.Column("received_at", _INSTANT, nullable=False)
    op.create_table(f"fact_{name}", *columns, origin, received_at)
