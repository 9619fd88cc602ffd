"""The settings a model was trained under are those of every score, whoever makes it."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for another HTTP client than the one installed
    from starlette.testclient import TestClient

from data_samples.generator import WorldSettings, simulate_world
from features.asof import PaymentHistory, open_landmarks
from features.errors import EncoursError, InvalidInputError
from features.ledger import CheckedLedger, Ledger, check_folder, check_tables, last_known_on, write_ledger
from features.settings import LedgerSettings
from models.bundle import MODEL_FILE, write_bundle
from models.hazard.settings import HazardSettings
from models.registry.champion import (
    champion_bundle,
    scoring_settings,
    training_settings,
    write_champion_pointer,
)
from models.registry.home import Home, home_at
from models.registry.promotion import gate_findings
from models.registry.tracking import CHALLENGER, CHAMPION, find_version
from models.score import Score, scores_of_frame
from models.training.from_ledger import TrainingInput, train_bundle, training_input
from models.training.selection import TrainingSettings
from pipelines.io import stored_value
from pipelines.running import run_job
from pipelines.training import train_and_register
from serving.api.app import build_app
from serving.api.worker import ScoreWorker
from serving.operations.settings import settings_at
from serving.security.access import Scope, make_key, write_keys
from tests.integration.pipelines.conftest import RunHome

QUICK = TrainingSettings(hazard=HazardSettings(threads=1), leaves=(4,), max_trees=10, least_judges=0)
NOW = dt.datetime(2027, 1, 4, 9, 30, tzinfo=dt.UTC)
LEFTOVER = Decimal("0.60")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """A small world in which every seventh payment leaves 60 cents open: settled or not, as the tolerance says."""
    world = simulate_world(WorldSettings(customers=20, months=14, seed=3)).ledger
    is_short = (pl.int_range(pl.len()) % 7 == 0) & (pl.col("amount") > 1)
    short = pl.when(is_short).then(pl.col("amount") - LEFTOVER).otherwise(pl.col("amount"))
    payments = world.payments.with_columns(amount=short.cast(world.payments.schema["amount"]))
    tables = {**dict(world.tables()), "payments": payments}
    tables.pop("emails")
    return Ledger.from_tables(tables)


@pytest.fixture(scope="module")
def folder(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings") / "ledger"
    write_ledger(ledger, folder)
    return folder


@pytest.fixture(autouse=True)
def own_dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that runs in this process sets the variable where it is unset; it is unset again afterwards."""
    monkeypatch.setenv("DAGSTER_HOME", "unset afterwards")
    monkeypatch.delenv("DAGSTER_HOME")


def as_of(ledger: Ledger) -> dt.date:
    last = last_known_on(ledger)
    assert last is not None
    return last + dt.timedelta(days=1)


def given(ledger: Ledger, settings: LedgerSettings) -> TrainingInput:
    return training_input(ledger, PaymentHistory.from_ledger(ledger, settings), as_of(ledger), QUICK)


def home_with_champion(root: Path, ledger: Ledger, settings: LedgerSettings) -> Home:
    home = home_at(root)
    bundle, _ = train_bundle(given(ledger, settings), QUICK)
    write_champion_pointer(home.champion_pointer, write_bundle(bundle, home.bundles / bundle.version))
    return home


@pytest.fixture
def asked(
    request: pytest.FixtureRequest, ledger: Ledger, folder: Path, tmp_path: Path
) -> Iterator[tuple[LedgerSettings, pl.DataFrame, TestClient]]:
    """The night's scores under some settings, and the service on the same home."""
    settings = LedgerSettings(**request.param)
    home = home_with_champion(tmp_path / "home", ledger, settings)
    run_job("nightly", home, {"ledger_input": {"folder": str(folder)}}, is_silent=True)
    service = settings_at(home.root, {})
    worker = ScoreWorker(service, now=lambda: NOW)
    key, text = make_key("tests", [Scope.ADMIN], None, service.secret(), NOW)
    write_keys(service.keys_path, [key])
    night = pl.read_parquet(home.root / "out" / "scored_invoices.parquet")
    yield settings, night, TestClient(build_app(worker), headers={"Authorization": f"Bearer {text}"})
    worker.close()


