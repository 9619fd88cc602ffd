"""Running a job of the definitions in this process, for the command line and the tests."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from features.errors import EncoursError, Fault, InvalidInputError
from models.home import Home

_REFUSALS = frozenset({"EncoursError", "InvalidInputError"})
_DAGSTER_SETTINGS = """# Nothing is reported to anybody, and nobody is asked for an address.
telemetry:
  enabled: false
nux:
  enabled: false
"""


def dagster_home(home: Home) -> Path:
    """Dagster's own folder in the home, made with telemetry off when it is not there."""
    folder = home.root / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        settings.write_text(_DAGSTER_SETTINGS, encoding="utf-8")
    return folder


@contextmanager
def only_run(home: Home) -> Iterator[None]:
    """Hold the home for one run; files left aside by a run that was killed are removed first.

    Raises:
        InvalidInputError: another run is writing into the same home.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with (home.root / ".run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            remedy = "wait for it, or set ENCOURS_HOME"
            fault = Fault("another run is writing here", where=str(home.root), remedy=remedy)
            raise InvalidInputError("the home is in use", [fault]) from error
        for folder in ("work", "out"):
            for left in (home.root / folder).glob(".*.part"):
                left.unlink()
        yield


def run_job(
    job_name: str,
    home: Home,
    resources: Mapping[str, Mapping[str, Any]],
    *,
    is_silent: bool = False,
) -> dg.ExecuteInProcessResult:
    """Run a job of the definitions in this process.

    Args:
        job_name: the job.
        home: where everything is kept.
        resources: configuration of the resources by name; the home is filled in.
        is_silent: print nothing.

    Raises:
        EncoursError: what an asset refused to do, as it said it.
    """
    from pipelines.definitions import defs

    logger = "silent" if is_silent else "console"
    config = {
        "resources": {
            "encours_home": {"config": {"root": str(home.root)}},
            **{name: {"config": dict(values)} for name, values in resources.items()},
        },
        "loggers": {logger: {}},
    }
    folder = dagster_home(home)
    os.environ.setdefault("DAGSTER_HOME", str(folder))
    with only_run(home), dg.DagsterInstance.from_config(str(folder)) as instance:
        result = defs.resolve_job_def(job_name).execute_in_process(
            run_config=config, instance=instance, raise_on_error=False
        )
    if not result.success:
        raise _refusal(result)
    return result


def _refusal(result: dg.ExecuteInProcessResult) -> EncoursError:
    """The first failure as the refusal it was raised as; another error keeps its own words and says where it lies."""
    for event in result.all_events:
        if not (event.is_step_failure or event.is_failure):
            continue
        error = getattr(event.event_specific_data, "error", None)
        last = error
        while error is not None:
            if error.cls_name in _REFUSALS:
                return EncoursError(error.message.strip().split(": ", 1)[1])
            last, error = error, error.cause
        if last is not None:
            return EncoursError(f"step {event.step_key or 'job'} failed: {last.message.strip()}")
        if event.is_step_failure or event.event_type_value == "PIPELINE_FAILURE":
            return EncoursError(f"{event.step_key or 'job'}: {event.message}")
    return EncoursError("the run failed; see its log with `encours ui`")
