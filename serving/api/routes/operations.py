"""Routes for whoever operates the service: the model and policy in service, health, metrics."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from features.messages import localized
from serving.api.dependencies import ReadKey, Worker
from serving.api.documentation import documented
from serving.api.health import health_of
from serving.api.metrics import CONTENT_TYPE
from serving.messages.answers import ModelAnswer, PolicyAnswer
from serving.messages.health import HealthAnswer
from serving.messages.language import language_headers, language_of_request
from serving.messages.refusals import not_found

router = APIRouter()


@router.get("/v1/model", **documented(404))
async def model(worker: Worker, key: ReadKey) -> ModelAnswer:
    """Describe the model in service, with the settings it was trained and scores under."""
    serving = worker.champion.current
    if serving is None:
        raise not_found(localized("A usable model is not known."))
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


@router.get("/v1/policy", **documented(404))
async def policy(worker: Worker, key: ReadKey) -> PolicyAnswer:
    """Describe the dunning policy in service."""
    serving = worker.policy.current
    if serving is None:
        raise not_found(localized("A usable dunning policy is not known."))
    spec = serving.value.spec
    return PolicyAnswer(
        policy_id=spec.policy.id,
        policy_version=spec.policy.version,
        sha256=serving.value.digest,
        sequence_ids=sorted(spec.sequences),
        loaded_at=serving.loaded_at,
    )


@router.get("/v1/health", **documented())
async def health(worker: Worker, key: ReadKey, request: Request, response: Response) -> HealthAnswer:
    """Report whether the service can be relied on now, and why not, in the language of `Accept-Language`."""
    language = language_of_request(request.scope["headers"])
    response.headers.update(language_headers(language))
    return await asyncio.to_thread(health_of, worker, language)


@router.get("/metrics", include_in_schema=False)
async def metrics(worker: Worker, key: ReadKey) -> Response:
    """Return the figures of all workers in the format of Prometheus."""
    return Response(await asyncio.to_thread(worker.metrics.text), headers={"content-type": CONTENT_TYPE})
