"""Who may ask what, how much and how often; what every answer carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from serving.api.middleware import SECURITY_HEADERS
from serving.messages.answers import ErrorAnswer
from serving.security.access import Scope, read_keys, write_keys

from .conftest import AS_OF, NOW, Maker, Service

DRAFT = {"as_of": str(AS_OF), "invoices": [{"customer_id": "C", "amount": 1}], "with_reasons": False}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, ErrorAnswer.model_validate_json(answer.content).error.code


SCOPES = {
    ("POST", "/v1/score"): Scope.SCORE,
    ("POST", "/v1/events"): Scope.EVENTS,
    ("POST", "/v1/email"): Scope.SCORE,
    ("GET", "/v1/scores/{score_id}"): Scope.READ,
    ("GET", "/v1/invoices/{invoice_id}/explanation"): Scope.READ,
    ("POST", "/v1/decisions/{decision_id}/override"): Scope.APPROVE,
    ("GET", "/v1/model"): Scope.READ,
    ("GET", "/v1/policy"): Scope.READ,
    ("GET", "/v1/health"): Scope.READ,
}


@pytest.mark.parametrize(("operation", "scope"), [*SCOPES.items(), (("GET", "/metrics"), Scope.READ)])
def test_every_route_needs_a_key_with_its_scope(
    service: Service, operation: tuple[str, str], scope: Scope
) -> None:
    method, path = operation
    assert code(service.client().request(method, path)) == (401, "unauthorized")
    others = [other for other in Scope if other not in {scope, Scope.ADMIN}]
    assert code(service.client(*others).request(method, path)) == (403, "forbidden")
    for allowed in (scope, Scope.ADMIN):
        assert service.client(allowed).request(method, path).status_code not in {401, 403, 500}


def test_the_contract_documents_every_route_with_its_scope_and_no_other(service: Service) -> None:
    document = service.client().get("/openapi.json").json()
    documented = {
        (method.upper(), path): operation["security"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert documented == {operation: [{"key": [scope.value]}] for operation, scope in SCOPES.items()}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer enc_0_x", "enc_0_x"])
def test_a_wrong_key_is_refused_without_a_hint(service: Service, header: str) -> None:
    answer = service.client().get("/v1/model", headers={"Authorization": header})
    assert code(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_is_refused_at_once(service: Service) -> None:
    client = service.client(Scope.READ)
    assert client.get("/v1/model").status_code == 200
    key_id = client.headers["authorization"].split("_")[1]
    kept = [key for key in read_keys(service.settings.keys_path).values() if key.key_id != key_id]
    write_keys(service.settings.keys_path, kept)
    assert code(client.get("/v1/model")) == (401, "unauthorized")


def test_sales_users_see_their_accounts_only(service: Service) -> None:
    invoices = service.ledger.invoices.filter(pl.col("invoice_id").is_in(service.open_invoices(100)))
    own, other = (
        invoices.unique("customer_id", keep="first", maintain_order=True).head(2).iter_rows(named=True)
    )
    everyone = service.client(Scope.SCORE, Scope.READ)
    sales = service.client(Scope.SCORE, Scope.READ, Scope.EVENTS, accounts=[own["customer_id"]])
    made = everyone.post(
        "/v1/score",
        json={"as_of": str(AS_OF), "invoices": [{"invoice_id": row["invoice_id"]} for row in (own, other)]},
    ).json()["scores"]
    assert sales.get(f"/v1/scores/{made[0]['score_id']}").status_code == 200
    assert code(sales.get(f"/v1/scores/{made[1]['score_id']}")) == (404, "not_found")
    assert sales.get(f"/v1/invoices/{own['invoice_id']}/explanation").status_code == 200
    assert code(sales.get(f"/v1/invoices/{other['invoice_id']}/explanation")) == (404, "not_found")
    asked = [{"invoice_id": own["invoice_id"]}, {"customer_id": other["customer_id"], "amount": 5}]
    answer = sales.post("/v1/score", json={"as_of": str(AS_OF), "invoices": asked})
    assert code(answer) == (403, "forbidden")
    assert [fault["row"] for fault in answer.json()["error"]["faults"]] == [1]
    hidden = sales.post(
        "/v1/score", json={"as_of": str(AS_OF), "invoices": [{"invoice_id": other["invoice_id"]}]}
    )
    assert code(hidden) == (422, "invalid_request"), "an invoice of another account is as good as unknown"
    assert code(sales.post("/v1/events", json={"events": []})) == (403, "forbidden")


def test_a_body_above_the_limit_is_refused_told_or_in_chunks(make_service: Maker) -> None:
    service = make_service(maximum_body_bytes=2000)
    client = service.client(Scope.SCORE)
    large = b'{"invoices": [' + b" " * 4000 + b"]}"
    headers = {"Content-Type": "application/json"}

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(large), 100):
            yield large[start : start + 100]

    assert code(client.post("/v1/score", content=large, headers=headers)) == (413, "body_too_large")
    assert code(client.post("/v1/score", content=chunks(), headers=headers)) == (413, "body_too_large")
    lying = {**headers, "Content-Length": "5"}
    assert client.post("/v1/score", content=large, headers=lying).status_code in {400, 413}
    assert client.post("/v1/score", json=DRAFT).status_code == 200


def test_above_the_rate_a_caller_is_told_when_to_come_back(make_service: Maker) -> None:
    service = make_service(requests_per_second=0.01, burst_requests=2)
    client = service.client(Scope.READ)
    assert [client.get("/v1/model").status_code for _ in range(2)] == [200, 200]
    answer = client.get("/v1/model")
    assert code(answer) == (429, "too_many_requests")
    assert 0 < int(answer.headers["retry-after"]) <= 100
    assert service.client(Scope.READ).get("/v1/model").status_code == 200, "other keys are not held back"


def test_every_answer_carries_the_security_headers(service: Service) -> None:
    reader = service.client(Scope.READ)
    for path in ("/v1/model", "/v1/none", "/openapi.json", "/metrics", "/v1/scores/none"):
        headers = reader.get(path).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_unknown_paths_and_methods_have_the_one_shape_and_one_label(service: Service) -> None:
    reader = service.client(Scope.READ)
    for number in range(20):
        assert code(reader.get(f"/scanner/{number}")) == (404, "not_found")
        assert code(reader.get(f"/v1/scores/score-{number}")) == (404, "not_found")
    assert code(reader.get("/v1/score")) == (405, "method_not_allowed")
    assert code(reader.request("BREW", "/v1/score")) == (405, "method_not_allowed")
    metrics = reader.get("/metrics").text
    assert 'route="unmatched"' in metrics
    assert 'route="/v1/scores/{score_id}"' in metrics
    assert "scanner" not in metrics
    assert "score-1" not in metrics


def test_what_answers_get_answers_head(service: Service) -> None:
    reader = service.client(Scope.READ)
    for path in ("/v1/model", "/v1/health", "/metrics", "/openapi.json", "/livez", "/readyz"):
        assert reader.head(path).status_code == 200
    assert reader.head("/v1/score").status_code == 405
    assert 'method="HEAD",route="/v1/model"' in reader.get("/metrics").text


def test_without_keys_only_this_machine_is_answered(make_service: Maker) -> None:
    service = make_service(is_open=True)
    client = service.client()
    assert client.get("/v1/model").status_code == 200
    for host in ("evil.example", "evil.example:3000", "192.0.2.7"):
        assert code(client.get("/v1/model", headers={"Host": host})) == (403, "forbidden")


def test_a_fault_of_ours_shows_nothing_of_the_inside(
    make_service: Maker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service = make_service()

    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail of C-0042")

    monkeypatch.setattr(service.worker.steps.scorer, "score", broken)
    answer = service.client(Scope.SCORE).post("/v1/score", json=DRAFT)
    assert code(answer) == (500, "internal_error")
    assert "secret" not in answer.text
    written = "\n".join(record.getMessage() for record in caplog.records)
    assert "RuntimeError at" in written
    assert "secret" not in written
    assert NOW.year == 2026
