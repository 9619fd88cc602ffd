"""Homes of services as earlier commits wrote them; made by `write_old_store.py`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FOLDER = Path(__file__).parent
SECRET = b"test pepper of forty characters, no more"
#: Commits whose code wrote a store, with the revision of their tables.
COMMITS = {"f984050": "0001", "542538d": "0006"}


def load_dump(commit: str, path: Path) -> None:
    """Put the SQLite store of a commit into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FOLDER / commit / "store.sql").read_text(encoding="utf-8"))
