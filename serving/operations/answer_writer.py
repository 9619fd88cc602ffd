"""Durable answers: one thread per process writes them, and a caller waits for the disk but not for other callers.

What waits is written in one transaction (a group commit): under load, many answers share one wait for the disk. While
the store does not take them, answers go to a spool on this machine's disk and enter the store and its audit chain when
it is back. When neither takes them, the caller is refused: no answer is given out that is not on disk.
"""

from __future__ import annotations

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from features.messages import localized
from serving.operations.spool import Rejected, Spool, SpoolFile
from serving.operations.supervisor import Supervisor, place_of
from serving.store import REFUSED_RECORD, Answer, HistoryStore, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.answers")
NAME: Final = "answer-writer"
#: Answers written in one transaction at most.
LARGEST_BATCH: Final = 2000
#: Seconds between two attempts at a store, or a disk, that did not take answers.
RETRY_SECONDS: Final = 2.0
#: Seconds to wait for another writer of the store before the spool takes the answers.
PATIENCE_SECONDS: Final = 2.0
#: The same when the store has just been found busy or unavailable.
RETRY_PATIENCE_SECONDS: Final = 0.1
#: Failed writes in a row after which the process counts as not ready.
UNREADY_AFTER: Final = 3
_STALLED_AFTER: Final = 45.0
_LONGEST_PAUSE: Final = 2.0
_DISK_FULL: Final = localized("no space is left on the disk")
_DISK_FAILS: Final = localized("the disk fails")
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class _Waiting:
    answers: Sequence[Answer]
    done: Future[bool]


