"""A ledger folder on disk: what its tables are, reading them all from one version, writing them as a new one.

The tables of a ledger folder either lie in it by hand (one Parquet or CSV file per table) or were published by Encours
(`features.ledger.versions`): then a reader sees one version from beginning to end, whatever is published meanwhile.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.files import Content
from features.ledger.ledger import Ledger
from features.ledger.report import rule_message
from features.ledger.rules import CheckedLedger, check_tables
from features.ledger.schemas import KEYS, REQUIRED_TABLES, SCHEMAS
from features.ledger.versions import CURRENT, pinned, publish, strangers
from features.messages import localized

IMPORT_REPORT: Final = "import_report.json"
CHECK_REPORT: Final = "check_report.json"
_QUARANTINE: Final = "quarantine/"
_REFUSED: Final = "refused/"
_JOURNAL: Final = ".journal.json"
_READ_ATTEMPTS: Final = 20
_TABLE_FILES: Final = frozenset(f"{name}.{kind}" for name in SCHEMAS for kind in ("parquet", "csv"))
_LOG: Final = logging.getLogger(__name__)


def write_ledger(ledger: Ledger, folder: Path) -> None:
    """Publish the tables of a ledger as the folder's new version, in place of every table that was there.

    Args:
        ledger: what to write.
        folder: the ledger folder, created if needed; other files in it stay as they are.
    """
    _publish(folder, {f"{name}.parquet": frame for name, frame in ledger.tables()}, replaces_tables=True)


def _publish(
    folder: Path,
    files: Mapping[str, Content],
    *,
    replaces_tables: bool,
    carries_over: tuple[str, ...] = (),
) -> None:
    """Publish files; tables stay unless they are replaced, other names stay that begin with one of `carries_over`.

    Raises:
        InvalidInputError: the folder cannot be written.
    """
    try:
        publish(
            folder,
            files,
            carried_over=lambda name: (
                name.startswith(carries_over) or (not replaces_tables and name in _TABLE_FILES)
            ),
            supersedes=lambda name: replaces_tables and name in _TABLE_FILES,
        )
    except OSError as problem:
        fault = Fault(
            localized("cannot be written: {reason}", reason=problem.strerror or str(problem)),
            where=str(folder),
            remedy=localized(
                "check the path, the rights and the free space; what was there before is unharmed"
            ),
        )
        raise InvalidInputError(localized("the ledger folder cannot be written"), [fault]) from problem


def read_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables of a ledger folder as they lie there, unchecked; CSV cells as text. All belong to one version.

    Raises:
        InvalidInputError: the folder is missing, or contains no ledger table, or one that cannot be opened.
    """
    if not folder.is_dir():
        remedy = localized("give a folder `encours import` wrote")
        fault = Fault(localized("folder does not exist"), where=str(folder), remedy=remedy)
        raise InvalidInputError(localized("there is no ledger here"), [fault])
    try:
        with pinned(folder) as version:
            published = {} if version is None else _files_of_tables(version)
            if version is not None and published:
                _refuse_strangers(folder, version)
                return _read_all(published)
    except FileNotFoundError as problem:
        remedy = localized(
            "run the import again, or delete {current!r} if the tables lie in the folder by hand",
            current=CURRENT,
        )
        raise InvalidInputError(
            localized("the ledger folder is damaged"), [Fault(str(problem), where=str(folder), remedy=remedy)]
        ) from problem
    return _read_by_hand(folder)


def _read_by_hand(folder: Path) -> dict[str, pl.DataFrame]:
    """Tables that a person put there; read again when they are exchanged meanwhile."""
    if (folder / _JOURNAL).exists():
        fault = Fault(
            localized("an earlier version of Encours was stopped while writing here"),
            where=str(folder),
            remedy=localized("run the import again"),
        )
        raise InvalidInputError(localized("the ledger folder is damaged"), [fault])
    for _ in range(_READ_ATTEMPTS):
        before = _files_of_tables(folder)
        if not before:
            expected = localized(
                "for each of {tables} a file, such as {example}",
                tables=REQUIRED_TABLES,
                example="invoices.parquet",
            )
            fault = Fault(localized("holds no ledger table"), where=str(folder), expected=expected)
            raise InvalidInputError(localized("there is no ledger here"), [fault])
        identities = _identities(before)
        try:
            tables = _read_all(before)
        except FileNotFoundError:
            continue
        if identities == _identities(_files_of_tables(folder)):
            return tables
    raise InvalidInputError(
        localized("the ledger keeps changing while it is read"),
        [
            Fault(
                localized("another process is writing"),
                where=str(folder),
                remedy=localized("try again when it has finished"),
            )
        ],
    )


def _refuse_strangers(folder: Path, version: Path) -> None:
    """Refuse table files put by hand beside a published ledger: nobody can say which are meant.

    Raises:
        InvalidInputError: there are such files.
    """
    faults = [
        Fault(
            localized("lies beside the tables that Encours published"),
            where=str(path),
            expected=localized("the published tables only, or the tables put there by hand only"),
            remedy=localized(
                "remove it, or delete the link {current!r} to use what lies there by hand", current=CURRENT
            ),
        )
        for path in strangers(folder, version)
        if path.name in _TABLE_FILES
    ]
    if faults:
        raise InvalidInputError(localized("the ledger folder is ambiguous"), faults)


