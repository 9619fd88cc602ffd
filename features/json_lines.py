"""Small logs of one JSON object per line: only a line feed ends a line, and an entry is there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.errors import Fault, InvalidInputError
from features.messages import localized


def append_json_line(path: Path, entry: Mapping[str, Any]) -> None:
    """Add an entry to a log; on disk when the call returns.

    Raises:
        OSError: the disk does not take it; the log is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    with path.open("a+b", buffering=0) as log:
        size = log.seek(0, os.SEEK_END)
        if size:
            log.seek(size - 1)
            if log.read(1) != b"\n":  # half a line of before: it is refused when it is read, this one is not
                line = b"\n" + line
        try:
            if log.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(log.fileno())
        except OSError:
            log.truncate(size)
            raise


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a log, in order.

    Raises:
        InvalidInputError: lines that are no entries; names each.
    """
    entries, faults = [], []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line.decode())
        except ValueError as failure:
            reason = type(failure).__name__
            faults.append(
                Fault(
                    localized("is no entry ({reason})", reason=reason),
                    where=localized("{file}, line {line}", file=path.name, line=str(number)),
                    expected=localized("one JSON object per line"),
                    remedy=localized("restore the file from a backup, or remove the line"),
                )
            )
            continue
        entries.append(entry)
    if faults:
        raise InvalidInputError(localized("{name} cannot be read", name=path.name), faults)
    return entries
