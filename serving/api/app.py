"""The HTTP application of a worker: FastAPI with the routes, their error handlers and the middleware."""

from __future__ import annotations

import json
from functools import partial
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from serving.api.documentation import DESCRIPTION, add_messages, operation_id, package_version
from serving.api.errors import add_error_handlers
from serving.api.middleware import JSON, HttpMiddleware
from serving.api.probes import probe_routes
from serving.api.routes import ROUTERS
from serving.api.routes.decisions import store_override
from serving.api.worker import ScoreWorker
from serving.pages.app import Pages

LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1", "testserver", "testclient"})


def build_app(worker: ScoreWorker) -> FastAPI:
    """Return the whole HTTP application of a worker."""
    app = FastAPI(
        title="Encours",
        version=package_version(),
        description=DESCRIPTION,
        openapi_url=None,  # the document is written once, below
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        # No request is traced, and no message of an error leaves the process.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.worker = worker
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes += [
        *Pages(worker, partial(store_override, worker)).routes(),
        *probe_routes(lambda: worker.missing),
    ]
    add_messages(app)
    document = json.dumps(app.openapi(), ensure_ascii=False)

    async def openapi(request: Request) -> Response:
        return Response(document, media_type=JSON)

    for path in ("/openapi.json", "/docs.json"):
        app.add_route(path, openapi)
    add_error_handlers(app)
    local_hosts = LOCAL_HOSTS if worker.settings.is_open else None
    app.add_middleware(HttpMiddleware, metrics=worker.metrics, local_hosts_only=local_hosts)
    return app
