"""The feature benchmark measures like with like: every side gives the same values on the same ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import feature_sides, feature_tables
from benchmarks.feature_scale import CORE_COLUMNS
from benchmarks.features import _compare, _write_ledger, main, run_side
from features.groups.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_ledger(tmp_path_factory.mktemp("benchmark") / "ledger", 1_500, seed=3)


def test_our_engine_duckdb_and_pandas_agree_on_the_core_columns(folder: Path) -> None:
    counts = [side(folder)["invoices"] for side in (feature_sides.engine, feature_sides.duckdb)]
    assert counts == [1_500, 1_500]
    assert 0 < feature_sides.pandas(folder)["invoices"] <= 1_500
    assert max(_compare(folder).values()) < 1e-6


def test_a_side_runs_in_its_own_process_and_reports_memory(folder: Path) -> None:
    answer = run_side("online", folder)
    assert answer["columns"] == len(CATALOGUE)
    assert answer["peak_memory_gib"] > 0
    assert answer["past_invoices"] > 5


def test_an_unknown_side_is_refused_with_the_sides_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--side", "spark"])
    assert "choose from" in capsys.readouterr().err
    assert len(CORE_COLUMNS) == 8


def test_a_measured_file_becomes_a_section_that_a_second_measurement_replaces(tmp_path: Path) -> None:
    row = {"features": "every group", "columns": 9, "auc": 0.8, "log_loss": 0.5, "brier": 0.2}
    row |= {"log_loss_more_than_every_group": 0.0, "interval_90": [0.0, 0.0]}
    left_out = row | {
        "features": "without rfm",
        "log_loss_more_than_every_group": 0.01,
        "interval_90": [-0.01, 0.03],
    }
    measured = {"cutoff": "2024-01-01", "training_invoices": 10, "test_invoices": 5, "test_customers": 2}
    measured |= {"late_share": 0.25, "rows": [row, left_out]}
    source, page = tmp_path / "measured.json", tmp_path / "page.md"
    source.write_text(json.dumps(measured), encoding="utf-8")
    page.write_text("# Page\n", encoding="utf-8")
    for command in ("first", "second"):
        feature_tables.main(["groups", str(source), str(page), "--name", "groups", "--command", command])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Page\n\n<!-- groups: begin -->\n`second`\n")
    assert "first" not in text
    assert "| without rfm | 9 | 0.8 | 0.5 | 0.2 | +0.0100 (-0.0100 to +0.0300) |" in text
    assert "25.0% of them late" in text
