"""Starting the service as a process of its own, and stopping it when asked to."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from features.errors import Fault, InvalidInputError
from features.files import delete_left_aside
from features.messages import localized
from serving.operations.processes import end_process
from serving.operations.settings import WORKERS_VARIABLE, ServiceSettings
from serving.operations.supervisor import Supervisor

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
STOP_SECONDS: Final = 15.0
_FOLLOWER_POLL_SECONDS: Final = 0.2
#: Seconds after which a follower that still runs has started well; imports take a few of them.
_FOLLOWER_SETTLED_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Listening:
    """Where and how the service runs.

    Attributes:
        host: address to listen on.
        port: port to listen on.
        workers: processes that answer.
        follows_registry: whether a process beside follows the champion of the MLflow registry.
    """

    host: str
    port: int
    workers: int
    follows_registry: bool = False

    @property
    def url(self) -> str:
        """Return the address as a caller on this machine writes it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def check_listening(listening: Listening, is_open: bool) -> None:
    """Refuse what cannot or must not be started.

    Raises:
        InvalidInputError: open to other machines without keys, no worker, or a port in use.
    """
    faults = []
    if is_open and listening.host not in LOOPBACK:
        faults.append(
            Fault(
                localized(
                    "without keys the service would answer anyone who reaches {host}", host=listening.host
                ),
                where="--open",
                expected=localized("--host 127.0.0.1"),
                remedy=localized("leave out --open and use keys (`encours keys add`)"),
            )
        )
    if listening.workers < 1:
        faults.append(Fault(localized("no worker"), where="--workers", expected=localized("1 or more")))
    if not faults and not _is_free(listening):
        faults.append(
            Fault(
                localized(
                    "port {port} of {host} cannot be listened on",
                    port=str(listening.port),
                    host=listening.host,
                ),
                where="--port",
                expected=localized("a free port of this machine"),
                remedy=localized("stop what listens there, or choose another port"),
            )
        )
    if faults:
        raise InvalidInputError(localized("The service cannot be started"), faults)


def environment_of(
    listening: Listening, settings: ServiceSettings, is_open: bool, given: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of the service: telemetry off, one thread where more would only wait."""
    root = settings.home.parent
    return {
        **given,
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(root / "bentoml"),
        "DO_NOT_TRACK": "true",
        "ENCOURS_HOME": str(root),
        "ENCOURS_OPEN": "true" if is_open else "false",
        WORKERS_VARIABLE: str(listening.workers),
        "OMP_NUM_THREADS": "1",
        "POLARS_MAX_THREADS": given.get("POLARS_MAX_THREADS", "1"),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.home / "metrics"),
    }


def run_service(
    listening: Listening,
    environment: Mapping[str, str],
    when_ready: Callable[[], None],
    ready_seconds: float = 60.0,
) -> int:
    """Run the service until it ends or this process is asked to stop; return its exit status.

    SIGTERM and SIGINT are passed on: requests in flight are finished, then the service ends.
    """
    delete_left_aside(Path(environment["ENCOURS_HOME"]))
    counts = Path(environment["PROMETHEUS_MULTIPROC_DIR"])
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    command = [sys.executable, "-m", "bentoml", "serve", "serving.api.service:Encours"]
    command += ["--host", listening.host, "--port", str(listening.port)]
    child = subprocess.Popen(command, env=dict(environment), start_new_session=True)
    beside = Supervisor()
    if listening.follows_registry:
        beside.run("registry-follower", partial(_follow_registry, dict(environment)))

    def pass_on(number: int, frame: FrameType | None) -> None:
        beside.stop()
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if _wait_until_ready(listening, child, ready_seconds):
            when_ready()
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        end_process(child, STOP_SECONDS)
        beside.close(STOP_SECONDS)


def _follow_registry(environment: Mapping[str, str], stop: threading.Event, beat: Callable[[], None]) -> None:
    """Run the process that follows the registry until `stop`; it is restarted when it ends by itself.

    Raises:
        RuntimeError: it ended by itself.
    """
    command = [sys.executable, "-m", "serving.operations.registry_follower"]
    follower = subprocess.Popen(command, env=dict(environment), start_new_session=True)
    try:
        began = time.monotonic()
        while follower.poll() is None:
            if stop.wait(_FOLLOWER_POLL_SECONDS):
                return
            if time.monotonic() - began > _FOLLOWER_SETTLED_SECONDS:
                beat()
        raise RuntimeError(f"the registry follower ended with {follower.returncode}")
    finally:
        end_process(follower, STOP_SECONDS)


def _wait_until_ready(listening: Listening, child: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{listening.url}/livez", timeout=1):
                return True
        except (URLError, OSError):
            time.sleep(0.1)
    return False


def _is_free(listening: Listening) -> bool:
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listening.host, listening.port))
        except OSError:
            return False
    return True
