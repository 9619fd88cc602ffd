"""Liveness and readiness probes; no key is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from features.messages import localized
from serving.api.middleware import JSON, PROBES, refuse
from serving.messages.refusals import not_ready

#: The probe that covers model, policy and the writing of answers; the others report liveness only.
READINESS: Final = "/readyz"
_OK: Final = '{"status":"ok"}'


def probe_routes(missing: Callable[[], tuple[str, ...]]) -> list[Route]:
    """Return the routes of the probes.

    Args:
        missing: what prevents scores from being answered now; called by every probe, so it must cost nothing.
    """

    async def probe(request: Request) -> Response:
        path = request.url.path
        lacking = missing() if path == READINESS else ()
        if lacking:
            return refuse(
                not_ready(localized("Scores cannot be answered for want of: {missing}.", missing=lacking)),
                request.scope,
            )
        return Response(_OK, media_type=JSON)

    return [Route(path, probe, methods=["GET"]) for path in sorted(PROBES)]


def starting_app(reason: Callable[[], str]) -> ASGIApp:
    """Return the application that answers until the worker is ready: live, and 503 with Retry-After for all else.

    Args:
        reason: kind of the failure that delays it.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in PROBES - {READINESS}:
            response = Response(_OK, media_type=JSON)
        else:
            response = refuse(
                not_ready(
                    localized(
                        "The service is starting ({reason}). To do: send the request again later.",
                        reason=reason(),
                    )
                ),
                scope,
            )
        await response(scope, receive, send)

    return answer
