"""Bringing the tables of a store that an earlier version wrote to the present form; nothing in it is lost.

One step per version, each in one transaction with the note of the version reached, so that a kill leaves the store as
it was or as it shall be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Column, Connection, MetaData, Table, insert, inspect, select, text, update

from serving.store.known_ids import hold_level
from serving.store.tables import COUNTERS, FACTS, FEEDS, METADATA, fact_key, key_column

SCHEMA_VERSION: Final = 6


def migrate(connection: Connection) -> None:
    """Bring an existing store to the present version; a store that does not exist yet is left alone.

    A store of a later version is left as it is; whoever opens it refuses it.
    """
    if not inspect(connection).has_table(COUNTERS.name):
        return
    schema = COUNTERS.c.name == "schema"
    version = connection.execute(select(COUNTERS.c.value).where(schema).with_for_update()).scalar()
    while version in _STEPS:
        _STEPS[version](connection)
        version += 1
        connection.execute(update(COUNTERS).where(schema).values(value=version))


def _facts_of_the_present_contracts(connection: Connection) -> None:
    """Version 2: columns added to the contracts; disputes are found by id and day of opening."""
    known = set(inspect(connection).get_table_names())
    disputes = FACTS["disputes"]
    for table in (*FACTS.values(), FEEDS):
        if table.name in known and table is not disputes:
            _add_missing_columns(connection, table)
    if disputes.name in known:
        _copy_under_new_key(connection, "disputes")


def _ids_in_any_spelling(connection: Connection) -> None:
    """Version 3: the match key of every known invoice and customer."""
    METADATA.create_all(connection)
    hold_level(connection)


def _add_missing_columns(connection: Connection, table: Table) -> None:
    held = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in held:
            kind = column.type.compile(connection.dialect)
            connection.execute(text(f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" {kind}'))


def _copy_under_new_key(connection: Connection, name: str) -> None:
    """Put the rows of a fact table into one that is keyed otherwise, in place of the old one."""
    table, aside = FACTS[name], f"{FACTS[name].name}_before"
    for index in inspect(connection).get_indexes(table.name):
        connection.execute(text(f'DROP INDEX "{index["name"]}"'))
    connection.execute(text(f"ALTER TABLE {table.name} RENAME TO {aside}"))
    table.create(connection)
    held = {column["name"] for column in inspect(connection).get_columns(aside)}
    columns = (Column(column.name, column.type) for column in table.columns if column.name in held)
    rows = [dict(row) for row in connection.execute(select(Table(aside, MetaData(), *columns))).mappings()]
    if rows:
        connection.execute(insert(table), [{key_column(name): fact_key(name, row), **row} for row in rows])
    connection.execute(text(f"DROP TABLE {aside}"))


_STEPS: Final[dict[int, Callable[[Connection], None]]] = {
    1: _facts_of_the_present_contracts,
    2: _ids_in_any_spelling,
    3: METADATA.create_all,  # version 4: what e-mails say, and leases
    4: METADATA.create_all,  # version 5: what events say of facts of the batch
    5: lambda connection: _add_missing_columns(
        connection, FEEDS
    ),  # version 6: feeds declared complete by event
}
