"""Workbooks of an export: XLSX, XLS and ODS."""

from __future__ import annotations

from collections.abc import Mapping

import fastexcel
import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.importing.mapping import Source
from features.ledger.importing.text_files import (
    HEADER_SEARCH_LINES,
    RawTable,
    header_names,
    numbered_rows,
    refuse_missing_columns,
)
from features.messages import localized
from features.words import one_of


def read_workbook(content: bytes, spec: Source, needed: Mapping[str, str], name: str) -> RawTable:
    """A sheet of a workbook: the one the mapping names, or the one that holds the mapped columns."""
    try:
        book = fastexcel.read_excel(content)
        names = book.sheet_names
    except Exception as problem:  # the reader raises its own and panics' exceptions for damaged files
        fault = Fault(
            localized("is not a readable workbook: {problem}", problem=str(problem)),
            where=name,
            expected=localized("a whole XLSX, XLS or ODS file"),
        )
        raise InvalidInputError(localized("{name} cannot be read", name=name), [fault]) from problem
    if spec.sheet is not None and spec.sheet not in names:
        fault = Fault(
            localized("sheet {sheet!r} does not exist", sheet=spec.sheet),
            where=name,
            expected=one_of(spec.sheet, names),
        )
        raise InvalidInputError(localized("{name} cannot be read", name=name), [fault])
    best: tuple[int, str, pl.DataFrame, int] | None = None
    for sheet in [spec.sheet] if spec.sheet is not None else names:
        cells = book.load_sheet(
            sheet, header_row=None, dtypes="string", skip_whitespace_tail_rows=True
        ).to_polars()
        candidates = (
            [spec.header_line - 1] if spec.header_line else range(min(cells.height, HEADER_SEARCH_LINES))
        )
        for number in candidates:
            if number < cells.height:
                found = len(set(needed) & set(header_names(list(cells.row(number)))))
                if best is None or found > best[0]:
                    best = (found, sheet, cells, number)
    if best is None or best[0] == 0:
        expected = localized("a header with {needed}", needed=tuple(list(needed)[:8]))
        fault = Fault(
            localized("no row holds any mapped column"),
            where=localized("{file}, sheets {sheets}", file=name, sheets=names),
            expected=expected,
        )
        raise InvalidInputError(localized("{name} cannot be read", name=name), [fault])
    _, sheet, cells, number = best
    columns = header_names(list(cells.row(number)))
    refuse_missing_columns(
        columns,
        needed,
        localized("{file}, sheet {sheet}, row {row}", file=name, sheet=sheet, row=str(number + 1)),
    )
    below = cells[number + 1 :].rename(dict(zip(cells.columns, columns, strict=True)))
    return RawTable(numbered_rows(below, number + 2), is_typed=True)
