"""exp, log and the logistic function whose result for one value never depends on its neighbours.

A vectorised exponential may take another route for the last few elements of an array, or for another stride, and
differ in the last bit; a score must be the same alone and in a batch of a million. The two routes below call the
same C library function on one value at a time (a test compares them).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[np.float64]

_SMALL = 256
_LARGEST_EXPONENT = 700.0


def exact_exp(values: Array) -> Array:
    """Exponential of every value (arguments above 700 count as 700, so that nothing overflows)."""
    return _apply(np.minimum(values, _LARGEST_EXPONENT), math.exp, lambda series: series.exp())


def exact_log(values: Array) -> Array:
    """Natural logarithm of every value, all of which must be above 0."""
    return _apply(values, math.log, lambda series: series.log())


def exact_sigmoid(margins: Array) -> Array:
    """Logistic function of every value."""
    result: Array = 1.0 / (1.0 + exact_exp(-margins))
    return result


def _apply(values: Array, one: Callable[[float], float], many: Callable[[pl.Series], pl.Series]) -> Array:
    flat = np.ascontiguousarray(values, dtype=np.float64).ravel()
    if flat.size < _SMALL:
        computed = np.fromiter(map(one, flat.tolist()), dtype=np.float64, count=flat.size)
    else:
        computed = many(pl.Series(flat)).to_numpy()
    return computed.reshape(np.shape(values))
