"""Parquet files of an export."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.errors import Fault, InvalidInputError
from features.ledger.conform import is_unusable
from features.ledger.importing.mapping import Source
from features.ledger.importing.text_files import RawTable, numbered_rows, refuse_missing_columns
from features.messages import localized


def read_parquet(content: bytes, spec: Source, needed: Mapping[str, str], name: str) -> RawTable:
    """The mapped columns of a Parquet file, as text."""
    try:
        rows = pl.read_parquet(content)
    except pl.exceptions.PolarsError as problem:
        fault = Fault(localized("is not a whole Parquet file: {problem}", problem=str(problem)), where=name)
        raise InvalidInputError(localized("{name} cannot be read", name=name), [fault]) from problem
    refuse_missing_columns(rows.columns, needed, name)
    faults = [
        Fault(
            localized("column {column!r} holds {dtype}", column=column, dtype=str(dtype)),
            where=name,
            expected=localized("one text, figure, day or flag in each cell"),
        )
        for column, dtype in rows.select(list(needed)).schema.items()
        if is_unusable(dtype)
    ]
    if faults:
        raise InvalidInputError(localized("{name} cannot be read", name=name), faults)
    texts = rows.select(list(needed)).with_columns(
        pl.col(column).cast(pl.String, strict=False).str.replace(r"^(-?\d+)\.0$", "$1")
        if dtype.is_float()
        else pl.col(column).cast(pl.String, strict=False)
        for column, dtype in rows.select(list(needed)).schema.items()
    )
    return RawTable(numbered_rows(texts, 1), is_typed=True)
