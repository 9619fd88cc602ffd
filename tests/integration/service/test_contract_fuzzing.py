"""Made-up requests by the contract: never a fault of ours, never an answer outside the contract."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from serving.security.access import Scope

from .conftest import Maker
from .test_service_access import SCOPES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

WITH_BODY = [(method, path) for method, path in SCOPES if method == "POST"]


@pytest.fixture(scope="module")
def api(ledger: Any, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    maker = Maker(ledger, bundle_folder, tmp_path_factory.mktemp("fuzz"))
    service = maker(requests_per_second=1e6, burst_requests=10**6)
    client = service.client(Scope.ADMIN)
    app: Callable[..., Any] = client.app
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    schema.config.update(headers={"Authorization": client.headers["authorization"]})
    yield schema
    maker.close()


@pytest.mark.parametrize(("method", "path"), SCOPES)
@pytest.mark.filterwarnings("ignore")
def test_no_request_leads_outside_the_contract(api: Any, method: str, path: str) -> None:
    operation = api[path][method]

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.filterwarnings("ignore")
def test_no_broken_request_leads_outside_the_contract(api: Any, method: str, path: str) -> None:
    operation = api[path][method]

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()
