"""LRU cache shared by the threads of a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class SharedCache(Generic[Value]):
    """Values by key; when it is full, the value unused for longest is dropped. Its key must change with a value.

    Args:
        size: largest number of values.
    """

    def __init__(self, size: int) -> None:
        self._values: LRUCache[Hashable, Value] = LRUCache(size)
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return the value of a key; null when it is not cached."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Cache a value in place of the one cached under its key."""
        with self._lock:
            self._values[key] = value

    def get_or_compute(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the value of a key; computed outside the lock when it is not cached."""
        value = self.get(key)
        if value is None:
            value = compute()
            self.put(key, value)
        return value
