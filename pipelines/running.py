"""Running a job of the definitions in this process, for the command line and the tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pydoc import locate
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster_shared.yaml_utils import load_yaml_from_path

from features.errors import EncoursError, Fault, InvalidInputError
from features.files import write_whole
from features.messages import localized
from models.registry.home import Home
from pipelines.jobs import refusal_in

_INTERRUPTION = "DagsterExecutionInterruptedError"
_DAGSTER_SETTINGS = """# Nothing is reported to anybody, and nobody is asked for an address.
telemetry:
  enabled: false
nux:
  enabled: false
"""
_STORAGE_SETTINGS = """# The run history of this home; the folder may have any name.
storage:
  custom:
    module: pipelines.dagster_storage
    class: HomeRunHistory
    config:
      base_dir:
        env: DAGSTER_HOME
"""
_STORAGE_NAMED = re.compile(r"^(storage|run_storage):", re.MULTILINE)


class RunInterruptedError(EncoursError):
    """A person or the system stopped the run."""


def dagster_home(home: Home) -> Path:
    """Dagster's own folder in the home, created with telemetry off; a storage that a person named stays."""
    folder = home.root / "dagster"
    settings = folder / "dagster.yaml"
    present = settings.read_text(encoding="utf-8") if settings.exists() else _DAGSTER_SETTINGS
    wanted = present if _STORAGE_NAMED.search(present) else present.rstrip("\n") + "\n" + _STORAGE_SETTINGS
    if wanted != present or not settings.exists():
        write_whole(wanted, settings)
    return folder


@contextmanager
def _dagster_at(folder: Path) -> Iterator[None]:
    """Name Dagster's folder to everything that runs in this process, for one run."""
    before = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DAGSTER_HOME"]
        else:
            os.environ["DAGSTER_HOME"] = before


def job_named(name: str) -> dg.JobDefinition:
    """A job of the definitions."""
    from pipelines.definitions import defs

    return defs.resolve_job_def(name)


def run_job(
    job_name: str,
    home: Home,
    resources: Mapping[str, Mapping[str, Any]],
    *,
    is_silent: bool = False,
) -> None:
    """Run a job of the definitions in this process; what it made is read with `pipelines.io.stored_value`.

    No value outlives the assets that take it: Dagster's `execute_in_process` would hold all of them until the end.

    Args:
        job_name: the job.
        home: where everything is stored.
        resources: configuration of the resources by name; the home is filled in.
        is_silent: print nothing.

    Raises:
        RunInterruptedError: the run was stopped by a signal.
        EncoursError: what an asset refused to do, as it said it.
    """
    logger = "silent" if is_silent else "console"
    config = {
        "resources": {
            "encours_home": {"config": {"root": str(home.root)}},
            **{name: {"config": dict(values)} for name, values in resources.items()},
        },
        "loggers": {logger: {}},
    }
    folder = dagster_home(home)
    job = dg.build_reconstructable_job("pipelines.running", "job_named", reconstructable_args=(job_name,))
    with _dagster_at(folder), _instance_at(folder) as instance:
        result = dg.execute_job(job, instance, run_config=config, raise_on_error=False)
        if not result.success:
            raise _refusal(result)


def _instance_at(folder: Path) -> dg.DagsterInstance:
    """Open Dagster's instance; its settings are passed on, since Dagster takes `[` in a folder's name for a pattern."""
    settings: Any = load_yaml_from_path(str(folder / "dagster.yaml"))
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=settings))


def check_pages_can_open(home: Home) -> None:
    """Refuse a home whose settings the pages of Dagster would not find.

    Raises:
        InvalidInputError: the path holds a bracket, which Dagster reads as a pattern of names.
    """
    if "[" in str(home.root):
        fault = Fault(
            localized("Dagster reads [ in a path as a pattern and would not find its settings"),
            where=str(home.root),
            expected=localized("a home without [ in its path"),
            remedy=localized("rename the folder, then set ENCOURS_HOME to it; a moved home works"),
        )
        raise InvalidInputError(localized("the pages of Dagster cannot be opened"), [fault])


def open_pages(home: Home, host: str, port: int) -> int:
    """Serve Dagster's pages of a home until they are stopped; return the exit status.

    Raises:
        InvalidInputError: the pages would not find the settings of this home.
    """
    check_pages_can_open(home)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(home)),
        "ENCOURS_HOME": str(home.root),
        "DO_NOT_TRACK": "true",
    }
    command = [sys.executable, "-m", "dagster", "dev", "-m", "pipelines.definitions"]
    # A shell that started us in the background ignores SIGINT, and Dagster gives SIGTERM the same handler: undo that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child = subprocess.Popen([*command, "-h", host, "-p", str(port)], env=environment)
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGINT))
    try:
        code = child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        code = child.wait()
    return 0 if code in (0, -signal.SIGINT) else code


def _refusal(result: dg.JobExecutionResult) -> EncoursError:
    """The first failure as the refusal it was raised as; another error keeps its own words and says where it lies."""
    refused = refusal_in(result.run_id)
    for event in result.all_events:
        if not (event.is_step_failure or event.is_failure):
            continue
        error = getattr(event.event_specific_data, "error", None)
        last = error
        while error is not None:
            if error.cls_name == _INTERRUPTION:
                return RunInterruptedError(
                    localized(
                        "interrupted during {step}: nothing is half-written, and what was there before is unharmed; "
                        "run it again",
                        step=event.step_key or localized("the job"),
                    )
                )
            if refused is not None:
                return refused
            name, _, words = error.message.strip().partition(": ")
            kind = locate(name)
            if isinstance(kind, type) and issubclass(kind, EncoursError):
                return EncoursError(words)
            last, error = error, error.cause
        if last is not None:
            return EncoursError(
                localized(
                    "step {step} failed: {reason}", step=event.step_key or "job", reason=last.message.strip()
                )
            )
        if event.is_step_failure or event.event_type_value == "PIPELINE_FAILURE":
            return EncoursError(
                localized("{where}: {what}", where=event.step_key or "job", what=str(event.message))
            )
    return EncoursError(localized("the run failed; see its log with `encours ui`"))
