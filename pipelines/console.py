"""What a person sees of a run at the terminal: each step as it starts and ends, and what it said."""

from __future__ import annotations

import logging
import time

import dagster as dg
from rich.console import Console

_NOT_RUN = "Dependencies for step"
"""Begins what Dagster says of steps it does not run after a failure; the failure itself has been printed."""


class _StepLines(logging.Handler):
    """Prints a line when a step starts, what it reports, and how long it took."""

    def __init__(self, console: Console) -> None:
        super().__init__(level=logging.DEBUG)
        self._console = console
        self._started: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line for what matters to a person; Dagster's own bookkeeping stays in its event log."""
        meta = getattr(record, "dagster_meta", None) or {}
        event, step = meta.get("dagster_event"), meta.get("step_key") or ""
        if event is None:
            text = meta.get("orig_message") or record.getMessage()
            if record.levelno < logging.INFO or text.startswith(_NOT_RUN):
                return
            style = "red" if record.levelno >= logging.ERROR else "dim"
            self._console.print(f"    {text}", style=style, markup=False, highlight=False)
        elif event.event_type_value == "STEP_START":
            self._started[step] = time.monotonic()
            self._console.print(f"  … {step}", markup=False, highlight=False)
        elif event.event_type_value == "STEP_SUCCESS":
            seconds = time.monotonic() - self._started.get(step, time.monotonic())
            self._console.print(f"  ✓ {step} ({seconds:.1f} s)", style="green", markup=False, highlight=False)
        elif event.event_type_value == "STEP_FAILURE":
            self._console.print(f"  ✗ {step}", style="bold red", markup=False, highlight=False)


def _terminal_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger that prints steps and messages, nothing else."""
    logger = logging.Logger("encours.run", level=logging.DEBUG)
    logger.addHandler(_StepLines(Console()))
    return logger


def _silent_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger that prints nothing."""
    logger = logging.Logger("encours.silent", level=logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger


terminal_logger = dg.LoggerDefinition(_terminal_logger, description="Lines for a person at a terminal.")
silent_logger = dg.LoggerDefinition(_silent_logger, description="Keeps quiet: the caller prints the result.")
