"""Time and size limits of one HTTP connection, and refusals of what is no HTTP in the one error shape.

uvicorn, which BentoML starts, waits for headers and bodies for as long as a client keeps sending a byte now and then,
and answers a malformed request in plain text. Its protocol class is replaced by one with limits; WebSockets are off.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from features.messages import localized
from serving.api.middleware import JSON, SECURITY_HEADERS
from serving.messages.language import language_headers
from serving.messages.refusals import RefusalError

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as _Protocol
else:
    _Protocol = object

#: Bytes of the headers of one request at most.
LARGEST_HEADERS: Final = 65_536
Stage = Literal["idle", "headers", "body"]

_MALFORMED: Final = RefusalError(
    400, "invalid_request_line", localized("This is no HTTP request that can be read.")
)
_SLOW: Final = RefusalError(
    408, "too_slow", localized("The request did not arrive in time. To do: send it again.")
)
_LARGE_HEADERS: Final = RefusalError(
    431,
    "headers_too_large",
    localized("The headers are larger than {largest:d} bytes.", largest=LARGEST_HEADERS),
)


def raw_answer(refusal: RefusalError) -> bytes:
    """Return a refusal, in English, as the bytes of an answer after which the connection is closed.

    The headers that would ask for another language have not been read when a request is refused here.
    """
    body = refusal.body()
    headers = {
        "content-type": JSON,
        "content-length": str(len(body)),
        "connection": "close",
        **SECURITY_HEADERS,
        **language_headers("en"),
        **refusal.headers,
    }
    status = HTTPStatus(refusal.status)
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*head, "", ""]).encode("ascii") + body


class LimitedConnection(_Protocol):
    """The limits, for either of uvicorn's protocol classes; a subclass reports the stage a request is in.

    Attributes:
        header_seconds: from the first byte of a request, or of the connection, to the end of the headers.
        body_seconds: from the end of the headers to the end of the body.
        reader_seconds: for which a client may leave its answer unread.
    """

    header_seconds: ClassVar[float] = 10.0
    body_seconds: ClassVar[float] = 25.0
    reader_seconds: ClassVar[float] = 60.0

    _stage: Stage = "headers"
    _watched: tuple[Stage, int] | None = None
    _header_bytes: int = 0
    _deadline: asyncio.TimerHandle | None = None
    _reader_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        for handle in (self._deadline, self._reader_deadline):
            if handle is not None:
                handle.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive bytes; a request whose headers grow without end is refused."""
        stage = self._stage_now()
        self._header_bytes = self._header_bytes + len(data) if stage == "headers" else len(data)
        super().data_received(data)
        if self._stage_now() == "headers" and self._header_bytes > LARGEST_HEADERS:
            self._end(_LARGE_HEADERS)
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request."""
        self._end(_MALFORMED)

    def pause_writing(self) -> None:
        """Give a client that does not read so many seconds."""
        super().pause_writing()
        self._reader_deadline = self.loop.call_later(self.reader_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Forget the deadline of a client that reads again."""
        super().resume_writing()
        if self._reader_deadline is not None:
            self._reader_deadline.cancel()
            self._reader_deadline = None

    def _stage_now(self) -> Stage:
        return self._stage

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: an upgrade is refused as a request."""

    def _watch(self) -> None:
        """Set the deadline of the stage the connection is in now."""
        stage = self._stage_now()
        watched = None if stage == "idle" else (stage, id(self.cycle))
        if watched == self._watched and not self.transport.is_closing():
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._watched = watched
        if watched is None or self.transport.is_closing():
            return
        seconds = self.header_seconds if stage == "headers" else self.body_seconds
        self._deadline = self.loop.call_later(seconds, self._end, _SLOW)

    def _end(self, refusal: RefusalError) -> None:
        if self.transport.is_closing():
            return
        # A second answer to one request would be taken for the answer to the next.
        is_of_answered = self._stage_now() == "body" and self.cycle.response_started
        if not is_of_answered:
            self.transport.write(raw_answer(refusal))
        self.transport.close()


def limited_protocol() -> type[asyncio.Protocol]:
    """Return uvicorn's protocol class, the one it would choose itself, with the limits."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return limited_h11()

    class LimitedHttpTools(LimitedConnection, HttpToolsProtocol):  # type: ignore[misc]
        def on_message_begin(self) -> None:
            self._stage = "headers"
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            self._stage = "body"

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._stage = "idle"

        def data_received(self, data: bytes) -> None:
            # Bytes that begin no request would otherwise keep an idle connection open for ever.
            if self._stage == "idle" and (self.cycle is None or self.cycle.response_complete):
                self._stage = "headers"
            super().data_received(data)

    return LimitedHttpTools


def limited_h11() -> type[asyncio.Protocol]:
    """Return uvicorn's protocol class in pure Python, with the limits."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class LimitedH11(LimitedConnection, H11Protocol):
        def _stage_now(self) -> Stage:
            theirs = self.conn.their_state
            if theirs is h11.SEND_BODY:
                return "body"
            return "headers" if theirs is h11.IDLE else "idle"

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
                self._rest()

        def _rest(self) -> None:
            """Leave an idle connection to uvicorn's own limit until bytes come."""
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            self._watched = None

    return LimitedH11


def use_limited_connections() -> None:
    """Make the server that BentoML starts use these limits, and no WebSockets."""
    from uvicorn import config

    config.HTTP_PROTOCOLS["auto"] = "serving.api.connections:Limited"
    config.WS_PROTOCOLS["auto"] = None


def __getattr__(name: str) -> Any:
    if name == "Limited":  # made when the server starts: importing this module needs no server
        return limited_protocol()
    raise AttributeError(name)
