"""An export taken over into a checked ledger, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.importing.hints import hints
from features.ledger.importing.instalments import with_instalments
from features.ledger.importing.mapping import ImportMapping
from features.ledger.importing.mapping_file import load_mapping
from features.ledger.importing.sources import read_sources
from features.ledger.importing.tables import build_table
from features.ledger.ledger import last_known_on, ledger_fingerprint
from features.ledger.report import Note
from features.ledger.rules import CheckedLedger, check_tables
from features.ledger.schemas import SCHEMAS
from features.ledger.storage import refuse_without_invoices, write_checked, write_refused
from features.messages import localized


@dataclass(frozen=True)
class Import:
    """The outcome of an import.

    Attributes:
        checked: ledger, quarantine and report.
        files: names of the files read, per source.
        rows: rows read, per source.
    """

    checked: CheckedLedger
    files: dict[str, tuple[str, ...]]
    rows: dict[str, int]


def import_ledger(files: Sequence[Path], mapping: Path, folder: Path) -> CheckedLedger:
    """Take an export over into a ledger folder, in place of an earlier ledger in it.

    Args:
        files: files, folders or patterns.
        mapping: the mapping file.
        folder: the ledger folder to publish.

    Raises:
        InvalidInputError: as `import_files`, or not one invoice was accepted: the earlier ledger stays as it was, and
            the rows are put under `refused/`.
    """
    done = import_files(files, load_mapping(mapping))
    try:
        refuse_without_invoices(done.checked)
    except InvalidInputError:
        write_refused(done.checked, folder)
        raise
    last_day = last_known_on(done.checked.ledger)
    facts = {
        "mapping": mapping.name,
        "ledger_fingerprint": ledger_fingerprint(done.checked.ledger),
        "last_known_on": last_day.isoformat() if last_day is not None else None,
        "sources": {name: {"files": list(done.files[name]), "rows": done.rows[name]} for name in done.files},
    }
    write_checked(done.checked, folder, facts)
    return done.checked


def import_files(files: Sequence[Path], mapping: ImportMapping) -> Import:
    """Read an export by its mapping and check what comes out.

    Args:
        files: files, folders or patterns.
        mapping: how the columns of the export become the ledger's.

    Raises:
        InvalidInputError: the files do not fit the mapping, or nothing in a mapped column can be read; all
            faults of one stage are reported together.
    """
    sources, notes = read_sources(files, mapping)
    tables: dict[str, pl.DataFrame] = {}
    rejected: dict[str, pl.DataFrame] = {}
    remarks: list[Note] = []
    assumptions: list[Note] = list(notes)
    faults: list[Fault] = []
    for name in SCHEMAS:
        if name not in mapping.tables or mapping.source_of(name) not in sources:
            continue
        try:
            source = sources[mapping.source_of(name)]
            built = build_table(name, mapping.tables[name], source, mapping.formats, sources)
        except InvalidInputError as problem:
            faults += problem.faults
            continue
        if mapping.tables[name].instalments:
            built, tables["instalments"] = with_instalments(built)
        tables[name] = built.rows
        if built.rejected.height:
            rejected[name] = built.rejected
        remarks += built.notes
        assumptions += built.assumptions
    if faults:
        raise InvalidInputError(localized("columns of the export cannot be read as the mapping says"), faults)
    checked = check_tables(tables, rejected=rejected, assumptions=assumptions)
    hinted = hints(mapping, checked.quarantine)
    report = replace(checked.report, warnings=(*hinted, *remarks, *checked.report.warnings))
    return Import(
        replace(checked, report=report),
        {name: source.files for name, source in sources.items()},
        {name: source.rows.height for name, source in sources.items()},
    )
