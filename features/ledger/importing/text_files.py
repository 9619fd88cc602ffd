"""Delimited text as people export it: its encoding, its delimiter, its header, its whole and its broken rows.

The columns a mapping needs are known before a file is opened, so the header line and the delimiter are
those under which most of these columns are found; titles above the header, in any number, need no setting.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import charset_normalizer
import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.importing.mapping import Source
from features.messages import localized
from features.words import one_of

DELIMITERS: Final = (";", ",", "\t", "|")
#: Lines searched for the header.
HEADER_SEARCH_LINES: Final = 60
#: True in rows with more cells than the header has columns.
MALFORMED: Final = "\0malformed"
#: Number of the row in its file, the first line being 1 (line numbers, where no cell contains a line break).
ROW: Final = "source_row"
_BYTE_ORDER_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_WESTERN_ENCODINGS: Final = ["cp1252", "mac_roman", "cp850"]


@dataclass(frozen=True)
class RawTable:
    """A file's rows as text under its header.

    Attributes:
        rows: the columns of the header, all text, with ROW and MALFORMED; wholly empty rows are left out.
        encoding: the encoding used, None for a workbook or Parquet.
        was_detected: the encoding was a guess.
        is_typed: figures and dates may be in machine form (1234.5, 2024-01-31), whatever the mapping says.
    """

    rows: pl.DataFrame
    encoding: str | None = None
    was_detected: bool = False
    is_typed: bool = False


def decode(content: bytes, wanted: str | None, name: str) -> tuple[str, str, bool]:
    """A file's text, the encoding that was used, and whether it was guessed.

    Raises:
        InvalidInputError: the file is empty or binary, or the stated encoding does not fit.
    """
    if not content.strip(b"\x00\r\n\t "):
        raise InvalidInputError(
            localized("{name} cannot be read", name=name), [Fault(localized("the file is empty"), where=name)]
        )
    if wanted is not None:
        try:
            return content.decode(wanted).removeprefix("\ufeff"), wanted, False
        except (UnicodeDecodeError, LookupError) as problem:
            expected = localized("an encoding such as utf-8, utf-16, cp1252")
            fault = Fault(
                localized("encoding {wanted!r} does not fit: {problem}", wanted=wanted, problem=str(problem)),
                where=name,
                expected=expected,
            )
            raise InvalidInputError(localized("{name} cannot be read", name=name), [fault]) from problem
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding, name), encoding, False
    start = content[:4096]
    zeros = start.count(0)
    if zeros > 0.2 * len(start):
        encoding = "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        return _decoded(content, encoding, name), encoding, True
    if zeros:
        raise InvalidInputError(
            localized("{name} cannot be read", name=name),
            [
                Fault(
                    localized("the file is binary, not text"),
                    where=name,
                    expected=localized("text such as CSV"),
                )
            ],
        )
    try:
        return content.decode("utf-8"), "utf-8", False
    except UnicodeDecodeError:
        guess = charset_normalizer.from_bytes(content[:100_000], cp_isolation=_WESTERN_ENCODINGS).best()
        encoding = guess.encoding if guess is not None else "cp1252"
        return content.decode(encoding, errors="replace"), encoding, True


def _decoded(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        fault = Fault(
            localized(
                "the file looks like {encoding} but is not: {reason}",
                encoding=encoding,
                reason=problem.reason,
            ),
            where=name,
        )
        raise InvalidInputError(localized("{name} cannot be read", name=name), [fault]) from problem


def read_text_table(content: bytes, spec: Source, needed: Mapping[str, str], name: str) -> RawTable:
    """The rows of a delimited text file.

    Args:
        content: the file.
        spec: what the mapping says of it.
        needed: columns the mapping reads, with the keys of the mapping that name them.
        name: the file's name, for messages.

    Raises:
        InvalidInputError: no line looks like the header, columns are missing, or a quote is never closed.
    """
    text, encoding, was_detected = decode(content, spec.encoding, name)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = _first_lines(text)
    delimiter, header = _locate_header(lines, spec, needed, name)
    offset = 0
    for line in lines[:header]:
        offset += len(line) + 1
    body = text[offset:]
    rows = _parse(body, delimiter, spec.quote if spec.quote != "none" else "", name, header)
    refuse_missing_columns(
        rows.columns, needed, localized("{file}, line {line}", file=name, line=str(header + 1))
    )
    return RawTable(rows, encoding, was_detected)


def _first_lines(text: str) -> list[str]:
    start = text[:400_000]
    return start.split("\n")[: HEADER_SEARCH_LINES + 1]


def _locate_header(lines: list[str], spec: Source, needed: Mapping[str, str], name: str) -> tuple[str, int]:
    """Delimiter and index of the header line: those under which most needed columns are found."""
    delimiters = (spec.delimiter.replace("\\t", "\t"),) if spec.delimiter else DELIMITERS
    if any(len(delimiter) != 1 for delimiter in delimiters):
        fault = Fault(
            localized("delimiter {delimiter!r} is not one character", delimiter=spec.delimiter), where=name
        )
        raise InvalidInputError(localized("{name} cannot be read", name=name), [fault])
    candidates = range(len(lines)) if spec.header_line is None else [spec.header_line - 1]
    best = (0, "", 0)
    wanted = set(needed)
    for number in candidates:
        for delimiter in delimiters:
            if number < len(lines):
                names = header_names(_split_line(lines[number], delimiter, spec.quote))
                found = len(wanted & set(names))
                if found > best[0]:
                    best = (found, delimiter, number)
    if best[0] == 0:
        shown = next((line.strip() for line in lines if line.strip()), "")[:80]
        delimiters_tried = (
            localized("with delimiter {delimiter!r}", delimiter=spec.delimiter)
            if spec.delimiter
            else localized("with ; , tab or |")
        )
        raise InvalidInputError(
            localized("{name} cannot be read", name=name),
            [
                Fault(
                    localized(
                        "no line among the first {count} holds any mapped column {delimiters}",
                        count=len(list(candidates)),
                        delimiters=delimiters_tried,
                    ),
                    where=name,
                    expected=localized("a header with {needed}", needed=tuple(list(needed)[:8])),
                    remedy=localized(
                        "check delimiter, encoding and header_line in the mapping; the file begins with {shown!r}",
                        shown=shown,
                    ),
                )
            ],
        )
    return best[1], best[2]


def _split_line(line: str, delimiter: str, quote: str) -> list[str]:
    if quote in ("none", ""):
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])


def header_names(cells: Sequence[str | None]) -> list[str]:
    """Column names from header cells: blanks trimmed, empty ones numbered, repeated ones marked "(2)"."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for position, cell in enumerate(cells):
        name = " ".join((cell or "").replace("\ufeff", "").split()) or f"column {position + 1}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


