"""What routes depend on: the worker, a key that allows the request, the checked body, an id in the path.

They are resolved in the order of a route's parameters: a caller without a key learns nothing of its body. All are
coroutines, since FastAPI would run plain functions in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Path, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from pydantic import AfterValidator, BaseModel
from starlette.requests import Request

from features.ids import has_refused_character
from features.messages import localized
from serving.api.worker import ScoreWorker
from serving.messages.events import EventsRequest
from serving.messages.refusals import RefusalError, forbidden, unauthorized
from serving.messages.requests import EmailRequest, OverrideRequest, ScoreRequest
from serving.security.access import AccessKey, Scope, open_key

Body = TypeVar("Body", bound=BaseModel)

_BEARER: Final = HTTPBearer(scheme_name="key", auto_error=False)


async def _worker(request: Request) -> ScoreWorker:
    worker: ScoreWorker = request.app.state.worker
    return worker


Worker = Annotated[ScoreWorker, Depends(_worker)]


async def _key(
    request: Request,
    worker: Worker,
    scopes: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> AccessKey:
    """Return the key of a caller who may do this now.

    Raises:
        RefusalError: 401 without a valid key, 403 without the scope, 429 above the rate.
    """
    now = worker.now()
    if worker.settings.is_open and "authorization" not in request.headers:
        key = open_key(now)
    else:  # whoever shows a key has the rights of this key, in an open service too
        found = worker.keys.find("" if credentials is None else credentials.credentials.strip(), now)
        if found is None:
            raise unauthorized()
        key = found
    for needed in scopes.scopes:
        if not key.allows(Scope(needed)):
            raise forbidden(needed)
    wait = worker.limiter.seconds_to_wait(key.key_id, asyncio.get_running_loop().time())
    if wait:
        raise RefusalError(
            429,
            "too_many_requests",
            localized(
                "The key sends too often. To do: wait {seconds} s, or send several invoices in one request.",
                seconds=str(wait),
            ),
            headers={"Retry-After": str(wait)},
        )
    return key


def _key_with(scope: Scope) -> Any:
    return Security(_key, scopes=[scope.value])


ScoreKey = Annotated[AccessKey, _key_with(Scope.SCORE)]
ReadKey = Annotated[AccessKey, _key_with(Scope.READ)]
ApproveKey = Annotated[AccessKey, _key_with(Scope.APPROVE)]


async def _unlimited_key(key: Annotated[AccessKey, _key_with(Scope.EVENTS)]) -> AccessKey:
    if key.accounts is not None:
        raise RefusalError(403, "forbidden", localized("A key limited to some accounts cannot send events."))
    return key


EventsKey = Annotated[AccessKey, Depends(_unlimited_key)]


def _body_as(message: type[Body]) -> Callable[..., Awaitable[Body]]:
    """Return the dependency that reads a body within the limits of the service, before FastAPI would parse it."""

    async def read(request: Request, worker: Worker) -> Body:
        return await worker.bodies.message(request, message)

    return read


ScoreBody = Annotated[ScoreRequest, Depends(_body_as(ScoreRequest))]
EventsBody = Annotated[EventsRequest, Depends(_body_as(EventsRequest))]
EmailBody = Annotated[EmailRequest, Depends(_body_as(EmailRequest))]
OverrideBody = Annotated[OverrideRequest, Depends(_body_as(OverrideRequest))]


def _possible_id(text: str) -> str:
    if has_refused_character(text):
        raise ValueError("an id holds no control, direction or invisible character")
    return text


PathId = Annotated[str, Path(min_length=1, max_length=128), AfterValidator(_possible_id)]
