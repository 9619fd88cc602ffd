"""A new champion in MLflow reaches the service; a registry that is away changes nothing."""

from __future__ import annotations

import datetime as dt
import errno
import threading
from pathlib import Path

import polars as pl
import pytest

from features.errors import InvalidInputError
from models.bundle import load_bundle
from models.registry.champion import read_champion_pointer, write_champion_pointer
from models.registry.home import home_at
from serving.operations.model_watch import RegistryState, write_registry_state
from serving.operations.registry_follower import follow, follow_once
from serving.security.access import Scope

from .conftest import NOW, Service


def test_a_registry_never_written_to_is_not_created(tmp_path: Path) -> None:
    assert follow_once(home_at(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_is_away_is_noted_and_the_pointer_stays(tmp_path: Path) -> None:
    home = home_at(tmp_path, "http://127.0.0.1:9")
    write_champion_pointer(home.champion_pointer, home.bundles / "good")
    stop, noted = threading.Event(), []

    def note(is_reachable: bool) -> None:
        noted.append(is_reachable)
        stop.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        follow(home, stop, note, 0.01)
    assert noted == [False]
    assert read_champion_pointer(home.champion_pointer).name == "good"


def test_a_full_disk_does_not_end_the_following(tmp_path: Path) -> None:
    home = home_at(tmp_path)
    stop, noted = threading.Event(), []

    def note(is_reachable: bool) -> None:
        noted.append(is_reachable)
        if len(noted) == 3:
            stop.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    follow(home, stop, note, 0.0)
    assert noted == [True, True, True]


def test_a_follower_that_was_silent_for_long_is_unknown(service: Service) -> None:
    path = service.settings.registry_state_path
    client = service.client(Scope.READ)
    try:
        for age, expected in ((5, "reachable"), (3600, "unknown")):
            write_registry_state(path, RegistryState(NOW - dt.timedelta(seconds=age), True))
            assert client.get("/v1/health").json()["registry"] == expected
        assert "not being followed" in " ".join(client.get("/v1/health").json()["notes"])
    finally:
        path.unlink()
    assert client.get("/v1/health").json()["registry"] == "not followed"


@pytest.mark.filterwarnings("ignore")
def test_the_alias_in_mlflow_moves_the_pointer(tmp_path: Path, bundle_folder: Path) -> None:
    pytest.importorskip("mlflow")
    from models.registry.tracking import RunRecord, register_model, set_alias

    home = home_at(tmp_path)
    bundle = load_bundle(bundle_folder)
    example = pl.DataFrame(
        {
            "invoice_id": ["F-1"],
            "customer_id": ["C-1"],
            "as_of": [bundle.known_before],
            "due_on": [bundle.known_before],
            **{name: [1.0] for name in bundle.feature_names},
        }
    )
    record = RunRecord(parameters={}, metrics={}, tags={}, files={}, model_card="")
    version = register_model(home, bundle, record, example)
    assert follow_once(home) is None, "a challenger does not serve"
    set_alias(home, "champion", version)
    assert follow_once(home) == bundle.version
    assert load_bundle(read_champion_pointer(home.champion_pointer)).version == bundle.version
    with pytest.raises(InvalidInputError):
        load_bundle(tmp_path / "none")
