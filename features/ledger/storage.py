"""A ledger folder on disk: reading it, and writing it so that a kill at any moment leaves one whole ledger.

A write prepares every file in a folder aside, then puts a journal in place with one rename: that rename is
the moment the new ledger exists. Only then are the files moved to their names. A reader that finds a
journal reads the moved and the not yet moved files alike, so it never sees half of two ledgers; the next
write finishes the move.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.ledger import Ledger
from features.ledger.schemas import SCHEMAS

JOURNAL: Final = ".journal.json"
_ASIDE_PREFIX: Final = ".incoming-"


def write_ledger(ledger: Ledger, folder: Path) -> None:
    """Write every table as Parquet; tables the ledger lacks are removed from the folder.

    Args:
        ledger: what to write.
        folder: the ledger folder, created if needed; other files in it stay as they are.
    """
    commit_files(
        folder, {f"{name}.parquet": frame for name, frame in ledger.tables()}, stale_table_files(ledger)
    )


def stale_table_files(ledger: Ledger) -> list[str]:
    """Names of table files that would contradict this ledger if they stayed in its folder."""
    present = {name for name, _ in ledger.tables()}
    return [f"{n}.csv" for n in SCHEMAS] + [f"{n}.parquet" for n in SCHEMAS if n not in present]


def commit_files(folder: Path, files: Mapping[str, pl.DataFrame | str], remove: list[str]) -> None:
    """Put a set of files in place and take others away, all or nothing.

    Args:
        folder: where; created if needed.
        files: relative name to content: a frame is written as Parquet, a text as UTF-8.
        remove: relative names that must not be there afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    finish_commit(folder)
    aside = folder / f"{_ASIDE_PREFIX}{uuid.uuid4().hex}"
    for name, content in files.items():
        target = aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pl.DataFrame):
            content.write_parquet(target)
        else:
            target.write_text(content, encoding="utf-8")
        _flush_to_disk(target)
    gone = [name for name in remove if name not in files]
    note = aside / JOURNAL
    note.write_text(
        json.dumps({"aside": aside.name, "files": sorted(files), "remove": gone}), encoding="utf-8"
    )
    _flush_to_disk(note)
    note.rename(folder / JOURNAL)
    finish_commit(folder)


def finish_commit(folder: Path) -> None:
    """Finish a write that was killed after its decisive rename; clear away one that was killed before it."""
    journal = _read_journal(folder)
    if journal is not None:
        aside = folder / journal.aside
        for name in journal.files:
            if (aside / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (aside / name).replace(folder / name)
        for name in journal.remove:
            (folder / name).unlink(missing_ok=True)
        (folder / JOURNAL).unlink()
    for leftover in folder.glob(f"{_ASIDE_PREFIX}*"):
        shutil.rmtree(leftover)


def resolve(folder: Path, name: str) -> Path | None:
    """The file that holds `name` now, counting a write decided but not yet moved; None if there is none."""
    journal = _read_journal(folder)
    if journal is not None:
        if name in journal.files and (folder / journal.aside / name).exists():
            return folder / journal.aside / name
        if name in journal.remove:
            return None
    return folder / name if (folder / name).is_file() else None


def read_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables of a ledger folder as they lie there, unchecked; CSV cells as text.

    Raises:
        InvalidInputError: the folder is missing, or holds no ledger table, or one that cannot be opened.
    """
    if not folder.is_dir():
        raise InvalidInputError(
            "there is no ledger here",
            [
                Fault(
                    "folder does not exist",
                    where=str(folder),
                    remedy="give the folder `encours import` wrote",
                )
            ],
        )
    tables: dict[str, pl.DataFrame] = {}
    faults: list[Fault] = []
    for name in SCHEMAS:
        path = resolve(folder, f"{name}.parquet") or resolve(folder, f"{name}.csv")
        if path is None:
            continue
        try:
            tables[name] = (
                pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
            )
        except (pl.exceptions.PolarsError, OSError) as problem:
            faults.append(Fault(f"cannot be read: {problem}", where=str(path)))
    if faults:
        raise InvalidInputError("the ledger folder holds files that cannot be read", faults)
    if not tables:
        expected = ", ".join(f"{name}.parquet or {name}.csv" for name in ("invoices", "payments"))
        raise InvalidInputError(
            "there is no ledger here", [Fault("no table", where=str(folder), expected=expected)]
        )
    return tables


def read_ledger(folder: Path) -> Ledger:
    """The ledger in a folder."""
    return Ledger.from_tables(read_tables(folder))


@dataclass(frozen=True)
class _Journal:
    """A decided write: where its files lie, and which names it puts in place and takes away."""

    aside: str
    files: tuple[str, ...]
    remove: tuple[str, ...]


def _read_journal(folder: Path) -> _Journal | None:
    """The decided but perhaps not finished write of a folder, if there is one."""
    try:
        note = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return _Journal(note["aside"], tuple(note["files"]), tuple(note["remove"]))


def _flush_to_disk(path: Path) -> None:
    """Ask the system to put a file on disk, so that a power cut cannot undo a rename that followed it."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
