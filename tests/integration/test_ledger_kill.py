"""A kill at any moment of a write leaves one whole ledger: the old one or the new one."""

import contextlib
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from features.errors import InvalidInputError
from features.ledger import check_tables, ledger_fingerprint, read_ledger, read_tables, storage, write_ledger
from features.ledger.versions import pinned

WRITER = """
import os, signal, sys
from pathlib import Path
from features.ledger import read_ledger, write_ledger
source, target, stop_at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
ledger = read_ledger(source)
steps = 0

def count(event, arguments):
    global steps
    watched = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "open")
    if event in watched and str(target) in f"{arguments[0]} {arguments[1] if len(arguments) > 1 else ''}":
        steps += 1
        if steps == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
write_ledger(ledger, target)
"""


class Stopped(BaseException):
    """Stands for a kill inside this process: nothing in the writing code can catch it."""


class Stopper:
    """Counts operations of this process below a folder and stops at the n-th."""

    def __init__(self):
        self.folder, self.stop_at, self.steps = None, 0, 0
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        watched = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "open")
        if self.folder is not None and event in watched and str(self.folder) in str(arguments[:2]):
            self.steps += 1
            if self.steps == self.stop_at:
                raise Stopped

    @contextlib.contextmanager
    def below(self, folder, stop_at):
        self.folder, self.stop_at, self.steps = folder, stop_at, 0
        try:
            yield
        finally:
            self.folder = None


STOPPER = Stopper()


def ledger_of(amount, *, disputes):
    tables = {
        "invoices": pl.DataFrame(
            {
                "invoice_id": ["1", "2"],
                "customer_id": ["A", "B"],
                "kind": ["invoice"] * 2,
                "issued_on": ["2024-01-01"] * 2,
                "due_on": ["2024-01-31"] * 2,
                "amount": [amount] * 2,
                "currency": ["EUR"] * 2,
            }
        ),
        "payments": pl.DataFrame(
            {"payment_id": ["p"], "invoice_id": ["1"], "paid_on": ["2024-02-01"], "amount": [amount]}
        ),
    }
    if disputes:
        tables["disputes"] = pl.DataFrame(
            {"dispute_id": ["d"], "invoice_id": ["2"], "opened_on": ["2024-01-05"]}
        )
    return check_tables(tables).ledger


def test_a_kill_at_any_operation_leaves_one_whole_ledger(tmp_path):
    old, new = ledger_of("10.00", disputes=True), ledger_of("20.00", disputes=False)
    write_ledger(old, tmp_path / "probe")
    with STOPPER.below(tmp_path / "probe", 0):
        write_ledger(new, tmp_path / "probe")
    assert STOPPER.steps > 8
    outcomes = []
    for stop_at in range(1, STOPPER.steps + 1):
        target = tmp_path / f"target{stop_at}"
        write_ledger(old, target)
        with STOPPER.below(target, stop_at), pytest.raises(Stopped):
            write_ledger(new, target)
        found = ledger_fingerprint(read_ledger(target))
        assert found in (ledger_fingerprint(old), ledger_fingerprint(new))
        outcomes.append(found == ledger_fingerprint(new))
        write_ledger(new, target)
        assert ledger_fingerprint(read_ledger(target)) == ledger_fingerprint(new)
        assert sorted(path.name for path in target.iterdir()) == [
            ".versions",
            "current",
            "customers.parquet",
            "invoices.parquet",
            "payments.parquet",
        ]
        assert len(list((target / ".versions").iterdir())) == 1
    assert outcomes == sorted(outcomes), (
        "once the new ledger is there, a later stop must not bring the old one back"
    )
    assert set(outcomes) == {True, False}


