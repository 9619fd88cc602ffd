"""`encours simulate` on the command line."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from features.errors import InvalidInputError
from features.ledger import read_ledger
from pipelines.cli.simulate import app

SMALL = ["--customers", "12", "--months", "5", "--seed", "2"]


def test_simulate_writes_a_ledger_its_truth_and_a_description_and_says_so(tmp_path):
    out = tmp_path / "small"
    result = CliRunner().invoke(
        app, [*SMALL, "--regime-change", "3", "--end", "2025-12-31", "--out", str(out)]
    )
    assert result.exit_code == 0
    ledger = read_ledger(out)
    assert ledger.customers.height == 12
    assert pl.read_parquet(out / "truth" / "probabilities.parquet").height == (
        ledger.invoices.filter(pl.col("kind") == "invoice").height
    )
    assert (
        json.loads((out / "truth" / "settings.json").read_text(encoding="utf-8"))["regime_change_month"] == 3
    )
    command = (
        "encours simulate --customers 12 --months 5 --seed 2 --regime-change 3 --end 2025-12-31 --out small"
    )
    assert command in (out / "README.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in (out / "README.md").read_text(encoding="utf-8")
    assert "README.md" in result.output
    assert "invoices" in result.output


def test_writing_a_world_again_replaces_the_one_before(tmp_path):
    for seed in ("1", "2"):
        assert CliRunner().invoke(app, [*SMALL[:4], "--seed", seed, "--out", str(tmp_path)]).exit_code == 0
    kept = read_ledger(tmp_path)
    CliRunner().invoke(app, [*SMALL, "--out", str(tmp_path / "fresh")])
    assert kept.invoices.equals(read_ledger(tmp_path / "fresh").invoices)


def test_a_last_day_that_is_no_day_is_refused_with_an_example(tmp_path):
    result = CliRunner().invoke(app, [*SMALL, "--end", "31/02/2026", "--out", str(tmp_path)])
    assert isinstance(result.exception, InvalidInputError)
    with pytest.raises(
        InvalidInputError, match=r"--end: is not a day, for example 31/02/2026; expected a day as YYYY"
    ):
        raise result.exception


@pytest.mark.parametrize("name", ["invoices.csv", "payments.parquet", "README.md"])
def test_a_folder_with_foreign_files_is_left_unchanged(tmp_path, name):
    (tmp_path / name).write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(app, [*SMALL, "--out", str(tmp_path)])
    assert isinstance(result.exception, InvalidInputError)
    assert f"holds files that no simulation wrote, for example {name}" in str(result.exception)
    assert "choose another folder with --out" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"
