"""The match key of every known invoice and customer, and of every invoice that facts wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl
import sqlalchemy as sa
from alembic import op

from features.ids import match_keys

revision = "0003"
down_revision = "0002"

_KNOWN: Final = {
    "invoices": "SELECT invoice_id FROM fact_invoices",
    "customers": " UNION ".join(
        f"SELECT customer_id FROM fact_{name} WHERE customer_id IS NOT NULL"
        for name in ("customers", "invoices", "payments", "emails", "interactions")
    ),
    "awaited": " UNION ".join(
        f"SELECT invoice_id FROM fact_{name} WHERE customer_id IS NULL AND invoice_id IS NOT NULL"
        for name in ("instalments", "payments", "disputes")
    ),
}
_ROWS_AT_ONCE: Final = 20_000


def upgrade() -> None:
    """Create the table of known ids and fill it from the facts."""
    known_ids = op.create_table(
        "known_ids",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("match_key", sa.Text, nullable=False),
    )
    op.create_index("known_ids_by_key", "known_ids", ["kind", "match_key"])
    for kind, statement in _KNOWN.items():
        for ids in _in_parts(op.get_bind(), statement):
            rows = zip(ids, match_keys(ids), strict=True)
            op.bulk_insert(known_ids, [{"kind": kind, "id": name, "match_key": key} for name, key in rows])


def _in_parts(connection: sa.Connection, statement: str) -> Iterator[pl.Series]:
    ids = connection.execute(sa.text(statement)).scalars().all()
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        yield pl.Series(ids[start : start + _ROWS_AT_ONCE], dtype=pl.String)
