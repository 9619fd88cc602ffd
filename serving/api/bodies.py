"""Bodies of requests: read within limits of bytes and time, checked cheaply, then validated as their message.

Validating a message costs most when it is wrong: two hundred thousand unknown fields cost seconds, in which a process
answers nobody else. So limits of size, depth and number come first, large bodies are parsed in a thread of their own,
and a refusal lists the first faults only.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from features.messages import Message, localized
from features.pydantic_messages import json_complaint
from serving.api.middleware import JSON
from serving.messages.refusals import (
    MAXIMUM_FAULTS,
    NOT_A_FIELD,
    RefusalError,
    RequestFault,
    faulty_request,
    invalid_json,
    invalid_request,
)

Body = TypeVar("Body", bound=BaseModel)

#: Seconds for a body to arrive; a request has thirty in all.
BODY_SECONDS: Final = 20.0
#: Bytes up to which a body is checked on the event loop: at worst a few milliseconds.
SMALL_BODY: Final = 16_384
#: Bodies of the largest size in one process at once; further ones get 503 and Retry-After.
BODIES_AT_ONCE: Final = 8
#: How much of a body that is too large is still read and discarded, so that the caller reads the refusal.
_DRAINED_BODIES: Final = 4

LARGEST_DEPTH: Final = 12
#: Names, texts and numbers: a thousand events of thirty fields, twice over.
LARGEST_COUNT: Final = 60_000
#: Bytes outside of texts, without blanks: punctuation, numbers, words such as `null`.
LARGEST_SKELETON: Final = 1_048_576
LONGEST_NUMBER: Final = 64
LONGEST_TEXT: Final = 1_300_000
#: Faults above which only the first rows are validated again, for the first hundred faults.
MANY_FAULTS: Final = 1_000
_ROWS_AT_ONCE: Final = 100
_LONGEST_NAME: Final = 80

_BLANKS: Final = b" \t\r\n"
_BRACKETS: Final = b"[]{}"
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(_BRACKETS))
_LONG_NUMBER: Final = re.compile(rb"[-+.0-9eE]{%d}" % (LONGEST_NUMBER + 1))


class BodyReader:
    """Reads and checks the bodies of one process.

    Args:
        largest: bytes of one body at most.
        seconds: for a body to arrive.
    """

    def __init__(self, largest: int, seconds: float = BODY_SECONDS) -> None:
        self._largest = largest
        self._seconds = seconds
        self._room = largest * BODIES_AT_ONCE
        # One thread: a caller of large bodies waits for others of its kind, and delays nobody else.
        self._thread = ThreadPoolExecutor(1, "encours-parse")

    async def message(self, request: Request, message: type[Body]) -> Body:
        """Return the message in the body of a request, checked.

        Raises:
            RefusalError: 400 no JSON, 408 too slow, 413 too large, 415 another type, 422 not the message, 503 busy.
        """
        body = await self.read(request)
        if len(body) <= SMALL_BODY:
            return parse(body, message)
        self._room -= len(body)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, parse, body, message)
        finally:
            self._room += len(body)

    async def read(self, request: Request) -> bytes:
        """Return the body of a request, also when it comes in chunks; raises as `message` does."""
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != JSON:
            raise RefusalError(
                415,
                "unsupported_media_type",
                localized("The body must be JSON: header `Content-Type: {type}`.", type=JSON),
            )
        try:
            async with asyncio.timeout(self._seconds):
                return await self._read(request)
        except TimeoutError:
            raise RefusalError(
                408,
                "too_slow",
                localized(
                    "The body did not arrive within {seconds:g} seconds. To do: send it again.",
                    seconds=self._seconds,
                ),
                headers={"Connection": "close"},
            ) from None

    def close(self) -> None:
        """Stop; what is being checked is finished."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _read(self, request: Request) -> bytes:
        declared = request.headers.get("content-length", "")
        is_too_large = declared.isdigit() and int(declared[:20]) > self._largest
        parts: list[bytes] = []
        size, held = 0, 0
        try:
            async for part in request.stream():
                size += len(part)
                if size > self._largest:
                    is_too_large = True
                    parts.clear()
                if size > self._largest * _DRAINED_BODIES:
                    break
                if not is_too_large:
                    parts.append(part)
                    if size > SMALL_BODY:
                        if self._room < len(part):
                            raise _busy()
                        self._room -= len(part)
                        held += len(part)
        finally:
            self._room += held
        if is_too_large:
            raise RefusalError(
                413,
                "body_too_large",
                localized(
                    "The body is larger than {largest:d} bytes. To do: send fewer invoices or events at a time.",
                    largest=self._largest,
                ),
            )
        return b"".join(parts)


