"""Notices, plans and wishes posted to the service hold the next decision, and the night's on the same knowledge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from features.settings import LedgerSettings
from serving.accounts import account_facts
from serving.dunning import Case
from serving.dunning.deciding.gates.stopping import stopping_gates
from serving.security.access import Scope
from tests.dunning_samples import FRESH, POLICY, scored

from .conftest import AS_OF, Service

AT = f"{AS_OF}T08:00:00Z"


def event(kind: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {"type": "interaction", "interaction_id": f"I-{kind}-{number}", "customer_id": "C-new"}
    return {**row, "kind": kind, "happened_at": AT, **changes}


NEW = {
    "invoice_id": "F-new",
    "customer_id": "C-new",
    "issued_on": str(AS_OF - dt.timedelta(days=60)),
    "due_on": str(AS_OF - dt.timedelta(days=20)),
    "amount": "2500.00",
}


@pytest.mark.parametrize(
    ("events", "gate"),
    [
        ([event("insolvency_published")], "insolvency"),
        (
            [event("plan_agreed"), event("plan_instalment", step_id=f"{AS_OF + dt.timedelta(9)}/2500.00")],
            "plan_running",
        ),
        ([event("plan_agreed"), event("plan_cancelled", 2, happened_at=f"{AS_OF}T09:00:00Z")], None),
        ([event("quiet_days_asked", step_id=f"{AS_OF}/{AS_OF + dt.timedelta(3)}")], "quiet_day"),
    ],
)
def test_what_was_posted_today_holds_the_next_decision(
    make_service: Callable[..., Service], events: list[dict[str, Any]], gate: str | None
) -> None:
    service = make_service()
    client = service.client(Scope.SCORE, Scope.EVENTS)
    invoice = {"type": "invoice", **NEW}
    company = {"type": "customer", "customer_id": "C-new", "country": "FR", "is_natural_person": False}
    posted = client.post("/v1/events", json={"events": [company, invoice, *events]})
    assert posted.status_code == 200, posted.text
    body = {"as_of": str(AS_OF), "invoices": [{"invoice_id": "F-new"}]}
    decision = client.post("/v1/score", json=body).json()["scores"][0]["decision"]
    assert decision["gate_id"] == gate
    if gate in ("insolvency", "plan_running"):
        held = service.store.history().ledger
        tomorrow = AS_OF + dt.timedelta(days=1)
        facts = account_facts(held, ["F-new"], tomorrow, feeds=FRESH, settings=LedgerSettings())["F-new"]
        case = Case(scored("F-new", due_on=AS_OF - dt.timedelta(days=20), amount="2500.00"), facts)
        hits = stopping_gates(case, POLICY, tomorrow)
        assert [hit.gate_id for hit in hits] == [gate], "the next night knows it too"


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        ("plan_instalment", "in April", "2026-04-15/500.00"),
        ("plan_instalment", None, "2026-04-15/500.00"),
        ("quiet_days_asked", "2026-04-02/2026-04-01", "2026-08-03/2026-08-21"),
    ],
)
def test_an_unreadable_detail_is_refused_with_row_and_form(
    service: Service, kind: str, detail: str | None, expected: str
) -> None:
    client = service.client(Scope.EVENTS)
    answer = client.post("/v1/events", json={"events": [event(kind, step_id=detail)]})
    assert answer.status_code == 422
    fault = answer.json()["error"]["faults"][0]
    assert fault["row"] == 0
    assert expected in fault["message"]


def test_the_answer_explains_interest_or_why_there_is_none(service: Service) -> None:
    client = service.client(Scope.SCORE)

    def claim(**changes: Any) -> Any:
        body = {"as_of": str(AS_OF), "invoices": [{**NEW, **changes}]}
        return client.post("/v1/score", json=body).json()["scores"][0]["decision"]["claim"]

    over_two_semesters = {"issued_on": "2025-11-01", "due_on": "2025-12-11"}
    told = claim(**over_two_semesters)
    assert [period["rate_percent"] for period in told["periods"]] == ["12.15", "12.15"]
    assert told["periods"][0]["begins_on"] == "2025-12-12"
    reckoned = sum(
        Decimal(period["principal"]) * Decimal(period["rate_percent"]) * period["days"] / 36500
        for period in told["periods"]
    )
    assert abs(Decimal(told["interest_amount"]) - reckoned) <= Decimal("0.005")
    assert told["refusal_en"] is None
    refused = claim(currency="USD")
    assert (refused["interest_amount"], refused["periods"]) == (None, [])
    assert "foreign currency" in refused["refusal_en"]
    assert "devise" in refused["refusal_fr"]


@pytest.mark.parametrize(
    ("waiting", "gate", "open_amount"),
    [
        ({"type": "payment", "payment_id": "P-early", "amount": "2500.00"}, "settled", "0.00"),
        ({"type": "payment", "payment_id": "P-early", "amount": "1000.00"}, None, "1500.00"),
        ({"type": "dispute", "dispute_id": "D-early"}, "open_dispute", "2500.00"),
    ],
)
def test_facts_before_an_invoice_count_when_a_request_scores_it(
    make_service: Callable[..., Service], waiting: dict[str, Any], gate: str | None, open_amount: str
) -> None:
    client = make_service().client(Scope.SCORE, Scope.EVENTS)
    day = str(AS_OF - dt.timedelta(days=3))
    days = {"opened_on": day} if waiting["type"] == "dispute" else {"paid_on": day, "known_on": day}
    company = {"type": "customer", "customer_id": "C-new", "country": "FR", "is_natural_person": False}
    posted = client.post("/v1/events", json={"events": [company, {**waiting, **days, "invoice_id": "F-new"}]})
    assert posted.json()["outcomes"][1]["outcome"] == "pending", posted.text
    body = {"as_of": str(AS_OF), "invoices": [NEW]}
    decision = client.post("/v1/score", json=body).json()["scores"][0]["decision"]
    assert (decision["gate_id"], decision["balance_amount"]) == (gate, open_amount)
