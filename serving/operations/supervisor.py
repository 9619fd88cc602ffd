"""Background workers of one process: a failure is logged, the worker is restarted, and health and readiness see it."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from features.errors import EncoursError

_LOG: Final = logging.getLogger("encours.workers")
#: Seconds before the first restart; doubled with every failure in a row.
FIRST_PAUSE: Final = 0.2
#: Seconds between two restarts at most, unless a worker says otherwise.
LONGEST_PAUSE: Final = 30.0
_FRAMES_SHOWN: Final = 6

State = Literal["running", "restarting", "stalled", "idle"]
#: Runs until `stop` is set; calls `beat` whenever it got something done.
Work = Callable[[threading.Event, Callable[[], None]], None]


@dataclass(frozen=True)
class WorkerState:
    """What is known of one background worker.

    Attributes:
        name: what it does.
        state: `running`; `restarting` from a failure until it gets something done again; `stalled` when it has got
            nothing done for too long; `idle` when its one task is done.
        restarts: times it was restarted since the process began.
        last_failure: kind of the newest failure; null when there was none.
        last_failure_at: UTC instant of it.
    """

    name: str
    state: State
    restarts: int
    last_failure: str | None
    last_failure_at: dt.datetime | None


def place_of(failure: BaseException) -> str:
    """Return what failed and where in the code; never a value, which may be someone's data."""
    frames = []
    trace = failure.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.rsplit("/", 1)[-1]
        frames.append(f"{file}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(failure).__name__} at {' > '.join(frames[-_FRAMES_SHOWN:])}"


class _EndedError(Exception):
    """A worker returned although nobody had stopped it."""


@dataclass
class _Worker:
    name: str
    work: Work
    longest_pause: float
    stalled_after: float | None
    is_once: bool
    is_done: bool = False
    is_failing: bool = False
    failures_in_a_row: int = 0
    restarts: int = 0
    last_failure: str | None = None
    last_failure_at: dt.datetime | None = None
    last_beat: float = field(default_factory=time.monotonic)
    thread: threading.Thread | None = None

    def beat(self) -> None:
        self.last_beat = time.monotonic()
        if self.is_failing:
            self.is_failing, self.failures_in_a_row = False, 0

    def state(self) -> WorkerState:
        found: State = "running"
        if self.is_done:
            found = "idle"
        elif self.is_failing:
            found = "restarting"
        elif self.stalled_after is not None and time.monotonic() - self.last_beat > self.stalled_after:
            found = "stalled"
        return WorkerState(self.name, found, self.restarts, self.last_failure, self.last_failure_at)


class Supervisor:
    """Runs background workers, each in a thread of its own, and restarts those that fail.

    Args:
        now: the clock, for the instants that health shows.
    """

    def __init__(self, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._now = now
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._workers: dict[str, _Worker] = {}

    def run(
        self,
        name: str,
        work: Work,
        *,
        longest_pause: float = LONGEST_PAUSE,
        stalled_after: float | None = None,
    ) -> None:
        """Run something until `close`; whatever it raises, and a return before, is a failure after which it restarts.

        Args:
            name: what it does.
            work: the loop; must return soon after `stop` is set.
            longest_pause: seconds between two restarts at most.
            stalled_after: seconds without a beat after which it counts as stalled; null when it may rest for long.
        """
        worker = _Worker(name, work, longest_pause, stalled_after, is_once=False)
        with self._lock:
            self._workers[name] = worker
        self._start(worker)

    def once(self, name: str, task: Callable[[], object], *, delay: float = 0.0) -> bool:
        """Do one task in the background, again and again until it succeeds; return false while it is being done.

        Args:
            name: what it does; a task of the same name that is not done yet is not started twice.
            task: what to do.
            delay: seconds to wait first.
        """

        def work(stop: threading.Event, beat: Callable[[], None]) -> None:
            if stop.wait(delay):
                return
            task()

        with self._lock:
            earlier = self._workers.get(name)
            if earlier is not None and not earlier.is_done:
                return False
            worker = _Worker(name, work, LONGEST_PAUSE, None, is_once=True)
            if earlier is not None:
                worker.restarts = earlier.restarts
                worker.last_failure, worker.last_failure_at = earlier.last_failure, earlier.last_failure_at
            self._workers[name] = worker
        self._start(worker)
        return True

    def states(self) -> tuple[WorkerState, ...]:
        """Return what is known of every worker, by name."""
        with self._lock:
            workers = list(self._workers.values())
        return tuple(sorted((worker.state() for worker in workers), key=lambda state: state.name))

    def is_working(self, name: str) -> bool:
        """Say whether a worker of this name exists and is neither failing nor stalled nor done."""
        with self._lock:
            worker = self._workers.get(name)
        return worker is not None and worker.state().state == "running"

    def is_unfinished(self, name: str) -> bool:
        """Say whether a task of this name is being done, or waits to be tried again."""
        with self._lock:
            worker = self._workers.get(name)
        return worker is not None and not worker.is_done

    def stop(self) -> None:
        """Ask every worker to stop, without waiting for them."""
        self._stop.set()

    def close(self, seconds: float = 10.0) -> None:
        """Ask every worker to stop, and wait for them, together at most so many seconds."""
        self.stop()
        deadline = time.monotonic() + seconds
        with self._lock:
            threads = [worker.thread for worker in self._workers.values()]
        for thread in threads:
            if thread is not None and thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0.0))

    def _start(self, worker: _Worker) -> None:
        worker.thread = threading.Thread(target=self._guard, args=(worker,), name=worker.name, daemon=True)
        try:
            worker.thread.start()
        except RuntimeError as failure:  # no more threads: a task is offered again by whoever needs it
            worker.thread = None
            self._note(worker, failure)
            worker.is_done = worker.is_once
            if not worker.is_once:
                raise

    def _guard(self, worker: _Worker) -> None:
        while not self._stop.is_set():
            worker.last_beat = time.monotonic()
            try:
                worker.work(self._stop, worker.beat)
                if worker.is_once:
                    worker.beat()
                    worker.is_done = True
                    return
                if self._stop.is_set():
                    return
                raise _EndedError(worker.name)
            except BaseException as failure:  # nothing may end the supervision, not even an exit
                self._note(worker, failure)
            pause = min(worker.longest_pause, FIRST_PAUSE * 2.0 ** min(worker.failures_in_a_row - 1, 16))
            if self._stop.wait(pause):
                return
            worker.restarts += 1

    def _note(self, worker: _Worker, failure: BaseException) -> None:
        worker.is_failing = True
        worker.failures_in_a_row += 1
        worker.last_failure, worker.last_failure_at = type(failure).__name__, self._now()
        if isinstance(failure, EncoursError):
            _LOG.warning("worker %s: %s", worker.name, type(failure).__name__)
        else:
            _LOG.error("worker %s failed: %s", worker.name, place_of(failure))
