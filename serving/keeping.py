"""Keeping answers without making each caller wait for its own write, and without losing one while the store is away.

One thread per worker takes what waits and writes it in one transaction (a group commit): under load, many
answers share one wait for the disk. While the store is away, answers are written to a spool file on this
machine, on disk before the caller is answered, and enter the store and its audit chain when it is back.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from serving.store import Answer, HistoryStore, StoreUnavailableError
from serving.store.answers import canonical_json

_LOG: Final = logging.getLogger("encours.keeping")
#: Answers written in one transaction at most.
LARGEST_BATCH: Final = 2000
#: Seconds between two attempts to reach a store that was away.
RETRY_SECONDS: Final = 2.0


@dataclass(frozen=True)
class _Waiting:
    answers: Sequence[Answer]
    done: Future[bool]


class AnswerKeeper:
    """Keeps answers durably: in the store, or in the spool while the store is away.

    Args:
        store: where answers belong.
        spool: folder of this worker's spool file.
    """

    def __init__(self, store: HistoryStore, spool: Path) -> None:
        self._store = store
        self._spool = Spool(spool)
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._away_until = 0.0
        self._thread = threading.Thread(target=self._run, name="encours-keeping", daemon=True)
        self._thread.start()

    @property
    def is_store_away(self) -> bool:
        """Say whether the store was away at the last attempt."""
        return self._away_until > 0.0

    @property
    def waiting_answers(self) -> int:
        """Return how many answers of this worker wait in the spool."""
        return self._spool.count

    def keep(self, answers: Sequence[Answer]) -> Future[bool]:
        """Keep answers; the future is true when they are in the store, false when they are in the spool.

        Either way they are on disk when the future is done.
        """
        waiting = _Waiting(answers, Future())
        self._queue.put(waiting)
        return waiting.done

    def close(self) -> None:
        """Finish what waits and stop."""
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        self._recover()
        while True:
            batch, is_last = self._next_batch()
            if batch:
                self._write(batch)
            if self._spool.count and time.monotonic() >= self._away_until:
                self._recover()
            if is_last:
                return

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        try:
            first = self._queue.get(timeout=RETRY_SECONDS)
        except queue.Empty:
            return [], False
        batch: list[_Waiting] = []
        size = 0
        while first is not None:
            batch.append(first)
            size += len(first.answers)
            if size >= LARGEST_BATCH:
                return batch, False
            try:
                first = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, batch: list[_Waiting]) -> None:
        answers = [answer for waiting in batch for answer in waiting.answers]
        is_stored = False
        try:
            if time.monotonic() >= self._away_until:
                is_stored = self._write_to_store(answers)
            if not is_stored:
                self._spool.add(answers)
        except Exception as failure:  # told to every caller that waits; the thread must live on
            _LOG.error("answers could not be kept: %s", type(failure).__name__)
            for waiting in batch:
                waiting.done.set_exception(failure)
            return
        for waiting in batch:
            waiting.done.set_result(is_stored)

    def _write_to_store(self, answers: Sequence[Answer]) -> bool:
        try:
            self._store.keep(answers)
        except StoreUnavailableError:
            self._away_until = time.monotonic() + RETRY_SECONDS
            _LOG.warning("the history store is away; answers go to the spool")
            return False
        self._away_until = 0.0
        return True

    def _recover(self) -> None:
        """Bring the spool into the store; answers already there are not kept twice."""
        for path, answers in self._spool.batches():
            if not self._write_to_store(answers):
                return
            self._spool.remove(path)
            _LOG.info("%d spooled answers entered the store", len(answers))


class Spool:
    """Files of answers that wait for the store: one file per batch, written aside, then renamed.

    Args:
        folder: where the files lie; shared by the workers of one machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self.count = sum(len(answers) for _, answers in self.batches())

    def add(self, answers: Sequence[Answer]) -> None:
        """Write answers to disk; they are there when the call returns."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        name = f"{time.time_ns():020d}-{os.getpid()}-{self._number:06d}.jsonl"
        aside = self._folder / f".{name}"
        with aside.open("w", encoding="utf-8") as file:
            file.writelines(canonical_json(_entry_of(answer)) + "\n" for answer in answers)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self._folder / name)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.count += len(answers)

    def batches(self) -> list[tuple[Path, list[Answer]]]:
        """Return what waits, oldest first."""
        if not self._folder.exists():
            return []
        found = []
        for path in sorted(self._folder.glob("[0-9]*.jsonl")):
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except FileNotFoundError:
                continue  # another worker brought it into the store
            found.append((path, [_answer_of(json.loads(line)) for line in lines]))
        return found

    def remove(self, path: Path) -> None:
        """Forget a batch that is in the store."""
        path.unlink(missing_ok=True)
        self.count = sum(len(answers) for _, answers in self.batches())


def _entry_of(answer: Answer) -> dict[str, Any]:
    return {**vars(answer), "created_at": answer.created_at.isoformat()}


def _answer_of(entry: dict[str, Any]) -> Answer:
    return Answer(**{**entry, "created_at": dt.datetime.fromisoformat(entry["created_at"])})
