"""The main job as its users run it: a process, a ledger folder, a home."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import httpx
import mlflow
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.groups.rows import FeatureRows
from features.ledger import read_ledger, write_ledger
from features.ledger.as_known import as_known_before
from models.registry.home import home_at
from models.registry.tracking import CHAMPION, MODEL_NAME, find_version
from pipelines.assets.features import features__training
from pipelines.assets.tonight import features__open_invoices
from pipelines.definitions import defs
from pipelines.jobs import nightly_schedule
from tests.awkward_names import AWKWARD_NAME
from tests.integration.pipelines.conftest import RunHome


def test_every_open_invoice_is_scored_explained_and_routed(run_home: RunHome) -> None:
    scores = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet")
    decisions = pl.read_parquet(run_home.root / "out" / "decisions.parquet")
    ledger = read_ledger(run_home.ledger)
    paid = ledger.payments.group_by("invoice_id").agg(pl.col("amount").sum().alias("paid"))
    still_open = (
        ledger.invoices.filter(pl.col("kind") == "invoice")
        .join(paid, on="invoice_id", how="left")
        .filter(pl.col("paid").fill_null(0) < pl.col("amount") - 1)
    )
    assert set(still_open["invoice_id"]) <= set(scores["invoice_id"])
    paid = decisions.filter(~pl.col("invoice_id").is_in(scores["invoice_id"].implode()))
    assert set(scores["invoice_id"]) <= set(decisions["invoice_id"])
    assert set(paid["gate_id"]) <= {"settled"}, "beside the open invoices, only those paid after a reminder"
    assert scores["reasons"].list.len().min() >= 1
    night = scores["as_of"][0]
    assert pl.read_parquet(run_home.root / "decisions" / f"{night}.parquet").equals(decisions), (
        "kept for replays"
    )
    assert decisions.filter(pl.col("sequence_id").is_null() & pl.col("gate_id").is_null()).height == 0
    for text in ("text_fr", "text_en"):
        assert (
            scores.select(pl.col("reasons").list.first().struct.field(text).str.len_chars().min()).item() > 5
        )


@pytest.fixture(scope="module")
def moved_home(run_home: RunHome, tmp_path_factory: pytest.TempPathFactory) -> RunHome:
    """A copy of the home elsewhere, made as a tool that follows links makes it."""
    root = tmp_path_factory.mktemp("moved") / f"{AWKWARD_NAME}2"
    shutil.copytree(run_home.root, root)
    return RunHome(root, run_home.ledger)


def test_the_champion_of_a_moved_home_gives_equal_scores(
    run_home: RunHome, moved_home: RunHome, tmp_path: Path
) -> None:
    first = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet")
    as_of = str(first["as_of"][0])
    moved_home.encours(
        "score", "--ledger", str(run_home.ledger), "--as-of", as_of, "--out", str(tmp_path / "s.parquet")
    )
    assert_frame_equal(pl.read_parquet(tmp_path / "s.parquet"), first, check_exact=True)


def test_scores_at_a_past_date_do_not_depend_on_what_came_after(run_home: RunHome, tmp_path: Path) -> None:
    ledger = read_ledger(run_home.ledger)
    as_of = ledger.payments["known_on"].sort()[int(ledger.payments.height * 0.8)]
    today = ledger.invoices.filter(pl.col("issued_on") == as_of)
    past = as_known_before(ledger, as_of)
    cut = type(ledger).from_tables({**dict(past.tables()), "invoices": pl.concat([past.invoices, today])})
    write_ledger(cut, tmp_path / "cut")
    for name, folder in (("full", run_home.ledger), ("cut", tmp_path / "cut")):
        run_home.encours(
            "score",
            "--ledger",
            str(folder),
            "--as-of",
            str(as_of),
            "--out",
            str(tmp_path / f"{name}.parquet"),
        )
    full, alone = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("full", "cut"))
    assert full.height > 0
    assert_frame_equal(full, alone, check_exact=True)


@pytest.fixture(scope="module")
def model_server(moved_home: RunHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's own server with the champion of a moved home, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("serve")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [
                sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "--host", "127.0.0.1",
                "-p", str(port), "-m", f"models:/{MODEL_NAME}@{CHAMPION}",
            ],
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "MLFLOW_TRACKING_URI": home_at(moved_home.root).tracking_uri,
                "MLFLOW_REGISTRY_URI": home_at(moved_home.root).tracking_uri,
                "DO_NOT_TRACK": "true",
            },
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(900):
            assert running.poll() is None, (folder / "log").read_text()
            try:
                httpx.get(f"{address}/ping")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=30)


def test_mlflow_serves_the_registered_model_with_the_same_numbers(
    run_home: RunHome, model_server: str
) -> None:
    rows = FeatureRows.read(run_home.root / "work" / "open_invoices")
    keys = rows.landmarks.select("invoice_id", "customer_id", pl.col("as_of", "due_on").cast(pl.String))
    table = pl.concat([keys, rows.features.drop("invoice_id", "as_of")], how="horizontal").head(40)
    rows = {"columns": table.columns, "data": [list(row) for row in table.iter_rows()]}
    answer = httpx.post(f"{model_server}/invocations", json={"dataframe_split": rows}, timeout=60)
    assert answer.status_code == 200, answer.text
    predicted = pl.DataFrame(answer.json()["predictions"])
    scores = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet").head(40)
    for column in ("p_late", "p_late_30", "unpaid_probability_60d"):
        assert predicted[column].to_list() == scores[column].to_list()


def test_the_registered_model_carries_an_example_that_its_own_server_answers(
    run_home: RunHome, model_server: str
) -> None:
    found = sorted((run_home.root / "mlflow").rglob("serving_input_example.json"))
    assert found
    answer = httpx.post(
        f"{model_server}/invocations",
        content=found[0].read_bytes(),
        headers={"content-type": "application/json"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert all(0 < row["p_late"] <= 1 for row in answer.json()["predictions"])


def test_an_invoice_is_explained_by_two_registered_versions_side_by_side(run_home: RunHome) -> None:
    scores = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet", glob=False)
    invoice_id, version = scores.select("invoice_id", "model_version").row(0)
    page = run_home.encours(
        "explain", invoice_id, "--ledger", str(run_home.ledger), "--compare-with", CHAMPION
    ).stdout
    assert page.count(f"model {version}") == 2


def test_a_run_in_mlflow_holds_card_plots_report_and_figures(run_home: RunHome) -> None:
    home = home_at(run_home.root)
    version = find_version(home, CHAMPION)
    assert version is not None
    client = mlflow.MlflowClient(home.tracking_uri)
    run = client.get_run(version.run_id)
    files = {file.path for file in client.list_artifacts(version.run_id)}
    assert {"model_card.md", "importance.svg", "contributions.svg", "features.json"} <= files
    assert len([name for name in files if name.startswith("dependence_")]) >= 1
    assert {"data_fingerprint", "code_version", "catalogue_version", "known_before"} <= set(run.data.tags)
    assert {"leaves", "tree_count", "invoices"} <= set(run.data.params)
    assert run.data.tags["mlflow.note.content"].startswith("# Late-payment model")
    if "judged_invoices" in run.data.metrics:
        assert {"backtest.html", "backtest.json", "calibration_late.svg", "auc.svg"} <= files
        assert run.data.metrics["rehearsal_encours_log_loss"] == run.data.metrics["log_loss"]


def test_a_killed_run_leaves_no_partial_file_for_the_next(small_ledger: Path, tmp_path: Path) -> None:
    home = RunHome(tmp_path / "home", small_ledger)
    for begun in ("features__training", "model__late_payment"):
        running = subprocess.Popen(
            [Path(sys.executable).with_name("encours"), "run", "--ledger", str(small_ledger)],
            env={**os.environ, "ENCOURS_HOME": str(home.root), "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert running.stdout is not None
        told = []
        for line in running.stdout:
            told.append(line.strip())
            if told[-1] == f"… {begun}":
                os.killpg(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL, told
        running.stdout.close()
        for path in home.root.rglob("*.parquet"):
            pl.read_parquet(path)
    home.encours("run", "--ledger", str(small_ledger))
    assert not list(home.root.rglob(".aside-*"))
    assert pl.read_parquet(home.root / "out" / "decisions.parquet").height > 0


def test_two_runs_in_one_home_do_not_mix(run_home: RunHome, tmp_path: Path) -> None:
    import fcntl

    with (run_home.root / ".run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = run_home.encours("run", "--ledger", str(run_home.ledger), check=False)
    assert refused.returncode == 2
    assert "another run is writing here" in refused.stderr


def test_a_second_run_on_the_same_data_reports_the_same_champion(run_home: RunHome) -> None:
    before = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet")
    done = run_home.encours("run", "--ledger", str(run_home.ledger), "--nightly")
    assert "model__late_payment" not in done.stdout
    after = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet")
    assert_frame_equal(after, before, check_exact=True)


@pytest.mark.parametrize(
    ("as_of", "said"),
    [("31/02/2024", "'31/02/2024' is not a date"), ("1990-01-01", "")],
)
def test_an_as_of_date_that_makes_no_sense_ends_in_one_message(
    run_home: RunHome, tmp_path: Path, as_of: str, said: str
) -> None:
    other = RunHome(tmp_path / "home", run_home.ledger)
    refused = other.encours("run", "--ledger", str(run_home.ledger), "--as-of", as_of, check=False)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr


def test_definitions_load_with_an_empty_environment() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from pipelines.definitions import defs; print(len(defs.assets))"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 4


def test_the_nightly_job_trains_nothing() -> None:
    trained = defs.resolve_job_def("main").asset_layer.executable_asset_keys
    nightly = defs.resolve_job_def("nightly").asset_layer.executable_asset_keys
    names = {key.to_user_string() for key in nightly}
    assert "model__late_payment" not in names
    assert features__training.key not in nightly
    assert features__open_invoices.key in nightly
    assert nightly < trained


def test_the_scheduled_night_runs_as_of_its_day_and_detects_staleness() -> None:
    at = dt.datetime(2026, 9, 14, 2, 0, tzinfo=dt.UTC)
    context = dg.build_schedule_context(scheduled_execution_time=at)
    request = nightly_schedule(context)
    assert request.run_config["resources"]["ledger_input"]["config"]["as_of"] == "2026-09-14"


def test_from_a_stale_ledger_the_night_takes_no_automatic_step(run_home: RunHome, tmp_path: Path) -> None:
    shutil.copytree(run_home.root, tmp_path / "home", ignore=shutil.ignore_patterns("dagster", ".run.lock"))
    other = RunHome(tmp_path / "home", run_home.ledger)
    other.encours("run", "--ledger", str(run_home.ledger), "--nightly", "--as-of", "today")
    decisions = pl.read_parquet(other.root / "out" / "decisions.parquet")
    open_ones = decisions.filter(pl.col("gate_id") != "settled")
    assert set(open_ones["gate_id"]) <= {"feed_stale", "insolvency"}
    assert decisions.filter(pl.col("channel").is_in(["email", "letter", "portal"])).height == 0
