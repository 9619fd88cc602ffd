from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.errors import InvalidInputError
from features.json_lines import append_json_line, read_json_lines

SEPARATORS = "a\u2028b\u2029c\x85d\x0be\rf\ng"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk would not."""
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_only_a_line_feed_ends_an_entry(tmp_path: Path) -> None:
    entries = [{"why": SEPARATORS}, {"why": "é"}]
    for entry in entries:
        append_json_line(tmp_path / "new" / "log.jsonl", entry)
    assert read_json_lines(tmp_path / "new" / "log.jsonl") == entries


def test_a_full_disk_leaves_no_half_entry(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append_json_line(log, {"n": 1})
    with largest_file(20), pytest.raises(OSError, match=r"File too large|No space left"):
        append_json_line(log, {"n": 2, "why": "x" * 100})
    append_json_line(log, {"n": 3})
    assert read_json_lines(log) == [{"n": 1}, {"n": 3}]


def test_lines_that_are_no_entries_are_all_named(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"n": 1}\n{"n": \n\xff\n')
    append_json_line(log, {"n": 4})
    with pytest.raises(
        InvalidInputError, match=r"(?s)line 2: is no entry.*line 3: is no entry.*remove the line"
    ):
        read_json_lines(log)
