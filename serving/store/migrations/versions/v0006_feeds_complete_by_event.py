"""The day through which an event declared a feed complete."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the day to the feeds."""
    op.add_column("feeds", sa.Column("told_through_on", sa.Date))
