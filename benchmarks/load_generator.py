"""A plain load generator for HTTP/1.1 on this machine: raw sockets kept alive, steady or as fast as it goes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class Sample:
    """What was measured.

    Attributes:
        milliseconds: time of each answered request; at a steady rate it counts from the moment the request
            was due, so that a server that falls behind is not flattered.
        statuses: answers by status; 0 is a connection that broke.
        bodies: answers, when they were asked for.
        broken_at: instants, on the monotonic clock, at which connections broke.
    """

    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)
    broken_at: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self) -> dict[str, float | int | dict[str, int]]:
        """Return the figures of the sample."""
        ordered = sorted(self.milliseconds)
        return {
            "requests": sum(self.statuses.values()),
            "requests_per_second": round(len(ordered) / self.seconds, 1) if self.seconds else 0.0,
            "p50_ms": quantile(ordered, 0.50),
            "p90_ms": quantile(ordered, 0.90),
            "p99_ms": quantile(ordered, 0.99),
            "max_ms": quantile(ordered, 1.0),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
        }


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of ordered figures, rounded to a microsecond; -1 without any."""
    if not ordered:
        return -1.0
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 3)


class Connection:
    """One connection to a port of this machine, opened again when it breaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body; status 0 when the connection broke."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(HOST, self._port)
            reader, writer = self._streams
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if headers.get("connection") == "close":
                self.close()
            return int(lines[0].split()[1]), body
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self.close()
            return 0, b""

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def post(path: str, body: bytes, key: str | None = None) -> bytes:
    """Return the bytes of a POST request with a JSON body."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *([f"Authorization: Bearer {key}"] if key else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def steady(
    port: int,
    request: Callable[[int], bytes],
    per_second: float,
    seconds: float,
    connections: int = 32,
    keep_bodies: bool = False,
) -> Sample:
    """Send requests at a steady rate, whether or not the earlier ones were answered."""
    sample = Sample(seconds=seconds)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(Connection(port))
    began = time.perf_counter()

    async def one(number: int, due: float) -> None:
        connection = await free.get()
        status, body = await connection.ask(request(number))
        free.put_nowait(connection)
        sample.statuses[status] += 1
        if status:
            sample.milliseconds.append((time.perf_counter() - due) * 1000.0)
        else:
            sample.broken_at.append(time.perf_counter())
        if keep_bodies:
            sample.bodies.append(body)

    tasks = []
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(due - time.perf_counter(), 0.0))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().close()
    return sample


async def saturated(port: int, request: Callable[[int], bytes], seconds: float, connections: int) -> Sample:
    """Send the next request of each connection as soon as the one before is answered."""
    sample = Sample(seconds=seconds)
    ends = time.perf_counter() + seconds

    async def one(place: int) -> None:
        connection = Connection(port)
        number = place
        while time.perf_counter() < ends:
            sent = time.perf_counter()
            status, _ = await connection.ask(request(number))
            sample.statuses[status] += 1
            if status:
                sample.milliseconds.append((time.perf_counter() - sent) * 1000.0)
            number += connections
        connection.close()

    await asyncio.gather(*(one(place) for place in range(connections)))
    return sample
