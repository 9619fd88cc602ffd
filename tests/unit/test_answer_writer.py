from __future__ import annotations

import datetime as dt
import errno
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DataError

from serving.operations import answer_writer
from serving.operations.answer_writer import UNREADY_AFTER, AnswerWriter
from serving.operations.spool import FORMAT, UNREADABLE, Spool, read_spool_file
from serving.store import SCORE, Answer, StoreUnavailableError
from tests.waiting import until

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
#: Everything at which `str.splitlines` cuts a line, and JSON does not.
SEPARATORS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"


class Store:
    """Keeps what it is given and lets a test decide when and how."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_write = threading.Event()
        self.failure: Exception | None = None
        self.refused: set[str] = set()
        self.may_write.set()

    def store_answers(self, answers: Sequence[Answer], wait_seconds: float) -> int:
        self.may_write.wait(5)
        if self.failure is not None:
            raise self.failure
        if self.refused & {answer.answer_id for answer in answers}:
            raise DataError("INSERT", None, ValueError("value too long"))
        self.batches.append([answer.answer_id for answer in answers])
        return len(answers)

    @property
    def kept(self) -> list[str]:
        return sorted(key for batch in self.batches for key in batch)


class FullDisk(Spool):
    """A spool on a disk without space."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_full = True

    def add(self, answers: Sequence[Answer]) -> None:
        self._hold()
        super().add(answers)

    def probe(self) -> None:
        self._hold()
        super().probe()

    def _hold(self) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")


def answer(number: int, **changes: Any) -> Answer:
    fields = {
        "answer_id": f"score-{number}",
        "kind": SCORE,
        "subject_id": f"F-{number}",
        "customer_id": "C-1",
        "created_at": NOW,
        "caller": "erp",
        "body": {"p_late": 0.5},
    }
    return Answer(**{**fields, **changes})


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_writer, "RETRY_SECONDS", 0.02)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def make(tmp_path: Path, store: Store) -> Iterator[Callable[..., AnswerWriter]]:
    made: list[AnswerWriter] = []

    def writer(spool: Spool | None = None) -> AnswerWriter:
        made.append(AnswerWriter(store, spool or Spool(tmp_path / "spool")))
        return made[-1]

    yield writer
    for writer_ in made:
        writer_.close()


def test_answers_that_wait_share_one_transaction(store: Store, make: Any) -> None:
    store.may_write.clear()
    writer = make()
    waiting = [writer.write([answer(number)]) for number in range(20)]
    store.may_write.set()
    assert [future.result(5) for future in waiting] == [True] * 20
    assert store.kept == sorted(f"score-{number}" for number in range(20))
    assert len(store.batches) < 20, "one wait for the disk serves many callers"


def test_a_cancelled_caller_neither_stops_the_writer_nor_the_others(store: Store, make: Any) -> None:
    store.may_write.clear()
    writer = make()
    being_written = writer.write([answer(1)])
    until(being_written.running)
    waiting, gone = writer.write([answer(2)]), writer.write([answer(3)])
    assert gone.cancel(), "nothing was begun for it: nobody waits, nothing is written"
    assert not being_written.cancel(), "its write has begun and is finished"
    store.may_write.set()
    assert (being_written.result(5), waiting.result(5)) == (True, True)
    assert writer.write([answer(4)]).result(5) is True
    assert store.kept == ["score-1", "score-2", "score-4"]
    assert writer.is_ready


def test_a_fault_of_the_whole_store_sends_answers_to_the_spool(store: Store, make: Any) -> None:
    store.failure = RuntimeError("a bug")
    writer = make()
    assert writer.write([answer(1)]).result(5) is False
    assert writer.is_ready
    store.failure = None
    until(lambda: store.kept == ["score-1"])
    assert writer.write([answer(2)]).result(5) is True


def test_one_answer_the_store_refuses_costs_only_its_own_caller(store: Store, make: Any) -> None:
    store.refused = {"score-2"}
    store.may_write.clear()
    writer = make()
    waiting = [writer.write([answer(number)]) for number in range(1, 5)]
    store.may_write.set()
    assert [waiting[number].result(5) for number in (0, 2, 3)] == [True] * 3
    with pytest.raises(DataError, match="value too long"):
        waiting[1].result(5)
    assert writer.is_ready


def test_answers_wait_on_disk_while_the_store_is_unavailable(store: Store, make: Any, tmp_path: Path) -> None:
    store.failure = StoreUnavailableError("away")
    writer = make()
    assert writer.write([answer(1), answer(2)]).result(5) is False
    assert writer.is_store_unavailable
    assert writer.waiting_answers == Spool(tmp_path / "spool").count == 2
    writer.close()
    store.failure = None
    make()
    until(lambda: store.batches == [["score-1", "score-2"]])
    until(lambda: Spool(tmp_path / "spool").count == 0)


