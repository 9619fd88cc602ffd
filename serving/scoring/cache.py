"""What was worked out before, kept while there is room: the one unused for longest makes way."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by key, at most so many; the key must change whenever the value would.

    Args:
        room: values kept at once.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, work_out: Callable[[], Value]) -> Value:
        """Return the value of a key, worked out when it is not remembered."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = work_out()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._room:
                self._values.popitem(last=False)
        return value

    def held(self, key: Hashable) -> Value | None:
        """Return the value of a key when it is remembered; null when it is not."""
        with self._lock:
            return self._values.get(key)

    def hold(self, key: Hashable, value: Value) -> None:
        """Remember a value."""
        self.get(key, lambda: value)

    def replace(self, key: Hashable, value: Value) -> None:
        """Remember a value instead of the one that was remembered."""
        with self._lock:
            self._values.pop(key, None)
        self.hold(key, value)
