"""Each trap of the framework that the stack notes name is closed."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.api.bento_timeout import CancellingTimeout
from serving.operations.settings import read_settings
from serving.security.access import Scope, make_key, write_keys

from .conftest import NOW, prepare_home

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

    from serving.api.service import Encours


@pytest.fixture(scope="module")
def home(ledger: Any, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bento")
    prepare_home(folder, ledger, bundle_folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENCOURS_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def bento(home: Path) -> Iterator[TestClient]:
    """The service as BentoML's server runs it, in this process."""
    settings = read_settings({"ENCOURS_HOME": str(home)})
    key, text = make_key("tests", [Scope.ADMIN], None, settings.secret(), NOW)
    write_keys(settings.keys_path, [key])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = Encours.to_asgi()
        with TestClient(app, headers={"Authorization": f"Bearer {text}"}) as client:
            yield client


def test_telemetry_is_off_in_the_one_word_that_counts() -> None:
    from bentoml._internal.utils.analytics.usage_stats import do_not_track

    assert os.environ["BENTOML_DO_NOT_TRACK"] == "True"
    do_not_track.cache_clear()
    assert do_not_track() is True


def test_it_listens_on_this_machine_only_unless_told_otherwise() -> None:
    assert Encours.config["http"]["host"] == "127.0.0.1"


def test_probes_answer_and_readiness_needs_a_model(bento: TestClient) -> None:
    assert [bento.get(path).status_code for path in ("/livez", "/healthz", "/readyz")] == [200] * 3


def test_errors_have_our_shape_inside_bento_too(bento: TestClient) -> None:
    cases = [
        bento.get("/nowhere"),
        bento.get("/v1/score"),
        bento.post("/v1/score", json={"req": {}}),
        bento.post("/v1/score", content=b"\x80", headers={"Content-Type": "application/vnd.bentoml+pickle"}),
        bento.post("/v1/score", content=b'{"invoices": [NaN]}', headers={"Content-Type": "application/json"}),
    ]
    assert [answer.status_code for answer in cases] == [404, 405, 422, 415, 422]
    assert all(set(answer.json()) == {"error"} for answer in cases)


def test_figures_are_ours_and_know_no_paths_of_callers(bento: TestClient) -> None:
    bento.get("/a-path-of-a-scanner")
    text = bento.get("/metrics").text
    assert "encours_requests_total" in text
    assert "bentoml_service_request_total" not in text
    assert "scanner" not in text


def test_a_wrong_message_leaves_no_value_and_no_traceback_in_the_log(
    bento: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bento.post("/v1/score", json={"invoices": [{"customer_id": "Anne Roussel", "amount": "a lot"}]})
    assert "Roussel" not in caplog.text
    assert "Traceback" not in caplog.text


def test_no_timer_outlives_its_request(bento: TestClient) -> None:
    """BentoML's own limit keeps one timer, with the context of its request, for its whole time."""

    async def run(middleware: type) -> int:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        async def send(message: Any) -> None:
            await asyncio.sleep(0)

        limited = middleware(app, timeout=60)
        for _ in range(50):
            await limited({"type": "http", "path": "/"}, None, send)
        loop = asyncio.get_running_loop()
        return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]

    from bentoml._internal.server.http import traffic

    assert traffic.TimeoutMiddleware is CancellingTimeout, "the server uses ours"
    assert asyncio.run(run(CancellingTimeout)) == 0


def test_a_request_that_takes_too_long_is_given_up_in_our_shape() -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(30)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(
        CancellingTimeout(app, timeout=0.01)({"type": "http", "path": "/", "method": "GET"}, None, send)
    )
    assert sent[0]["status"] == 504
    assert b'"too_slow"' in sent[1]["body"]


def test_what_is_loaded_once_is_kept_out_of_the_search_for_garbage(bento: TestClient) -> None:
    from serving.api.worker import _freeze

    _freeze()
    try:
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
