"""The model that serves: taken over while the service runs, without a failed request.

A pointer file names the folder of the champion. Each worker looks at it; a new one is loaded, checked and
tried out beside the one that serves, then takes its place in a single assignment. What cannot be used is
refused with its reason, and the last good model goes on.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from features.errors import EncoursError, Fault, InvalidInputError

_LOG: Final = logging.getLogger("encours.watch")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Loaded(Generic[Value]):
    """Something in service and the instant it was taken over."""

    value: Value
    loaded_at: dt.datetime


class Watched(Generic[Value]):
    """One value read from disk, replaced whenever its source changes and the new one is good.

    Args:
        name: what it is, for messages.
        signature: says what the source looks like now; a change makes it be read again.
        load: reads and checks the value; refuses with an EncoursError.
        now: the clock.
    """

    def __init__(
        self,
        name: str,
        signature: Callable[[], object],
        load: Callable[[], Value],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._name = name
        self._signature = signature
        self._load = load
        self._now = now
        self._seen: object = None
        self._lock = threading.Lock()
        self.current: Loaded[Value] | None = None
        self.fault: str | None = None

    def refresh(self) -> bool:
        """Look at the source once; return whether another value serves now."""
        with self._lock:
            try:
                seen = self._signature()
            except OSError:
                self.fault = f"the {self._name} is not where it should be"
                return False
            if seen == self._seen:
                return False
            self._seen = seen
            try:
                value = self._load()
            except (EncoursError, OSError, ValueError, KeyError, TypeError) as refusal:
                reason = str(refusal) if isinstance(refusal, EncoursError) else type(refusal).__name__
                self.fault = f"the new {self._name} cannot be used, the one before goes on: {reason}"
                _LOG.error("%s", self.fault)
                return False
            self.current, self.fault = Loaded(value, self._now()), None
            _LOG.info("a new %s serves", self._name)
            return True


def read_pointer(pointer: Path) -> Path:
    """Return the folder of the champion that a pointer file names.

    Raises:
        InvalidInputError: when the file cannot be read as a pointer or names a folder elsewhere.
    """
    try:
        content: dict[str, Any] = json.loads(pointer.read_text(encoding="utf-8"))
        name = str(content["folder"])
    except (ValueError, KeyError, TypeError) as failure:
        raise InvalidInputError(
            "The pointer to the champion cannot be read",
            [Fault("is not a pointer", where=pointer.name, expected='{"folder": NAME}')],
        ) from failure
    folder = (pointer.parent / name).resolve()
    if pointer.parent.resolve() not in folder.parents:
        raise InvalidInputError(
            "The pointer to the champion leads elsewhere",
            [Fault("names a folder outside", where=pointer.name, expected="a folder beside the pointer")],
        )
    return folder


def file_signature(path: Path) -> tuple[int, int, int]:
    """Return what changes when a file is replaced or written."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size


class Poller:
    """Looks at watched things again and again until closed, in a thread of its own.

    Args:
        look: looks once; what it raises is logged by name and does not stop the next look.
        seconds: pause between two looks.
    """

    def __init__(self, look: Callable[[], object], seconds: float, name: str) -> None:
        self._look = look
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._look()
            except Exception as failure:  # a broken look must not end the watching
                _LOG.error("%s failed: %s", self._thread.name, type(failure).__name__)


@dataclass(frozen=True)
class RegistryState:
    """What the follower of the registry saw last.

    Attributes:
        checked_at: instant of the last look.
        is_reachable: whether the registry answered.
    """

    checked_at: dt.datetime
    is_reachable: bool


def read_registry_state(path: Path) -> RegistryState | None:
    """Return what the follower saw last; null when no registry is followed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return RegistryState(dt.datetime.fromisoformat(content["checked_at"]), bool(content["is_reachable"]))
    except (FileNotFoundError, ValueError, KeyError):
        return None


def write_registry_state(path: Path, state: RegistryState) -> None:
    """Note what the follower saw, aside, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.aside")
    aside.write_text(
        json.dumps({"checked_at": state.checked_at.isoformat(), "is_reachable": state.is_reachable}),
        encoding="utf-8",
    )
    aside.replace(path)
