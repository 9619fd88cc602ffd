"""A worker whose store is unavailable at its start waits for it, alive, instead of ending again and again."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from serving.operations.settings import read_settings
from serving.security.access import Scope, make_key, write_keys
from tests.waiting import until

from .conftest import NOW, prepare_home
from .processes import DRAFT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

    from serving.api import service as module


@pytest.fixture
def home(ledger: Any, bundle_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    prepare_home(tmp_path, ledger, bundle_folder)
    monkeypatch.setenv("ENCOURS_HOME", str(tmp_path))
    monkeypatch.setattr(module, "START_AGAIN_SECONDS", 0.0)
    return tmp_path


def test_a_store_that_is_unavailable_at_the_start_is_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings()
    key, text = make_key("tests", [Scope.ADMIN], None, settings.secret(), NOW)
    write_keys(settings.keys_path, [key])
    headers = {"Authorization": f"Bearer {text}"}
    monkeypatch.setenv("ENCOURS_STORE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with TestClient(module.Encours.to_asgi(), headers=headers) as client:
            assert client.get("/livez").status_code == 200
            for answer in (
                client.get("/readyz"),
                client.post("/v1/score", json=DRAFT),
                client.get("/nowhere"),
            ):
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
                assert "StoreUnavailableError" in answer.json()["error"]["message"]
                assert answer.headers["retry-after"]
            monkeypatch.delenv("ENCOURS_STORE_URL")
            until(lambda: client.get("/readyz").status_code == 200)
            assert client.post("/v1/score", json=DRAFT).status_code == 200
            assert client.get("/nowhere").status_code == 404
