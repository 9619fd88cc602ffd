from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from serving.keeping import AnswerKeeper
from serving.store import SCORE, Answer, StoreUnavailableError

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


class Store:
    """Keeps what it is given and lets a test decide when and how."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_write = threading.Event()
        self.failure: Exception | None = None
        self.may_write.set()

    def keep(self, answers: Sequence[Answer]) -> int:
        self.may_write.wait(5)
        if self.failure is not None:
            raise self.failure
        self.batches.append([answer.answer_id for answer in answers])
        return len(answers)


def answer(number: int) -> Answer:
    return Answer(f"score-{number}", SCORE, f"F-{number}", "C-1", NOW, "erp", {"p_late": 0.5})


def keeper(store: Any, folder: Path) -> AnswerKeeper:
    return AnswerKeeper(store, folder / "spool")


def test_answers_that_wait_share_one_transaction(tmp_path: Path) -> None:
    store = Store()
    store.may_write.clear()
    kept = keeper(store, tmp_path)
    waiting = [kept.keep([answer(number)]) for number in range(20)]
    store.may_write.set()
    assert [future.result(5) for future in waiting] == [True] * 20
    kept.close()
    assert sorted(key for batch in store.batches for key in batch) == sorted(f"score-{n}" for n in range(20))
    assert len(store.batches) < 20, "one wait for the disk serves many callers"


def test_a_fault_of_ours_is_told_to_the_caller_and_does_not_stop_the_keeping(tmp_path: Path) -> None:
    store = Store()
    store.failure = RuntimeError("a bug")
    kept = keeper(store, tmp_path)
    with pytest.raises(RuntimeError, match="a bug"):
        kept.keep([answer(1)]).result(5)
    store.failure = None
    assert kept.keep([answer(2)]).result(5) is True
    kept.close()


def test_while_the_store_is_away_answers_are_on_this_disk_and_enter_it_later(tmp_path: Path) -> None:
    store = Store()
    store.failure = StoreUnavailableError("away")
    kept = keeper(store, tmp_path)
    assert kept.keep([answer(1), answer(2)]).result(5) is False
    assert kept.is_store_away
    assert kept.waiting_answers == 2
    kept.close()
    store.failure = None
    again = keeper(store, tmp_path)
    again.close()
    assert store.batches == [["score-1", "score-2"]]
    assert again.waiting_answers == 0