@pytest.mark.parametrize("stop_at", [4, 14])
def test_a_sigkill_leaves_a_whole_ledger_and_the_next_write_ends_normally(tmp_path, stop_at):
    old, new = ledger_of("10.00", disputes=True), ledger_of("20.00", disputes=False)
    source, target = tmp_path / "source", tmp_path / "target"
    write_ledger(new, source)
    write_ledger(old, target)
    command = [sys.executable, "-c", WRITER, str(source), str(target), str(stop_at)]
    killed = subprocess.run(command, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert ledger_fingerprint(read_ledger(target)) in (ledger_fingerprint(old), ledger_fingerprint(new))
    write_ledger(new, target)
    assert ledger_fingerprint(read_ledger(target)) == ledger_fingerprint(new)


def test_readers_beside_a_writer_see_one_ledger_or_the_other(tmp_path):
    first, second = ledger_of("10.00", disputes=True), ledger_of("20.00", disputes=False)
    write_ledger(first, tmp_path)
    stop = threading.Event()
    seen, refusals = set(), []

    def keep_writing():
        while not stop.is_set():
            write_ledger(second, tmp_path)
            write_ledger(first, tmp_path)

    def keep_reading():
        try:
            for _ in range(30):
                seen.add(ledger_fingerprint(read_ledger(tmp_path)))
        except Exception as refusal:
            refusals.append(refusal)

    writer = threading.Thread(target=keep_writing)
    readers = [threading.Thread(target=keep_reading) for _ in range(2)]
    for thread in (writer, *readers):
        thread.start()
    for reader in readers:
        reader.join()
    stop.set()
    writer.join()
    assert refusals == []
    assert seen
    assert seen <= {ledger_fingerprint(first), ledger_fingerprint(second)}


def test_a_pinned_version_outlives_later_publications(tmp_path):
    first, second = ledger_of("10.00", disputes=True), ledger_of("20.00", disputes=False)
    write_ledger(first, tmp_path)
    with pinned(tmp_path) as version:
        for _ in range(3):
            write_ledger(second, tmp_path)
        assert pl.read_parquet(version / "disputes.parquet").height == 1
    write_ledger(second, tmp_path)
    assert not version.exists()
    assert len(list((tmp_path / ".versions").iterdir())) == 1


def test_a_stop_while_replacing_files_put_by_hand_leaves_one_ledger(tmp_path):
    new = ledger_of("20.00", disputes=False)

    def by_hand(folder):
        folder.mkdir()
        for name, frame in ledger_of("10.00", disputes=True).tables():
            frame.write_csv(folder / f"{name}.csv")
        return folder

    old = ledger_fingerprint(read_ledger(by_hand(tmp_path / "old")))
    with STOPPER.below(by_hand(tmp_path / "probe"), 0):
        write_ledger(new, tmp_path / "probe")
    outcomes = []
    for stop_at in range(1, STOPPER.steps + 1):
        target = by_hand(tmp_path / f"target{stop_at}")
        with STOPPER.below(target, stop_at), pytest.raises(Stopped):
            write_ledger(new, target)
        outcomes.append(ledger_fingerprint(read_ledger(target)))
        write_ledger(new, target)
        assert ledger_fingerprint(read_ledger(target)) == ledger_fingerprint(new)
        assert not list(target.glob("*.csv"))
    assert set(outcomes) == {old, ledger_fingerprint(new)}
    assert outcomes == sorted(outcomes, key=lambda found: found != old)


@pytest.mark.parametrize("follows_links", [True, False])
def test_a_copied_ledger_folder_is_read_and_written_like_the_first(tmp_path, follows_links):
    old, new = ledger_of("10.00", disputes=True), ledger_of("20.00", disputes=False)
    write_ledger(old, tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "copy", symlinks=not follows_links)
    shutil.rmtree(tmp_path / "first")
    assert ledger_fingerprint(read_ledger(tmp_path / "copy")) == ledger_fingerprint(old)
    write_ledger(new, tmp_path / "copy")
    assert ledger_fingerprint(read_ledger(tmp_path / "copy")) == ledger_fingerprint(new)
    assert (tmp_path / "copy" / "current").is_symlink()


def test_a_link_to_a_missing_version_is_refused_with_remedy(tmp_path):
    write_ledger(ledger_of("10.00", disputes=False), tmp_path)
    shutil.rmtree(tmp_path / ".versions")
    with pytest.raises(InvalidInputError, match="run the import again"):
        read_tables(tmp_path)


def test_two_writers_at_once_take_turns(tmp_path):
    ledgers = [ledger_of("10.00", disputes=True), ledger_of("20.00", disputes=False)]
    refusals = []

    def write_often(ledger):
        try:
            for _ in range(15):
                write_ledger(ledger, tmp_path)
        except Exception as refusal:
            refusals.append(refusal)

    writers = [threading.Thread(target=write_often, args=(ledger,)) for ledger in ledgers]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert refusals == []
    assert ledger_fingerprint(read_ledger(tmp_path)) in {ledger_fingerprint(ledger) for ledger in ledgers}


def test_a_folder_that_cannot_be_written_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        write_ledger(ledger_of("10.00", disputes=False), tmp_path / "file" / "ledger")


def test_other_files_in_the_folder_stay_and_tables_the_ledger_lacks_go(tmp_path):
    (tmp_path / "notes.txt").write_text("kept")
    write_ledger(ledger_of("10.00", disputes=True), tmp_path)
    write_ledger(ledger_of("10.00", disputes=False), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "kept"
    assert "disputes" not in read_tables(tmp_path)


def test_two_files_for_one_table_are_refused(tmp_path):
    write_ledger(ledger_of("10.00", disputes=False), tmp_path)
    (tmp_path / "invoices.csv").write_text("invoice_id\n1\n")
    with pytest.raises(
        InvalidInputError, match=r"invoices\.csv: lies beside the tables that Encours published"
    ):
        read_tables(tmp_path)


def test_two_files_by_hand_for_one_table_are_refused(tmp_path):
    ledger = ledger_of("10.00", disputes=False)
    ledger.invoices.write_csv(tmp_path / "invoices.csv")
    ledger.invoices.write_parquet(tmp_path / "invoices.parquet")
    with pytest.raises(InvalidInputError, match=r"invoices\.parquet and invoices\.csv both exist"):
        read_tables(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "invoices.csv: cannot be read"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "invoices"),
        ("invoice_id\nÉ\n".encode("cp1252"), "UTF-8"),
    ],
)
def test_a_table_file_that_cannot_be_read_is_refused_by_name(tmp_path, content, message):
    (tmp_path / "invoices.csv").write_bytes(content)
    with pytest.raises(InvalidInputError) as refusal:
        storage.check_folder(tmp_path)
    assert message in str(refusal.value)


def test_a_wrong_delimiter_is_named_for_every_file_at_once(tmp_path):
    (tmp_path / "invoices.csv").write_text("invoice_id;customer_id\n1;A\n")
    (tmp_path / "payments.csv").write_text("payment_id|invoice_id\n1|1\n")
    with pytest.raises(InvalidInputError) as refusal:
        storage.check_folder(tmp_path)
    message = str(refusal.value)
    assert "invoices.csv: cells are separated by ';'; expected commas" in message
    assert "payments.csv: cells are separated by '|'" in message
    assert "column is missing" not in message


def test_a_folder_without_tables_or_no_folder_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="holds no ledger table"):
        read_tables(tmp_path)
    with pytest.raises(InvalidInputError, match="folder does not exist"):
        read_tables(tmp_path / "nowhere")


def test_a_truncated_parquet_file_is_refused_by_name(tmp_path):
    write_ledger(ledger_of("10.00", disputes=False), tmp_path)
    path = Path(tmp_path) / "payments.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInputError, match="payments"):
        read_ledger(tmp_path)
    assert path.exists()