class MissingColumnsError(InvalidInputError):
    """A header that lacks mapped columns.

    Attributes:
        there: the columns it has.
        missing: the columns it lacks, with the keys of the mapping that name them.
        where: file, and the line of the header.
    """

    def __init__(self, there: Sequence[str], missing: Mapping[str, str], where: str) -> None:
        self.there, self.missing, self.where = tuple(there), dict(missing), where
        super().__init__(
            localized("the mapping names columns the export does not have"),
            self.faults_with(dict.fromkeys(missing, "")),
        )

    def faults_with(self, remedies: Mapping[str, str]) -> list[Fault]:
        """A fault for each missing column, with the columns there are, the nearest name and a remedy."""
        return [
            Fault(
                localized("column {name!r} does not exist, though {key} names it", name=name, key=key),
                where=self.where,
                expected=one_of(name, self.there),
                remedy=remedies[name],
            )
            for name, key in self.missing.items()
        ]


def refuse_missing_columns(columns: Sequence[str], needed: Mapping[str, str], where: str) -> None:
    """Refuse a header that lacks mapped columns.

    Raises:
        MissingColumnsError: columns are missing; each with the columns there are and the nearest name.
    """
    there = [name for name in columns if name not in (ROW, MALFORMED)]
    missing = {name: key for name, key in needed.items() if name not in there}
    if missing:
        raise MissingColumnsError(there, missing, where)


