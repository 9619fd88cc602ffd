"""Refusals over HTTP: every error has one shape, names field and row, and shows nothing of the inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from features.errors import InvalidInputError
from features.messages import Language, Message, in_language, localized, localized_plural
from features.pydantic_messages import complaint, json_complaint
from features.words import nearest_word, with_nearest
from serving.messages.answers import ErrorAnswer, ErrorBody, ErrorFault
from serving.messages.events import TYPE_OF_TABLE
from serving.store import ConflictError, FactsRefusedError

MAXIMUM_FAULTS: Final = 100
_LONGEST_NAME: Final = 80

IS_MISSING: Final = localized("is missing")
NOT_A_FIELD: Final = localized("is not a field of this message")
NOT_VALID_JSON: Final = localized("The body is not valid JSON.")
UNKNOWN_ADDRESS: Final = localized("This address is not known.")
_WORDS: Final[Mapping[str, Message]] = {
    "missing": IS_MISSING,
    "extra_forbidden": NOT_A_FIELD,
    "union_tag_not_found": localized("type is missing"),
}


@dataclass(frozen=True)
class RequestFault:
    """One thing wrong with a request.

    Attributes:
        message: what is wrong.
        row: place in the list of the request, from 0; null for the whole.
        field: name of the field; null for the whole row.
        expected: what would have been right; null when it does not apply.
        known: on a conflict, what is known under the id.
        offered: on a conflict, what was offered.
    """

    message: str
    row: int | None = None
    field: str | None = None
    expected: str | None = None
    known: Mapping[str, Any] | None = None
    offered: Mapping[str, Any] | None = None

    def in_language(self, language: Language) -> ErrorFault:
        """The fault as a caller reads it."""
        return ErrorFault(
            row=self.row,
            field=self.field,
            message=in_language(self.message, language),
            expected=None if self.expected is None else in_language(self.expected, language),
            known=None if self.known is None else dict(self.known),
            offered=None if self.offered is None else dict(self.offered),
        )


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
        faults: Sequence[RequestFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.faults = tuple(faults[:MAXIMUM_FAULTS])
        self.headers = dict(headers or {})
        super().__init__(code)

    def answer(self, language: Language = "en") -> ErrorAnswer:
        """The refusal in the one shape of all errors, for a reader of a language."""
        faults = [fault.in_language(language) for fault in self.faults]
        message = in_language(self.message, language)
        return ErrorAnswer(error=ErrorBody(code=self.code, message=message, faults=faults))

    def body(self, language: Language = "en") -> bytes:
        """The answer as JSON; what does not apply is left out."""
        return self.answer(language).model_dump_json(exclude_none=True).encode()


def invalid_request(failure: ValidationError) -> RefusalError:
    """Return the refusal of an invalid message; its values are never repeated."""
    details = failure.errors(include_url=False, include_context=True, include_input=False)
    if details and details[0]["type"] == "json_invalid":
        return invalid_json(json_complaint(details[0]["msg"]))
    faults = [_fault_of(detail["loc"], detail) for detail in details[:MAXIMUM_FAULTS]]
    return faulty_request(faults, failure.error_count())


def invalid_json(reason: str) -> RefusalError:
    """Return the refusal of a body that is not JSON."""
    return RefusalError(400, "invalid_json", NOT_VALID_JSON, [RequestFault(reason)])


def faulty_request(faults: Sequence[RequestFault], count: int) -> RefusalError:
    """Return the refusal of a message with so many faults, the first of which are named."""
    message = localized_plural(
        "{count} fault in the request; nothing was done. "
        "To do: correct the fields named and send the request again.",
        "{count:d} faults in the request; nothing was done. "
        "To do: correct the fields named and send the request again.",
        count=count,
    )
    return RefusalError(422, "invalid_request", message, faults)


def _fault_of(location: tuple[int | str, ...], detail: Any) -> RequestFault:
    places = [place for place, part in enumerate(location) if isinstance(part, int)]
    row = int(location[places[0]]) if places else None
    # A number after the row is a place in a list of the row, such as instalments.1.amount.
    names = [str(part)[:_LONGEST_NAME] for place, part in enumerate(location) if place not in places[:1]]
    if row is not None:
        names = names[1:]  # the name of the list
        if names and names[0] in TYPE_OF_TABLE.values():
            names = names[1:]  # the type of the event
    fault = RequestFault(_WORDS.get(detail["type"]) or complaint(detail), row, ".".join(names) or None)
    if detail["type"] == "union_tag_invalid":
        known = sorted(TYPE_OF_TABLE.values())
        message = unknown_word("type", detail["ctx"]["tag"], known)
        return replace(fault, message=message, expected=", ".join(known))
    if "pattern" in detail.get("ctx", {}):
        expected = localized("pattern {pattern}", pattern=detail["ctx"]["pattern"])
        return replace(fault, message=localized("is not written as expected"), expected=expected)
    return fault


def ambiguous_ids(faults: Sequence[tuple[int | None, str]]) -> RefusalError:
    """Return the refusal of ids that several known ids differ from in spelling only, by row and field."""
    return faulty_request(
        [
            RequestFault(
                localized("may mean several known ids, which differ in spelling only"),
                row,
                field,
                localized("the id exactly as it is known"),
            )
            for row, field in faults
        ],
        len(faults),
    )


def unknown_word(field: str, word: object, known: Sequence[str]) -> Message:
    """Return the words for a word that is in no list, with the nearest that is; the word itself is not repeated."""
    return with_nearest(localized("{field} is not known", field=field), nearest_word(str(word), known))


def conflict(refusal: ConflictError) -> RefusalError:
    """Return the refusal of facts that differ from what is known under the same id, with both."""
    faults = [
        RequestFault(
            localized(
                "{type} {id} is known with another content", type=TYPE_OF_TABLE[found.table], id=found.key
            ),
            found.position,
            ", ".join(found.known),
            localized("the same content, or another id"),
            found.known,
            found.offered,
        )
        for found in refusal.conflicts
    ]
    message = localized(
        "Facts differ from what is known under the same id; nothing was stored. "
        "To do: correct the id or the content; a true correction belongs to the nightly load."
    )
    return RefusalError(409, "conflict", message, faults)


def invalid_input(refusal: InvalidInputError) -> RefusalError:
    """Return the refusal of an input that the core refused."""
    rows = refusal.rows if isinstance(refusal, FactsRefusedError) else (None,) * len(refusal.faults)
    faults = [
        RequestFault(
            localized("{fault}. To do: {remedy}", fault=fault.what, remedy=fault.remedy)
            if fault.remedy
            else fault.what,
            row,
            fault.where or None,
            fault.expected or None,
        )
        for row, fault in zip(rows, refusal.faults, strict=True)
    ]
    return RefusalError(422, "invalid_request", refusal.summary, faults)


def unauthorized() -> RefusalError:
    """Return the refusal of a caller without a valid key."""
    message = localized(
        "A valid key is needed: header `{header}`. To do: ask whoever runs the service.",
        header="Authorization: Bearer KEY",
    )
    return RefusalError(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})


def forbidden(scope: str) -> RefusalError:
    """Return the refusal of a key that does not allow this."""
    message = localized("The key does not allow this; the scope `{scope}` is needed.", scope=scope)
    return RefusalError(403, "forbidden", message)


def not_found(message: Message) -> RefusalError:
    """Return the refusal of an id that is unknown, or of an account the caller may not see."""
    return RefusalError(404, "not_found", message)


def store_unavailable() -> RefusalError:
    """Return the refusal while the store is unavailable."""
    message = localized(
        "The history store is unavailable; nothing was stored. To do: send the request again later."
    )
    return RefusalError(503, "store_unavailable", message, headers={"Retry-After": "5"})


def not_ready(message: str, seconds: int = 10) -> RefusalError:
    """Return the refusal while scores cannot be answered yet, or for the time being."""
    return RefusalError(503, "not_ready", message, headers={"Retry-After": str(seconds)})
