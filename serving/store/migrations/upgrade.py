"""Creating the tables of a history store, and upgrading those that an earlier version of Encours wrote.

The revision of a store is recorded in a table of its own (`store_version`), so that the store may share a PostgreSQL
database with MLflow and Dagster, which use Alembic's default table. Stores written before Alembic was used recorded
their version in the counter `schema`: version 3 is revision `0003`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, insert, inspect, select, table

from features.errors import Fault, InvalidInputError
from features.messages import localized
from serving.store.tables import COUNTERS, METADATA

VERSION_TABLE: Final = "store_version"
HEAD: Final = "0007"
#: Value of the counter `schema` since Alembic records the revision; versions of Encours that read the counter refuse.
ALEMBIC_ERA: Final = 7
#: `change` grows with every writing transaction; see `serving.store.tables.COUNTERS`.
COUNTER_NAMES: Final = ("change", "context", "generation", "night", "audit")

_VERSION: Final = table(VERSION_TABLE, column("version_num"))


@dataclass(frozen=True)
class Upgrade:
    """An upgrade that was made.

    Attributes:
        before: revision the store had.
        after: revision it has now.
        backup: copy of the store as it was before; null on PostgreSQL, where the operator makes it.
    """

    before: str
    after: str
    backup: Path | None


def read_revision(connection: Connection) -> str | None:
    """Return the revision of the store; null when the database contains no store."""
    inspector = inspect(connection)
    if inspector.has_table(VERSION_TABLE):
        return connection.execute(select(_VERSION.c.version_num)).scalar()
    if not inspector.has_table(COUNTERS.name):
        return None
    recorded = connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == "schema")).scalar()
    return None if recorded is None else f"{recorded:04d}"


def create(connection: Connection) -> None:
    """Create the present tables in a database without a store, with every counter at zero.

    Raises:
        InvalidInputError: tables of these names exist, but no version of a store is recorded beside them.
    """
    strange = sorted(set(METADATA.tables) & set(inspect(connection).get_table_names()))
    if strange:
        fault = Fault(
            localized(
                "{count} table(s) with the names of a history store, and no version recorded",
                count=len(strange),
            ),
            where=localized("history store"),
            expected=localized("an empty database, or a store whose creation ended"),
            remedy=localized("name another database, or drop these tables if nothing else uses them"),
            examples=tuple(strange),
        )
        raise InvalidInputError(localized("The history store cannot be created"), [fault])
    METADATA.create_all(connection)
    counters = [{"name": name, "value": 0} for name in COUNTER_NAMES]
    connection.execute(insert(COUNTERS), [*counters, {"name": "schema", "value": ALEMBIC_ERA}])
    command.stamp(alembic_config(connection), "head")


def upgrade(connection: Connection, before: Callable[[str], Path | None], to: str = HEAD) -> Upgrade | None:
    """Upgrade an older store in the transaction of its caller; null when it is not older.

    Args:
        connection: inside a writing transaction.
        before: called with the store's revision before anything changes; makes the backup and returns where it lies.
        to: revision to reach.

    Raises:
        InvalidInputError: the store was written by a later version of Encours.
    """
    found = read_revision(connection)
    if found is None or found == to:
        return None
    config = alembic_config(connection)
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        fault = Fault(
            localized("tables of revision {found}", found=found),
            where=localized("history store"),
            expected=localized("revision {head} or an older one", head=HEAD),
            remedy=localized(
                "install the version of Encours that wrote it or a later one, or restore the backup "
                "made before it was upgraded"
            ),
        )
        raise InvalidInputError(
            localized("The history store was written by a later version of Encours"), [fault]
        )
    backup = before(found)
    if not inspect(connection).has_table(VERSION_TABLE):
        command.stamp(config, found)
    command.upgrade(config, to)
    return Upgrade(found, to, backup)


def schema_differences(connection: Connection) -> tuple[str, ...]:
    """Return how the tables of a store differ from those that this version expects; empty when they agree."""
    context = MigrationContext.configure(
        connection, opts={"include_name": is_ours, "compare_type": True, "target_metadata": METADATA}
    )
    found = []
    for difference in compare_metadata(context, METADATA):
        parts = difference if isinstance(difference, tuple) else difference[0]
        found.append(f"{parts[0]}: {', '.join(str(part) for part in parts[1:] if part is not None)}")
    return tuple(found)


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Return whether a table belongs to the store: the database may be shared with MLflow and Dagster."""
    return kind != "table" or name in METADATA.tables


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the revisions of the store on this connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