def _parse(body: str, delimiter: str, quote: str, name: str, lines_above: int) -> pl.DataFrame:
    """Rows below the header, as text."""
    if not quote or quote not in body or _quotes_are_regular(body, delimiter, quote):
        try:
            rows = pl.read_csv(
                body.encode(),
                separator=delimiter,
                quote_char=quote if quote and quote in body else None,
                has_header=False,
                infer_schema=False,
                raise_if_empty=False,
            )
        except pl.exceptions.PolarsError:
            return _parse_record_by_record(body, delimiter, quote, name, lines_above)
        if rows.width == len(_split_line(body.split("\n", 1)[0], delimiter, quote)):
            names = header_names(list(rows.row(0)))
            below = rows[1:].rename(dict(zip(rows.columns, names, strict=True)))
            return numbered_rows(below, lines_above + 2)
    return _parse_record_by_record(body, delimiter, quote, name, lines_above)


def _quotes_are_regular(body: str, delimiter: str, quote: str) -> bool:
    """Whether every quote is at a cell's edge or is doubled, so that the fast reader is safe."""
    if body.count(quote) % 2:
        return False
    mark, edge = re.escape(quote), re.escape(delimiter)
    return re.search(rf"[^{edge}\n{mark}]{mark}[^{edge}\n{mark}]", body) is None and quote * 3 not in body


def _parse_record_by_record(
    body: str, delimiter: str, quote: str, name: str, lines_above: int
) -> pl.DataFrame:
    """The careful reader, for stray quotes and rows that are too long."""
    lines = io.StringIO(body)
    if quote:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    csv.field_size_limit(2**31 - 1)
    columns = header_names(next(reader))
    width = len(columns)
    cells: list[list[str | None]] = []
    numbers: list[int] = []
    is_malformed: list[bool] = []
    start = reader.line_num
    for record in reader:
        if record:
            extra = any(cell.strip() for cell in record[width:])
            cells.append([*record[:width], *([None] * (width - len(record)))])
            numbers.append(lines_above + start + 1)
            is_malformed.append(extra)
            if record[-1].count("\n") > 50 and reader.line_num >= body.rstrip("\n").count("\n") + 1:
                raise InvalidInputError(
                    localized("{name} cannot be read", name=name),
                    [
                        Fault(
                            localized("a quote is opened and never closed"),
                            where=localized(
                                "{file}, line {line}", file=name, line=str(lines_above + start + 1)
                            ),
                            remedy=localized(
                                "repair the line, or set `quote: none` for this source in the mapping"
                            ),
                        )
                    ],
                )
        start = reader.line_num
    frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")
    return without_empty_rows(
        frame.with_columns(
            pl.Series(ROW, numbers, dtype=pl.Int64), pl.Series(MALFORMED, is_malformed, dtype=pl.Boolean)
        )
    )


def numbered_rows(rows: pl.DataFrame, first: int) -> pl.DataFrame:
    """Rows of text with their numbers in the file, counted from that of the first; wholly empty ones are left out."""
    numbers = pl.Series(ROW, range(first, first + rows.height), dtype=pl.Int64)
    return without_empty_rows(rows.with_columns(numbers, pl.lit(value=False).alias(MALFORMED)))


def without_empty_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of which at least one cell contains something other than blanks."""
    cells = [pl.col(name) for name in rows.columns if name not in (ROW, MALFORMED)]
    return rows.filter(pl.any_horizontal([cell.str.contains(r"\S").fill_null(value=False) for cell in cells]))
