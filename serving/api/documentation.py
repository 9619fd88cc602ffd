"""The OpenAPI document: FastAPI's own, with the errors of every route and the messages that dependencies read."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.messages.answers import ErrorAnswer
from serving.messages.events import EventsRequest
from serving.messages.requests import EmailRequest, OverrideRequest, ScoreRequest

DESCRIPTION: Final = (
    "Probability of late payment, reasons and dunning route for B2B invoices. Amounts are gross, "
    "days are civil days, instants are UTC, probabilities run from 0 to 1."
)
_REFERENCE: Final = "#/components/schemas/{model}"
_MESSAGES: Final = (ScoreRequest, EventsRequest, EmailRequest, OverrideRequest)


_MEANINGS: Final[Mapping[int, str]] = {
    400: "The body is not valid JSON.",
    401: "No valid key.",
    403: "The key does not allow this: the scope it needs is listed under `security`.",
    404: "Not known, or not the caller's to see.",
    408: "The body did not arrive in time.",
    409: "In conflict with what is known.",
    410: "Erased on request.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Fields are missing or wrong; every fault names its row and field.",
    429: "Too many requests; see Retry-After.",
    503: "Not ready, busy, or the store is unavailable; see Retry-After.",
}
#: Errors of every route that asks for a key, and of every route that reads a body.
_KEY_ERRORS: Final = (401, 403, 429)
_BODY_ERRORS: Final = (400, 408, 413, 415, 422)


def documented(*statuses: int, body: type[BaseModel] | None = None) -> dict[str, Any]:
    """Return how a route is documented: its errors, and the body that a dependency of it reads.

    Args:
        statuses: errors beside those of every key and every body.
        body: the message it reads; null for a route without a body.
    """
    errors = {*_KEY_ERRORS, *statuses, *(() if body is None else _BODY_ERRORS)}
    documents: dict[str, Any] = {
        "responses": {
            status: {"model": ErrorAnswer, "description": _MEANINGS[status]} for status in sorted(errors)
        }
    }
    if body is not None:
        schema = {"$ref": _REFERENCE.format(model=body.__name__)}
        content = {"application/json": {"schema": schema}}
        documents["openapi_extra"] = {"requestBody": {"required": True, "content": content}}
    return documents


def operation_id(route: APIRoute) -> str:
    """Return the name of an operation, as generated clients call it: `post_v1_score`."""
    path = route.path_format.replace("/", "_").replace("{", "").replace("}", "")
    return f"{min(route.methods or ('GET',)).lower()}{path}"


def add_messages(app: FastAPI) -> None:
    """Add the schemas of the messages to the document of an application."""
    _, definitions = models_json_schema(
        [(message, "validation") for message in _MESSAGES], ref_template=_REFERENCE
    )
    app.openapi()["components"]["schemas"] |= definitions["$defs"]


def package_version() -> str:
    """Return the version of the installed package; 0 when it runs from a folder of sources."""
    try:
        return version("encours")
    except PackageNotFoundError:
        return "0"
