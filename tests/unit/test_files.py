"""Files are whole or absent, whoever is killed while writing, and whatever others write meanwhile."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from features.files import (
    ASIDE_PREFIX,
    delete_left_aside,
    write_folder,
    write_once,
    write_whole,
    written_aside,
)

_WRITER = """
import sys
from pathlib import Path
from features.files import written_aside
with written_aside(Path(sys.argv[1])) as aside:
    aside.write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


def left_aside(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{ASIDE_PREFIX}*"))


def write_half(path: Path) -> None:
    with written_aside(path) as aside:
        aside.write_text("half")
        raise ValueError("in the middle")


@pytest.mark.parametrize("content", ["texte é\n", b"\x00\xff", pl.DataFrame({"a": [1, 2]})])
def test_a_file_written_whole_holds_its_content_and_leaves_nothing_aside(tmp_path, content):
    path = tmp_path / "new folder" / "file"
    write_whole("before", path)
    write_whole(content, path)
    if isinstance(content, pl.DataFrame):
        assert pl.read_parquet(path).equals(content)
    else:
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert left_aside(tmp_path) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    write_whole("before", tmp_path / "file")
    with pytest.raises(ValueError, match="in the middle"):
        write_half(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "before"
    assert left_aside(tmp_path) == []


def test_a_private_file_is_private_from_its_first_byte(tmp_path):
    with written_aside(tmp_path / "keys", mode=0o600) as aside:
        assert stat.S_IMODE(aside.stat().st_mode) == 0o600
        pl.DataFrame({"secret": ["x"]}).write_parquet(aside)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600


def test_the_first_of_several_writers_decides_what_is_written_once(tmp_path):
    write_once("first", tmp_path / "secret")
    write_once("second", tmp_path / "secret")
    assert (tmp_path / "secret").read_text() == "first"
    assert left_aside(tmp_path) == []


def test_a_folder_written_again_holds_the_new_files_only(tmp_path):
    write_folder({"a": "1", "b": b"2"}, tmp_path / "bundle")
    write_folder({"a": "3"}, tmp_path / "bundle")
    assert {path.name: path.read_text() for path in (tmp_path / "bundle").iterdir()} == {"a": "3"}
    assert left_aside(tmp_path) == []


def test_files_of_a_killed_process_are_deleted_those_of_a_living_stay(tmp_path):
    (tmp_path / "work").mkdir()
    target = tmp_path / "work" / "frame.parquet"
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        delete_left_aside(tmp_path)
        assert len(left_aside(tmp_path)) == 1
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    assert len(left_aside(tmp_path)) == 1
    (tmp_path / f"{ASIDE_PREFIX}folder").mkdir()
    (tmp_path / f"{ASIDE_PREFIX}folder" / "model.json").write_text("{}")
    delete_left_aside(tmp_path)
    assert left_aside(tmp_path) == []
    assert not target.exists()
