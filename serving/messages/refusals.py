"""Refusals over HTTP: every error has one shape, names field and row, and shows nothing of the inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from features.errors import InvalidInputError
from features.words import nearest_word
from serving.messages.answers import ErrorAnswer, ErrorBody, ErrorFault
from serving.messages.events import TYPE_OF_TABLE
from serving.store import ConflictError, FactsRefusedError

MAXIMUM_FAULTS: Final = 100
_LONGEST_NAME: Final = 80

_WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this message",
    "union_tag_not_found": "type is missing",
}


class RefusalError(Exception):
    """A request that is refused, as the caller sees it.

    Args:
        status: HTTP status.
        code: fixed word a program can act on.
        message: what was wrong and what to do.
        faults: every fault found.
        headers: headers that belong to the status, such as Retry-After.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        faults: Sequence[ErrorFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        self.answer = ErrorAnswer(
            error=ErrorBody(code=code, message=message, faults=list(faults[:MAXIMUM_FAULTS]))
        )
        super().__init__(code)


def invalid_request(failure: ValidationError) -> RefusalError:
    """Return the refusal of an invalid message; its values are never repeated."""
    details = failure.errors(include_url=False, include_context=True, include_input=False)
    if details and details[0]["type"] == "json_invalid":
        return RefusalError(
            400, "invalid_json", "The body is not valid JSON.", [ErrorFault(message=details[0]["msg"])]
        )
    faults = [_fault_of(detail["loc"], detail) for detail in details[:MAXIMUM_FAULTS]]
    return faulty_request(faults, failure.error_count())


def faulty_request(faults: Sequence[ErrorFault], count: int) -> RefusalError:
    """Return the refusal of a message with so many faults, the first of which are named."""
    return RefusalError(
        422,
        "invalid_request",
        f"{count} fault{'s' if count != 1 else ''} in the request; nothing was done. "
        "To do: correct the fields named and send the request again.",
        faults,
    )


def _fault_of(location: tuple[int | str, ...], detail: Mapping[str, Any]) -> ErrorFault:
    places = [place for place, part in enumerate(location) if isinstance(part, int)]
    row = location[places[0]] if places else None
    # A number after the row is a place in a list of the row, such as instalments.1.amount.
    names = [str(part)[:_LONGEST_NAME] for place, part in enumerate(location) if place not in places[:1]]
    if row is not None:
        names = names[1:]  # the name of the list
        if names and names[0] in TYPE_OF_TABLE.values():
            names = names[1:]  # the type of the event
    message = _WORDS.get(detail["type"], str(detail["msg"]).removeprefix("Value error, "))
    expected = None
    if detail["type"] == "union_tag_invalid":
        known = sorted(TYPE_OF_TABLE.values())
        message, expected = unknown_word("type", detail["ctx"]["tag"], known), ", ".join(known)
    elif "pattern" in detail.get("ctx", {}):
        message, expected = "is not written as expected", f"pattern {detail['ctx']['pattern']}"
    return ErrorFault(row=row, field=".".join(names) or None, message=message, expected=expected)


def ambiguous_ids(faults: Sequence[tuple[int | None, str]]) -> RefusalError:
    """Return the refusal of ids that several known ids differ from in spelling only, by row and field."""
    return faulty_request(
        [
            ErrorFault(
                row=row,
                field=field,
                message="may mean several known ids, which differ in spelling only",
                expected="the id exactly as it is known",
            )
            for row, field in faults
        ],
        len(faults),
    )


def unknown_word(field: str, word: object, known: Sequence[str]) -> str:
    """Return the words for a word that is in no list, with the nearest that is; the word itself is not repeated."""
    near = nearest_word(str(word), known)
    return f"{field} is not known" + (f"; the nearest is {near!r}" if near else "")


def conflict(refusal: ConflictError) -> RefusalError:
    """Return the refusal of facts that differ from what is known under the same id, with both."""
    faults = [
        ErrorFault(
            row=found.position,
            field=", ".join(found.known),
            message=f"{TYPE_OF_TABLE[found.table]} {found.key} is known with another content",
            expected="the same content, or another id",
            known=dict(found.known),
            offered=dict(found.offered),
        )
        for found in refusal.conflicts
    ]
    return RefusalError(
        409,
        "conflict",
        "Facts differ from what is known under the same id; nothing was stored. "
        "To do: correct the id or the content; a true correction belongs to the nightly load.",
        faults,
    )


def invalid_input(refusal: InvalidInputError) -> RefusalError:
    """Return the refusal of an input that the core refused."""
    rows = refusal.rows if isinstance(refusal, FactsRefusedError) else (None,) * len(refusal.faults)
    faults = [
        ErrorFault(
            row=row,
            field=fault.where or None,
            message=fault.what + (f". To do: {fault.remedy}" if fault.remedy else ""),
            expected=fault.expected or None,
        )
        for row, fault in zip(rows, refusal.faults, strict=True)
    ]
    return RefusalError(422, "invalid_request", refusal.summary, faults)


def unauthorized() -> RefusalError:
    """Return the refusal of a caller without a valid key."""
    return RefusalError(
        401,
        "unauthorized",
        "A valid key is needed: header `Authorization: Bearer KEY`. To do: ask whoever runs the service.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def forbidden(scope: str) -> RefusalError:
    """Return the refusal of a key that does not allow this."""
    return RefusalError(403, "forbidden", f"The key does not allow this; the scope `{scope}` is needed.")


def not_found(what: str) -> RefusalError:
    """Return the refusal of an id that is unknown, or of an account the caller may not see."""
    return RefusalError(404, "not_found", f"{what} is not known.")


def store_unavailable() -> RefusalError:
    """Return the refusal while the store is unavailable."""
    return RefusalError(
        503,
        "store_unavailable",
        "The history store is unavailable; nothing was stored. To do: send the request again later.",
        headers={"Retry-After": "5"},
    )


def not_ready(message: str, seconds: int = 10) -> RefusalError:
    """Return the refusal while scores cannot be answered yet, or for the time being."""
    return RefusalError(503, "not_ready", message, headers={"Retry-After": str(seconds)})