@pytest.mark.parametrize(
    "asked",
    [
        {"grace_days": grace, "settled_tolerance": Decimal(tolerance)}
        for grace in (0, 5)
        for tolerance in ("0.05", "1.00")
    ],
    indirect=True,
    ids=lambda values: f"grace {values['grace_days']}, tolerance {values['settled_tolerance']}",
)
def test_one_request_scores_as_the_night_to_the_last_bit(
    asked: tuple[LedgerSettings, pl.DataFrame, TestClient], ledger: Ledger
) -> None:
    settings, night, client = asked
    still_open = open_landmarks(ledger, as_of(ledger), settings)["invoice_id"]
    assert set(night["invoice_id"]) == set(still_open)
    scores = scores_of_frame(night)
    for score in scores[:: max(len(scores) // 40, 1)]:
        body = {
            "as_of": str(score.as_of),
            "invoices": [{"invoice_id": score.invoice_id}],
            "with_reasons": True,
        }
        answer = client.post("/v1/score", json=body)
        assert answer.status_code == 200, answer.text
        assert told(answer.json()["scores"][0]) == expected(score), score.invoice_id
    model = client.get("/v1/model").json()
    assert model["settings"] == {**settings.to_dict(), "reporting_currency": "EUR"}


def told(answer: dict[str, Any]) -> dict[str, Any]:
    explanation = answer["explanation"]
    return {
        "chances": [answer["p_late"], answer["p_late_30"], *answer["unpaid_probability"].values()],
        "dates": [answer[f"payment_date_{level}"] for level in ("p10", "p50", "p90")],
        "grade": (answer["grade"], answer["history_depth"], answer["cold_start_rung"]),
        "explained": [explanation[name] for name in ("explained_days", "probability", "base", "calibration")],
        "reasons": [(one["contribution"], one["en"], one["fr"]) for one in explanation["reasons"]],
    }


def expected(score: Score) -> dict[str, Any]:
    explanation = score.explanation
    assert explanation is not None
    return {
        "chances": [score.p_late, score.p_late_30, *(chance for _, chance in score.unpaid_probability)],
        "dates": [str(day) for day in score.payment_dates],
        "grade": (score.grade, score.history_depth, score.cold_start_rung),
        "explained": [
            explanation.explained_days, explanation.probability, explanation.base, explanation.calibration,
        ],
        "reasons": [(one.contribution, one.text.en, one.text.fr) for one in explanation.reasons],
    }  # fmt: skip


def test_the_settings_of_this_ledger_make_a_difference(ledger: Ledger) -> None:
    day = as_of(ledger)
    strict, loose = (
        open_landmarks(ledger, day, LedgerSettings(settled_tolerance=Decimal(tolerance))).height
        for tolerance in ("0.05", "1.00")
    )
    assert strict > loose + 20
    on_time, graced = (
        given(ledger, LedgerSettings(grace_days=grace)).features["late_share_all"].sum() for grace in (0, 5)
    )
    assert on_time > graced


def test_a_night_checks_its_ledger_once(
    ledger: Ledger, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with_champion(tmp_path / "home", ledger, LedgerSettings())
    checked: list[int] = []

    def counted(tables: dict[str, pl.DataFrame]) -> CheckedLedger:
        checked.append(len(tables))
        return check_tables(tables)

    monkeypatch.setattr("features.ledger.storage.check_tables", counted)
    run_job("nightly", home, {"ledger_input": {"folder": str(folder)}}, is_silent=True)
    assert len(checked) == 1
    published = check_folder(home.ledger)
    assert published.report.quarantined_rows == 0, "what was published needs no second check"
    handed_on = dict(stored_value(home, "core__ledger").tables())
    for name, frame in published.ledger.tables():
        assert_frame_equal(handed_on[name], frame)


def test_a_night_that_states_other_settings_is_refused_naming_each_difference(
    ledger: Ledger, folder: Path, tmp_path: Path
) -> None:
    home = home_with_champion(tmp_path / "home", ledger, LedgerSettings(grace_days=5))
    stated = {"grace_days": 0, "settled_tolerance": "1.00", "reporting_currency": "EUR"}
    with pytest.raises(EncoursError) as refused:
        run_job("nightly", home, {"ledger_input": {"folder": str(folder), **stated}}, is_silent=True)
    text = str(refused.value)
    assert "grace_days: is 0, and the model was trained with 5; expected 5" in text
    assert "settled_tolerance: is 1.00, and the model was trained with 0.05" in text
    assert "reporting_currency" not in text
    assert "leave the setting out" in text
    assert not (home.root / "out").exists()
    early = RunHome(home.root, folder).encours(
        "run", "--ledger", str(folder), "--nightly", "--grace-days", "0", check=False
    )
    assert early.returncode == 2
    assert "grace_days: is 0, and the model was trained with 5" in early.stderr
    assert not (home.root / "ledger").exists(), "refused before anything is read"
    assert "core__facts" not in early.stdout


def test_a_training_that_states_nothing_keeps_the_settings_of_the_champion(
    ledger: Ledger, tmp_path: Path
) -> None:
    day = as_of(ledger)
    nobody = training_settings(home_at(tmp_path / "empty"), {"grace_days": 3}, ledger.invoices, day)
    assert nobody == LedgerSettings(grace_days=3, reporting_currency="EUR")
    home = home_with_champion(tmp_path / "home", ledger, LedgerSettings(grace_days=5))
    assert training_settings(home, {}, ledger.invoices, day) == champion_bundle(home).settings
    changed = training_settings(home, {"settled_tolerance": Decimal(1)}, ledger.invoices, day)
    assert (changed.grace_days, changed.settled_tolerance) == (5, Decimal(1))


@pytest.mark.filterwarnings("ignore")
def test_a_model_trained_under_other_settings_waits_for_a_person(ledger: Ledger, tmp_path: Path) -> None:
    home, at = home_at(tmp_path / "home"), dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    logged: list[str] = []
    for grace in (0, 5):
        chosen = given(ledger, LedgerSettings(grace_days=grace))
        outcome = train_and_register(home, ledger, chosen, QUICK, None, at, logged.append)
    champion, challenger = find_version(home, CHAMPION), find_version(home, CHALLENGER)
    assert champion is not None
    assert challenger is not None
    assert (champion.version, challenger.version, outcome.is_promoted) == (1, 2, False)
    findings = [fault for fault in gate_findings(home, challenger) if fault.where == "grace_days"]
    assert [fault.what for fault in findings] == ["is 5, and the model was trained with 0"]
    assert "promote the version with --force" in findings[0].remedy
    assert any("gate: grace_days" in line for line in logged)
    model = json.loads((home.bundles / champion.bundle_version / MODEL_FILE).read_text())
    assert model["settings"] == {
        "grace_days": 0,
        "settled_tolerance": "0.05",
        "promise_grace_days": 3,
        "reporting_currency": "EUR",
        "accepted_discount_share": "0",
        "accepted_discount_days": 0,
    }


def test_scoring_settings_are_the_models_own(ledger: Ledger, tmp_path: Path) -> None:
    bundle = champion_bundle(home_with_champion(tmp_path, ledger, LedgerSettings(grace_days=5)))
    assert scoring_settings(bundle, {}) == scoring_settings(bundle, {"grace_days": 5}) == bundle.settings
    with pytest.raises(InvalidInputError, match=rf"Model {bundle.version} cannot score under other settings"):
        scoring_settings(bundle, {"promise_grace_days": 0})