def parse(body: bytes, message: type[Body]) -> Body:
    """Return the message in a body, validated; at most a hundred faults are reported.

    Raises:
        RefusalError: 400 when it is no JSON, 422 when it is not the message or goes beyond a limit.
    """
    parsed = _within_limits(body, message)
    try:
        return message.model_validate_json(body)
    except ValidationError as failure:
        count = failure.error_count()
        if count <= MANY_FAULTS:
            raise invalid_request(failure) from None
    raise _first_faults(parsed, message, count)


def _within_limits(body: bytes, message: type[BaseModel]) -> Any:
    """Return the content of a body within the limits, before anything costly is done with it.

    Raises:
        RefusalError: 400 when it is no JSON, 422 when it goes beyond a limit, or names a field twice.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 2 * LARGEST_COUNT:
        raise _beyond(localized("more than {most:d} names and texts", most=LARGEST_COUNT))
    pieces = plain.split(b'"')
    if any(len(text) > LONGEST_TEXT for text in pieces[1::2]):
        raise _beyond(localized("a text of more than {most:d} bytes", most=LONGEST_TEXT))
    skeleton = b"".join(pieces[::2]).translate(None, _BLANKS)
    if len(skeleton) > LARGEST_SKELETON:
        raise _beyond(localized("more than {most:d} bytes of numbers and punctuation", most=LARGEST_SKELETON))
    if skeleton.count(b",") + skeleton.count(b":") > LARGEST_COUNT:
        raise _beyond(localized("more than {most:d} names and values", most=LARGEST_COUNT))
    if _depth(skeleton.translate(None, _ALL_BUT_BRACKETS)) > LARGEST_DEPTH:
        raise _beyond(localized("lists and objects more than {most:d} deep", most=LARGEST_DEPTH))
    if _LONG_NUMBER.search(skeleton):
        raise _beyond(localized("a number of more than {most:d} characters", most=LONGEST_NUMBER))
    names = _NameCheck(_field_names(message))
    try:
        content = json.loads(body.decode(), object_pairs_hook=names)
    except (ValueError, RecursionError) as failure:
        reason = (
            json_complaint(failure.msg)
            if isinstance(failure, json.JSONDecodeError)
            else localized("it is not UTF-8")
        )
        raise invalid_json(reason) from None
    if names.count > 0 and (names.repeated or names.count > MAXIMUM_FAULTS):
        raise faulty_request(names.faults, names.count)
    return content


class _NameCheck:
    """Checks the names of every object as it is parsed: none twice, and not hundreds that no message has."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self.faults: list[RequestFault] = []
        self.count = 0
        self.repeated = False

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) != len(pairs):
            self.repeated = True
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    self._note(name, localized("is given more than once"))
                seen.add(name)
        if not self._known.issuperset(content):
            for name in content:
                if name not in self._known:
                    self._note(name, NOT_A_FIELD)
        return content

    def _note(self, name: str, message: Message) -> None:
        self.count += 1
        if len(self.faults) < MAXIMUM_FAULTS:
            self.faults.append(RequestFault(message, field=name[:_LONGEST_NAME]))


@cache
def _field_names(message: type[BaseModel]) -> frozenset[str]:
    """Return the names of the fields of a message and of everything in it."""
    schema = message.model_json_schema()
    objects = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for found in objects for name in found.get("properties", {}))


def _depth(brackets: bytes) -> int:
    depth = deepest = 0
    for bracket in brackets:
        if bracket in b"[{":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > LARGEST_DEPTH:
                    break
        else:
            depth -= 1
    return deepest


def _first_faults(content: Any, message: type[BaseModel], count: int) -> RefusalError:
    """Return the refusal of a message with very many faults: those of its first rows, in order."""
    faults: list[RequestFault] = []
    for offset, part in _slices(content):
        try:
            message.model_validate_json(json.dumps(part))
        except ValidationError as failure:
            faults += [
                fault if fault.row is None else replace(fault, row=fault.row + offset)
                for fault in invalid_request(failure).faults
            ]
        if len(faults) >= MAXIMUM_FAULTS:
            break
    return faulty_request(faults, count)


def _slices(content: Any) -> Iterator[tuple[int, Any]]:
    """Return a message in parts of a hundred rows, each with the number of its first row."""
    lists = (
        [name for name, value in content.items() if isinstance(value, list)]
        if isinstance(content, Mapping)
        else []
    )
    if len(lists) != 1:
        yield 0, content
        return
    rows = content[lists[0]]
    for offset in range(0, len(rows), _ROWS_AT_ONCE):
        yield offset, {**content, lists[0]: rows[offset : offset + _ROWS_AT_ONCE]}


def _beyond(what: Message) -> RefusalError:
    return RefusalError(
        422,
        "beyond_limits",
        localized("The body holds {what}. To do: send fewer invoices or events at a time.", what=what),
    )


def _busy() -> RefusalError:
    return RefusalError(
        503,
        "busy",
        localized("Too many large bodies are being read. To do: send it again."),
        headers={"Retry-After": "2"},
    )
