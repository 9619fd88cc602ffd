"""What a run refuses before it works, and what a person reads when it is stopped."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import NoReturn

import pytest

from features.errors import EncoursError
from models.registry.home import home_at
from pipelines.resources import only_run
from pipelines.running import RunInterruptedError, run_job


@pytest.fixture(autouse=True)
def own_dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that runs in this process sets the variable where it is unset; it is unset again afterwards."""
    monkeypatch.setenv("DAGSTER_HOME", "unset afterwards")
    monkeypatch.delenv("DAGSTER_HOME")


def run(job: str, root: Path, ledger: Path) -> None:
    run_job(job, home_at(root), {"ledger_input": {"folder": str(ledger)}}, is_silent=True)


def test_a_night_without_a_champion_is_refused_before_anything_is_read(small_ledger: Path, tmp_path: Path):
    with pytest.raises(EncoursError, match=r"there is no champion yet.*train one with `encours run"):
        run("nightly", tmp_path / "home", small_ledger)
    assert not {"ledger", "work", "serving", "out"} & {path.name for path in (tmp_path / "home").iterdir()}


@pytest.mark.parametrize("job", ["main", "nightly"])
def test_a_run_is_refused_while_another_one_holds_the_home(job: str, small_ledger: Path, tmp_path: Path):
    home = home_at(tmp_path / "home")
    with only_run(home), pytest.raises(EncoursError, match="another run is writing here"):
        run(job, home.root, small_ledger)
    assert not (home.root / "ledger").exists()


def test_an_interrupted_run_says_so_and_leaves_the_home_free(
    small_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stopped(folder: Path) -> NoReturn:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)  # the signal ends it
        raise AssertionError("the signal was not seen")

    monkeypatch.setattr("pipelines.assets.ledger.check_folder", stopped)
    with pytest.raises(RunInterruptedError, match="interrupted during core__ledger: nothing is half-written"):
        run("main", tmp_path / "home", small_ledger)
    with only_run(home_at(tmp_path / "home")):
        assert not (tmp_path / "home" / "ledger").exists()
