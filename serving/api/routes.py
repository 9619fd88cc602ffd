"""The routes of the service: each checks who asks, reads the message, calls the worker and answers."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from features.errors import EncoursError, InvalidInputError
from features.ids import has_refused_character, normal_id
from serving.api.health import health_of
from serving.api.metrics import CONTENT_TYPE
from serving.api.middleware import JSON, ROUTE_STATE, Surroundings, refuse
from serving.api.openapi import RouteDescription, openapi_document
from serving.api.probes import probe_routes
from serving.api.worker import ScoreWorker
from serving.dunning import hold_faults, sequence_faults
from serving.mails.reader import read_email, shared_pipeline
from serving.messages.answers import (
    EmailAnswer,
    EventOutcome,
    EventsAnswer,
    InvoiceExplanationAnswer,
    KeptScoreAnswer,
    ModelAnswer,
    OverrideAnswer,
    PolicyAnswer,
    ScoreAnswer,
    ScoresAnswer,
)
from serving.messages.events import TYPE_OF_TABLE, EventsRequest
from serving.messages.health import HealthAnswer
from serving.messages.refusals import (
    RefusalError,
    ambiguous_ids,
    conflict,
    forbidden,
    invalid_input,
    not_found,
    store_unavailable,
    unauthorized,
)
from serving.messages.requests import EmailRequest, OverrideRequest, ScoreRequest
from serving.pages.app import Pages
from serving.scoring.completion import sees_payer
from serving.security.access import AccessKey, Scope, open_key
from serving.store import (
    INVOICES,
    OVERRIDE,
    SCORE,
    SIMULATION,
    AmbiguousIdError,
    Answer,
    ConflictError,
    KeptAnswer,
    StoreUnavailableError,
    new_answer_id,
)

Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[ScoreWorker, AccessKey, Request], Awaitable[BaseModel]]
_LONGEST_ID: Final = 128
LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1", "testserver", "testclient"})


@dataclass(frozen=True)
class Door:
    """One route: how it is described, what it asks of a key, and what answers."""

    description: RouteDescription
    scope: Scope
    handler: Handler


async def read_message(worker: ScoreWorker, request: Request, message: type[Body]) -> Body:
    """Return the message in the body of a request, checked."""
    return await worker.bodies.message(request, message)


async def score(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Score, explain and route invoices."""
    return await worker.score(key, await read_message(worker, request, ScoreRequest))


