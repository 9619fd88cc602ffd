"""`bentoml build` makes a bento that serves alone, without the training half of the house."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from models.registry.champion import write_champion_pointer
from models.registry.home import home_at

ROOT = Path(__file__).parents[3]
HEAVY = ("pandas", "sklearn", "lightgbm", "mlflow", "shap", "dagster", "matplotlib", "optuna")
# Loads the bento, makes a worker and scores a draft; says where the code came from and what was imported.
ALONE = """
import asyncio, json, sys, warnings
warnings.simplefilter("ignore")
import bentoml
bentoml.load("encours:latest")
import serving
from serving.security.access import open_key
from serving.messages.requests import ScoreRequest
from serving.operations.settings import read_settings
from serving.api.worker import ScoreWorker
worker = ScoreWorker(read_settings())
body = '{"invoices": [{"customer_id": "C", "amount": 10}]}'
answer = asyncio.run(worker.score(open_key(worker.now()), ScoreRequest.model_validate_json(body)))
worker.close()
print(json.dumps({"file": serving.__file__, "scores": len(answer.scores),
                  "heavy": [name for name in HEAVY if name in sys.modules]}))
"""


def test_a_bento_scores_from_its_own_sources_without_the_training_libraries(
    tmp_path: Path, bundle_folder: Path
) -> None:
    home = tmp_path / "home"
    (home / "bundles").mkdir(parents=True)
    shutil.copytree(bundle_folder, home / "bundles" / "m1")
    write_champion_pointer(home_at(home).champion_pointer, home / "bundles" / "m1")
    environment = {
        **os.environ,
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(tmp_path / "bento"),
        "ENCOURS_HOME": str(home),
    }
    build = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    subprocess.run(build, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
    alone = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {HEAVY}\n{ALONE}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert alone.returncode == 0, alone.stderr
    told = json.loads(alone.stdout.splitlines()[-1])
    assert Path(told["file"]).is_relative_to(tmp_path / "bento")
    assert told["scores"] == 1
    assert told["heavy"] == []
