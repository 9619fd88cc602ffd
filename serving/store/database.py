"""One database behind the store: SQLite by default, PostgreSQL by setting; the same guarantees on both.

A writing transaction holds the only write lock from its first statement (SQLite: `BEGIN IMMEDIATE`;
PostgreSQL: the counter row is locked first), so the order of changes is the order of commits and a reader
never skips one. A reading transaction sees one consistent moment.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, literal, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from features.errors import EncoursError, Fault, InvalidInputError
from features.files import delete_left_aside
from features.messages import Message, localized
from models.registry.home import sqlite_address
from serving.store.backup import back_up, integrity_faults
from serving.store.migrations.upgrade import (
    HEAD,
    Upgrade,
    create,
    read_revision,
    schema_differences,
    upgrade,
)
from serving.store.tables import COUNTERS, FEEDS, METADATA

BUSY_SECONDS: Final = 20
CONNECT_SECONDS: Final = 2
#: How long a process waits for another one that upgrades the store.
UPGRADE_SECONDS: Final = 1800
#: Folder beside a SQLite store with the copies made before upgrades.
BACKUPS: Final = "backups"
#: Number of PostgreSQL's advisory lock held while the tables are created or upgraded.
_UPGRADE_LOCK: Final = 4_205_201

# What a database does when it is unavailable, full, damaged or cut off; anything else is a fault of this program.
_UNAVAILABLE: Final = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)
#: What PostgreSQL calls a value beyond its limits: of one record, not of the database.
_BEYOND_LIMITS: Final = "54"


class RecordTooLargeError(ValueError):
    """A value of a record is beyond the limits of the database."""


#: What is raised for a record that the database will never take, whenever it is offered.
REFUSED_RECORD: Final = (DataError, IntegrityError, ValueError, TypeError, OverflowError)


class StoreUnavailableError(EncoursError):
    """The database cannot be reached or refused to work; nothing was stored."""


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite store in a file."""
    return sqlite_address(path, "sqlite+pysqlite")


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite store; null for a server."""
    checked = _checked_url(url)
    return Path(str(checked.database)) if checked.get_backend_name() == "sqlite" else None


class Database:
    """An open database with the store's tables.

    Args:
        url: `sqlite+pysqlite:///FILE` or `postgresql+psycopg://...`; `postgresql://` is accepted too.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._peek: sqlite3.Connection | None = None
        self._peek_lock = threading.Lock()

    def prepare(self, *, has_backup: bool = False) -> Upgrade | None:
        """Create the tables of a new store, or upgrade those of an older one; null when there was nothing to upgrade.

        Safe to call from several processes at once: one does it, the others wait. A SQLite store is copied to
        `backups/` beside it first. Either all of it is done or nothing.

        Args:
            has_backup: the operator states that a backup of the PostgreSQL database exists.

        Raises:
            InvalidInputError: the store is of a later version, contains data that nobody states to have backed up, or
                could not be backed up.
        """
        with self.reading() as connection:
            if read_revision(connection) == HEAD:
                return None
        with self._transaction(UPGRADE_SECONDS) as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {UPGRADE_SECONDS * 1000}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            if read_revision(connection) is None:
                create(connection)
                return None
            if self.is_sqlite:
                return upgrade(connection, self._back_up)
            return upgrade(
                connection, lambda found: _require_backup(connection, found, has_backup=has_backup)
            )

    def revision(self) -> str | None:
        """Return the revision of the store's tables; null when there is no store."""
        with self.reading() as connection:
            return read_revision(connection)

    def faults(self) -> tuple[str, ...]:
        """Return what is wrong with the database itself: a damaged file, tables that are not as expected.

        The tables of a store that is still to be upgraded are not compared.
        """
        found = integrity_faults(Path(str(self.url.database))) if self.is_sqlite else ()
        if found:
            return found
        with self.reading() as connection:
            revision = read_revision(connection)
            if revision is None:
                return (localized("there is no history store in this database"),)
            return schema_differences(connection) if revision == HEAD else ()

    def back_up(self, copy: Path) -> None:
        """Copy a SQLite store to a file, while others may use it.

        Raises:
            InvalidInputError: the store is on PostgreSQL, or the copy could not be made.
        """
        if not self.is_sqlite:
            fault = Fault(
                localized("PostgreSQL makes its own backups"),
                where=localized("history store"),
                expected=localized("a store in a SQLite file"),
                remedy=localized(
                    "run `pg_dump --format=custom --file={copy} {database}`",
                    copy=str(copy),
                    database=self.url.database,
                ),
            )
            raise InvalidInputError(localized("The history store could not be backed up"), [fault])
        back_up(Path(str(self.url.database)), copy)

    def _back_up(self, revision: str) -> Path:
        """Copy a SQLite store whose write lock this process holds: the copy is what the upgrade begins with."""
        store = Path(str(self.url.database))
        folder = store.parent / BACKUPS
        delete_left_aside(folder)
        now = dt.datetime.now(dt.UTC)
        copy = folder / f"{store.stem}-{now:%Y%m%dT%H%M%S.%fZ}-revision-{revision}{store.suffix}"
        back_up(store, copy)
        return copy

    @contextmanager
    def writing(self, wait_seconds: float = BUSY_SECONDS) -> Iterator[Connection]:
        """Hold the one write lock until the block ends; committed and on disk when it ends normally.

        Args:
            wait_seconds: how long to wait for another writer.

        Raises:
            StoreUnavailableError: another writer held the lock for longer, or the database cannot be used.
        """
        with self._transaction(wait_seconds) as connection:
            if not self.is_sqlite:  # there, `BEGIN IMMEDIATE` has taken it
                if wait_seconds != BUSY_SECONDS:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait_seconds * 1000)}")
                lock_counter(connection, "change")
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See one consistent moment of the database; nothing is written."""
        with _refusals(), self._engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            connection = connection.execution_options(encours_reads=True)
            with connection.begin():
                yield connection

    def peek_counters(self) -> dict[str, int]:
        """Return the counters as last committed; the cheapest question there is."""
        statement = "SELECT name, value FROM counters"
        if not self.is_sqlite:
            with self.reading() as connection:
                return {row[0]: int(row[1]) for row in connection.exec_driver_sql(statement)}
        with self._peek_lock:
            try:
                if self._peek is None:
                    self._peek = sqlite3.connect(
                        str(self.url.database), isolation_level=None, check_same_thread=False
                    )
                return dict(self._peek.execute(statement).fetchall())
            except sqlite3.Error as failure:
                self._peek = None
                raise StoreUnavailableError(_no_answer(failure)) from failure

    def close(self) -> None:
        """Give back all connections."""
        with self._peek_lock:
            if self._peek is not None:
                self._peek.close()
                self._peek = None
        self._engine.dispose()

    @contextmanager
    def _transaction(self, wait_seconds: float = BUSY_SECONDS) -> Iterator[Connection]:
        with _refusals(), self._engine.connect() as connection:
            connection = connection.execution_options(encours_wait_seconds=wait_seconds)
            with connection.begin():
                yield connection


def _no_answer(failure: Exception) -> Message:
    return localized(
        "The history store did not answer ({reason}); nothing was stored. "
        "To do: check that the database runs and that its disk is not full, then repeat the request.",
        reason=type(failure).__name__,
    )


def lock_counter(connection: Connection, name: str) -> int:
    """Lock one counter for the rest of the transaction and return its value."""
    statement = select(COUNTERS.c.value).where(COUNTERS.c.name == name).with_for_update()
    return int(connection.execute(statement).scalar_one())


def advance_counter(connection: Connection, name: str) -> int:
    """Add one to a counter and return the new value."""
    value = lock_counter(connection, name) + 1
    connection.execute(update(COUNTERS).where(COUNTERS.c.name == name).values(value=value))
    return value


def set_counter(connection: Connection, name: str, value: int) -> None:
    """Set a counter, which is made when there is none."""
    done = connection.execute(update(COUNTERS).where(COUNTERS.c.name == name).values(value=value))
    if not done.rowcount:
        connection.execute(insert(COUNTERS), {"name": name, "value": value})


def _require_backup(connection: Connection, revision: str, *, has_backup: bool) -> None:
    """Refuse to upgrade a PostgreSQL store that contains data, unless its operator states that a backup exists."""
    found = set(inspect(connection).get_table_names()) & set(METADATA.tables) - {COUNTERS.name, FEEDS.name}
    is_empty = all(
        connection.execute(select(literal(1)).select_from(METADATA.tables[name]).limit(1)).first() is None
        for name in found
    )
    if has_backup or is_empty:
        return
    fault = Fault(
        localized(
            "tables of revision {revision}, which this version of Encours upgrades to {head}",
            revision=revision,
            head=HEAD,
        ),
        where=localized("history store on PostgreSQL"),
        expected=localized("a backup made before the upgrade (`pg_dump`), with all services stopped"),
        remedy=localized("make the backup, then run `encours store migrate --i-have-a-backup`"),
    )
    raise InvalidInputError(localized("The history store must be upgraded"), [fault])


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a driver's failure into one refusal without addresses, statements or values."""
    try:
        yield
    except (*_UNAVAILABLE, DatabaseError) as failure:
        state = getattr(getattr(failure, "orig", None), "sqlstate", None) or ""
        if state.startswith(_BEYOND_LIMITS):
            raise RecordTooLargeError(type(failure).__name__) from failure
        # A damaged SQLite file is a plain DatabaseError; its other kinds are about a statement or a record.
        if isinstance(failure, _UNAVAILABLE) or type(failure) is DatabaseError:
            raise StoreUnavailableError(_no_answer(failure)) from failure
        raise


