"""Files put in place whole: written aside, flushed to disk, then renamed."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import polars as pl

Content = pl.DataFrame | str | bytes
"""What a file is made from: a frame is written as Parquet, a text as UTF-8."""

ASIDE_PREFIX = ".aside-"
"""Begins the name of everything that is not in place yet; what a killed process left can be deleted."""


def aside_name() -> str:
    """A new name for something that will be renamed into place."""
    return f"{ASIDE_PREFIX}{uuid.uuid4().hex}"


def write_flushed(content: Content, path: Path) -> None:
    """Write a file and flush it to disk; its folder is made when needed. Not atomic by itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pl.DataFrame):
        content.write_parquet(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")
    flush(path)


def write_whole(content: Content, path: Path) -> None:
    """Write a file in one move: a reader sees the old content or the new one, never a part."""
    aside = path.with_name(aside_name())
    try:
        write_flushed(content, aside)
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Flush a folder's names to disk, so that a power cut cannot undo a rename in it."""
    flush(folder, os.O_RDONLY | os.O_DIRECTORY)


def flush(path: Path, flags: int = os.O_RDONLY) -> None:
    """Flush what was written to a file to disk."""
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
