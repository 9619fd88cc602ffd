"""A home in which the main job has run once on a small simulated ledger; shared, never written by a test."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_samples.generator import WorldSettings, simulate_world
from features.ledger import write_ledger
from tests.awkward_names import AWKWARD_NAME


@dataclass(frozen=True)
class RunHome:
    root: Path
    ledger: Path

    def encours(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [Path(sys.executable).with_name("encours"), *arguments],
            env={**os.environ, "ENCOURS_HOME": str(self.root), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="session")
def small_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "ledger"
    world = simulate_world(WorldSettings(customers=25, months=14, seed=3))
    write_ledger(world.ledger, folder)
    return folder


@pytest.fixture(scope="session")
def run_home(small_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> RunHome:
    home = RunHome(tmp_path_factory.mktemp("home") / AWKWARD_NAME, small_ledger)
    home.encours("run", "--ledger", str(small_ledger))
    return home
