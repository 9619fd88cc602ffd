"""Order statistics over any slice of a sequence, without sorting the slice.

A wavelet matrix (Claude, Navarro and Ordóñez, "The wavelet matrix", 2015; its quantile query is Gagie, Puglisi
and Turpin,
"Range quantile queries: another virtue of wavelet trees", 2009) stores one bit plane per binary digit of the value's
rank. The k-th smallest value of a slice is found in as many steps as there are digits, for all slices at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.asof.dates import Int64Array


@dataclass(frozen=True)
class RangeRanks:
    """Ranks of a sequence of integers, able to answer 'the k-th smallest of positions lo to hi'.

    Attributes:
        distinct: the distinct values, ascending.
        zeros_before: per digit, from the highest, how many values before each position have that digit 0.
    """

    distinct: Int64Array
    zeros_before: tuple[npt.NDArray[np.int32], ...]

    @classmethod
    def build(cls, values: Int64Array) -> RangeRanks:
        """Prepare order statistics of a sequence."""
        distinct, codes = np.unique(values, return_inverse=True)
        codes = codes.astype(np.int32)
        digits = max(int(len(distinct) - 1).bit_length(), 1)
        planes: list[npt.NDArray[np.int32]] = []
        for digit in range(digits - 1, -1, -1):
            is_zero = (codes >> digit) & 1 == 0
            zeros = np.zeros(len(codes) + 1, dtype=np.int32)
            np.cumsum(is_zero, out=zeros[1:])
            planes.append(zeros)
            codes = np.concatenate([codes[is_zero], codes[~is_zero]])
        return cls(distinct.astype(np.int64), tuple(planes))

    def smallest(self, lo: Int64Array, hi: Int64Array, k: Int64Array) -> Int64Array:
        """The k-th smallest value (from 0) of positions `lo` to `hi` - 1; 0 where the slice has no such value."""
        if len(self.distinct) == 0:
            return np.zeros(len(lo), dtype=np.int64)
        valid = (k >= 0) & (k < hi - lo)
        lo, hi, k = np.where(valid, lo, 0), np.where(valid, hi, 1), np.where(valid, k, 0)
        code = np.zeros(len(lo), dtype=np.int64)
        for zeros in self.zeros_before:
            zeros_lo, zeros_hi = zeros.take(lo), zeros.take(hi)
            in_slice = zeros_hi - zeros_lo
            one = k >= in_slice
            code = code * 2 + one
            k = np.where(one, k - in_slice, k)
            lo = np.where(one, zeros[-1] + lo - zeros_lo, zeros_lo)
            hi = np.where(one, zeros[-1] + hi - zeros_hi, zeros_hi)
        return np.where(valid, self.distinct.take(np.minimum(code, len(self.distinct) - 1)), 0)
