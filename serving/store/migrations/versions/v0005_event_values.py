"""Values that events gave for columns which the ledger of record leaves open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table: one row per fact and column, the value as JSON."""
    op.create_table(
        "fact_statements",
        sa.Column("table_name", sa.String(16), primary_key=True),
        sa.Column("fact_id", sa.Text, primary_key=True),
        sa.Column("column_name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