def test_an_answer_with_any_line_separator_survives_the_spool(
    store: Store, make: Any, tmp_path: Path
) -> None:
    odd = answer(1, subject_id=f"F{SEPARATORS}1", body={"text": SEPARATORS})
    store.failure = StoreUnavailableError("locked")
    writer = make()
    assert writer.write([odd, answer(2)]).result(5) is False
    (read,) = Spool(tmp_path / "spool").files()
    assert read.answers == (odd, answer(2))
    assert read.rejected == ()
    store.failure = None
    until(lambda: store.kept == ["score-1", "score-2"])


def _first_version(*answers: Answer) -> bytes:
    """A file as the first version wrote it: no first line of its own, letters outside ASCII as they are."""
    lines = [{**vars(one), "created_at": one.created_at.isoformat()} for one in answers]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


BAD_FILES = {
    "empty": (b"", [], "the file is empty"),
    "truncated": (_first_version(answer(1), answer(2))[:-30], ["score-1"], "is no answer (JSONDecodeError)"),
    "not json": (b"\x00\xff garbage\n", [], "is no answer (UnicodeDecodeError)"),
    "deep": (b"[" * 200_000, [], "is no answer (RecursionError)"),
    "other version": (b'{"format":9,"answers":1}\n{"x":1}\n', [], "format 9 is of another version"),
    "lines missing": (
        json.dumps({"format": FORMAT, "answers": 3}).encode() + b"\n" + _first_version(answer(1)),
        ["score-1"],
        "3 answers expected, 1 found",
    ),
    "a foreign line": (
        _first_version(answer(1)) + b'{"answer_id": 5}\n',
        ["score-1"],
        "is no answer (TypeError)",
    ),
    "line separators of the first version": (
        _first_version(answer(1, subject_id=SEPARATORS)),
        ["score-1"],
        None,
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_what_cannot_be_read_is_set_aside_and_the_rest_enters(
    name: str, store: Store, make: Any, tmp_path: Path
) -> None:
    content, entering, reason = BAD_FILES[name]
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "00000000000000000001-1-000001.jsonl").write_bytes(content)
    (spool / "00000000000000000002-1-000002.jsonl").write_bytes(_first_version(answer(7)))
    writer = make()
    until(lambda: store.kept == sorted([*entering, "score-7"]))
    until(lambda: [path.name for path in spool.iterdir() if path.suffix == ".jsonl"] == [])
    assert writer.is_ready
    reasons = [json.loads(path.read_text()) for path in (spool / UNREADABLE).glob("*.reason.json")]
    assert writer.unreadable_files == len(reasons) == (0 if reason is None else 1)
    if reason is not None:
        assert reason in reasons[0]["faults"][0]["reason"]
        assert reasons[0]["entered"] == len(entering)
        (aside,) = (spool / UNREADABLE).glob("*.jsonl")
        assert aside.read_bytes().rstrip(b"\n") in content


def test_a_spooled_answer_the_store_refuses_for_good_is_set_aside(
    store: Store, make: Any, tmp_path: Path
) -> None:
    Spool(tmp_path / "spool").add([answer(1), answer(2), answer(3)])
    store.refused = {"score-2"}
    writer = make()
    until(lambda: store.kept == ["score-1", "score-3"])
    until(lambda: writer.unreadable_files == 1)
    (aside,) = (tmp_path / "spool" / UNREADABLE).glob("*.jsonl")
    assert read_spool_file(aside, aside.read_bytes()).answers == (answer(2),), "it can be put back as it is"
    reason = json.loads(aside.with_suffix(".reason.json").read_text())["faults"]
    assert reason == [{"line": 2, "reason": "the history store refuses it (DataError)"}]


def test_with_no_space_anywhere_callers_are_refused_until_space_returns(
    store: Store, make: Any, tmp_path: Path
) -> None:
    store.failure = StoreUnavailableError("disk full")
    spool = FullDisk(tmp_path / "spool")
    writer = make(spool)
    for number in range(UNREADY_AFTER):
        with pytest.raises(StoreUnavailableError, match="neither the store nor the spool"):
            writer.write([answer(number)]).result(5)
    assert not writer.is_ready
    assert writer.disk_fault == "no space is left on the disk"
    spool.is_full = False
    until(lambda: writer.is_ready)  # though nobody asks: a probe is enough
    assert writer.disk_fault is None
    assert writer.write([answer(9)]).result(5) is False
    store.failure = None
    until(lambda: store.kept == ["score-9"])
    until(lambda: not list((tmp_path / "spool").iterdir()))  # the file goes after its answers have entered


def test_a_writer_that_dies_is_restarted_and_its_callers_hear_of_it(
    store: Store, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(batch: Any) -> None:
        raise SystemExit("killed from within")

    writer = make()
    assert writer.write([answer(1)]).result(5) is True
    with monkeypatch.context() as patch:
        patch.setattr(writer, "_write_together", die)
        with pytest.raises(SystemExit, match="killed from within"):
            writer.write([answer(2)]).result(5)
        until(lambda: not writer.is_ready)
    until(lambda: writer.write([answer(3)]).result(5) is True)
    until(lambda: writer.is_ready)
