"""A request that says otherwise than the known invoice, or names another account's, is a simulation kept apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from serving.messages.answers import ErrorAnswer
from serving.security.access import Scope

from .conftest import AS_OF, Maker, Service

CONTENT = ("issued_on", "due_on", "amount", "currency", "terms", "delivery_channel", "purchase_order")


def two_invoices(service: Service) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open invoices of two customers, the newest: of those long overdue a small model says nothing of its own."""
    invoices = service.ledger.invoices.filter(pl.col("invoice_id").is_in(service.open_invoices(100)))
    own, other = (
        invoices.sort("due_on", "invoice_id", descending=True)
        .unique("customer_id", keep="first", maintain_order=True)
        .head(2)
        .iter_rows(named=True)
    )
    return own, other


def sent(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A known invoice as an ERP sends it, with changes."""
    whole = {"invoice_id": row["invoice_id"], **{name: row[name] for name in CONTENT}}
    return {name: None if value is None else str(value) for name, value in {**whole, **changes}.items()}


def scored(client: Any, *invoices: dict[str, Any]) -> list[Any]:
    answer = client.post("/v1/score", json={"as_of": str(AS_OF), "invoices": list(invoices)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["scores"])


def explanation(client: Any, invoice_id: str) -> Any:
    return client.get(f"/v1/invoices/{invoice_id}/explanation").json()


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, ErrorAnswer.model_validate_json(answer.content).error.code


def test_the_whole_known_invoice_is_no_simulation(service: Service) -> None:
    own, _ = two_invoices(service)
    client = service.client(Scope.SCORE, Scope.READ)
    by_id, whole = scored(client, {"invoice_id": own["invoice_id"]})[0], scored(client, sent(own))[0]
    assert [found["is_simulation"] for found in (by_id, whole)] == [False, False]
    assert whole["decision"] is not None
    assert explanation(client, own["invoice_id"])["score_id"] == whole["score_id"]


@pytest.mark.parametrize(
    "change",
    [{"amount": Decimal("1.23")}, {"due_on": "2027-01-31"}, {"currency": "CHF"}, {"issued_on": "2023-01-02"}],
)
def test_other_content_under_a_known_id_is_a_simulation_that_explains_nothing(
    service: Service, change: dict[str, Any]
) -> None:
    own, _ = two_invoices(service)
    client = service.client(Scope.SCORE, Scope.READ, Scope.APPROVE)
    (real,) = scored(client, {"invoice_id": own["invoice_id"]})
    (simulated,) = scored(client, sent(own, **change))
    assert (simulated["is_simulation"], simulated["decision"]) == (True, None)
    assert simulated["explanation"]["reasons"], "what would be is explained"
    assert explanation(client, own["invoice_id"])["score_id"] == real["score_id"]
    kept = service.store.answer(simulated["score_id"])
    assert kept is not None
    assert (kept.kind, kept.subject_id, kept.customer_id) == ("simulation", None, own["customer_id"])
    assert client.get(f"/v1/scores/{simulated['score_id']}").json()["score"]["is_simulation"]
    choice = {"sequence_id": None, "reason": "leave this one alone", "decided_by": "m.durand"}
    overruled = client.post(f"/v1/decisions/{simulated['score_id']}/override", json=choice)
    assert refusal(overruled) == (409, "no_decision")


def test_an_id_of_another_account_is_scored_as_sent(service: Service) -> None:
    own, other = two_invoices(service)
    everyone = service.client(Scope.SCORE, Scope.READ)
    (real,) = scored(everyone, {"invoice_id": other["invoice_id"]})
    limited = service.client(Scope.SCORE, Scope.READ, accounts=[own["customer_id"]])
    posed = sent(other, customer_id=own["customer_id"])
    (simulated,) = scored(limited, posed)
    (draft,) = scored(limited, {**posed, "invoice_id": None})
    assert (simulated["is_simulation"], simulated["decision"]) == (True, None)
    assert simulated["unpaid_probability"] == draft["unpaid_probability"], (
        "nothing of the other invoice is in it"
    )
    assert explanation(everyone, other["invoice_id"])["score_id"] == real["score_id"]
    assert limited.get(f"/v1/invoices/{other['invoice_id']}/explanation").status_code == 404
    bare = limited.post("/v1/score", json={"invoices": [{"invoice_id": other["invoice_id"]}]})
    assert refusal(bare) == (422, "invalid_request"), (
        "the id alone tells nothing of another account's invoice"
    )


def test_an_early_score_explains_the_invoice_for_its_own_customer_only(
    make_service: Maker,
) -> None:
    service = make_service()
    own, other = two_invoices(service)
    everyone = service.client(Scope.SCORE, Scope.READ, Scope.EVENTS)
    limited = service.client(Scope.SCORE, Scope.READ, accounts=[own["customer_id"]])
    new = {"invoice_id": "NEW-1", "issued_on": "2026-02-20", "due_on": "2026-03-22", "amount": "50.00"}
    (posed,) = scored(limited, {**new, "customer_id": own["customer_id"]})
    assert not posed["is_simulation"], "an invoice nobody knows yet is scored as it is sent"
    event = {"type": "invoice", **new, "customer_id": other["customer_id"]}
    assert everyone.post("/v1/events", json={"events": [event]}).status_code == 200
    (real,) = scored(everyone, {"invoice_id": "NEW-1"})
    assert explanation(everyone, "NEW-1")["score_id"] == real["score_id"]
    assert limited.get("/v1/invoices/NEW-1/explanation").status_code == 404
    (again,) = scored(limited, {**new, "customer_id": own["customer_id"]})
    assert again["is_simulation"]


def test_an_open_service_does_not_widen_a_key_that_is_shown(make_service: Maker) -> None:
    service = make_service(is_open=True)
    own, other = two_invoices(service)
    limited = service.client(Scope.SCORE, Scope.READ, accounts=[own["customer_id"]])
    assert scored(limited, {"invoice_id": own["invoice_id"]})
    bare = limited.post("/v1/score", json={"invoices": [{"invoice_id": other["invoice_id"]}]})
    assert refusal(bare) == (422, "invalid_request")
    draft = {"customer_id": other["customer_id"], "amount": 1}
    assert refusal(limited.post("/v1/score", json={"invoices": [draft]})) == (403, "forbidden")
    assert refusal(limited.post("/v1/events", json={"events": []})) == (403, "forbidden")
    wrong = service.client().get("/v1/model", headers={"Authorization": "Bearer enc_0_x"})
    assert refusal(wrong) == (401, "unauthorized")
    assert service.client().get("/v1/model").status_code == 200, "without a key this machine is answered"