class AnswerWriter:
    """Writes answers durably: into the store, or into the spool while the store does not take them.

    Args:
        store: where answers belong.
        spool: the spool of this machine.
        supervisor: runs the thread and restarts it; one of its own when null.
    """

    def __init__(self, store: HistoryStore, spool: Spool, supervisor: Supervisor | None = None) -> None:
        self._store = store
        self._spool = spool
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._retry_at = 0.0
        self._probe_at = 0.0
        self._closed = threading.Event()
        self._supervisor = supervisor or Supervisor()
        self.failed_writes = 0
        self.disk_fault: str | None = None
        self.spool_fault: str | None = None
        self._supervisor.run(NAME, self._run, longest_pause=_LONGEST_PAUSE, stalled_after=_STALLED_AFTER)

    @property
    def is_store_unavailable(self) -> bool:
        """Say whether the store took nothing at the last attempt."""
        return self._retry_at > 0.0

    @property
    def is_ready(self) -> bool:
        """Say whether answers are being written: the thread works, and the last writes did not all fail."""
        return self._supervisor.is_working(NAME) and self.failed_writes < UNREADY_AFTER

    @property
    def waiting_answers(self) -> int:
        """Return how many answers wait in the spool of this machine."""
        return self._spool.count

    @property
    def unreadable_files(self) -> int:
        """Return how many spool files were set aside for a person."""
        return self._spool.unreadable_count

    def write(self, answers: Sequence[Answer]) -> Future[bool]:
        """Write answers; the future is true when they are in the store, false when they are in the spool.

        Either way they are on disk when the future is done. It may be cancelled by whoever no longer waits: answers
        whose writing has not begun are then dropped, since nobody was answered.

        Raises:
            StoreUnavailableError: in the future, when neither the store nor the spool takes them.
        """
        waiting = _Waiting(answers, Future())
        self._queue.put(waiting)
        return waiting.done

    def close(self) -> None:
        """Finish what waits and stop."""
        self._queue.put(None)
        self._closed.wait(10.0)

    def _run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        self._recover()
        while not self._closed.is_set():
            batch, is_last = self._next_batch()
            if batch:
                self._write(batch)
            if self.failed_writes:
                self._probe()
            elif self._spool.count and time.monotonic() >= self._retry_at:
                self._recover()
            beat()
            if is_last:
                self._closed.set()
        stop.wait()  # closed; the supervisor ends next

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """Return what waits, without the callers that no longer do, and whether the end was asked for."""
        batch: list[_Waiting] = []
        size = 0
        try:
            found = self._queue.get(timeout=RETRY_SECONDS)
            while found is not None:
                if found.done.set_running_or_notify_cancel():  # from here on it can no longer be cancelled
                    batch.append(found)
                    size += len(found.answers)
                if size >= LARGEST_BATCH:
                    return batch, False
                found = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            self._write_together(batch)
        except BaseException as failure:  # every caller hears of it; the supervisor restarts the thread
            for waiting in batch:
                if not waiting.done.done():
                    waiting.done.set_exception(failure)
            raise

    def _write_together(self, batch: list[_Waiting]) -> None:
        answers = [answer for waiting in batch for answer in waiting.answers]
        try:
            is_stored = time.monotonic() >= self._retry_at and self._write_to_store(answers)
            if not is_stored:
                self._spool.add(answers)
        except REFUSED_RECORD as failure:
            if len(batch) > 1:
                for waiting in batch:
                    self._write_together([waiting])
                return
            _LOG.error("an answer cannot be written: %s", place_of(failure))
            batch[0].done.set_exception(failure)
            return
        except OSError as failure:
            self._note_failed_write(failure)
            for waiting in batch:
                waiting.done.set_exception(
                    StoreUnavailableError(localized("neither the store nor the spool takes answers"))
                )
            return
        self.failed_writes, self.disk_fault = 0, None
        for waiting in batch:
            waiting.done.set_result(is_stored)

    def _write_to_store(self, answers: Sequence[Answer]) -> bool:
        """Write answers into the store; return false when it does not take anything now.

        Raises:
            REFUSED_RECORD: it will never take one of them.
        """
        patience = RETRY_PATIENCE_SECONDS if self.is_store_unavailable else PATIENCE_SECONDS
        try:
            self._store.store_answers(answers, patience)
        except StoreUnavailableError:
            if not self.is_store_unavailable:
                _LOG.warning("the history store is unavailable or busy; answers go to the spool")
        except REFUSED_RECORD:
            raise
        except Exception as failure:  # a fault of the store as a whole: the answers are safe in the spool
            _LOG.error("the history store failed: %s", place_of(failure))
        else:
            self._retry_at = 0.0
            return True
        self._retry_at = time.monotonic() + RETRY_SECONDS
        return False

    def _note_failed_write(self, failure: OSError) -> None:
        if not self.failed_writes:
            _LOG.error("answers can be written nowhere: %s", place_of(failure))
        self.failed_writes += 1
        self.disk_fault = _DISK_FULL if failure.errno in _NO_ROOM else _DISK_FAILS
        self._probe_at = time.monotonic() + RETRY_SECONDS

    def _probe(self) -> None:
        """Find out whether the disk takes answers again, so that a process nobody asks any more becomes ready."""
        if time.monotonic() < self._probe_at:
            return
        self._probe_at = time.monotonic() + RETRY_SECONDS
        try:
            self._spool.probe()
        except OSError:
            return
        self.failed_writes, self.disk_fault = 0, None
        _LOG.info("the disk takes answers again")

    def _recover(self) -> None:
        """Bring the spool into the store; answers already there are not written twice.

        Whatever is wrong with the spool, new answers are written all the same.
        """
        try:
            for read in self._spool.files():
                rejected = self._enter(read)
                if rejected is None:
                    return
                self._spool.finish(read, rejected)
                _LOG.info("%d spooled answers entered the store", len(read.answers))
            self._spool.recount()
        except Exception as failure:
            self.spool_fault = type(failure).__name__
            self._retry_at = time.monotonic() + RETRY_SECONDS
            _LOG.error("the spool cannot be emptied: %s", place_of(failure))
        else:
            self.spool_fault = None

    def _enter(self, read: SpoolFile) -> list[Rejected] | None:
        """Write a file's answers into the store; return what never can enter, or null when the store is unavailable."""
        rejected = list(read.rejected)
        if not read.answers:
            return rejected
        try:
            return rejected if self._write_to_store(read.answers) else None
        except REFUSED_RECORD:
            pass  # one of them: find out which
        for answer in read.answers:
            try:
                if not self._write_to_store([answer]):
                    return None
            except REFUSED_RECORD as failure:
                reason = f"the history store refuses it ({type(failure).__name__})"
                rejected.append(read.refused(answer, reason))
        return rejected
