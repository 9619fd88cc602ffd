"""Text identifiers as dense integer codes, with fast look-up of one or a million."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from features.asof.dates import Int64Array

_FEW = 64
"""Up to this many identifiers are looked up one by one, which costs less than starting a column operation."""


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
        if len(ids) <= _FEW:
            few = [-1 if text is None else self.code_of(text) for text in ids.to_list()]
            return np.array(few, dtype=np.int64)
        wanted = ids.hash(self.seed).to_numpy()
        slots = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        codes = self.codes.take(slots)
        same = (self.ids.gather(codes) == ids).fill_null(value=False).to_numpy()
        return np.where(same, codes, -1)

    def code_of(self, identifier: str) -> int:
        """Code of one identifier; -1 where it is unknown."""
        hashes, codes = self._by_own_hash
        wanted = hash(identifier)
        slot = int(hashes.searchsorted(wanted))
        while slot < len(hashes) and hashes[slot] == wanted:
            code = int(codes[slot])
            if self.ids[code] == identifier:
                return code
            slot += 1  # another identifier with the same hash
        return -1

    @cached_property
    def _by_own_hash(self) -> tuple[Int64Array, Int64Array]:
        """Python's own hashes of the identifiers, ascending, and the code of each; for look-ups one by one."""
        hashes = np.fromiter(map(hash, self.ids.to_list()), dtype=np.int64, count=len(self.ids))
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order.astype(np.int64)