def _files_of_tables(folder: Path) -> dict[str, Path]:
    """Table name to its file; empty where there is none."""
    faults, files = [], {}
    for name in SCHEMAS:
        paths = (folder / f"{name}.{kind}" for kind in ("parquet", "csv"))
        found = [path for path in paths if path.is_file()]
        if len(found) > 1:
            fault = Fault(
                localized("{first} and {second} both exist", first=found[0].name, second=found[1].name),
                str(folder),
                localized("one file per table"),
                localized("remove one"),
            )
            faults.append(fault)
        elif found:
            files[name] = found[0]
    if faults:
        raise InvalidInputError(localized("the ledger folder is ambiguous"), faults)
    return files


def _identities(files: Mapping[str, Path]) -> dict[str, tuple[int, int, int] | None]:
    """What distinguishes one content of each table's file from another put in its place."""
    found: dict[str, tuple[int, int, int] | None] = {}
    for name, path in files.items():
        try:
            status = path.stat()
        except FileNotFoundError:
            found[name] = None
        else:
            found[name] = (status.st_ino, status.st_size, status.st_mtime_ns)
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
        raise InvalidInputError(localized("the ledger folder holds files that cannot be read"), faults)
    return tables


def _read_table(name: str, path: Path) -> pl.DataFrame:
    """One table file; CSV in UTF-8 with commas, every cell as text."""
    remedy = localized("for any other form of file use `encours import`")
    try:
        table = (
            pl.read_parquet(path, glob=False)
            if path.suffix == ".parquet"
            else pl.read_csv(path, infer_schema=False, glob=False)
        )
    except FileNotFoundError:
        raise
    except (pl.exceptions.PolarsError, OSError) as problem:
        expected = (
            localized("a Parquet file")
            if path.suffix == ".parquet"
            else localized("UTF-8 text with commas and a header line")
        )
        reason = (str(problem) or type(problem).__name__).splitlines()[0]
        fault = Fault(
            localized("cannot be read ({reason})", reason=reason),
            where=str(path),
            expected=expected,
            remedy=remedy,
        )
        raise InvalidInputError(localized("a table file cannot be read"), [fault]) from problem
    for delimiter in (";", "\t", "|"):
        if table.width == 1 and set(table.columns[0].split(delimiter)) & set(KEYS[name]):
            fault = Fault(
                localized("cells are separated by {delimiter!r}", delimiter=delimiter),
                where=str(path),
                expected=localized("commas"),
                remedy=remedy,
            )
            raise InvalidInputError(localized("a table file cannot be read"), [fault])
    return table


def check_folder(folder: Path) -> CheckedLedger:
    """The ledger in a folder, checked by every rule, with the rejected rows.

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
    remedy = localized("correct the mapping or the export; the rows are kept under quarantine/ or refused/")
    faults = [
        Fault(
            localized("put aside"),
            where=rule_message(rule),
            count=count,
            remedy=remedy if number == 0 else "",
        )
        for number, (rule, count) in enumerate(invoices.quarantined.items())
    ]
    raise InvalidInputError(localized("not one invoice could be accepted"), faults)


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


def read_published(folder: Path) -> Ledger:
    """The ledger that a check or the store published in a folder; no rule is run again.

    Raises:
        InvalidInputError: there is no ledger.
    """
    return Ledger.from_tables(read_tables(folder))


def write_checked(checked: CheckedLedger, folder: Path, report: Mapping[str, object]) -> None:
    """Publish ledger, quarantine and `import_report.json` together, in place of all that an earlier import left.

    Args:
        checked: the outcome of the check.
        folder: the ledger folder.
        report: further facts for the report file, beside the check's own.
    """
    files: dict[str, Content] = {f"{name}.parquet": frame for name, frame in checked.ledger.tables()}
    files |= _put_aside(checked, _QUARANTINE)
    files[IMPORT_REPORT] = _as_json({**report, **checked.report.to_dict()})
    _publish(folder, files, replaces_tables=True)


def write_quarantine(checked: CheckedLedger, folder: Path) -> None:
    """Publish only what a check found: `quarantine/` and `check_report.json`; the tables stay as they are.

    Where nothing is put aside and the folder was written by an import, the import's quarantine stays too.

    Args:
        checked: the outcome of the check.
        folder: the ledger folder.
    """
    files = _put_aside(checked, _QUARANTINE) | {CHECK_REPORT: _as_json(checked.report.to_dict())}
    keeps_import = not checked.quarantine and (folder / IMPORT_REPORT).is_file()
    kept = (IMPORT_REPORT, _REFUSED, *([_QUARANTINE] if keeps_import else []))
    _publish(folder, files, replaces_tables=False, carries_over=kept)


def write_refused(checked: CheckedLedger, folder: Path) -> None:
    """Publish the rows of an import that was refused under `refused/`; a ledger in the folder stays as it was.

    Args:
        checked: the outcome of the check.
        folder: the ledger folder.
    """
    kept = (IMPORT_REPORT, CHECK_REPORT, _QUARANTINE)
    _publish(folder, _put_aside(checked, _REFUSED), replaces_tables=False, carries_over=kept)


def _put_aside(checked: CheckedLedger, under: str) -> dict[str, Content]:
    return {f"{under}{name}.parquet": frame for name, frame in checked.quarantine.items()}


def _as_json(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
