"""The BentoML service: one worker behind BentoML's server, with the traps of the framework closed.

BentoML starts, supervises and stops the processes; the routes are an ASGI application of ours, mounted at
the root, because BentoML's own endpoints know fixed POST paths only, log what callers sent when a message
is wrong, and answer errors in several shapes. Closed here: telemetry, listening on all addresses, the
access log with paths, figures labelled with any path a caller tries, a trace of every request that nobody
reads, and the timer kept for every request.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Final

os.environ["BENTOML_DO_NOT_TRACK"] = "True"

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.bento_timeout import use_cancelling_timeout
from serving.settings import DEFAULT_HOST, DEFAULT_PORT, read_settings

#: Seconds after which a request is given up.
REQUEST_SECONDS: Final = 30

use_cancelling_timeout()


class _Door:
    """Hands requests to the application of this process; there is none before the worker is ready."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is None:
            raise RuntimeError("the worker is not ready")
        await self.app(scope, receive, send)


_DOOR: Final = _Door()
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


@bentoml.asgi_app(_DOOR, path="/")
@bentoml.service(
    name="encours",
    workers=int(os.environ.get("ENCOURS_WORKERS", "1")),
    traffic={"timeout": REQUEST_SECONDS},
    http={"host": DEFAULT_HOST, "port": DEFAULT_PORT},
    metrics={"enabled": False, "namespace": "encours"},
    tracing={"excluded_urls": ".*"},
    logging=_ACCESS_LOG_OFF,
)
class Encours:
    """Late-payment scores, reasons and dunning routes; see `/openapi.json`."""

    def __init__(self) -> None:
        # Imported here: the supervisor, which imports this module too, needs none of it.
        from serving.email_reading import usable_reader
        from serving.routes import build_app
        from serving.worker import ScoreWorker

        logging.getLogger("encours").setLevel(logging.INFO)
        settings = read_settings()
        reader, fault = usable_reader(settings.mail_memory_path, settings.is_quoting)
        self.worker = ScoreWorker(settings, reader, faults=() if fault is None else (fault,))
        _DOOR.app = build_app(self.worker)
        self.worker.start()

    def __is_ready__(self) -> bool:
        """Say whether scores can be answered; asked by `/readyz`."""
        return self.worker.is_ready

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Finish what waits and give everything back."""
        self.worker.close()
