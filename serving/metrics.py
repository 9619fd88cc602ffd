"""Figures for Prometheus: counted per route, never per path, so that no caller can make them grow without bound."""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})


class ServiceMetrics:
    """What a worker counts; with several workers, every worker tells the sum of all."""

    def __init__(self) -> None:
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
            "encours_events", "Events taken in, by outcome.", ["outcome"], registry=self._registry
        )
        self.feed_age = Gauge(
            "encours_feed_age_hours",
            "Hours since the newest load or event of payments; -1 before the first.",
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        self.waiting_answers = Gauge(
            "encours_waiting_answers",
            "Answers kept aside until the store is back.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a pattern of the service, never the path of a caller."""
        shown = method if method in _METHODS else "other"
        self.requests.labels(route, shown, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return the figures of all workers in the format of Prometheus."""
        if os.environ.get(MULTIPROCESS_FOLDER):
            together = CollectorRegistry()
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
            return generate_latest(together)
        return generate_latest(self._registry)
