"""LightGBM's shared library, called without importing the `lightgbm` package.

The score service needs trees, not a training library: this opens a model text in a quarter of a second instead of the
seconds and memory `import lightgbm` costs, and gives the same numbers to the last bit (a test compares it with
`Booster.predict`, alone and in batches). Rows are float64; a missing value is NaN.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import EncoursError, Fault, InvalidInputError
from features.messages import localized
from models.intervals import Floats

_FLOAT64 = 1
_ROW_MAJOR = 1
_RAW_SCORE = 1
_CONTRIBUTIONS = 3


@cache
def _library() -> Any:
    found = importlib.util.find_spec("lightgbm")
    folders = [] if found is None else list(found.submodule_search_locations or [])
    for folder in folders:
        for name in ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll"):
            for path in (Path(folder) / "lib" / name, Path(folder) / "bin" / name):
                if path.exists():
                    library = ctypes.cdll.LoadLibrary(str(path))
                    library.LGBM_GetLastError.restype = ctypes.c_char_p
                    return library
    raise EncoursError(
        localized(
            "LightGBM's shared library was not found; "
            "to do: install the package lightgbm (extra 'serve' or 'models')"
        )
    )


def _check(code: int) -> None:
    if code != 0:
        reason = _library().LGBM_GetLastError().decode("utf-8", "replace")
        raise EncoursError(localized("LightGBM refused: {reason}", reason=reason))


class TreeModel:
    """The trees of a model, read from LightGBM's text format, which contains data and runs no code.

    Args:
        text: the model text.
        threads: threads for batches; one row is always computed by one.

    Raises:
        InvalidInputError: when the text is not a LightGBM model.
    """

    def __init__(self, text: str, threads: int = 2) -> None:
        if not text.startswith("tree\n"):
            raise InvalidInputError(
                localized("The trees of the model cannot be read."),
                [
                    Fault(
                        what=localized("the text is not a LightGBM model"),
                        where="model.txt",
                        expected=localized("a text beginning with the line 'tree'"),
                        remedy=localized("export the model again"),
                    )
                ],
            )
        self.text = text
        self.threads = threads
        self._handle = ctypes.c_void_p()
        iterations = ctypes.c_int(0)
        _check(
            _library().LGBM_BoosterLoadModelFromString(
                ctypes.c_char_p(text.encode()), ctypes.byref(iterations), ctypes.byref(self._handle)
            )
        )
        self.tree_count = iterations.value
        columns = ctypes.c_int(0)
        _check(_library().LGBM_BoosterGetNumFeature(self._handle, ctypes.byref(columns)))
        self.column_count = columns.value
        self._single: dict[int, ctypes.c_void_p] = {}
        self._lock = threading.Lock()

    def __del__(self) -> None:
        if sys.is_finalizing():
            return
        for config in getattr(self, "_single", {}).values():
            _library().LGBM_FastConfigFree(config)
        if getattr(self, "_handle", None):
            _library().LGBM_BoosterFree(self._handle)

    def margins(self, rows: Floats) -> Floats:
        """Raw score of every row (log-odds, before any offset)."""
        result: Floats = self._predict(rows, _RAW_SCORE, 1)[:, 0]
        return result

    def contributions(self, rows: Floats) -> Floats:
        """TreeSHAP contributions of every row, one column per feature; the last column is the base.

        Each row's values add up to its raw score.
        """
        return self._predict(rows, _CONTRIBUTIONS, self.column_count + 1)

    def _predict(self, rows: Floats, kind: int, width: int) -> Floats:
        if rows.ndim != 2 or rows.shape[1] != self.column_count:
            raise InvalidInputError(
                localized("The rows do not fit the model."),
                [
                    Fault(
                        what=localized("rows have shape {shape}", shape=str(rows.shape)),
                        expected=localized("two dimensions, {count} columns", count=self.column_count),
                        remedy=localized("build the rows in the order of the model's feature list"),
                    )
                ],
            )
        table = np.ascontiguousarray(rows, dtype=np.float64)
        out = np.empty((table.shape[0], width), dtype=np.float64)
        if table.shape[0] == 0:
            return out
        written = ctypes.c_int64(0)
        if table.shape[0] <= 16:
            config, predict = self._single_config(kind), _library().LGBM_BoosterPredictForMatSingleRowFast
            length = ctypes.byref(written)
            row, place = table.ctypes.data, out.ctypes.data
            for _ in range(table.shape[0]):
                _check(predict(config, ctypes.c_void_p(row), length, ctypes.c_void_p(place)))
                row += table.strides[0]
                place += out.strides[0]
            return out
        _check(
            _library().LGBM_BoosterPredictForMat(
                self._handle,
                ctypes.c_void_p(table.ctypes.data),
                _FLOAT64,
                ctypes.c_int32(table.shape[0]),
                ctypes.c_int32(table.shape[1]),
                _ROW_MAJOR,
                kind,
                0,
                -1,
                f"num_threads={self.threads}".encode(),
                ctypes.byref(written),
                ctypes.c_void_p(out.ctypes.data),
            )
        )
        return out

    def _single_config(self, kind: int) -> ctypes.c_void_p:
        if kind in self._single:
            return self._single[kind]
        with self._lock:
            if kind not in self._single:
                config = ctypes.c_void_p()
                _check(
                    _library().LGBM_BoosterPredictForMatSingleRowFastInit(
                        self._handle,
                        kind,
                        0,
                        -1,
                        _FLOAT64,
                        ctypes.c_int32(self.column_count),
                        b"num_threads=1",
                        ctypes.byref(config),
                    )
                )
                self._single[kind] = config
            return self._single[kind]
