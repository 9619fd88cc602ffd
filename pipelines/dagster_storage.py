"""Dagster's run history on SQLite in a home of any name; `dagster.yaml` of the home names this class.

Dagster 1.13 writes the folder into a database address without escaping it, so that a home such as `h50%20x` or `who?`
cannot be opened. The addresses are built here by the one function that escapes.
"""

from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from models.registry.home import sqlite_address


def database_address(base_dir: str, db_name: str) -> str:
    """Return the address of one of Dagster's databases, with its folder escaped."""
    return sqlite_address(Path(base_dir).absolute() / f"{db_name}.db")


class HomeRunHistory(DagsterSqliteStorage):
    """Dagster's own SQLite storage, with addresses that allow every name of a folder.

    Args:
        base_dir: Dagster's folder in the home.
        inst_data: how `dagster.yaml` named this class.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        for module in (sqlite_run_storage, sqlite_event_log, sqlite_schedule_storage):
            module.__dict__["create_db_conn_string"] = database_address
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> "HomeRunHistory":
        """Open the storage that `dagster.yaml` describes."""
        return cls.from_local(inst_data=inst_data, **config_value)
