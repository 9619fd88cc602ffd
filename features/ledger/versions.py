"""A folder whose content is published as a whole: versions side by side, and one link that names the present one.

Layout of a published folder:

- `.versions/<id>/` contains one complete version; it never changes once it is there.
- `current` is a symbolic link to the present version. Replacing it, in one rename, is the moment of publication.
- Every other published name (`invoices.parquet`, `quarantine`) is a link through `current`, for people who open files
  by hand.

A reader pins the version it found: a shared lock on the version's folder prevents the writer from deleting it. So a
reader sees one version from beginning to end, whatever is published meanwhile, and a kill at any moment leaves the old
version or the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from features.files import ASIDE_PREFIX, VERSIONS, Content, aside_name, flush_folder, write_flushed

CURRENT: Final = "current"
MANIFEST: Final = ".manifest.json"

#: Versions that may be published and deleted between reading the link and locking what it names.
_PIN_ATTEMPTS: Final = 100


@contextlib.contextmanager
def pinned(folder: Path) -> Iterator[Path | None]:
    """The present version of a folder, locked until the block ends; None where nothing was ever published.

    Raises:
        FileNotFoundError: `current` names a version that does not exist.
    """
    for _ in range(_PIN_ATTEMPTS):
        if not (folder / CURRENT).is_symlink():
            yield None
            return
        version = folder / (folder / CURRENT).readlink()
        with contextlib.ExitStack() as stack:
            try:
                handle = os.open(version, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue  # a newer version was published and this one deleted
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_SH)
            if version.exists():
                yield version
                return
    raise FileNotFoundError(f"{folder / CURRENT} names a version that does not exist: {version.name}")


def publish(
    folder: Path,
    files: Mapping[str, Content],
    carried_over: Callable[[str], bool] = lambda _: False,
    supersedes: Callable[[str], bool] = lambda _: False,
) -> None:
    """Publish a new version: these files, and those of the present version that are carried over.

    Args:
        folder: where; created if needed.
        files: relative name to content.
        carried_over: whether a file of the present version, by relative name, stays in the new one.
        supersedes: whether a file placed in the folder by hand, by name, is replaced by the new version.

    Raises:
        OSError: the folder cannot be written; the version published before is unharmed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _only_writer(folder):
        _delete_what_is_unused(folder)
        aside = folder / VERSIONS / aside_name()
        aside.mkdir(parents=True)
        present = _present(folder)
        if present is not None:
            for name in _names_in(present):
                if name not in files and carried_over(name):
                    _same_file(present / name, aside / name)
        for name, content in files.items():
            write_flushed(content, aside / name)
        replaced = {
            path.name: identity
            for path in folder.iterdir()
            if supersedes(path.name) and (identity := _identity(path)) is not None
        }
        write_flushed(json.dumps({"supersedes": replaced}), aside / MANIFEST)
        version = aside.with_name(aside.name.removeprefix(ASIDE_PREFIX))
        aside.rename(version)
        flush_folder(version)
        _replace_link(folder / CURRENT, f"{VERSIONS}/{version.name}")
        flush_folder(folder)
        _link_names(folder, version)
        _delete_what_is_unused(folder)


def strangers(folder: Path, version: Path) -> list[Path]:
    """Files lying in the folder that no version accounts for: neither links nor replaced by the version."""
    replaced = json.loads((version / MANIFEST).read_text(encoding="utf-8"))["supersedes"]
    return sorted(
        path
        for path in folder.iterdir()
        if (identity := _identity(path)) is not None and identity != replaced.get(path.name)
    )


def _present(folder: Path) -> Path | None:
    """The version `current` names; None without one. Only for a writer, which nobody can overtake."""
    link = folder / CURRENT
    return folder / link.readlink() if link.is_symlink() and link.exists() else None


def _names_in(version: Path) -> list[str]:
    """Relative names of the files of a version."""
    return sorted(
        path.relative_to(version).as_posix()
        for path in version.rglob("*")
        if path.is_file() and path.name != MANIFEST
    )


def _same_file(source: Path, target: Path) -> None:
    """Let a file of one version be part of another too; copied where the file system has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _identity(path: Path) -> list[int] | None:
    """What identifies the content of a regular file put in this place; None for a link, a folder, nothing."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return [status.st_ino, status.st_size, status.st_mtime_ns] if stat.S_ISREG(status.st_mode) else None


def _replace_link(link: Path, target: str) -> None:
    """Let a link name another target, in one rename.

    A folder in its place comes from a copy that followed links: everything in it lies in the copied folder too.
    """
    aside = link.with_name(aside_name())
    aside.symlink_to(target)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    aside.rename(link)


def _link_names(folder: Path, version: Path) -> None:
    """Make every published name a link through `current`, in place of files by hand that the version replaces."""
    for name in json.loads((version / MANIFEST).read_text(encoding="utf-8"))["supersedes"]:
        _remove(folder / name)
    published = {name.split("/")[0] for name in _names_in(version)}
    for name in published:
        target = f"{CURRENT}/{name}"
        if not (folder / name).is_symlink() or (folder / name).readlink() != Path(target):
            _remove(folder / name)
            _replace_link(folder / name, target)
    for path in folder.iterdir():
        is_published = path.is_symlink() and path.readlink().parts[0] == CURRENT
        if is_published and path.name not in published:
            path.unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _delete_what_is_unused(folder: Path) -> None:
    """Delete what a killed writer left, and versions that neither `current` names nor a reader locks."""
    for left in folder.glob(f"{ASIDE_PREFIX}*"):
        left.unlink()
    present = _present(folder)
    versions = folder / VERSIONS
    for version in sorted(versions.iterdir()) if versions.is_dir() else []:
        if version == present:
            continue
        handle = os.open(version, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # a reader locks it; a later publication deletes it
        else:
            # Out of the readers' sight first: a half-deleted version must not be found under its name.
            gone = version.with_name(aside_name())
            version.rename(gone)
            shutil.rmtree(gone)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Lock the folder against other writers; the lock ends with the process, however it ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
