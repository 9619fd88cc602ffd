"""The BentoML service: one worker behind BentoML's server, with the traps of the framework closed.

BentoML starts, supervises and stops the processes; every request is answered by the FastAPI application, which is
added by BentoML's ASGI support (`add_asgi_middleware`) and not mounted behind BentoML's own routes: those would win
for the probes, metrics and the OpenAPI document, log what callers sent when a message is wrong, and answer errors in
several shapes. Closed here: telemetry, listening on all addresses, the access log with paths, metrics labelled with any
path a caller tries, a trace of every request that nobody reads, the timer kept for every request, connections without
time limits, and a start that fails for good when the store is unavailable.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, ClassVar, Final

os.environ["BENTOML_DO_NOT_TRACK"] = "True"

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import EncoursError
from serving.api.bento_timeout import use_cancelling_timeout
from serving.api.connections import use_limited_connections
from serving.api.middleware import HttpMiddleware
from serving.api.probes import starting_app
from serving.operations.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    WORKERS_VARIABLE,
    ignored_variables,
    read_settings,
)
from serving.operations.supervisor import Supervisor, place_of

if TYPE_CHECKING:
    from serving.api.worker import ScoreWorker

#: Seconds after which a request is given up.
REQUEST_SECONDS: Final = 30
#: Seconds before a start that failed is tried again.
START_AGAIN_SECONDS: Final = 1.0

use_cancelling_timeout()
use_limited_connections()
_LOG: Final = logging.getLogger("encours.service")


class Gateway:
    """Passes every request to the application of this process; BentoML's own routes are never reached.

    Until the worker is ready, probes report a live process, and every other request gets 503 and Retry-After.
    """

    app: ClassVar[ASGIApp | None] = None
    fault: ClassVar[str] = "not begun"

    def __init__(self, bento: ASGIApp) -> None:
        self._bento = bento
        self._starting = HttpMiddleware(starting_app(lambda: Gateway.fault), metrics=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; starting and stopping stay with BentoML."""
        if scope["type"] == "lifespan":
            await self._bento(scope, receive, send)
        else:
            await (Gateway.app or self._starting)(scope, receive, send)


_ACCESS_LOG_OFF: Final[dict[str, Any]] = {
    "access": {
        "enabled": False,
        "request_content_length": False,
        "request_content_type": False,
        "response_content_length": False,
        "response_content_type": False,
        "skip_paths": [],
        "format": {"trace_id": "032x", "span_id": "016x"},
    }
}


@bentoml.service(
    name="encours",
    workers=int(os.environ.get(WORKERS_VARIABLE, "1")),
    traffic={"timeout": REQUEST_SECONDS},
    http={"host": DEFAULT_HOST, "port": DEFAULT_PORT},
    metrics={"enabled": False, "namespace": "encours"},
    tracing={"excluded_urls": ".*"},
    logging=_ACCESS_LOG_OFF,
)
class Encours:
    """Late-payment scores, reasons and dunning routes; see `/openapi.json`."""

    def __init__(self) -> None:
        logging.getLogger("encours").setLevel(logging.INFO)
        self.worker: ScoreWorker | None = None
        self._starter = Supervisor()
        try:
            self._start()
        except (
            Exception
        ) as failure:  # a store or a disk that is unavailable now; a loop of restarts helps nobody
            Gateway.fault = type(failure).__name__
            _LOG.error(
                "the service cannot start yet: %s",
                failure if isinstance(failure, EncoursError) else place_of(failure),
            )
            self._starter.once("start", self._start, delay=START_AGAIN_SECONDS)

    def _start(self) -> None:
        # Imported here: the supervisor, which imports this module too, needs none of it.
        from serving.api.app import build_app
        from serving.api.worker import ScoreWorker
        from serving.mails.reader import reading_fault

        settings = read_settings()
        for sentence in ignored_variables(os.environ):
            _LOG.warning("%s", sentence)
        fault = reading_fault()
        worker = ScoreWorker(
            settings, is_reading_mails=fault is None, faults=() if fault is None else (fault,)
        )
        worker.start()
        self.worker = worker
        Gateway.app = build_app(worker)

    def __is_ready__(self) -> bool:
        """Return whether scores can be answered, as `/readyz` does."""
        return self.worker is not None and self.worker.is_ready

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Finish what waits and give everything back."""
        self._starter.close()
        Gateway.app = None
        if self.worker is not None:
            self.worker.close()


Encours.add_asgi_middleware(Gateway)  # type: ignore[attr-defined]
