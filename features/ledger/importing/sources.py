"""The files of an export, opened and sorted into the sources the mapping names."""

from __future__ import annotations

import fnmatch
import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.importing.formats import DATA_ENDINGS, FORMAT_NAMES, format_of
from features.ledger.importing.mapping import ImportMapping, Source
from features.ledger.importing.text_files import MissingColumnsError, RawTable
from features.ledger.report import Note
from features.messages import localized

#: Name of the file a row came from.
FILE: Final = "source_file"
_OTHER_KINDS: Final = {b"%PDF": "PDF", b"\x1f\x8b": "gzip", b"{\\rt": "RTF", b"7z\xbc\xaf": "7z"}


@dataclass(frozen=True)
class ReadSource:
    """All rows of one source.

    Attributes:
        rows: every cell as text, with the file and row each came from.
        is_typed: figures and dates may be in machine form, as in workbooks and Parquet.
        files: names of the files read.
    """

    rows: pl.DataFrame
    is_typed: bool
    files: tuple[str, ...]


def expand(files: Sequence[Path]) -> list[Path]:
    """The files meant by paths, folders and patterns, each once, in name order.

    Raises:
        InvalidInputError: a path leads to no file.
    """
    found: list[Path] = []
    faults = []
    for given in files:
        if given.is_dir():
            matches = [path for path in given.iterdir() if path.suffix.lower() in DATA_ENDINGS]
        elif given.exists():
            matches = [given]
        else:
            matches = [Path(name) for name in glob.glob(str(given)) if Path(name).is_file()]  # noqa: PTH207
        if not matches:
            faults.append(Fault(localized("no such file"), where=str(given)))
        found += matches
    if faults:
        raise InvalidInputError(localized("there is nothing to import"), faults)
    return sorted(set(found))


def read_sources(files: Sequence[Path], mapping: ImportMapping) -> tuple[dict[str, ReadSource], list[Note]]:
    """Every source of a mapping, read from the given files.

    Args:
        files: files, folders or patterns.
        mapping: says which file belongs to which source and which columns are needed.

    Returns:
        Source name to its rows, and notes on guesses (the encoding).

    Raises:
        InvalidInputError: a file fits no source, a source has no file, or files cannot be read; all of
            them at once.
    """
    by_source = _assign(expand(files), mapping)
    read: dict[str, ReadSource] = {}
    notes: list[Note] = []
    faults: list[Fault] = []
    summaries: list[str] = []
    missing: list[tuple[str, MissingColumnsError]] = []
    for name, paths in by_source.items():
        parts = []
        for path in paths:
            try:
                raw = read_source(path, mapping.sources[name], mapping.needed_from(name))
            except MissingColumnsError as problem:
                missing.append((name, problem))
                continue
            except InvalidInputError as problem:
                faults += problem.faults
                summaries.append(problem.summary)
                continue
            if raw.was_detected:
                notes.append(
                    Note(
                        localized(
                            "{path} was read as {encoding}, which is a guess",
                            path=path.name,
                            encoding=raw.encoding,
                        ),
                    )
                )
            parts.append((path, raw))
        if parts:
            rows = [raw.rows.with_columns(pl.lit(path.name).alias(FILE)) for path, raw in parts]
            is_typed = any(raw.is_typed for _, raw in parts)
            read[name] = ReadSource(
                pl.concat(rows, how="diagonal"), is_typed, tuple(path.name for path, _ in parts)
            )
    for name, lacking in missing:
        remedies = {column: _where_else(column, name, lacking, read) for column in lacking.missing}
        faults += lacking.faults_with(remedies)
        summaries.append(lacking.summary)
    if faults:
        summary = summaries[0] if len(set(summaries)) == 1 else localized("the export cannot be read")
        raise InvalidInputError(summary, faults)
    return read, notes


def _where_else(
    column: str, source: str, problem: MissingColumnsError, read: Mapping[str, ReadSource]
) -> str:
    """How to take a column that this source lacks from one that has it; empty where none has."""
    for other, there in read.items():
        if other != source and column in there.rows.columns:
            shared = [name for name in problem.there if name in there.rows.columns]
            by = ", ".join(shared) or localized("the column that both have")
            return localized(
                "source {other!r} has it: look it up there with "
                "`lookup: {{source: {other}, by: [{by}], take: {column}}}`",
                other=other,
                by=by,
                column=column,
            )
    return ""


def _assign(files: list[Path], mapping: ImportMapping) -> dict[str, list[Path]]:
    """Which files belong to which source, by the patterns of the mapping."""
    by_source: dict[str, list[Path]] = {name: [] for name in mapping.sources}
    faults = []
    for path in files:
        takers = [
            name
            for name, spec in mapping.sources.items()
            if (not spec.files and len(mapping.sources) == 1)
            or any(fnmatch.fnmatch(path.name, pattern) for pattern in spec.files)
        ]
        if len(takers) == 1:
            by_source[takers[0]].append(path)
        else:
            patterns = [
                localized("{name}: {patterns}", name=name, patterns=spec.files or localized("no pattern"))
                for name, spec in mapping.sources.items()
            ]
            what = (
                localized("file fits several sources ({sources})", sources=takers)
                if takers
                else localized("file fits no source")
            )
            faults.append(
                Fault(
                    what,
                    where=path.name,
                    expected=localized("one of {known}", known=patterns),
                )
            )
    for name, spec in mapping.sources.items():
        if not by_source[name] and not spec.optional:
            expected = (
                localized("a file named {files}", files=" or ".join(spec.files))
                if spec.files
                else localized("a file")
            )
            faults.append(
                Fault(
                    localized("no file for source {name!r}", name=name),
                    expected=expected,
                    remedy=localized("name it, or set `optional: true`"),
                )
            )
    if faults:
        raise InvalidInputError(localized("the files do not match the mapping's sources"), faults)
    return {name: paths for name, paths in by_source.items() if paths}


def read_source(path: Path, spec: Source, needed: Mapping[str, str]) -> RawTable:
    """One file's rows as text; its format is recognised by `format_of`.

    Args:
        path: the file.
        spec: what the mapping says of it.
        needed: the columns the mapping reads, with the keys that name them.

    Raises:
        InvalidInputError: the file cannot be read, or lacks mapped columns.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        fault = Fault(localized("cannot be opened: {reason}", reason=problem.strerror), where=str(path))
        raise InvalidInputError(localized("{name} cannot be read", name=path.name), [fault]) from problem
    for start, kind in _OTHER_KINDS.items():
        if content.startswith(start):
            fault = Fault(localized("the file is {kind}", kind=kind), where=path.name, expected=FORMAT_NAMES)
            raise InvalidInputError(localized("{name} cannot be read", name=path.name), [fault])
    return format_of(path.name, content).read(content, spec, needed, path.name)


def sizes(sources: Mapping[str, ReadSource]) -> dict[str, int]:
    """Rows read per source."""
    return {name: source.rows.height for name, source in sources.items()}
