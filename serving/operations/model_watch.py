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
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from features.errors import EncoursError, InvalidInputError
from features.files import write_whole
from features.messages import Message, localized
from serving.operations.supervisor import place_of

_LOG: Final = logging.getLogger("encours.watch")
Value = TypeVar("Value")
#: Seconds before a value that could not be read is read again.
RETRY_SECONDS: Final = 5.0
# Raised for a value that stays unusable however often it is read.
_UNUSABLE: Final = (InvalidInputError, ValueError, KeyError, TypeError)


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
        name: Message,
        signature: Callable[[], object],
        load: Callable[[], Value],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._name = name
        self._signature = signature
        self._load = load
        self._now = now
        self._seen: object = None
        self._retry_at = 0.0
        self._lock = threading.Lock()
        self.current: Loaded[Value] | None = None
        self.fault: str | None = None

    def refresh(self) -> bool:
        """Poll the source once; return whether another value serves now.

        A value that is refused is not read again until its source changes; one that could not be read (the store or
        the disk failed) is tried again at the next poll.
        """
        with self._lock:
            try:
                seen = self._signature()
            except OSError:
                self.fault = localized("the {name} is not where it should be", name=self._name)
                return False
            if seen == self._seen or time.monotonic() < self._retry_at:
                return False
            try:
                value = self._load()
            except Exception as refusal:
                if isinstance(refusal, _UNUSABLE):
                    self._seen = seen
                self._retry_at = time.monotonic() + RETRY_SECONDS
                self._note(refusal)
                return False
            self._seen, self._retry_at = seen, 0.0
            self.current, self.fault = Loaded(value, self._now()), None
            _LOG.info("a new %s serves", self._name)
            return True

    def _note(self, refusal: Exception) -> None:
        fault = localized(
            "the new {name} cannot be used, the one before goes on: {reason}",
            name=self._name,
            reason=refusal.text if isinstance(refusal, InvalidInputError) else type(refusal).__name__,
        )
        if fault != self.fault:
            place = "" if isinstance(refusal, EncoursError) else f" ({place_of(refusal)})"
            _LOG.error("%s%s", fault, place)
        self.fault = fault


def file_signature(path: Path) -> tuple[int, int, int]:
    """Return what changes when a file is replaced or written."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size


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
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_registry_state(path: Path, state: RegistryState) -> None:
    """Note what the follower saw, in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"checked_at": state.checked_at.isoformat(), "is_reachable": state.is_reachable}
    write_whole(json.dumps(content), path)
