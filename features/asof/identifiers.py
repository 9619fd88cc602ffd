"""Text identifiers as dense integer codes, with fast look-up of one or a million."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.asof.dates import Int64Array

_FEW = 64
"""Up to this many identifiers are compared one by one, which costs less than starting a column operation."""


@dataclass(frozen=True)
class IdIndex:
    """Codes 0 to n - 1 for distinct identifiers, in the order they were given.

    Attributes:
        ids: the identifiers by code.
        hashes: their hashes, ascending.
        codes: code of each hash.
        seed: seed of the hash, chosen so that no two identifiers collide.
    """

    ids: pl.Series
    hashes: npt.NDArray[np.uint64]
    codes: Int64Array
    seed: int

    @classmethod
    def build(cls, ids: pl.Series) -> IdIndex:
        """Index distinct, non-null identifiers."""
        seed = 0
        while True:
            hashes = ids.hash(seed).to_numpy()
            order = np.argsort(hashes, kind="stable")
            ordered = hashes[order]
            if len(ordered) < 2 or bool((ordered[1:] != ordered[:-1]).all()):
                return cls(ids, ordered, order.astype(np.int64), seed)
            if ids.n_unique() != len(ids):
                msg = "identifiers to index must be distinct"
                raise ValueError(msg)
            seed += 1

    def __len__(self) -> int:
        return len(self.ids)

    def codes_of(self, ids: pl.Series) -> Int64Array:
        """Code of each identifier; -1 where it is unknown or null."""
        if len(self.ids) == 0 or len(ids) == 0:
            return np.full(len(ids), -1, dtype=np.int64)
        wanted = ids.hash(self.seed).to_numpy()
        slots = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        codes = self.codes.take(slots)
        if len(ids) <= _FEW:
            same_few = [
                self.ids[code] == text for code, text in zip(codes.tolist(), ids.to_list(), strict=True)
            ]
            return np.where(same_few, codes, -1)
        same = (self.ids.gather(codes) == ids).fill_null(value=False).to_numpy()
        return np.where(same, codes, -1)
