"""Errors over HTTP: whatever a route raises is answered in one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from features.errors import InvalidInputError
from features.messages import localized
from serving.api.middleware import refuse
from serving.messages.refusals import (
    UNKNOWN_ADDRESS,
    RefusalError,
    ambiguous_ids,
    conflict,
    invalid_input,
    not_found,
    store_unavailable,
)
from serving.store import AmbiguousIdError, ConflictError, StoreUnavailableError


def _unmatched(failure: HTTPException) -> RefusalError:
    """Return the refusal of a path or method that no route has."""
    if failure.status_code == 405:
        allowed = (failure.headers or {}).get("Allow", "")
        message = localized(
            "This address does not answer this method; it answers {methods}.", methods=allowed
        )
        return RefusalError(405, "method_not_allowed", message, headers={"Allow": allowed})
    return not_found(UNKNOWN_ADDRESS)


def _ambiguous(failure: AmbiguousIdError) -> RefusalError:
    return ambiguous_ids([(found.position, found.field) for found in failure.found])


#: The refusal of each error a route may raise.
_REFUSALS: Final[Mapping[type[Exception], Callable[[Any], RefusalError]]] = {
    RefusalError: lambda refusal: refusal,
    ConflictError: conflict,
    AmbiguousIdError: _ambiguous,
    InvalidInputError: invalid_input,
    StoreUnavailableError: lambda _: store_unavailable(),
    HTTPException: _unmatched,
    # Bodies are checked by the routes' own dependency: what FastAPI itself checks are the ids in paths.
    RequestValidationError: lambda _: not_found(localized("This id is not known.")),
}


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error a route may raise in the one shape."""
    for error, refusal_of in _REFUSALS.items():
        app.add_exception_handler(error, _handler(refusal_of))


def _handler(refusal_of: Callable[[Any], RefusalError]) -> Callable[[Request, Exception], Any]:
    async def answer(request: Request, failure: Exception) -> Response:
        return refuse(refusal_of(failure), request.scope)

    return answer
