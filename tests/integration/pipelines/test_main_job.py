"""The main job as its users run it: a process, a ledger folder, a home."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.ledger import read_ledger, write_ledger
from features.ledger.as_known import as_known_before
from models.home import home_at
from models.tracking import CHAMPION, MODEL_NAME, find_version
from pipelines.assets.features import features__open_invoices, features__training
from pipelines.definitions import defs
from pipelines.jobs import nightly_schedule
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
    assert set(scores["invoice_id"]) == set(decisions["invoice_id"])
    assert scores["reasons"].list.len().min() >= 1
    assert decisions.filter(pl.col("sequence_id").is_null() & pl.col("gate_id").is_null()).height == 0
    for text in ("text_fr", "text_en"):
        assert (
            scores.select(pl.col("reasons").list.first().struct.field(text).str.len_chars().min()).item() > 5
        )


def test_scoring_again_with_the_champion_gives_the_same_scores(run_home: RunHome, tmp_path: Path) -> None:
    first = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet")
    as_of = str(first["as_of"][0])
    run_home.encours(
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


def test_mlflow_predicts_the_same_numbers_in_another_process(run_home: RunHome, tmp_path: Path) -> None:
    home = home_at(run_home.root)
    version = find_version(home, CHAMPION)
    assert version is not None
    landmarks = pl.read_parquet(run_home.root / "work" / "open_landmarks.parquet")
    features = pl.read_parquet(run_home.root / "work" / "open_features.parquet")
    keys = landmarks.select("invoice_id", "customer_id", pl.col("as_of", "due_on").cast(pl.String))
    table = pl.concat([keys, features.drop("invoice_id", "as_of")], how="horizontal").head(40)
    rows = {"columns": table.columns, "data": [list(row) for row in table.iter_rows()]}
    (tmp_path / "in.json").write_text(json.dumps({"dataframe_split": rows}))
    subprocess.run(
        [
            sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "local",
            "-m", f"models:/{MODEL_NAME}@{CHAMPION}", "-i", str(tmp_path / "in.json"), "-t", "json",
            "-o", str(tmp_path / "out.json"),
        ],
        env={**os.environ, "MLFLOW_TRACKING_URI": home.tracking_uri, "DO_NOT_TRACK": "true"},
        check=True,
        timeout=180,
    )  # fmt: skip
    predicted = pl.DataFrame(json.loads((tmp_path / "out.json").read_text())["predictions"])
    scores = pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet").head(40)
    for column in ("p_late", "p_late_30", "unpaid_probability_60d"):
        assert predicted[column].to_list() == scores[column].to_list()


def test_a_killed_run_leaves_no_half_written_file_and_the_next_run_ends_normally(
    small_ledger: Path, tmp_path: Path
) -> None:
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
    assert not list(home.root.rglob(".*.part"))
    assert pl.read_parquet(home.root / "out" / "decisions.parquet").height > 0


def test_two_runs_in_one_home_do_not_mix(run_home: RunHome, tmp_path: Path) -> None:
    import fcntl

    with (run_home.root / ".run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = run_home.encours("run", "--ledger", str(run_home.ledger), check=False)
    assert refused.returncode == 2
    assert "another run is writing here" in refused.stderr


def test_a_second_run_on_the_same_data_keeps_a_champion_and_says_what_it_did(run_home: RunHome) -> None:
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


def test_the_scheduled_night_looks_from_its_own_day_so_that_a_stale_ledger_is_seen() -> None:
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
