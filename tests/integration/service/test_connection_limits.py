"""Limits of one connection on a real server, for both of uvicorn's protocol classes, with deadlines shortened."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from serving.api.connections import LimitedConnection, limited_h11, limited_protocol, use_limited_connections

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
UNREAD = POST.replace(b"/read", b"/unread")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, after the body where the path says so."""
    more = scope["path"] == "/read"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    size = 2 if scope["path"] != "/large" else 50_000_000
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
    for _ in range(size // 50_000 or 1):
        await send({"type": "http.response.body", "body": b"o" * min(size, 50_000), "more_body": size > 2})
    if size > 2:
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module", params=[limited_protocol, limited_h11], ids=["httptools", "h11"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    protocol: Any = request.param()
    protocol.header_seconds, protocol.body_seconds, protocol.reader_seconds = 0.3, 0.4, 0.3
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(50)
    config = uvicorn.Config(
        app, http=protocol, ws="none", lifespan="off", log_level="critical", timeout_keep_alive=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield int(listening.getsockname()[1])
    server.should_exit = True
    thread.join()
    listening.close()


def exchange(port: int, *pieces: bytes, drip: bytes = b"") -> bytes:
    """Send pieces, then drip bytes until the other side closes; return all that was answered."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=0.05) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            for _ in range(200):
                try:
                    received = connection.recv(65_536)
                except TimeoutError:
                    if drip:
                        connection.sendall(drip)
                    continue
                if not received:
                    return answer
                answer += received
        except (BrokenPipeError, ConnectionResetError):
            return answer
    raise AssertionError("the connection was still open after ten seconds")


@pytest.mark.parametrize(
    ("pieces", "drip"),
    [
        ((), b""),
        ((b"GET / HTTP/1.1\r\nHost: a\r\n",), b"x: y\r\n"),
        ((POST,), b"x"),
        ((GET,), b"\r\n"),
    ],
    ids=["silence", "endless headers", "a dripping body", "blank lines for ever"],
)
def test_a_caller_that_keeps_a_connection_for_nothing_is_cut(
    port: int, pieces: tuple[bytes, ...], drip: bytes
) -> None:
    answer = exchange(port, *pieces, drip=drip)
    last = answer[answer.rindex(b"HTTP/1.1 ") :]
    assert last[9:12] in {b"408", b"400"}
    assert b'{"error":{"code":"' in last


def test_a_body_nobody_reads_is_cut_without_a_second_answer(port: int) -> None:
    answer = exchange(port, UNREAD, drip=b"x")
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 200 ") == 1


def test_a_caller_that_does_not_read_its_answer_is_cut(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(GET.replace(b"/ ", b"/large ", 1))
        threading.Event().wait(0.6)  # the deadline of a reader, twice over
        received = 0
        try:
            while data := connection.recv(1_000_000):
                received += len(data)
        except ConnectionResetError:
            pass
    assert 0 < received < 50_000_000


def test_an_ordinary_caller_may_rest_between_requests(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(GET)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
            threading.Event().wait(0.5)  # longer than the headers of a request may take


def test_the_server_that_bentoml_starts_uses_the_limits_and_no_websockets() -> None:
    use_limited_connections()
    config = uvicorn.Config(app)
    config.load()
    assert issubclass(config.http_protocol_class, LimitedConnection)
    assert config.ws_protocol_class is None