def _checked_url(url: str) -> URL:
    accepted = localized(
        "{sqlite} or {postgresql}",
        sqlite="sqlite+pysqlite:///FILE",
        postgresql="postgresql+psycopg://USER@HOST/DATABASE",
    )
    try:
        parsed = make_url(url)
    except ArgumentError as failure:
        raise InvalidInputError(
            localized("The address of the history store cannot be read"),
            [Fault(localized("not a database address"), where="ENCOURS_STORE_URL", expected=accepted)],
        ) from failure
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        parsed = parsed.set(drivername="sqlite+pysqlite")
    if parsed.drivername not in {"postgresql+psycopg", "sqlite+pysqlite"} or not parsed.database:
        raise InvalidInputError(
            localized("The history store is kept in SQLite or PostgreSQL"),
            [
                Fault(
                    localized("this kind of database is not supported"),
                    where="ENCOURS_STORE_URL",
                    expected=accepted,
                    examples=(parsed.drivername,),
                )
            ],
        )
    return parsed


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Write changes ahead into a log; a file that is in another mode is switched once.

    SQLite refuses the switch at once while another connection uses the file, whatever its busy timeout; then it is
    tried again.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


def _sqlite_engine(url: URL) -> Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        wait_seconds = options.get("encours_wait_seconds", BUSY_SECONDS)
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(wait_seconds * 1000)}")
        connection.exec_driver_sql("BEGIN" if options.get("encours_reads", False) else "BEGIN IMMEDIATE")

    return engine


def _postgres_engine(url: URL) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_timeout=CONNECT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            # A server that vanished is noticed in seconds, not when the network gives up.
            "tcp_user_timeout": 5000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "options": f"-c timezone=utc -c synchronous_commit=on -c lock_timeout={BUSY_SECONDS}s",
        },
    )
