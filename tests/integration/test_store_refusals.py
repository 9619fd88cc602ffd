"""What a store cannot do now is told from what it will never do, on both databases."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from serving.operations.answer_writer import AnswerWriter
from serving.operations.spool import Spool
from serving.store import (
    REFUSED_RECORD,
    SCORE,
    Answer,
    SqlHistoryStore,
    StoreUnavailableError,
    open_store,
    sqlite_url,
)

from .conftest import KEY, NOW


def answer(number: int, body: str = "") -> Answer:
    return Answer(f"score-{number}", SCORE, f"F-{number}", "C-1", NOW, "erp", {"text": body})


def test_a_busy_store_is_waited_for_as_long_as_the_caller_says(store: SqlHistoryStore) -> None:
    holding, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with store.database.writing():
            holding.set()
            may_end.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert holding.wait(10)
    try:
        with pytest.raises(StoreUnavailableError, match="nothing was stored"):
            store.store_answers([answer(1)], 0.05)
    finally:
        may_end.set()
        holder.join()
    assert store.store_answers([answer(1)], 5.0) == 1, "the patience of one write is not that of the next"


def test_a_record_the_database_will_never_take_is_no_outage(store: SqlHistoryStore, tmp_path: Path) -> None:
    bad = Answer("score-2", SCORE, "F-2", "C-1", NOW, "erp", {"text": float("nan")})
    with pytest.raises(REFUSED_RECORD):
        store.store_answers([bad])
    if not store.database.is_sqlite:
        noise = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(250))
        for too_large in (
            Answer("score-" + "3" * 200, SCORE, "F-3", "C-1", NOW, "erp", {}),
            Answer("score-3", SCORE, noise, "C-1", NOW, "erp", {}),  # more than an index takes
        ):
            with pytest.raises(REFUSED_RECORD):
                store.store_answers([too_large])
    writer = AnswerWriter(store, Spool(tmp_path / "spool"))
    refused, taken = writer.write([bad]), writer.write([answer(4)])
    assert taken.result(10) is True
    with pytest.raises(REFUSED_RECORD):
        refused.result(10)
    writer.close()
    assert store.verify_audit().faults == ()


def test_a_damaged_database_file_is_unavailable_and_no_fault_of_a_record(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    open_store(sqlite_url(path), KEY).close()
    path.write_bytes(b"no database any more" * 500)
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        open_store(sqlite_url(path), KEY)
