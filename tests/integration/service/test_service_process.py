"""The real thing: `encours serve` with two workers, keys, signals and a worker killed."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from features.errors import InvalidInputError
from serving.operations.launcher import Listening, check_listening
from serving.operations.settings import read_settings
from serving.store import open_store
from tests.awkward_names import AWKWARD_NAME

from .conftest import prepare_home
from .processes import DRAFT, Running, free_port, serving


@pytest.fixture(scope="module")
def running(ledger: Any, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("process") / AWKWARD_NAME
    prepare_home(home, ledger, bundle_folder)
    with serving(home, tmp_path_factory.mktemp("passing"), workers=2) as started:
        yield started


def test_a_fresh_service_shows_its_first_key_once_and_answers_it(running: Running) -> None:
    status, answer = running.ask("/v1/score", DRAFT)
    assert status == 200, answer
    assert running.ask("/v1/score", DRAFT, key="enc_00000000_wrong")[0] == 401
    assert running.log.read_text().count(running.key) == 1


def test_it_listens_on_this_machine_only(running: Running) -> None:
    port = int(running.url.rsplit(":", 1)[1])
    children = psutil.Process(running.process.pid).children(recursive=True)
    listening = {
        connection.laddr.ip
        for child in children
        for connection in child.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert listening == {"127.0.0.1"}


def test_an_event_on_one_worker_counts_on_every_worker(running: Running) -> None:
    def late_bill(number: int) -> dict[str, Any]:
        return {
            "type": "invoice",
            "invoice_id": f"PROC-{number}",
            "customer_id": "C-PROC",
            "issued_on": "2025-10-01",
            "due_on": "2025-11-01",
            "amount": 1000,
        }

    body = {**DRAFT, "invoices": [{"customer_id": "C-PROC", "amount": 100}]}
    for number in range(6):
        assert running.ask("/v1/events", {"events": [late_bill(number)]})[0] == 200
        answers = [running.ask("/v1/score", body)[1]["scores"][0] for _ in range(4)]
        assert len({answer["p_late"] for answer in answers}) == 1
    kept = open_store(read_settings({"ENCOURS_HOME": str(running.home)}).store_url, b"k" * 40)
    features = kept.answer(answers[-1]["score_id"])
    kept.close()
    assert features is not None
    assert features.body is not None
    assert features.body["features"]["overdue_amount_sum"] == 6000.0


def test_a_killed_worker_comes_back_and_no_acknowledged_event_is_lost(running: Running) -> None:
    before = running.workers()
    assert len(before) == 2
    acknowledged = []
    for number in range(40):
        event = {"type": "customer", "customer_id": f"C-KILL-{number}"}
        if number == 10:
            before[0].kill()
        try:
            status, _ = running.ask("/v1/events", {"events": [event]})
        except OSError:
            continue  # the worker died with this request: not acknowledged
        if status == 200:
            acknowledged.append(event["customer_id"])
    assert len(acknowledged) >= 38
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(running.workers()) < 2:
        time.sleep(0.2)
    assert {worker.pid for worker in running.workers()} != {worker.pid for worker in before}
    settings = read_settings({"ENCOURS_HOME": str(running.home)})
    store = open_store(settings.store_url, settings.secret())
    held = set(store.history().ledger.customers["customer_id"].to_list())
    verified = store.verify_audit()
    store.close()
    assert set(acknowledged) <= held
    assert verified.faults == ()


def test_sigterm_ends_it_and_leaves_nothing_behind(running: Running) -> None:
    family = psutil.Process(running.process.pid).children(recursive=True)
    assert family
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) in {0, -signal.SIGTERM, 143}
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def test_a_used_port_or_unprotected_address_is_refused_before_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInputError, match="choose another port"):
            check_listening(Listening("127.0.0.1", port, 1), is_open=False)
    with pytest.raises(InvalidInputError, match="leave out --open"):
        check_listening(Listening("0.0.0.0", free_port(), 1), is_open=True)
