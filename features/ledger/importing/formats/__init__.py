"""The file formats of an export, each declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from features.ledger.importing.formats.parquet import read_parquet
from features.ledger.importing.formats.workbook import read_workbook
from features.ledger.importing.mapping import Source
from features.ledger.importing.text_files import RawTable, read_text_table
from features.messages import localized


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """One format of files that an export may consist of; nothing has a default.

    Attributes:
        name: as messages call it.
        endings: of file names; of a folder, the files with an ending of any format are read.
        starts: the first bytes by which a file is recognised whatever its name is; empty for a format that is
            recognised by its ending.
        read: the rows of a file as text, from its content, what the mapping says of its source, the columns the
            mapping reads with the keys that name them, and the file's name for messages. It refuses with
            `InvalidInputError` a file it cannot read or that lacks a column (`refuse_missing_columns`).
    """

    name: str
    endings: tuple[str, ...]
    starts: tuple[bytes, ...]
    read: Callable[[bytes, Source, Mapping[str, str], str], RawTable]


TEXT: Final = FileFormat(name="CSV", endings=(".csv", ".txt", ".tsv"), starts=(), read=read_text_table)
"""Also what a file of no other format is read as: it may be called anything."""

FORMATS: Final[tuple[FileFormat, ...]] = (
    TEXT,
    FileFormat(
        name="XLSX",
        endings=(".xlsx", ".xlsm", ".xls", ".ods"),
        starts=(b"PK\x03\x04", b"\xd0\xcf\x11\xe0"),
        read=read_workbook,
    ),
    FileFormat(name="Parquet", endings=(".parquet",), starts=(b"PAR1",), read=read_parquet),
)
"""Every format; see docs/extending.md."""

DATA_ENDINGS: Final = frozenset(ending for each in FORMATS for ending in each.endings)
FORMAT_NAMES: Final = localized(
    "{names} or {last}", names=[each.name for each in FORMATS[:-1]], last=FORMATS[-1].name
)


def format_of(name: str, content: bytes) -> FileFormat:
    """The format of a file: recognised by its first bytes, else by its ending, else text."""
    for each in FORMATS:
        if each.starts and content.startswith(each.starts):
            return each
    for each in FORMATS:
        if not each.starts and name.lower().endswith(each.endings):
            return each
    return TEXT
