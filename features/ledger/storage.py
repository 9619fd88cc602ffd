"""A ledger folder on disk: reading it, and writing it so that a kill at any moment leaves one whole ledger.

A write prepares every file in a folder aside, then puts a journal in place with one rename: that rename is
the moment the new ledger exists. Only then are the files moved to their names. A reader that finds a
journal reads the moved and the not yet moved files alike, so it never sees half of two ledgers; the next
write finishes the move.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.ledger import Ledger
from features.ledger.rules import CheckedLedger, check_tables
from features.ledger.schemas import KEYS, REQUIRED_TABLES, SCHEMAS

JOURNAL: Final = ".journal.json"
IMPORT_REPORT: Final = "import_report.json"
CHECK_REPORT: Final = "check_report.json"
_ASIDE_PREFIX: Final = ".incoming-"
_READ_ATTEMPTS: Final = 20
_ALL_QUARANTINE_FILES: Final = tuple(f"quarantine/{name}.parquet" for name in SCHEMAS)
_LOG: Final = logging.getLogger(__name__)


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


def commit_files(folder: Path, files: Mapping[str, pl.DataFrame | str], remove: Sequence[str]) -> None:
    """Put a set of files in place and take others away, all or nothing.

    Args:
        folder: where; created if needed.
        files: relative name to content: a frame is written as Parquet, a text as UTF-8.
        remove: relative names that must not be there afterwards.

    Raises:
        InvalidInputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _only_writer(folder):
            finish_commit(folder)
            _put_in_place(folder, files, remove)
    except OSError as problem:
        fault = Fault(
            f"cannot be written: {problem.strerror or problem}",
            where=str(folder),
            remedy="check the path, the rights and the free space; what was there before is unharmed",
        )
        raise InvalidInputError("the ledger folder cannot be written", [fault]) from problem


@contextlib.contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder against other writers; the hold ends with the process, however it ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _put_in_place(folder: Path, files: Mapping[str, pl.DataFrame | str], remove: Sequence[str]) -> None:
    """Prepare the files aside, decide by renaming the journal, then move them."""
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

    A folder that is being rewritten meanwhile is read again until all tables belong to one write.

    Raises:
        InvalidInputError: the folder is missing, or holds no ledger table, or one that cannot be opened.
    """
    if not folder.is_dir():
        raise InvalidInputError(
            "there is no ledger here",
            [
                Fault(
                    "folder does not exist", where=str(folder), remedy="give a folder `encours import` wrote"
                )
            ],
        )
    for _ in range(_READ_ATTEMPTS):
        before = _files_of_tables(folder)
        try:
            tables = _read_all(before)
        except FileNotFoundError:
            continue
        if _identities(before) == _identities(_files_of_tables(folder)):
            return tables
    raise InvalidInputError(
        "the ledger keeps changing while it is read",
        [Fault("another process is writing", where=str(folder), remedy="try again when it has finished")],
    )


def _files_of_tables(folder: Path) -> dict[str, Path]:
    """Table name to the file that holds it."""
    faults, files = [], {}
    for name in SCHEMAS:
        found = [
            path for kind in ("parquet", "csv") if (path := resolve(folder, f"{name}.{kind}")) is not None
        ]
        if len(found) > 1:
            names = " and ".join(path.name for path in found)
            faults.append(
                Fault(
                    f"{names} both exist",
                    where=str(folder),
                    expected="one file per table",
                    remedy="remove one",
                )
            )
        elif found:
            files[name] = found[0]
    if faults:
        raise InvalidInputError("the ledger folder is ambiguous", faults)
    if not files:
        expected = ", ".join(f"{name}.parquet or {name}.csv" for name in REQUIRED_TABLES)
        raise InvalidInputError(
            "there is no ledger here", [Fault("holds no ledger table", where=str(folder), expected=expected)]
        )
    return files


def _identities(files: Mapping[str, Path]) -> dict[str, tuple[int, int] | None]:
    """What tells one version of each table's file from the next."""
    found: dict[str, tuple[int, int] | None] = {}
    for name, path in files.items():
        try:
            status = path.stat()
        except FileNotFoundError:
            found[name] = None
        else:
            found[name] = (status.st_ino, status.st_mtime_ns)
    return found


