"""A started service among hostile callers, on a machine that misbehaves.

One service serves all tests of this module, in order. The disk is full for a process whose files may not grow
(`RLIMIT_FSIZE` of zero, set from outside): every write to a file fails, as on a disk without space.
"""

from __future__ import annotations

import http.client
import json
import resource
import socket
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from serving.operations.spool import Spool
from serving.store import SCORE, Answer, open_store
from tests.awkward_names import AWKWARD_NAME
from tests.waiting import until

from .conftest import NOW, prepare_home
from .processes import DRAFT, Running, serving

SEPARATED = "PO\u2028\u2029\x85 7"
SPOOLED = Answer("score-of-before", SCORE, "F\u2028-1", "C-1", NOW, "erp", {"answer": {}, "caller": "erp"})


@pytest.fixture(scope="module")
def service(ledger: Any, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose spool was poisoned before it started."""
    home = tmp_path_factory.mktemp("faults") / AWKWARD_NAME
    settings = prepare_home(home, ledger, bundle_folder)
    spool = Spool(settings.spool_folder)
    spool.add([SPOOLED])
    for name, content in {
        "0-a": b"",
        "0-b": b'{"answer_id": "score-',
        "0-c": b'{"format": 99, "answers": 1}\n',
    }.items():
        (settings.spool_folder / f"{name}.jsonl").write_bytes(content)
    (settings.home / "audit_anchors.jsonl").write_text('{"position": 1, "li')
    with serving(home, tmp_path_factory.mktemp("passing")) as started:
        yield started


@pytest.fixture(scope="module")
def slow_caller(service: Running) -> Iterator[SlowCaller]:
    """Somebody who never finishes the headers of a request, from the beginning of this module on."""
    caller = SlowCaller(service.port)
    yield caller
    caller.close()


class SlowCaller:
    """Sends a header now and then, and notes what it is answered and whether it was cut off."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        self._closed = threading.Event()
        self.answer = b""
        self.is_cut = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(5)
        self._socket.close()

    def _drip(self) -> None:
        self._socket.settimeout(0.2)
        while not self._closed.is_set():
            try:
                self._socket.sendall(b"x-more: 1\r\n")
                received = self._socket.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            if not received:
                break
            self.answer += received
        self.is_cut.set()


def health(service: Running) -> dict[str, Any]:
    status, answer = service.ask("/v1/health")
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


@contextmanager
def no_space(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for process in processes:
            resource.prlimit(
                process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the one write lock of the store, as a long load does."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def kept(service: Running, answer_id: str) -> bool:
    store = open_store(service.settings.store_url, service.settings.secret())
    try:
        assert store.verify_audit().faults == ()
        return store.answer(answer_id) is not None
    finally:
        store.close()


def test_a_poisoned_spool_is_set_aside_at_start_and_the_rest_enters(
    service: Running, slow_caller: SlowCaller
) -> None:
    until(lambda: kept(service, SPOOLED.answer_id))
    until(lambda: health(service)["unreadable_files"] == 3)
    found = health(service)
    assert found["status"] == "degraded"
    assert "3 spool files could not be read and were set aside" in " ".join(found["notes"])
    aside = service.settings.spool_folder / "unreadable"
    reasons = {
        path.name[:3]: json.loads(path.read_text())["faults"][0] for path in aside.glob("*.reason.json")
    }
    assert "empty" in reasons["0-a"]["reason"]
    assert reasons["0-b"]["line"] == 1
    assert "another version" in reasons["0-c"]["reason"]
    assert service.ask("/v1/score", DRAFT)[0] == 200
    assert service.ask("/readyz")[0] == 200
    for path in aside.iterdir():
        path.unlink()


def test_a_damaged_anchor_file_is_shown_by_health_and_stops_no_score(service: Running) -> None:
    until(
        lambda: {worker["name"]: worker for worker in health(service)["workers"]}["audit-anchor"]["restarts"]
    )
    anchor = {worker["name"]: worker for worker in health(service)["workers"]}["audit-anchor"]
    assert (anchor["state"], anchor["last_failure"]) == ("restarting", "InvalidInputError")
    assert service.ask("/v1/score", DRAFT)[0] == 200
    (service.settings.home / "audit_anchors.jsonl").unlink()
    until(lambda: health(service)["status"] == "ok")


def test_a_score_with_line_separators_survives_a_locked_store(service: Running) -> None:
    body = {**DRAFT, "invoices": [{**DRAFT["invoices"][0], "purchase_order": SEPARATED}]}  # type: ignore[index]
    with locked(service.settings.home / "store.db"):
        status, answer = service.ask("/v1/score", body)
        assert (status, answer["is_stored"]) == (200, False)
        assert health(service)["waiting_answers"] == 1
    until(lambda: health(service)["waiting_answers"] == 0)
    assert kept(service, answer["scores"][0]["score_id"])
    assert service.ask("/v1/score", DRAFT)[1]["is_stored"] is True


def test_a_full_disk_refuses_honestly_and_ends_by_itself(service: Running) -> None:
    (worker,) = service.workers()
    (follower,) = service.children("serving.operations.registry_follower")
    event = {"type": "customer", "customer_id": "C-FULL"}
    with no_space([worker, follower]):
        for _ in range(4):
            status, answer = service.ask("/v1/score", DRAFT)
            assert (status, answer["error"]["code"]) == (503, "store_unavailable")
        assert service.headers["retry-after"]
        assert service.ask("/v1/events", {"events": [event]})[0] == 503
        found = health(service)
        assert (found["status"], found["is_ready"]) == ("degraded", False)
        assert "no space is left on the disk" in " ".join(found["notes"])
        status, answer = service.ask("/readyz")
        assert (status, answer["error"]["code"]) == (503, "not_ready")
        assert "answer writer" in answer["error"]["message"]
        assert service.ask("/livez")[0] == 200
    until(lambda: service.ask("/readyz")[0] == 200)
    until(lambda: service.ask("/v1/score", DRAFT)[1].get("is_stored") is True)
    assert service.ask("/v1/events", {"events": [event]})[0] == 200
    until(lambda: health(service)["status"] == "ok")
    assert [process.pid for process in service.workers()] == [worker.pid], "the worker lived through it"
    assert follower.is_running()
    assert kept(service, service.ask("/v1/score", DRAFT)[1]["scores"][0]["score_id"])


def test_a_store_that_can_grow_no_more_leaves_answers_to_the_spool(service: Running) -> None:
    (worker,) = service.workers()
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    try:
        status, answer = service.ask("/v1/score", DRAFT)
        assert (status, answer["is_stored"]) == (200, False), "small files still find their place"
    finally:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    until(lambda: health(service)["waiting_answers"] == 0)
    assert kept(service, answer["scores"][0]["score_id"])


def test_a_killed_registry_follower_is_started_again(service: Running) -> None:
    (before,) = service.children("serving.operations.registry_follower")
    before.kill()

    def is_back() -> bool:
        return any(
            process.pid != before.pid for process in service.children("serving.operations.registry_follower")
        )

    until(is_back)
    assert service.ask("/v1/score", DRAFT)[0] == 200


def test_health_names_no_folder_host_or_user_of_the_machine(service: Running) -> None:
    pointer = service.settings.champion_pointer
    good = pointer.read_text()
    pointer.write_text('{"folder": "gone"}')
    try:
        until(lambda: "model cannot be used" in " ".join(health(service)["notes"]))
        text = json.dumps(health(service), ensure_ascii=False)
    finally:
        pointer.write_text(good)
    assert_discreet(text, service.home)
    until(lambda: health(service)["status"] == "ok")


def assert_discreet(text: str, home: Path) -> None:
    private = [
        str(home),
        AWKWARD_NAME.strip(),
        str(Path.home()),
        str(Path(__file__).parents[3]),
        home.parent.name,
    ]
    assert [word for word in private if word in text] == []


RAW = {
    "an unknown path": (b"GET /nowhere HTTP/1.1\r\n\r\n", 404),
    "a page of the framework": (b"GET /static_content/index.html HTTP/1.1\r\n\r\n", 404),
    "a schema of the framework": (b"GET /schema.json HTTP/1.1\r\n\r\n", 404),
    "a method of no route": (b"DELETE /v1/score HTTP/1.1\r\n\r\n", 405),
    "a method of no probe": (b"POST /livez HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
    "a method nobody knows": (b"BREW /pot HTTP/1.1\r\n\r\n", 400),
    "the server as a whole": (b"OPTIONS * HTTP/1.1\r\n\r\n", 404),
    "a path of escapes": (b"GET /v1/scores/%00%ff%2e%2e%2f HTTP/1.1\r\n\r\n", 404),
    "a very long path": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 404),
    "no HTTP": (b"\x16\x03\x01\x02\x00 hello\r\n\r\n", 400),
    "a malformed header": (b"GET /livez HTTP/1.1\r\nno colon\r\n\r\n", 400),
    "two lengths": (b"POST /v1/score HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
    "endless headers": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 30_000, 431),
    "a WebSocket": (
        b"GET /v1/health HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        400,
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_whatever_is_sent_the_answer_has_the_one_error_shape(service: Running, name: str) -> None:
    request, expected = RAW[name]
    request = request.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nHost: localhost\r\n", 1)
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(request)
        with closing(http.client.HTTPResponse(connection)) as answer:
            answer.begin()
            assert answer.status == expected
            content = json.loads(answer.read())
    assert set(content) == {"error"}
    assert set(content["error"]) >= {"code", "message", "faults"}


def hostile_bodies() -> dict[str, bytes]:
    fields = ",".join(f'"x{number}":1' for number in range(200_000))
    row = b'{"customer_id":1,"amount":[],"due_on":7,"currency":8,"terms":[1],"issued_on":{}}'
    return {
        "unknown fields": f'{{"invoices":[{{{fields}}}]}}'.encode(),
        "deep lists": b'{"invoices":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
        "a huge number": b'{"invoices":[{"amount":' + b"9" * 4_000_000 + b"}]}",
        "a name twice": b'{"invoices":[' + b'{"customer_id":"C","customer_id":"D"},' * 900 + b"{}]}",
        "every field wrong": b'{"invoices":[' + b",".join([row] * 1000) + b"]}",
        "a long text": b'{"invoices":[{"customer_id":"' + b"x" * 7_000_000 + b'"}]}',
        "no end": b'{"invoices":[' + b'{"customer_id":"C"},' * 9_000,
    }


def test_hostile_bodies_are_refused_and_hold_up_nobody_else(service: Running) -> None:
    def cheap() -> float:
        began = time.perf_counter()
        assert service.ask("/v1/score", DRAFT)[0] == 200
        return time.perf_counter() - began

    refused: list[tuple[str, int, int]] = []
    bodies = hostile_bodies()

    def attack(names: list[str]) -> None:
        caller = Running(service.process, service.url, service.key, service.home, service.log)
        for name in names:
            status, answer = caller.send("/v1/score", bodies[name])
            refused.append((name, status, len(answer["error"]["faults"])))

    quiet = statistics.median(cheap() for _ in range(40))
    callers = [threading.Thread(target=attack, args=([*bodies] * 2,)) for _ in range(4)]
    for caller in callers:
        caller.start()
    busy = []
    while any(caller.is_alive() for caller in callers):
        busy.append(cheap())
    for caller in callers:
        caller.join()
    assert {name for name, _, _ in refused} == set(bodies)
    assert {status for _, status, _ in refused} <= {400, 422, 503}
    assert max(faults for _, _, faults in refused) <= 100
    assert len(busy) > 5, "others were answered meanwhile"
    assert statistics.median(busy) < 20 * quiet


def test_headers_that_never_end_are_cut(slow_caller: SlowCaller) -> None:
    assert slow_caller.is_cut.wait(20)
    assert slow_caller.answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"too_slow"' in slow_caller.answer
