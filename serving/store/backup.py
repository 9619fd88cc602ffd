"""Copies of a SQLite store that are whole: of one moment, flushed, checked, and readable by their owner only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from features.errors import Fault, InvalidInputError
from features.files import written_aside
from features.messages import localized


def back_up(store: Path, copy: Path) -> None:
    """Copy a store while others may use it: as last committed, put in place when it is on disk and checked.

    Args:
        store: file of the store.
        copy: file to make; its folder is made when needed.

    Raises:
        InvalidInputError: the copy exists, the store is damaged, or the disk refused the copy; the store is unchanged.
    """
    if copy.exists():
        raise _refusal(
            localized("the file exists already"),
            copy,
            localized("a file that does not exist"),
            localized("choose another name"),
        )
    try:
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with written_aside(copy, mode=0o600) as aside:
            with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("VACUUM INTO ?", (str(aside),))
            faults = integrity_faults(aside)
            if faults:
                remedy = localized("restore the store from an earlier backup")
                raise _refusal(
                    localized("the copy is damaged: {fault}", fault=faults[0]),
                    store,
                    localized("a store that is whole"),
                    remedy,
                )
    except (OSError, sqlite3.Error) as failure:
        remedy = localized("make room on the disk and see that its folder can be written, then repeat")
        raise _refusal(
            f"{type(failure).__name__}: {failure}",
            copy,
            localized("a complete copy"),
            remedy,
        ) from failure


def integrity_faults(store: Path) -> tuple[str, ...]:
    """Return what SQLite finds wrong with the file of a store (`PRAGMA integrity_check`); empty when it is whole."""
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as failure:
        return (str(failure),)
    return () if found == ["ok"] else tuple(found)


def _refusal(what: str, where: Path, expected: str, remedy: str) -> InvalidInputError:
    fault = Fault(what, where=str(where), expected=expected, remedy=remedy)
    return InvalidInputError(localized("The history store could not be backed up; it is unchanged"), [fault])