def _read_all(files: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    """Every table file; the faults of all files come together."""
    tables: dict[str, pl.DataFrame] = {}
    faults: list[Fault] = []
    for name, path in files.items():
        try:
            tables[name] = _read_table(name, path)
        except InvalidInputError as problem:
            faults += problem.faults
    if faults:
        raise InvalidInputError("the ledger folder holds files that cannot be read", faults)
    return tables


def _read_table(name: str, path: Path) -> pl.DataFrame:
    """One table file; CSV in UTF-8 with commas, every cell as text."""
    remedy = "for any other form of file use `encours import`"
    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except FileNotFoundError:
        raise
    except (pl.exceptions.PolarsError, OSError) as problem:
        expected = (
            "a Parquet file" if path.suffix == ".parquet" else "UTF-8 text with commas and a header line"
        )
        reason = (str(problem) or type(problem).__name__).splitlines()[0]
        fault = Fault(f"cannot be read ({reason})", where=str(path), expected=expected, remedy=remedy)
        raise InvalidInputError("a table file cannot be read", [fault]) from problem
    for delimiter in (";", "\t", "|"):
        if table.width == 1 and set(table.columns[0].split(delimiter)) & set(KEYS[name]):
            fault = Fault(
                f"cells are separated by {delimiter!r}", where=str(path), expected="commas", remedy=remedy
            )
            raise InvalidInputError("a table file cannot be read", [fault])
    return table


def check_folder(folder: Path) -> CheckedLedger:
    """The ledger in a folder held to every rule, with what had to be put aside.

    Raises:
        InvalidInputError: there is no ledger, or none of its invoices can be accepted.
    """
    checked = check_tables(read_tables(folder))
    refuse_without_invoices(checked)
    return checked


def refuse_without_invoices(checked: CheckedLedger) -> None:
    """Refuse a ledger of which no invoice was accepted, with the rules that put them all aside.

    Raises:
        InvalidInputError: there is no accepted invoice.
    """
    if checked.ledger.invoices.height:
        return
    invoices = checked.report.table("invoices")
    remedy = "correct the mapping or the export; the rows are kept under quarantine/ or refused/"
    faults = [
        Fault("put aside", where=rule, count=count, remedy=remedy if number == 0 else "")
        for number, (rule, count) in enumerate(invoices.quarantined.items())
    ]
    raise InvalidInputError("not one invoice could be accepted", faults)


def read_ledger(folder: Path) -> Ledger:
    """The accepted rows of the ledger in a folder; rows put aside are counted in the log.

    Use `check_folder` where the rows put aside must be reported.

    Raises:
        InvalidInputError: there is no ledger, or none of its invoices can be accepted.
    """
    checked = check_folder(folder)
    for entry in checked.report.tables:
        for rule, count in entry.quarantined.items():
            _LOG.warning("%s: %d rows of %s left out", rule, count, folder)
    return checked.ledger


def write_checked(checked: CheckedLedger, folder: Path, report: Mapping[str, object]) -> None:
    """Write ledger, quarantine and `import_report.json` together, all or nothing.

    Args:
        checked: the outcome of the check.
        folder: the ledger folder; what an earlier import left in `quarantine/` goes.
        report: further facts for the report file, beside the check's own.
    """
    files: dict[str, pl.DataFrame | str] = {
        f"{name}.parquet": frame for name, frame in checked.ledger.tables()
    }
    files |= _quarantine_files(checked)
    files[IMPORT_REPORT] = _as_json({**report, **checked.report.to_dict()})
    refused = [f"refused/{name}.parquet" for name in SCHEMAS]
    stale = [*stale_table_files(checked.ledger), *_ALL_QUARANTINE_FILES, *refused, CHECK_REPORT]
    commit_files(folder, files, stale)


def write_quarantine(checked: CheckedLedger, folder: Path) -> None:
    """Write only what a check found: `quarantine/` and `check_report.json`; the tables stay as they are.

    Where nothing is put aside and the folder was written by an import, the import's quarantine stays too.

    Args:
        checked: the outcome of the check.
        folder: the ledger folder.
    """
    files = _quarantine_files(checked) | {CHECK_REPORT: _as_json(checked.report.to_dict())}
    keeps_import = not checked.quarantine and resolve(folder, IMPORT_REPORT) is not None
    commit_files(folder, files, [] if keeps_import else list(_ALL_QUARANTINE_FILES))


def write_refused(checked: CheckedLedger, folder: Path) -> None:
    """Write the rows of an import that was refused under `refused/`; a ledger in the folder stays as it was.

    Args:
        checked: the outcome of the check.
        folder: the ledger folder.
    """
    files: dict[str, pl.DataFrame | str] = {
        f"refused/{name}.parquet": frame for name, frame in checked.quarantine.items()
    }
    commit_files(folder, files, [f"refused/{name}.parquet" for name in SCHEMAS])


def _quarantine_files(checked: CheckedLedger) -> dict[str, pl.DataFrame | str]:
    return {f"quarantine/{name}.parquet": frame for name, frame in checked.quarantine.items()}


def _as_json(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


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
