"""Files and folders put in place whole: written aside, flushed to disk, then renamed.

What is not in place yet has a name that begins with `ASIDE_PREFIX` and is locked by the process that writes it. The
lock ends with the process, however it ends: what a killed process left can be told from what another one is writing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

Content = pl.DataFrame | str | bytes
"""What a file is made from: a frame is written as Parquet, a text as UTF-8."""

ASIDE_PREFIX = ".aside-"
"""Begins the name of everything that is not in place yet."""

VERSIONS = ".versions"
"""Folder of a published ledger's versions, which its own writer cleans (`features.ledger.versions`)."""

_ANYONE = 0o666
"""Rights of a new file before the process's umask."""


def aside_name() -> str:
    """A new name for something that will be renamed into place."""
    return f"{ASIDE_PREFIX}{uuid.uuid4().hex}"


def write_flushed(content: Content, path: Path) -> None:
    """Write a file and flush it to disk; its folder is made when needed. Not atomic by itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pl.DataFrame):
        content.write_parquet(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    flush(path)


@contextlib.contextmanager
def written_aside(path: Path, mode: int = _ANYONE) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` when the block ends; after an error nothing changes.

    Args:
        path: the file to replace; its folder is made when needed.
        mode: rights of the file, before the process's umask.
    """
    with _locked_file(path, mode) as aside:
        yield aside
        flush(aside)
        aside.rename(path)
        flush_folder(path.parent)


def write_whole(content: Content, path: Path, mode: int = _ANYONE) -> None:
    """Write a file in one move: a reader sees the old content or the new one, never a part."""
    with written_aside(path, mode) as aside:
        write_flushed(content, aside)


def write_once(content: Content, path: Path, mode: int = _ANYONE) -> None:
    """Write a file that does not exist yet; of several processes the first wins, and the others change nothing."""
    with _locked_file(path, mode) as aside:
        write_flushed(content, aside)
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        flush_folder(path.parent)


def write_folder(files: Mapping[str, Content], folder: Path) -> None:
    """Write a folder of files aside and put it in place in one move; an existing folder of that name is replaced."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside, old = (folder.with_name(aside_name()) for _ in range(2))
    aside.mkdir()
    handle = os.open(aside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for name, content in files.items():
            write_flushed(content, aside / name)
        os.fsync(handle)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
        flush_folder(folder.parent)
    finally:
        os.close(handle)
        for left in (aside, old):
            shutil.rmtree(left, ignore_errors=True)


def delete_left_aside(root: Path) -> None:
    """Delete what killed processes left aside anywhere below a folder; what a living one is writing stays."""
    for place, folders, names in os.walk(root):
        left = [name for name in (*folders, *names) if name.startswith(ASIDE_PREFIX)]
        folders[:] = [name for name in folders if name != VERSIONS and not name.startswith(ASIDE_PREFIX)]
        for path in (Path(place, name) for name in left):
            if not path.is_symlink():
                _delete_unless_locked(path)


def flush_folder(folder: Path) -> None:
    """Flush a folder's names to disk, so that a power cut cannot undo a rename in it."""
    flush(folder, os.O_RDONLY | os.O_DIRECTORY)


@contextlib.contextmanager
def _locked_file(path: Path, mode: int) -> Iterator[Path]:
    """An empty file beside `path`, locked while the block runs; gone afterwards unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(aside_name())
    handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield aside
    finally:
        os.close(handle)
        aside.unlink(missing_ok=True)


def _delete_unless_locked(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return  # in place by now, or another account's
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return  # somebody is writing it
    finally:
        os.close(handle)


def flush(path: Path, flags: int = os.O_RDONLY) -> None:
    """Flush what was written to a file to disk."""
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
