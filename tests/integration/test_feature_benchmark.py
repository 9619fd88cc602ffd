"""The feature benchmark measures like with like: every side gives the same values on the same ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import feature_sides
from benchmarks.features import CORE_COLUMNS, _compare, _write_ledger, main, run_side
from features.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_ledger(tmp_path_factory.mktemp("benchmark") / "ledger", 1_500, seed=3)


def test_our_engine_duckdb_and_pandas_agree_on_the_core_columns(folder: Path) -> None:
    counts = [side(folder)["invoices"] for side in (feature_sides.engine, feature_sides.duckdb)]
    assert counts == [1_500, 1_500]
    assert 0 < feature_sides.pandas(folder)["invoices"] <= 1_500
    assert max(_compare(folder).values()) < 1e-6


def test_a_side_runs_in_a_process_of_its_own_and_tells_its_memory(folder: Path) -> None:
    answer = run_side("online", folder)
    assert answer["columns"] == len(CATALOGUE)
    assert answer["peak_memory_gib"] > 0
    assert answer["past_invoices"] > 5


def test_an_unknown_side_is_refused_with_the_sides_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--side", "spark"])
    assert "choose from" in capsys.readouterr().err
    assert len(CORE_COLUMNS) == 8
