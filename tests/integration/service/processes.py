"""`encours serve` as a process, for tests of what only a real process shows."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from serving.operations.settings import ServiceSettings, read_settings

COMMAND = "from pipelines.cli.service import app; app()"
DRAFT = {"as_of": "2026-03-02", "invoices": [{"customer_id": "C", "amount": 100}], "with_reasons": False}


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    url: str
    key: str
    home: Path
    log: Path
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        return self.send(path, None if body is None else json.dumps(body).encode(), key)

    def send(self, path: str, data: bytes | None, key: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                self.headers = {name.lower(): value for name, value in answer.headers.items()}
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            self.headers = {name.lower(): value for name, value in refused.headers.items()}
            return refused.code, json.loads(refused.read())

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def settings(self) -> ServiceSettings:
        return read_settings({"ENCOURS_HOME": str(self.home)})

    def workers(self) -> list[psutil.Process]:
        return self.children("--worker-id")

    def children(self, word: str) -> list[psutil.Process]:
        """The processes of the service that were started with a word."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in found if is_started_with(child, word)]


def is_started_with(process: psutil.Process, word: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and word in process.cmdline()
    except psutil.Error:
        return False  # it ended while we looked


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path, folder: Path, workers: int = 1) -> Iterator[Running]:
    """Run the service in a home until the block ends; `folder` takes its log and its temporary files."""
    environment = {**os.environ, "ENCOURS_HOME": str(home), "COLUMNS": "200", "TMPDIR": str(folder)}
    port = free_port()
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "serve", "--port", str(port), "--workers", str(workers)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[3],
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(f"{url}/readyz", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        key = re.search(r"enc_[0-9a-f]{8}_\S+", log.read_text())
        assert key is not None, log.read_text()
        yield Running(process, url, key.group(), home, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
