"""Middleware around every route: security headers, metrics, refused WebSockets and foreign hosts, unexpected errors.

Pure ASGI, so that it works in front of FastAPI and of the probes of a process that is still starting.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.messages import localized
from serving.api.metrics import ServiceMetrics
from serving.messages.language import language_headers, language_of_request
from serving.messages.refusals import RefusalError
from serving.operations.supervisor import place_of

_LOG: Final = logging.getLogger("encours.http")
JSON: Final = "application/json"
#: On every answer: nothing is cached, framed, guessed or referred to.
SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_UNMATCHED: Final = "unmatched"
#: Requested by whoever monitors the process, without a key and by any name of the host.
PROBES: Final = frozenset({"/livez", "/healthz", "/readyz"})


def refuse(refusal: RefusalError, scope: Scope) -> Response:
    """Return a refusal as an answer to a request, in the language that its caller prefers."""
    language = language_of_request(scope.get("headers", ()))
    headers = {**refusal.headers, **language_headers(language)}
    return Response(refusal.body(language), refusal.status, headers=headers, media_type=JSON)


class HttpMiddleware:
    """Adds headers, counts requests, and answers an unexpected error without showing the inside.

    Args:
        app: the routes.
        metrics: where requests are counted; null counts none.
        local_hosts_only: names of hosts accepted; null accepts any. Set when no key protects the service.
    """

    def __init__(
        self, app: ASGIApp, metrics: ServiceMetrics | None, local_hosts_only: frozenset[str] | None = None
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = local_hosts_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await _deny_websocket(scope, receive, send)
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        status = 500
        is_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, is_begun
            if message["type"] == "http.response.start":
                status, is_begun = message["status"], True
                message = {**message, "headers": _with_security(message.get("headers", []))}
            await send(message)

        method = scope["method"]
        # What answers GET answers HEAD; the server leaves the body out.
        scope = {**scope, "method": "GET" if method == "HEAD" else method}
        try:
            refusal = _refusal_of_upgrade(scope) or self._refusal_of_host(scope)
            if refusal is not None:
                await refuse(refusal, scope)(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = 499
        except Exception as failure:
            _LOG.error("a request failed: %s", place_of(failure))
            if is_begun:
                raise
            await refuse(_INTERNAL, scope)(scope, receive, send_with_headers)
        finally:
            if self._metrics is not None:
                route = getattr(scope.get("route"), "path_format", _UNMATCHED)
                self._metrics.count(route, method, status, time.perf_counter() - began)

    def _refusal_of_host(self, scope: Scope) -> RefusalError | None:
        if self._hosts is None or scope["path"] in PROBES:
            return None
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0].strip("[]")
        client = (scope.get("client") or ("",))[0]
        if host in self._hosts and (client in self._hosts or client == ""):
            return None
        return _LOCAL_ONLY


_LOCAL_ONLY: Final = RefusalError(
    403, "forbidden", localized("Without keys, the service answers callers on this machine only.")
)
_NO_UPGRADE: Final = RefusalError(
    400,
    "upgrade_not_supported",
    localized("The service speaks HTTP only; there are no WebSockets."),
)
_INTERNAL: Final = RefusalError(
    500,
    "internal_error",
    localized("Something went wrong on our side; it has been logged. The request may be repeated."),
)


def _refusal_of_upgrade(scope: Scope) -> RefusalError | None:
    is_upgrade = any(name == b"upgrade" and value.lower() == b"websocket" for name, value in scope["headers"])
    return _NO_UPGRADE if is_upgrade else None


async def _deny_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the opening of a WebSocket, where a server offers one, with the refusal."""
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    answer = refuse(_NO_UPGRADE, scope)
    headers = _with_security(answer.raw_headers)
    await send({"type": "websocket.http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _with_security(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    added = [
        (name.encode(), value.encode())
        for name, value in SECURITY_HEADERS.items()
        if name.encode() not in given
    ]
    return [*headers, *added]