async def take_events(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Store facts; they are on disk when this is answered."""
    if key.accounts is not None:
        raise RefusalError(403, "forbidden", "A key limited to some accounts cannot send events.")
    message = await read_message(worker, request, EventsRequest)
    facts = [event.fact() for event in message.events]
    outcomes = await asyncio.to_thread(worker.store.take_in, facts, worker.now())
    for done in outcomes:
        worker.metrics.events.labels(done.outcome.value).inc()
    return EventsAnswer(
        outcomes=[
            EventOutcome(
                row=row,
                type=TYPE_OF_TABLE[done.table],
                id=done.key,
                outcome=done.outcome.value,
                customer_id=done.customer_id,
            )
            for row, done in enumerate(outcomes)
        ]
    )


async def email(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Read one e-mail; nothing is stored."""
    message = await read_message(worker, request, EmailRequest)
    try:
        await asyncio.to_thread(shared_pipeline)
    except EncoursError:
        raise RefusalError(
            503, "not_ready", "E-mails cannot be read at present.", headers={"Retry-After": "60"}
        ) from None
    return await asyncio.to_thread(read_email, message)


async def kept_score(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Return a score as it was answered, and what people decided since."""
    kept, answer = await _kept_score(worker, key, _id_in_path(request, "score_id", "This score"))
    overrides = await asyncio.to_thread(worker.store.answers_on, OVERRIDE, kept.answer_id)
    return KeptScoreAnswer(
        score=await _as_seen_by(worker, key, answer),
        created_at=kept.created_at,
        overrides=[
            OverrideAnswer.model_validate(found.body) for found in overrides if found.body is not None
        ],
    )


async def explanation(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Return the newest stored explanation of an invoice."""
    asked = normal_id(_id_in_path(request, "invoice_id", "A score of this invoice"))
    invoice_id = (await worker.meanings(INVOICES, {asked}))[asked]
    if invoice_id is None:
        raise ambiguous_ids([(None, "invoice_id")])
    found = await asyncio.to_thread(worker.store.answers_on, SCORE, invoice_id)
    owner = await worker.owner_of(invoice_id)
    scores = [
        (kept, ScoreAnswer.model_validate(kept.body["answer"]))
        for kept in found
        # A score asked for before the invoice was known may have named another customer.
        if kept.body is not None and key.sees(kept.customer_id) and owner in (None, kept.customer_id)
    ]
    explained = [pair for pair in scores if pair[1].explanation is not None]
    if scores:
        kept, whole = (explained or scores)[0]  # a score asked for without reasons hides no explanation
        answer = await _as_seen_by(worker, key, whole)
        return InvoiceExplanationAnswer(
            invoice_id=invoice_id,
            score_id=kept.answer_id,
            as_of=answer.as_of,
            created_at=kept.created_at,
            p_late=answer.p_late,
            p_late_30=answer.p_late_30,
            grade=answer.grade,
            remarks=answer.remarks,
            explanation=answer.explanation,
            evidence=answer.evidence,
            decision=answer.decision,
            model_version=answer.model_version,
        )
    raise RefusalError(
        404, "not_found", "No score of this invoice is kept. To do: ask for one with `POST /v1/score`."
    )


async def _as_seen_by(worker: ScoreWorker, key: AccessKey, answer: ScoreAnswer) -> ScoreAnswer:
    """Return a kept answer, without its conversation where that names invoices the caller may not see."""
    decision, history = answer.decision, worker.history_in_use()
    if decision is None or history is None or key.accounts is None:
        return answer
    day = answer.as_of + dt.timedelta(days=1)
    if sees_payer(await history.current(), key, answer.customer_id, day):
        return answer
    return answer.model_copy(update={"decision": decision.model_copy(update={"conversation": None})})


async def override(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Keep a person's decision in place of the proposed one; the next proposals follow it until it is replaced."""
    message = await read_message(worker, request, OverrideRequest)
    return await keep_override(worker, key, _id_in_path(request, "decision_id", "This decision"), message)


async def keep_override(
    worker: ScoreWorker, key: AccessKey, decision_id: str, message: OverrideRequest
) -> OverrideAnswer:
    """Keep a person's decision in place of the proposed one.

    Args:
        worker: of this process.
        key: who decides.
        decision_id: the decision overruled; the id of its score.
        message: what is decided instead.

    Raises:
        RefusalError: the decision is unknown, erased or of a draft, or there is no policy in service.
        InvalidInputError: the policy does not know the sequence, or the hold is outside its bounds.
    """
    kept, answer = await _kept_score(worker, key, decision_id)
    if answer.decision is None:
        raise RefusalError(409, "no_decision", "A draft or a simulation has no decision to override.")
    policy = worker.policy.current
    if policy is None:
        raise RefusalError(503, "not_ready", "No usable dunning policy is in service.")
    now = worker.now()
    faults = [
        *sequence_faults(message.sequence_id, policy.value),
        *hold_faults(message.hold_until, now.date(), policy.value),
    ]
    if faults:
        raise InvalidInputError("The override cannot be followed; nothing was kept.", faults)
    made = OverrideAnswer(
        override_id=new_answer_id(OVERRIDE),
        decision_id=kept.answer_id,
        invoice_id=kept.subject_id,
        proposed_sequence_id=answer.decision.sequence_id,
        sequence_id=message.sequence_id,
        reason=message.reason,
        decided_by=message.decided_by,
        hold_until=message.hold_until,
        created_at=now,
    )
    entry = Answer(
        made.override_id,
        OVERRIDE,
        kept.answer_id,
        kept.customer_id,
        made.created_at,
        key.name,
        made.model_dump(mode="json"),
    )
    # The score a person decided on is kept for good, last night's too, which the next night replaces.
    entries = [_kept_for_good(kept, kept.body), entry] if kept.is_nightly and kept.body else [entry]
    await asyncio.to_thread(worker.store.keep, entries)
    return made


async def model(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Describe the model in service."""
    serving = worker.champion.current
    if serving is None:
        raise not_found("A usable model")
    bundle = serving.value
    return ModelAnswer(
        model_version=bundle.version,
        feature_version=bundle.catalogue_version,
        trained_on_known_before=bundle.known_before,
        settings=bundle.settings.to_dict(),
        feature_count=len(bundle.feature_names),
        loaded_at=serving.loaded_at,
        facts=bundle.facts,
    )


async def policy(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Describe the dunning policy in service."""
    serving = worker.policy.current
    if serving is None:
        raise not_found("A usable dunning policy")
    spec = serving.value.spec
    return PolicyAnswer(
        policy_id=spec.policy.id,
        policy_version=spec.policy.version,
        sha256=serving.value.digest,
        sequence_ids=sorted(spec.sequences),
        loaded_at=serving.loaded_at,
    )


async def health(worker: ScoreWorker, key: AccessKey, request: Request) -> BaseModel:
    """Say whether the service can be relied on now."""
    return await asyncio.to_thread(health_of, worker)


async def _kept_score(worker: ScoreWorker, key: AccessKey, score_id: str) -> tuple[KeptAnswer, ScoreAnswer]:
    kept = await asyncio.to_thread(worker.store.answer, score_id)
    if kept is None or kept.kind not in (SCORE, SIMULATION) or not key.sees(kept.customer_id):
        raise not_found("This score")
    if kept.body is None:
        raise RefusalError(410, "erased", "The text of this score was erased on request.")
    return kept, ScoreAnswer.model_validate(kept.body["answer"])


def _kept_for_good(kept: KeptAnswer, body: dict[str, Any]) -> Answer:
    return Answer(
        kept.answer_id, kept.kind, kept.subject_id, kept.customer_id, kept.created_at, body["caller"], body
    )


def _id_in_path(request: Request, name: str, what: str) -> str:
    """Return an id of the path; what cannot be an id is not known."""
    text = str(request.path_params[name])
    if len(text) > _LONGEST_ID or has_refused_character(text):
        raise not_found(what)
    return text


def _door(
    method: str,
    path: str,
    scope: Scope,
    handler: Handler,
    answer: type[BaseModel],
    message: type[BaseModel] | None = None,
    statuses: tuple[int, ...] = (),
) -> Door:
    return Door(
        RouteDescription(
            method, path, scope.value, (handler.__doc__ or "").strip(), answer, message, statuses
        ),
        scope,
        handler,
    )


DOORS: Final[tuple[Door, ...]] = (
    _door("POST", "/v1/score", Scope.SCORE, score, ScoresAnswer, ScoreRequest, (503,)),
    _door("POST", "/v1/events", Scope.EVENTS, take_events, EventsAnswer, EventsRequest, (409, 503)),
    _door("POST", "/v1/email", Scope.SCORE, email, EmailAnswer, EmailRequest, (503,)),
    _door("GET", "/v1/scores/{score_id}", Scope.READ, kept_score, KeptScoreAnswer, None, (404, 410, 503)),
    _door(
        "GET",
        "/v1/invoices/{invoice_id}/explanation",
        Scope.READ,
        explanation,
        InvoiceExplanationAnswer,
        None,
        (404, 503),
    ),
    _door(
        "POST",
        "/v1/decisions/{decision_id}/override",
        Scope.APPROVE,
        override,
        OverrideAnswer,
        OverrideRequest,
        (404, 409, 410, 503),
    ),
    _door("GET", "/v1/model", Scope.READ, model, ModelAnswer, None, (404,)),
    _door("GET", "/v1/policy", Scope.READ, policy, PolicyAnswer, None, (404,)),
    _door("GET", "/v1/health", Scope.READ, health, HealthAnswer),
)


def caller_of(worker: ScoreWorker, request: Request, needed: Scope) -> AccessKey:
    """Return the key of a caller who may do this now.

    Raises:
        RefusalError: 401 without a valid key, 403 without the scope, 429 above the rate.
    """
    now = worker.now()
    header = request.headers.get("authorization")
    if worker.settings.is_open and header is None:
        key = open_key(now)
    else:  # whoever shows a key has the rights of this key, in an open service too
        words = (header or "").split(" ", 1)
        text = words[1].strip() if len(words) == 2 and words[0].lower() == "bearer" else ""
        found = worker.keys.find(text, now)
        if found is None:
            raise unauthorized()
        key = found
    if not key.allows(needed):
        raise forbidden(needed.value)
    wait = worker.limiter.seconds_to_wait(key.key_id, asyncio.get_running_loop().time())
    if wait:
        raise RefusalError(
            429,
            "too_many_requests",
            f"The key sends too often. To do: wait {wait} s, or send several invoices in one request.",
            headers={"Retry-After": str(wait)},
        )
    return key


def build_app(worker: ScoreWorker) -> Surroundings:
    """Return the whole HTTP application of a worker."""
    routes = [_route(worker, door) for door in DOORS]
    document = openapi_document([door.description for door in DOORS])

    async def openapi(request: Request) -> Response:
        request.scope["state"][ROUTE_STATE] = "/openapi.json"
        return Response(document, media_type=JSON)

    async def metrics(request: Request) -> Response:
        request.scope["state"][ROUTE_STATE] = "/metrics"
        caller_of(worker, request, Scope.READ)
        return Response(await asyncio.to_thread(worker.metrics.text), headers={"content-type": CONTENT_TYPE})

    routes += [
        *Pages(worker, partial(keep_override, worker)).routes(),
        *probe_routes(lambda: worker.missing),
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/docs.json", openapi, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
    return Surroundings(
        Router(routes=routes, redirect_slashes=False),
        worker.metrics,
        LOCAL_HOSTS if worker.settings.is_open else None,
    )


def _route(worker: ScoreWorker, door: Door) -> Route:
    path = door.description.path
    status = 201 if door.handler is override else 200

    async def endpoint(request: Request) -> Response:
        request.scope["state"][ROUTE_STATE] = path
        try:
            key = caller_of(worker, request, door.scope)
            answer = await door.handler(worker, key, request)
        except RefusalError as refusal:
            return refuse(refusal)
        except ConflictError as refusal:
            return refuse(conflict(refusal))
        except AmbiguousIdError as refusal:
            return refuse(ambiguous_ids([(found.position, found.field) for found in refusal.found]))
        except InvalidInputError as refusal:
            return refuse(invalid_input(refusal))
        except StoreUnavailableError:
            return refuse(store_unavailable())
        return Response(answer.model_dump_json(), status, media_type=JSON)

    pattern = path.replace("{invoice_id}", "{invoice_id:path}")
    return Route(pattern, endpoint, methods=[door.description.method])
