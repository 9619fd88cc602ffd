"""Answers that wait on this machine's disk for a history store that does not take them now.

A spool file contains one batch: a first line with the format and the number of answers, then one answer per line as
JSON in ASCII, so that only a line feed ends a line. It is written aside, flushed, then renamed. What cannot be read is
set aside under `unreadable/` with its reason, and the rest goes on.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from features.files import flush_folder, write_whole
from serving.store import Answer

_LOG: Final = logging.getLogger("encours.spool")
#: Version of the files; those of the first version have no first line of their own.
FORMAT: Final = 2
UNREADABLE: Final = "unreadable"
_COUNT_IN_NAME: Final = re.compile(r"-n(\d+)\.jsonl$")
#: Bytes written to find out whether the disk takes anything again.
_PROBE_BYTES: Final = 65_536
_FIELDS: Final = frozenset(Answer.__dataclass_fields__)


@dataclass(frozen=True)
class Rejected:
    """One line of a spool file that is no answer.

    Attributes:
        number: its number in the file, or among its answers when the store refused it, from 1; 0 for the whole file.
        content: the line as it was found.
        reason: why it is no answer, without its values.
    """

    number: int
    content: bytes
    reason: str


@dataclass(frozen=True)
class SpoolFile:
    """One batch as it was read.

    Attributes:
        path: the file.
        answers: its answers.
        rejected: what in it could not be read.
    """

    path: Path
    answers: tuple[Answer, ...]
    rejected: tuple[Rejected, ...] = ()

    def refused(self, answer: Answer, reason: str) -> Rejected:
        """Return one of its answers as a line that could not enter the store."""
        return Rejected(self.answers.index(answer) + 1, _entry_line(answer).rstrip("\n").encode(), reason)


class Spool:
    """The files of answers of one machine.

    Args:
        folder: where the files are; shared by the workers of one machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self.count = 0
        self.recount()

    @property
    def unreadable(self) -> Path:
        """Folder of what could not be read."""
        return self._folder / UNREADABLE

    @property
    def unreadable_count(self) -> int:
        """Return how many files were set aside and wait for a person."""
        return len(self._names(self.unreadable))

    def add(self, answers: Sequence[Answer]) -> None:
        """Write answers to disk; they are there when the call returns.

        Raises:
            OSError: the disk does not take them; nothing is left behind.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # answers in full: personal data
        self._number += 1
        name = f"{time.time_ns():020d}-{os.getpid()}-{self._number:06d}-n{len(answers)}.jsonl"
        lines = [_line({"format": FORMAT, "answers": len(answers)})]
        lines += [_entry_line(answer) for answer in answers]
        write_whole("".join(lines), self._folder / name)
        self.count += len(answers)

    def recount(self) -> None:
        """Count what waits, from the names of the files."""
        self.count = sum(self._count_of(name) for name in self._names(self._folder))

    def files(self) -> Iterator[SpoolFile]:
        """Return what waits, the oldest file first, each read when it is needed."""
        for name in self._names(self._folder):
            path = self._folder / name
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue  # another worker brought it into the store
            except OSError as failure:
                yield SpoolFile(path, (), (Rejected(0, b"", f"cannot be read ({type(failure).__name__})"),))
                continue
            yield read_spool_file(path, content)

    def finish(self, read: SpoolFile, rejected: Sequence[Rejected] = ()) -> None:
        """Remove a file whose answers are in the store; what could not enter is set aside first, with the reasons.

        Args:
            read: the file.
            rejected: what could not enter, for whatever reason.

        Raises:
            OSError: it cannot be set aside; the file stays where it is.
        """
        if rejected:
            self._set_aside(read, rejected)
        read.path.unlink(missing_ok=True)
        self.count = max(self.count - self._count_of(read.path.name), 0)

    def probe(self) -> None:
        """Find out whether the disk takes answers.

        Raises:
            OSError: it does not.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f".probe-{os.getpid()}"
        try:
            write_whole("0" * _PROBE_BYTES, path)
        finally:
            path.unlink(missing_ok=True)

    def _set_aside(self, read: SpoolFile, rejected: Sequence[Rejected]) -> None:
        self.unreadable.mkdir(parents=True, exist_ok=True)
        target = self.unreadable / read.path.name
        reason = {
            "file": read.path.name,
            "set_aside_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "entered": len(read.answers),
            "faults": [{"line": fault.number, "reason": fault.reason} for fault in rejected],
        }
        write_whole(json.dumps(reason, indent=1), target.with_suffix(".reason.json"))
        whole = any(fault.number == 0 for fault in rejected)
        if whole:
            read.path.replace(target)  # needs no reading, and no room on the disk
            flush_folder(self.unreadable)
        else:
            write_whole(b"".join(fault.content + b"\n" for fault in rejected), target)
        _LOG.error(
            "%d entries of %s were set aside in spool/%s: %s",
            len(rejected),
            read.path.name,
            UNREADABLE,
            rejected[0].reason,
        )

    @staticmethod
    def _names(folder: Path) -> list[str]:
        try:
            found = os.listdir(folder)  # noqa: PTH208 - names only: a spool may hold many thousands of files
        except FileNotFoundError:
            return []
        return sorted(name for name in found if name.endswith(".jsonl") and name[0] != ".")

    def _count_of(self, name: str) -> int:
        counted = _COUNT_IN_NAME.search(name)
        if counted is not None:
            return int(counted[1])
        try:
            return (self._folder / name).read_bytes().count(b"\n")
        except OSError:
            return 0


def read_spool_file(path: Path, content: bytes) -> SpoolFile:
    """Return the answers of a file and what in it is none; only a line feed ends a line.

    Args:
        path: the file, for messages.
        content: its content.
    """
    if not content.strip():
        return SpoolFile(path, (), (Rejected(0, content, "the file is empty"),))
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    try:
        first = json.loads(lines[0].decode())
    except (ValueError, RecursionError):
        first = None
    header = first if isinstance(first, dict) and "format" in first else None
    if header is not None and header["format"] != FORMAT:
        reason = f"format {header['format']!r} is of another version; this one reads {FORMAT}"
        return SpoolFile(path, (), (Rejected(0, content, reason),))
    answers: list[Answer] = []
    rejected: list[Rejected] = []
    for number, line in enumerate(lines, start=1):
        if number == 1 and header is not None:
            continue
        try:
            answers.append(_answer_of(json.loads(line.decode())))
        except (ValueError, KeyError, TypeError, RecursionError) as failure:
            rejected.append(Rejected(number, line, f"is no answer ({type(failure).__name__})"))
    if header is not None and header.get("answers") != len(answers) + len(rejected):
        found = len(answers) + len(rejected)
        rejected.append(
            Rejected(len(lines) + 1, b"", f"{header.get('answers')} answers expected, {found} found")
        )
    return SpoolFile(path, tuple(answers), tuple(rejected))


def _entry_line(answer: Answer) -> str:
    return _line({**vars(answer), "created_at": answer.created_at.isoformat()})


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def _answer_of(entry: Any) -> Answer:
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        raise TypeError("other fields than those of an answer")
    texts = ("answer_id", "kind", "caller")
    if not all(isinstance(entry[name], str) for name in texts) or not isinstance(entry["body"], dict):
        raise TypeError("a field of another type")
    if not all(entry[name] is None or isinstance(entry[name], str) for name in ("subject_id", "customer_id")):
        raise TypeError("a field of another type")
    created_at = dt.datetime.fromisoformat(entry["created_at"])
    if created_at.tzinfo is None:
        raise ValueError("an instant without its time zone")
    return Answer(**{**entry, "created_at": created_at})
