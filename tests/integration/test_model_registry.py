"""Registration, promotion with its gate, rollback, and the registered model in a process of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import dagster as dg
import mlflow
import polars as pl
import pytest

from features.errors import Fault, InvalidInputError
from models.bundle import load_bundle
from models.registry.home import Home, home_at
from models.registry.promotion import (
    gate_findings,
    promote,
    promote_registered,
    promotions,
    record_gate,
    rollback,
)
from models.registry.tracking import CHALLENGER, CHAMPION, RunRecord, find_version, register_model
from models.score import score
from pipelines.assets.promotion import model__promotion, model__rollback
from pipelines.resources import EncoursHome
from tests.awkward_names import AWKWARD_NAME
from tests.model_samples import FEATURES, bundle, unseen

pytestmark = pytest.mark.filterwarnings("ignore")
AT = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)


def _example() -> pl.DataFrame:
    features, landmarks = unseen()
    keys = landmarks.select("invoice_id", "customer_id", "as_of", "due_on")
    return pl.concat([keys, features.select(FEATURES)], how="horizontal")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    made = home_at(tmp_path_factory.mktemp("home"))
    record = RunRecord(parameters={"leaves": 7}, metrics={"log_loss": 0.4}, tags={"data_fingerprint": "0"})
    for _ in range(2):
        register_model(made, bundle(), record, _example().head(3))
    return made


def test_versions_are_promoted_and_rolled_back_and_each_step_is_recorded(home):
    first, second = find_version(home, "1"), find_version(home, CHALLENGER)
    assert (first.version, second.version) == (1, 2)
    promote(home, first, "anna", "first model", AT)
    folder = promote(home, second, "bruno", "better on spring", AT)
    assert find_version(home, CHAMPION).version == 2
    assert json.loads(home.champion_pointer.read_text())["folder"] == folder.name
    assert load_bundle(folder, FEATURES, "1").version == bundle().version
    assert rollback(home, "anna", "complaints", AT).version == 1
    assert find_version(home, CHAMPION).version == 1
    told = [(entry["action"], entry["version"], entry["who"], entry["why"]) for entry in promotions(home)]
    assert told == [
        ("promote", 1, "anna", "first model"),
        ("promote", 2, "bruno", "better on spring"),
        ("rollback", 1, "anna", "complaints"),
    ]


def test_what_the_gate_found_stays_with_the_version(home):
    version = find_version(home, "2")
    assert "was not asked" in gate_findings(home, version)[0].what
    found = Fault("log loss is +0.0300 against the champion", where="log_loss", examples=("a",))
    record_gate(home, version, [found])
    assert gate_findings(home, version) == (found,)
    record_gate(home, version, [])
    assert gate_findings(home, version) == ()


def test_a_refused_promotion_is_explained_and_forced_only_on_record(home):
    record_gate(home, find_version(home, "2"), [Fault("ece is 0.200", where="ece", expected="at most 0.08")])
    before = find_version(home, CHAMPION).version
    with pytest.raises(InvalidInputError, match=r"(?s)Version 2 is not promoted.*ece is 0\.200"):
        promote_registered(home, "2", "anna", "spring data", AT)
    assert find_version(home, CHAMPION).version == before
    with pytest.raises(InvalidInputError, match=r"no registered version is called '99'"):
        promote_registered(home, "99", "anna", "spring data", AT)
    with pytest.raises(InvalidInputError, match=r"(?s)who.*is blank.*why.*is blank"):
        promote_registered(home, "2", " ", "", AT)
    version, _ = promote_registered(home, "2", "anna", "spring data", AT, is_forced=True)
    assert find_version(home, CHAMPION).version == version.version == 2
    assert "forced against: " in promotions(home)[-1]["why"]


def test_promotion_and_rollback_as_assets_are_recorded_with_who_and_why(home):
    resources = {"encours_home": EncoursHome(root=str(home.root))}
    record_gate(home, find_version(home, "2"), [])
    promote_registered(home, "1", "anna", "before", AT, is_forced=True)
    config = {"who": "bruno", "why": "better on spring"}
    done = dg.materialize(
        [model__promotion],
        resources=resources,
        run_config={"ops": {"model__promotion": {"config": {**config, "version": "2"}}}},
    )
    assert done.success
    assert find_version(home, CHAMPION).version == 2
    record_gate(home, find_version(home, "1"), [Fault("ece is 0.200", where="ece")])
    refused = dg.materialize(
        [model__promotion],
        resources=resources,
        run_config={"ops": {"model__promotion": {"config": {**config, "version": "1"}}}},
        raise_on_error=False,
    )
    assert not refused.success
    assert "ece is 0.200" in str(refused.get_step_failure_events()[0].event_specific_data.error)
    back = dg.materialize(
        [model__rollback],
        resources=resources,
        run_config={"ops": {"model__rollback": {"config": {"who": "anna", "why": "complaints"}}}},
    )
    assert back.success
    assert find_version(home, CHAMPION).version == 1
    told = [(entry["action"], entry["version"], entry["who"], entry["why"]) for entry in promotions(home)]
    assert told[-2:] == [("promote", 2, "bruno", "better on spring"), ("rollback", 1, "anna", "complaints")]


def _locations(database: Path) -> list[str]:
    queries = (
        "SELECT artifact_location FROM experiments",
        "SELECT artifact_uri FROM runs",
        "SELECT artifact_location FROM logged_models",
        "SELECT storage_location FROM model_versions",
    )
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for query in queries for row in connection.execute(query)]


def test_no_location_in_an_embedded_registry_names_a_folder_of_this_machine(home):
    locations = _locations(home.embedded_registry)
    assert len(locations) >= 7
    assert [location for location in locations if not location.startswith("encours:/artifacts")] == []


def test_a_moved_home_of_an_earlier_version_is_mended_at_first_use(home, tmp_path):
    moved = home_at(shutil.copytree(home.root, tmp_path / AWKWARD_NAME))
    shutil.rmtree(moved.bundles, ignore_errors=True)
    with closing(sqlite3.connect(moved.embedded_registry)) as connection, connection:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
            ("model_versions", "storage_location"),
        ):
            connection.execute(
                f"UPDATE {table} SET {column} = replace({column}, 'encours:/', 'file:///where/it/was/mlflow/')"
            )
    assert any(location.startswith("file:///where") for location in _locations(moved.embedded_registry))
    version = find_version(moved, "1")
    folder = promote(moved, version, "anna", "on the new machine", AT)
    assert load_bundle(folder, FEATURES, "1").version == bundle().version
    assert all(location.startswith("encours:/") for location in _locations(moved.embedded_registry))
    files = mlflow.MlflowClient(moved.tracking_uri).list_artifacts(version.run_id)
    assert "features.json" in {file.path for file in files}
    assert [path.name for path in tmp_path.iterdir()] == [AWKWARD_NAME]


def test_mlflow_gives_the_same_numbers_in_another_process(home, tmp_path):
    asked = _example().head(20)
    rows = asked.with_columns(pl.col(pl.Date).cast(pl.String))
    given, answered = tmp_path / "in.json", tmp_path / "out.json"
    content = {"dataframe_split": {"columns": rows.columns, "data": [list(row) for row in rows.iter_rows()]}}
    given.write_text(json.dumps(content))
    environment = {**os.environ, "MLFLOW_TRACKING_URI": home.tracking_uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "models", "predict", "-m", "models:/late_payment/1", "-i", str(given),
         "-t", "json", "-o", str(answered), "--env-manager", "local"],
        env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    features, landmarks = unseen()
    expected = score(bundle(), features, landmarks, with_reasons=False).frame().head(20)
    got = json.loads(answered.read_text())["predictions"]
    assert [row["p_late"] for row in got] == expected["p_late"].to_list()
    assert [row["payment_date_p50"] for row in got] == expected["payment_date_p50"].cast(pl.String).to_list()
