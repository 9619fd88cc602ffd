"""The revision is recorded by Alembic; the day that an event declares is called so.

The counter `schema` no longer counts: it stays at 7, so that versions of Encours that read it refuse the store.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Rename the day, add counters that early stores lack, and close the counter of versions."""
    op.execute("ALTER TABLE feeds RENAME COLUMN told_through_on TO declared_through_on")
    for name in ("change", "context", "generation", "night", "audit"):
        op.execute(
            f"INSERT INTO counters (name, value) SELECT '{name}', 0 "
            f"WHERE NOT EXISTS (SELECT 1 FROM counters WHERE name = '{name}')"
        )
    op.execute("UPDATE counters SET value = 7 WHERE name = 'schema'")
