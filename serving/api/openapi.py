"""The OpenAPI document, made from the same messages that check and answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving.messages.answers import ErrorAnswer

_REFERENCE: Final = "#/components/schemas/{model}"
_WORDS: Final = {
    400: "The body is not valid JSON.",
    401: "No valid key.",
    403: "The key does not allow this.",
    404: "Not known, or not the caller's to see.",
    408: "The body did not arrive in time.",
    409: "In conflict with what is known.",
    410: "Erased on request.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Fields are missing or wrong; every fault names its row and field.",
    429: "Too many requests; see Retry-After.",
    503: "Not ready, busy, or the store is away; see Retry-After.",
}
_ALWAYS: Final = (401, 403, 429)
_WITH_BODY: Final = (400, 408, 413, 415, 422)


@dataclass(frozen=True)
class RouteDescription:
    """How one route is described.

    Attributes:
        method: GET or POST.
        path: pattern of the path.
        scope: scope of the key it needs.
        summary: what it does.
        answer: the answer of success.
        message: what is sent; null for a GET.
        statuses: refusals beside those that every route has.
    """

    method: str
    path: str
    scope: str
    summary: str
    answer: type[BaseModel]
    message: type[BaseModel] | None
    statuses: tuple[int, ...]


def openapi_document(routes: Sequence[RouteDescription]) -> str:
    """Return the document as JSON text."""
    answers = [(route.answer, "serialization") for route in routes]
    messages = [(route.message, "validation") for route in routes if route.message is not None]
    models = [*dict.fromkeys([*answers, *messages, (ErrorAnswer, "serialization")])]
    references, definitions = models_json_schema(models, ref_template=_REFERENCE)  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for route in routes:
        answer = references[(route.answer, "serialization")]
        message = None if route.message is None else references[(route.message, "validation")]
        error = references[(ErrorAnswer, "serialization")]
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, message, answer, error)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Encours",
                "version": _version(),
                "description": (
                    "Probability of late payment, reasons and dunning route for B2B invoices. Amounts are gross, "
                    "days are civil days, instants are UTC, probabilities run from 0 to 1."
                ),
            },
            "paths": paths,
            "components": {
                "schemas": definitions.get("$defs", {}),
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{"key": []}],
        },
        ensure_ascii=False,
    )


def _operation(route: RouteDescription, message: Any | None, answer: Any, error: Any) -> dict[str, Any]:
    success = "201" if "override" in route.path else "200"
    statuses = (*_ALWAYS, *(_WITH_BODY if message is not None else ()), *route.statuses)
    operation: dict[str, Any] = {
        "summary": route.summary,
        "description": f"Needs a key with the scope `{route.scope}`.",
        "operationId": f"{route.method.lower()}{route.path.replace('/', '_').replace('{', '').replace('}', '')}",
        "responses": {
            success: {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            **{
                str(status): {
                    "description": _WORDS[status],
                    "content": {"application/json": {"schema": error}},
                }
                for status in sorted(set(statuses))
            },
        },
    }
    if message is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": message}}}
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    if names:
        operation["parameters"] = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 128},
            }
            for name in names
        ]
    return operation


def _version() -> str:
    try:
        return version("encours")
    except PackageNotFoundError:
        return "0"
