"""`encours explain` and `encours forecast` on a small simulated ledger with a trained champion, in both languages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from data_samples.generator.settings import WorldSettings
from data_samples.generator.world import simulate_world
from features.asof import PaymentHistory, open_landmarks
from features.errors import InvalidInputError
from features.groups.compute import compute_features
from features.ledger import last_known_on, read_ledger, write_ledger
from features.settings import LedgerSettings
from models.bundle import write_bundle
from models.hazard.settings import HazardSettings
from models.registry.champion import write_champion_pointer
from models.registry.home import home_at
from models.score import score
from models.training.from_ledger import train_bundle, training_input
from models.training.selection import TrainingSettings
from pipelines.cli import app

FAST = TrainingSettings(hazard=HazardSettings(card_rows=3_000), leaves=(4,), max_trees=20)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory):
    """Home, ledger folder, and the score of every open invoice."""
    root = tmp_path_factory.mktemp("explain")
    world = simulate_world(WorldSettings(customers=40, months=15, seed=4))
    ledger = type(world.ledger)(
        customers=world.ledger.customers, invoices=world.ledger.invoices, payments=world.ledger.payments
    )
    write_ledger(ledger, root / "ledger")
    day = last_known_on(ledger) + timedelta(days=1)
    history = PaymentHistory.from_ledger(ledger, LedgerSettings())
    bundle, _ = train_bundle(training_input(ledger, history, day, FAST), FAST)
    home = home_at(root / "home")
    write_champion_pointer(home.champion_pointer, write_bundle(bundle, home.bundles / bundle.version))
    landmarks = open_landmarks(ledger, day, bundle.settings)
    return home, root / "ledger", score(bundle, compute_features(history, landmarks), landmarks), landmarks


def run(prepared, *words: str) -> str:
    home, folder, _, _ = prepared
    runner = CliRunner(env={"ENCOURS_HOME": str(home.root), "COLUMNS": "300", "NO_COLOR": "1"})
    done = runner.invoke(app, [words[0], *words[1:], "--ledger", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_printed_contributions_add_up_to_the_probability_of_the_scorer(prepared):
    worst = max(prepared[2].rows(), key=lambda one: one.p_late_30 if one.p_late_30 < 1 else 0)
    page = run(prepared, "explain", worst.invoice_id)
    points = [
        float(found) for found in re.findall(r"^  ([ +-]+\d+\.\d)  ", page.replace("+ ", "+"), re.MULTILINE)
    ]
    assert worst.explanation is not None
    assert points[-1] == pytest.approx(100 * worst.explanation.probability, abs=0.06)
    assert sum(points[:-1]) == pytest.approx(points[-1], abs=0.06 * len(points))
    assert f"grade {worst.grade}" in page


def test_an_invoice_is_explained_in_french_with_improvements_and_a_plot(prepared, tmp_path: Path):
    worst = max(prepared[2].rows(), key=lambda one: one.p_late)
    plot = tmp_path / "waterfall.svg"
    page = run(prepared, "explain", worst.invoice_id, "--what-if", "--plot", str(plot), "--language", "fr")
    assert "Ce qui améliorerait la note" in page
    assert "probabilité d'être impayée" in page
    assert plot.read_text(encoding="utf-8").startswith("<svg")


def test_an_invoice_that_is_not_open_is_refused_with_a_remedy(prepared):
    with pytest.raises(InvalidInputError, match=r"no invoice 'NONE' is open at the date.*another --as-of"):
        run(prepared, "explain", "NONE")


def test_a_version_that_is_not_registered_cannot_be_compared_with(prepared):
    with pytest.raises(InvalidInputError, match="no version '9' is registered"):
        run(prepared, "explain", prepared[2].rows()[0].invoice_id, "--compare-with", "9")


def test_forecast_adds_up_to_what_is_open_in_each_currency(prepared, tmp_path: Path):
    _, folder, _, landmarks = prepared
    out = tmp_path / "receipts.parquet"
    page = run(prepared, "forecast", "--weeks", "4", "--out", str(out))
    assert "Expected receipts, EUR" in page
    assert "later" in page
    found = pl.read_parquet(out)
    paid = (
        read_ledger(folder)
        .payments.filter(pl.col("invoice_id").is_in(landmarks["invoice_id"].to_list()))["amount"]
        .cast(pl.Float64)
        .sum()
    )
    assert found.height == 5
    assert found["expected_amount"].sum() == pytest.approx(landmarks["amount"].sum() - paid, rel=1e-6)
    assert "Encaissements attendus" in run(prepared, "forecast", "--language", "fr")
