"""Figures for Prometheus: counted per route, never per path, so that no caller can make them grow without bound."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

_LOG: Final = logging.getLogger("encours.metrics")

MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})
#: Bytes reserved for the counts of one process by kind of figure; labels are bounded, and need far less.
_ROOM: Final = {
    "counter": 1 << 20,
    "histogram": 1 << 20,
    "gauge_mostrecent": 1 << 16,
    "gauge_livesum": 1 << 16,
}


#: Bytes of a file of counts before the first count; a shorter one was cut off by a full disk.
_HEAD: Final = 8


def reserve_room(folder: Path) -> bool:
    """Take the disk space of this process's counts before they are used; return whether there was room.

    The counts of several processes meet in files mapped into memory. Writing to such a file kills a process when the
    disk has no space for it, so the space is taken first; without it, this process counts for itself alone.

    Args:
        folder: where the files of all processes are.
    """
    files = {folder / f"{kind}_{os.getpid()}.db": size for kind, size in _ROOM.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, size in files.items():
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError as failure:
        _LOG.warning("the figures of this process are not shared with others: %s", type(failure).__name__)
        for path in files:
            path.unlink(missing_ok=True)
        values.ValueClass = values.MutexValue
        return False
    return True


class _AllProcesses(MultiProcessCollector):
    """The counts of all processes, from a folder of any name."""

    def collect(self) -> Iterable[Any]:
        """Return the figures, added up."""
        files = [str(file) for file in Path(self._path).glob("*.db") if file.stat().st_size >= _HEAD]
        return self.merge(files, accumulate=True)  # type: ignore[no-any-return, no-untyped-call]


class ServiceMetrics:
    """What a worker counts; with several workers, each reports the sum of all."""

    def __init__(self) -> None:
        folder = os.environ.get(MULTIPROCESS_FOLDER)
        self._is_shared = bool(folder) and reserve_room(Path(str(folder)))
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "encours_requests",
            "Requests answered, by route, method and status.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "encours_request_seconds",
            "Time to answer, by route.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.scores = Counter(
            "encours_scores", "Invoices scored, by grade.", ["grade"], registry=self._registry
        )
        self.events = Counter(
            "encours_events", "Events ingested, by outcome.", ["outcome"], registry=self._registry
        )
        self.feed_age = Gauge(
            "encours_feed_age_hours",
            "Hours since the newest load or event of payments; -1 before the first.",
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        self.waiting_answers = Gauge(
            "encours_waiting_answers",
            "Answers spooled until the store is available again.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a pattern of the service, never the path of a caller."""
        shown = method if method in _METHODS else "other"
        self.requests.labels(route, shown, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return the figures of all workers in the format of Prometheus; its own, when they are not shared."""
        if self._is_shared:
            together = CollectorRegistry()
            _AllProcesses(together)  # type: ignore[no-untyped-call]
            return generate_latest(together)
        return generate_latest(self._registry)
