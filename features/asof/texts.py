"""Texts that repeat a lot, stored as codes: each distinct text is read once, however many landmarks carry it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.asof.dates import BoolArray, Float64Array, Int64Array

_FEW = 64
"""Up to this many texts are coded one by one, which costs less than starting a column operation."""


@dataclass(frozen=True)
class CodedTexts:
    """A column of texts as codes.

    Attributes:
        codes: code of each text; -1 where it is null.
        distinct: the texts by code.
    """

    codes: Int64Array
    distinct: tuple[str, ...]

    @classmethod
    def of(cls, frame: pl.DataFrame, column: str) -> CodedTexts:
        """Code a column; a column the frame does not have is null throughout."""
        if column not in frame or frame[column].dtype == pl.Null:
            return cls(np.full(frame.height, -1, dtype=np.int64), ())
        texts = frame[column]
        if len(texts) <= _FEW:
            known: dict[str, int] = {}
            codes = [-1 if text is None else known.setdefault(text, len(known)) for text in texts.to_list()]
            return cls(np.array(codes, dtype=np.int64), tuple(known))
        distinct = texts.drop_nulls().unique().sort()
        physical = texts.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).fill_null(-1)
        return cls(physical.to_numpy(), tuple(distinct.to_list()))

    @property
    def is_known(self) -> BoolArray:
        """Whether there is a text."""
        return self.codes >= 0

    def take(self, rows: Int64Array) -> CodedTexts:
        """These rows only, in this order."""
        return CodedTexts(self.codes[rows], self.distinct)

    def read(self, meaning: Callable[[str], float]) -> Float64Array:
        """What each text means as a number; NaN where there is no text."""
        values = np.array([*(meaning(text) for text in self.distinct), np.nan], dtype=np.float64)
        return values.take(self.codes)
