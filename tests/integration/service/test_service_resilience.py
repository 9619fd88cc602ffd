"""The service answers while the model is replaced, while the store is away, and across workers."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
import threading
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import polars as pl
import pytest

from features.errors import InvalidInputError
from features.ledger import Ledger
from models.bundle import MODEL_FILE, TREES_FILES, load_bundle, make_bundle, write_bundle
from models.registry.champion import read_champion_pointer
from serving.api.app import build_app
from serving.api.bento_timeout import CancellingTimeout
from serving.operations import model_watch
from serving.operations.answer_writer import AnswerWriter
from serving.operations.model_watch import RegistryState, write_registry_state
from serving.operations.settings import ServiceSettings
from serving.operations.spool import Spool
from serving.scoring.customer_history import OnlineHistory
from serving.security.access import Scope
from serving.store import SCORE, Answer, Fact, SqlHistoryStore, StoreUnavailableError, open_store, sqlite_url
from serving.store.tables import FACT_COLUMNS
from tests.waiting import until

from .conftest import AS_OF, CUT_OFF, NOW, Maker, Service, put_in_service

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for another HTTP client than the one installed
    from starlette.testclient import TestClient, WebSocketDenialResponse

DRAFT = {"as_of": str(AS_OF), "invoices": [{"customer_id": "C", "amount": 100}], "with_reasons": False}


CUSTOMER = {**dict.fromkeys(FACT_COLUMNS["customers"]), "customer_id": "C-NEW", "is_strategic": False}


class AwayStore:
    """A store in front of the real one that can be cut off."""

    def __init__(self, store: SqlHistoryStore) -> None:
        self._store = store
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found) or name == "close":
            return found

        def answer(*arguments: Any, **named: Any) -> Any:
            if self.is_away:
                raise StoreUnavailableError("away")
            return found(*arguments, **named)

        return answer


def another_model(bundle_folder: Path, folder: Path, facts: str) -> Path:
    """The same model under another version."""
    first = load_bundle(bundle_folder)
    other = make_bundle(
        first.hazard, first.calibration, first.settings, first.catalogue_version, CUT_OFF, {"note": facts}
    )
    return write_bundle(other, folder / other.version)


def test_a_new_champion_serves_without_restart_unless_damaged(
    make_service: Maker, bundle_folder: Path, tmp_path: Path
) -> None:
    service = make_service()
    client = service.client(Scope.SCORE, Scope.READ)
    first = client.post("/v1/score", json=DRAFT).json()["model_version"]
    second = another_model(bundle_folder, tmp_path, "second")
    put_in_service(service.settings, second)
    service.worker.champion.refresh()
    assert client.post("/v1/score", json=DRAFT).json()["model_version"] == second.name != first
    broken = tmp_path / "broken"
    shutil.copytree(second, broken)
    next(broken / name for name in (*TREES_FILES, MODEL_FILE) if (broken / name).exists()).write_text(
        "tampered"
    )
    put_in_service(service.settings, broken)
    service.worker.champion.refresh()
    answer = client.post("/v1/score", json=DRAFT).json()
    assert answer["model_version"] == answer["scores"][0]["model_version"] == second.name
    health = client.get("/v1/health").json()
    assert health["status"] == "degraded"
    assert "altered" in " ".join(health["notes"])


def test_no_request_fails_and_no_version_is_wrong_while_models_are_swapped(
    make_service: Maker, bundle_folder: Path, tmp_path: Path
) -> None:
    service = make_service()
    client = service.client(Scope.SCORE)
    folders = [another_model(bundle_folder, tmp_path, str(number)) for number in range(3)]
    scores = {folder.name for folder in folders} | {bundle_folder.name}
    stop = threading.Event()

    def swap() -> None:
        number = 0
        while not stop.is_set():
            put_in_service(service.settings, folders[number % 3])
            service.worker.champion.refresh()
            number += 1

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        seen = set()
        for _ in range(60):
            answer = client.post("/v1/score", json=DRAFT)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            assert body["model_version"] == body["scores"][0]["model_version"]
            seen.add(body["model_version"])
    finally:
        stop.set()
        swapper.join()
    assert seen <= scores
    assert len(seen) > 1, "models were swapped while requests came in"


@pytest.mark.parametrize("content", ["", "{}", '{"folder": "../elsewhere"}', '{"folder": 1', "[]"])
def test_a_pointer_that_leads_nowhere_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "bundles").mkdir()
    pointer = tmp_path / "bundles" / "champion.json"
    pointer.write_text(content)
    with pytest.raises(InvalidInputError, match="pointer to the champion"):
        read_champion_pointer(pointer)


def test_with_an_unavailable_store_scores_are_answered_and_events_refused(
    make_service: Maker, tmp_path: Path
) -> None:
    settings_secret = b"x" * 40
    real = open_store(sqlite_url(tmp_path / "away.db"), settings_secret)
    store = AwayStore(real)
    service = make_service(store=store)
    client = service.client(Scope.SCORE, Scope.EVENTS, Scope.READ)
    assert client.post("/v1/score", json=DRAFT).json()["is_stored"] is True
    store.is_away = True
    service.worker.steps.feeds.expires_at = 0.0  # read long ago
    away = client.post("/v1/score", json=DRAFT)
    assert away.status_code == 200
    assert away.json()["is_stored"] is False
    event = {"type": "customer", "customer_id": "C-NEW"}
    refused = client.post("/v1/events", json={"events": [event]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_unavailable")
    assert refused.headers["retry-after"]
    health = client.get("/v1/health").json()
    assert (health["status"], health["store"], health["waiting_answers"]) == ("degraded", "unreachable", 1)
    store.is_away = False
    service.worker.writer.close()  # finishes what waits
    recovered = AnswerWriter(real, Spool(service.settings.spool_folder))
    recovered.close()
    found = real.answer(away.json()["scores"][0]["score_id"])
    assert found is not None, "the answer given while the store was away is in the audit log"
    assert real.verify_audit().faults == ()
    assert Spool(service.settings.spool_folder).count == 0


def test_answers_wait_on_disk_before_the_caller_is_answered(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    answer = Answer("score-1", SCORE, "F-1", "C-1", NOW, "erp", {"p_late": 0.5})
    spool.add([answer])
    assert Spool(tmp_path / "spool").count == 1, "another process finds it"
    (read,) = spool.files()
    assert read.answers == (answer,)
    spool.finish(read)
    assert list(spool.files()) == []
    assert spool.count == 0


class SlowStore(AwayStore):
    """A store whose writing of answers takes as long as a test wants."""

    def __init__(self, store: SqlHistoryStore) -> None:
        super().__init__(store)
        self.may_write = threading.Event()
        self.may_write.set()

    def store_answers(self, answers: Any, wait_seconds: float) -> int:
        self.may_write.wait(10)
        return self._store.store_answers(answers, wait_seconds)


def test_requests_that_ran_out_of_time_do_not_stop_the_writer(make_service: Maker, tmp_path: Path) -> None:
    store = SlowStore(open_store(sqlite_url(tmp_path / "slow.db"), b"x" * 40))
    service = make_service(store=store)
    headers = service.client(Scope.ADMIN).headers
    hurried = TestClient(CancellingTimeout(build_app(service.worker), timeout=0.2), headers=headers)
    assert hurried.post("/v1/score", json=DRAFT).status_code == 200
    store.may_write.clear()
    for _ in range(3):
        answer = hurried.post("/v1/score", json=DRAFT)
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "too_slow")
    store.may_write.set()
    until(lambda: hurried.post("/v1/score", json=DRAFT).status_code == 200)
    assert hurried.get("/readyz").status_code == 200
    states = {state.name: state for state in service.worker.supervisor.states()}
    assert (states["answer-writer"].state, states["answer-writer"].restarts) == ("running", 0)


def test_a_request_out_of_time_leaves_its_refresh_to_the_next(make_service: Maker) -> None:
    service = make_service()
    history = service.worker.history_in_use()
    assert history is not None
    may_go_on, begun = threading.Event(), []
    catch_up = history._catch_up

    def slow_catch_up(moment: Any) -> None:
        begun.append(moment)
        may_go_on.wait(10)
        catch_up(moment)

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await history.current()
        waiting = [asyncio.ensure_future(history.current()) for _ in range(3)]
        await asyncio.sleep(0)
        may_go_on.set()
        found = await asyncio.gather(*waiting)
        assert {knowledge.moment for knowledge in found} == {service.store.moment()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_catch_up", slow_catch_up)
        service.store.ingest([Fact("customers", CUSTOMER)], NOW)
        asyncio.run(ask())
    assert len(begun) == 1, "one thread caught up, however many waited"


@pytest.mark.parametrize("missing", ["model", "dunning policy", "answer writer"])
def test_readiness_names_what_is_missing_and_liveness_does_not_ask(make_service: Maker, missing: str) -> None:
    service = make_service()
    client = service.client()
    assert client.get("/readyz").status_code == 200
    if missing == "answer writer":
        service.worker.writer.failed_writes = 3
    elif missing == "model":
        service.worker.champion.current = None
    else:
        service.worker.policy.current = None
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert missing in answer.json()["error"]["message"]
    assert answer.headers["retry-after"]
    assert [client.get(path).status_code for path in ("/livez", "/healthz")] == [200, 200]


def test_a_model_the_store_was_too_busy_for_is_tried_again(
    make_service: Maker, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_watch, "RETRY_SECONDS", 0.0)
    service = make_service()
    second = another_model(bundle_folder, tmp_path, "second")
    with monkeypatch.context() as patch:
        patch.setattr(service.worker.champion, "_load", Mock(side_effect=StoreUnavailableError("busy")))
        put_in_service(service.settings, second)
        assert service.worker.champion.refresh() is False
        assert "StoreUnavailableError" in str(service.worker.champion.fault)
    assert service.worker.champion.refresh() is True
    assert service.worker.champion.fault is None


def test_a_websocket_is_refused_in_the_error_shape(service: Service) -> None:
    client = service.client(Scope.ADMIN)
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/v1/score"):
        pass
    assert refused.value.status_code == 400
    assert refused.value.json()["error"]["code"] == "upgrade_not_supported"


def test_two_workers_agree_after_events_on_either(make_service: Maker) -> None:
    one = make_service()
    two = make_service()
    invoice_id = one.open_invoices(1)[0]
    customer_id = one.ledger.invoices.filter(pl.col("invoice_id") == invoice_id)["customer_id"][0]
    draft = {"customer_id": customer_id, "amount": 900}
    body = {"as_of": str(AS_OF), "invoices": [draft], "with_reasons": False}
    clients = [service.client(Scope.SCORE, Scope.EVENTS) for service in (one, two)]
    for number, (sender, reader) in enumerate((clients, clients[::-1])):
        event = {
            "type": "invoice",
            "invoice_id": f"N-{number}",
            "customer_id": customer_id,
            "issued_on": str(AS_OF - dt.timedelta(days=90)),
            "due_on": str(AS_OF - dt.timedelta(days=60)),
            "amount": 5000 + number,
        }
        before = reader.post("/v1/score", json=body).json()["scores"][0]
        assert sender.post("/v1/events", json={"events": [event]}).status_code == 200
        after = [client.post("/v1/score", json=body).json()["scores"][0] for client in (reader, sender)]
        assert after[0]["p_late"] == after[1]["p_late"] != before["p_late"]


def test_a_nightly_load_is_taken_over_by_running_workers(make_service: Maker) -> None:
    service = make_service()
    client = service.client(Scope.SCORE)
    assert client.post("/v1/score", json=DRAFT).status_code == 200
    smaller = service.ledger.invoices.head(50)
    keep = smaller["invoice_id"].implode()
    tables = dict(service.ledger.tables())
    for name in ("payments", "disputes"):
        tables[name] = tables[name].filter(pl.col("invoice_id").is_in(keep))
    service.store.load_ledger(Ledger.from_tables({**tables, "invoices": smaller}), NOW)
    history = service.worker.history_in_use()
    assert history is not None
    gone = service.open_invoices(1)[0]
    for _ in range(200):
        client.post("/v1/score", json=DRAFT)
        if history.latest.parts.cuts["invoices"].frame.height == 50:
            break
        threading.Event().wait(0.05)
    client.post("/v1/score", json=DRAFT)
    assert history.latest.moment == service.store.moment()
    assert history.latest.invoice(gone) is None or gone in smaller["invoice_id"].to_list()
    assert history.latest.parts.cuts["invoices"].frame.height == 50


def test_an_unreachable_registry_is_told_and_the_last_model_serves(service: Service) -> None:
    write_registry_state(service.settings.registry_state_path, RegistryState(NOW, False))
    try:
        client = service.client(Scope.READ, Scope.SCORE)
        health = client.get("/v1/health").json()
        assert (health["registry"], health["status"]) == ("unreachable", "degraded")
        assert client.post("/v1/score", json=DRAFT).status_code == 200
    finally:
        service.settings.registry_state_path.unlink()


def test_a_stale_feed_holds_every_automatic_step(make_service: Maker) -> None:
    service = make_service()
    later = NOW + dt.timedelta(days=30)
    service.worker.now = lambda: later
    invoice_id = service.open_invoices(1)[0]
    body = {"as_of": str(later.date()), "invoices": [{"invoice_id": invoice_id}]}
    answer = service.client(Scope.SCORE).post("/v1/score", json=body).json()["scores"][0]
    assert "gate.feed_stale" in [rule["rule_id"] for rule in answer["decision"]["why"]]
    step = answer["decision"]["next_step"]
    assert step is None or not step["is_automatic"]


def test_settings_name_one_home(tmp_path: Path) -> None:
    settings = ServiceSettings(home=tmp_path / "serving", store_url=sqlite_url(tmp_path / "s.db"))
    assert settings.champion_pointer == (tmp_path / "bundles" / "champion.json")
    assert json.dumps(str(settings)).count("secret") == 0
    assert OnlineHistory.__doc__
