"""Results put in place whole or not at all: written aside, flushed, renamed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file in one move; its folder is made when needed."""
    _in_one_move(path, lambda aside: _write(aside, content))


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame as Parquet in one move; its folder is made when needed."""
    _in_one_move(path, frame.write_parquet)


def _in_one_move(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
