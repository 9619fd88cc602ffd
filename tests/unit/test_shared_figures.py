"""Counts shared by processes, whose disk space is taken before use: a full disk kills whoever writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.awkward_names import AWKWARD_NAME

SCRIPT = """
import os, resource, sys
from pathlib import Path
from serving.api.metrics import ServiceMetrics, reserve_room
folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
if sys.argv[1] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
metrics = ServiceMetrics()
sizes = {path.name.split("_")[0]: path.stat() for path in folder.glob(f"*_{os.getpid()}.db")}
for number in range(200):
    metrics.count(f"/route-{number}", "GET", 200, 0.01)
metrics.waiting_answers.set(3)
text = metrics.text().decode()
assert 'encours_requests_total{method="GET",route="/route-199",status="200"} 1.0' in text, text
assert all(status.st_blocks * 512 >= status.st_size > 0 for status in sizes.values()) or sys.argv[1] == "full"
print(len(sizes))
"""


def counted(folder: Path, disk: str) -> str:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, disk], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_disk_space_of_shared_figures_is_taken_before_use(tmp_path: Path) -> None:
    assert counted(tmp_path / f"{AWKWARD_NAME}[a]", "roomy") == "3"


def test_on_a_full_disk_a_process_counts_for_itself(tmp_path: Path) -> None:
    assert counted(tmp_path / "full", "full") == "0"


def test_a_metrics_file_cut_off_by_a_full_disk_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").write_bytes(b"")
    assert counted(tmp_path, "roomy") == "3"
