"""What Alembic runs to migrate a store: the caller's connection, in the caller's transaction.

Nothing is read from a file and no logging is configured; see `serving.store.migrations.upgrade`.
"""

from __future__ import annotations

from alembic import context

from serving.store.migrations.upgrade import VERSION_TABLE, is_ours
from serving.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    include_name=is_ours,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
