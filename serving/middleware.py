"""What surrounds every route: security headers, limits, one error shape, figures without bound removed.

Pure ASGI, so that it works alone, in tests, and inside BentoML.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import ServiceMetrics
from serving.problems import RefusalError, not_found

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
#: Where a route says which pattern it is; a path that no route knows has none.
ROUTE_STATE: Final = "encours_route"
_UNMATCHED: Final = "unmatched"
#: What is still read, and thrown away, of a body that is too large, so that the caller reads the refusal.
_DRAINED_BODIES: Final = 4


def refuse(refusal: RefusalError) -> Response:
    """Return a refusal as an answer."""
    return Response(
        refusal.answer.model_dump_json(exclude_none=True),
        refusal.status,
        headers=refusal.headers,
        media_type=JSON,
    )


async def read_body(request: Request, largest: int) -> bytes:
    """Return the body of a request; refuse it above `largest` bytes, told or counted.

    Raises:
        RefusalError: 413 when the body is too large, also when it comes in chunks; 415 when it is not JSON.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != JSON:
        raise RefusalError(
            415, "unsupported_media_type", f"The body must be JSON: header `Content-Type: {JSON}`."
        )
    told = request.headers.get("content-length", "")
    is_too_large = told.isdigit() and int(told) > largest
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            is_too_large = True
            parts.clear()
        if size > largest * _DRAINED_BODIES:
            break
        if not is_too_large:
            parts.append(part)
    if is_too_large:
        raise RefusalError(
            413,
            "body_too_large",
            f"The body is larger than {largest} bytes. To do: send fewer invoices or events at a time.",
        )
    return b"".join(parts)


class Surroundings:
    """Adds headers, counts, and turns what a route raises into an answer.

    Args:
        app: the routes.
        metrics: where requests are counted.
        local_hosts_only: names of hosts accepted; null accepts any. Set when no key protects the service.
    """

    def __init__(
        self, app: ASGIApp, metrics: ServiceMetrics, local_hosts_only: frozenset[str] | None = None
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = local_hosts_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
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

        # A parent application's handlers must not answer in their own shape for ours.
        scope = {**scope, "app": scope.get("app", self), "state": dict(scope.get("state") or {})}
        scope.pop("starlette.exception_handlers", None)
        try:
            refusal = self._refusal_of_host(scope)
            if refusal is not None:
                await refuse(refusal)(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except RefusalError as refused:
            await refuse(refused)(scope, receive, send_with_headers)
        except HTTPException as unmatched:
            await refuse(_unmatched(unmatched))(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = 499
        except Exception as failure:
            _LOG.error("a request failed: %s", _where(failure))
            if is_begun:
                raise
            await refuse(_INTERNAL)(scope, receive, send_with_headers)
        finally:
            route = scope["state"].get(ROUTE_STATE, _UNMATCHED)
            self._metrics.count(route, scope["method"], status, time.perf_counter() - began)

    def _refusal_of_host(self, scope: Scope) -> RefusalError | None:
        if self._hosts is None:
            return None
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0].strip("[]")
        client = (scope.get("client") or ("",))[0]
        if host in self._hosts and (client in self._hosts or client == ""):
            return None
        return RefusalError(
            403, "forbidden", "Without keys, the service answers callers on this machine only."
        )


_INTERNAL: Final = RefusalError(
    500,
    "internal_error",
    "Something went wrong on our side; it has been logged. The request may be repeated.",
)


def _unmatched(failure: HTTPException) -> RefusalError:
    """Return the refusal of an address or method that no route knows."""
    if failure.status_code == 405:
        allowed = (failure.headers or {}).get("Allow", "")
        message = f"This address does not answer this method; it answers {allowed}."
        return RefusalError(405, "method_not_allowed", message, headers={"Allow": allowed})
    return not_found("This address")


def _with_security(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    added = [
        (name.encode(), value.encode())
        for name, value in SECURITY_HEADERS.items()
        if name.encode() not in given
    ]
    return [*headers, *added]


def _where(failure: BaseException) -> str:
    """Say what failed and where in the code; never with values, which may be someone's data."""
    frames = []
    trace = failure.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(failure).__name__} at {' > '.join(frames[-6:])}"
