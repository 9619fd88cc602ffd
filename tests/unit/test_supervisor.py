from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable

import pytest

from features.errors import EncoursError
from serving.operations import supervisor as module
from serving.operations.supervisor import Supervisor, WorkerState, place_of
from tests.waiting import until

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def quick_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)


def state_of(supervisor: Supervisor, name: str) -> WorkerState:
    return next(state for state in supervisor.states() if state.name == name)


def test_a_worker_is_restarted_after_any_failure_and_failing_until_it_works() -> None:
    supervisor = Supervisor(lambda: NOW)
    failures: list[BaseException] = [ValueError("a"), EncoursError("b"), SystemExit(1), MemoryError()]
    may_work = threading.Event()

    def work(stop: threading.Event, beat: Callable[[], None]) -> None:
        if failures:
            raise failures.pop(0)
        may_work.wait(5)
        beat()
        stop.wait()

    supervisor.run("sweeper", work)
    until(lambda: state_of(supervisor, "sweeper").restarts == 4)
    assert state_of(supervisor, "sweeper") == WorkerState("sweeper", "restarting", 4, "MemoryError", NOW)
    assert not supervisor.is_working("sweeper")
    may_work.set()
    until(lambda: supervisor.is_working("sweeper"))
    supervisor.close()


def test_a_worker_that_returns_by_itself_has_failed() -> None:
    supervisor = Supervisor(lambda: NOW)
    supervisor.run("sweeper", lambda stop, beat: None)
    until(lambda: state_of(supervisor, "sweeper").restarts >= 2)
    assert state_of(supervisor, "sweeper").last_failure == "_EndedError"
    supervisor.close()


def test_a_worker_without_a_beat_for_too_long_is_stalled() -> None:
    supervisor = Supervisor(lambda: NOW)
    supervisor.run("sweeper", lambda stop, beat: stop.wait() and None, stalled_after=0.0)
    until(lambda: state_of(supervisor, "sweeper").state == "stalled")
    assert not supervisor.is_working("sweeper")
    supervisor.close()


def test_a_task_requested_twice_runs_once_and_is_retried_until_it_succeeds() -> None:
    supervisor = Supervisor(lambda: NOW)
    done, may_end = [], threading.Event()

    def task() -> None:
        done.append(len(done))
        if len(done) < 3:
            raise OSError("not yet")
        may_end.wait(5)

    assert supervisor.once("rebuild", task)
    until(lambda: len(done) == 3)
    assert supervisor.is_unfinished("rebuild")
    assert not supervisor.once("rebuild", task), "it is being done"
    may_end.set()
    until(lambda: not supervisor.is_unfinished("rebuild"))
    assert state_of(supervisor, "rebuild") == WorkerState("rebuild", "idle", 2, "OSError", NOW)
    assert supervisor.once("rebuild", task)
    until(lambda: not supervisor.is_unfinished("rebuild"))
    assert state_of(supervisor, "rebuild").restarts == 2, "what happened before is not forgotten"
    supervisor.close()


def test_a_failure_is_logged_with_its_place_and_without_its_values(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(lambda: NOW)
    with caplog.at_level(logging.ERROR, "encours.workers"):
        supervisor.run("sweeper", lambda stop, beat: int("Anne Roussel") and None)
        until(lambda: "sweeper failed: ValueError at" in caplog.text)
        supervisor.close()
    assert "test_supervisor.py:" in caplog.text
    assert "Roussel" not in caplog.text


def test_closing_ends_a_worker_in_its_pause_at_once() -> None:
    supervisor = Supervisor(lambda: NOW)

    def fail(stop: threading.Event, beat: Callable[[], None]) -> None:
        raise OSError("always")

    supervisor.run("sweeper", fail)
    until(lambda: state_of(supervisor, "sweeper").restarts > 3)
    supervisor.close(5.0)
    assert [thread for thread in threading.enumerate() if thread.name == "sweeper"] == []


def test_a_place_is_the_end_of_the_way_to_the_failure() -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        raise KeyError("C-1")

    with pytest.raises(KeyError, match="C-1") as caught:
        deep(30)
    assert place_of(caught.value).startswith("KeyError at test_supervisor.py:")
    assert place_of(caught.value).count(" > ") == 5
