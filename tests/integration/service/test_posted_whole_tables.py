"""Instalments, merges and dated attributes by event: the rules of an import, each fact counted once."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from features.ledger import Ledger
from features.ledger.customers_at import customers_at
from serving.messages.events import EventsRequest
from serving.security.access import Scope
from tests.ledger_samples import frame

from .conftest import INVOICE, NOW, Service

TODAY = NOW.date()
PARTS: list[dict[str, Any]] = [
    {"number": 1, "due_on": "2026-03-03", "amount": "95.00"},
    {"number": 2, "due_on": "2027-03-03", "amount": "5.00", "kind": "retention"},
]
INSTALMENTS: dict[str, Any] = {"type": "instalments", "invoice_id": "E-1", "instalments": PARTS}
MERGE: dict[str, Any] = {
    "type": "customer_merge",
    "customer_id": "C-E",
    "merged_into_id": "C-F",
    "merged_on": "2026-03-01",
}
HISTORY: dict[str, Any] = {
    "type": "customer_history",
    "customer_id": "C-E",
    "valid_from_on": "2026-02-10",
    "credit_limit": "500.00",
}
LIMIT: dict[str, Any] = {"type": "customer", "customer_id": "C-E", "credit_limit": "900.00"}


def posted(service: Service, *events: dict[str, Any]) -> Any:
    return service.client(Scope.EVENTS).post("/v1/events", json={"events": list(events)})


def outcomes(service: Service, *events: dict[str, Any]) -> list[str]:
    answer = posted(service, *events)
    assert answer.status_code == 200, answer.text
    return [each["outcome"] for each in answer.json()["outcomes"]]


def faults(answer: Any) -> list[tuple[int, str | None, str]]:
    assert answer.status_code == 422, answer.text
    found = answer.json()["error"]["faults"]
    return [(each.get("row", 0), each.get("field"), each["message"]) for each in found]


def held(service: Service, customer_id: str = "C-E") -> Ledger:
    return service.store.history_of([customer_id]).ledger


def amounts(service: Service) -> list[str]:
    parts = held(service).instalments
    return [] if parts is None else [str(amount) for amount in parts["amount"]]


def limits(service: Service) -> dict[str, str | None]:
    history = held(service).customer_history
    assert history is not None
    rows = history.select("valid_from_on", "credit_limit").iter_rows()
    return {str(valid_from): None if limit is None else str(limit) for valid_from, limit in rows}


def with_part(which: int, **values: Any) -> dict[str, Any]:
    changed = [{**part, **values} if part["number"] == which else part for part in PARTS]
    return {**INSTALMENTS, "instalments": changed}


@pytest.mark.parametrize(
    ("event", "field", "words"),
    [
        (with_part(2, kind="retenu"), "instalments.1.kind", "the nearest is 'retention'"),
        (with_part(2, number=1), None, "number 1 is given more than once"),
        (with_part(1, amount="0.00"), "instalments.0.amount", "greater than 0"),
        ({**INSTALMENTS, "type": "instalment"}, None, "the nearest is 'instalments'"),
        ({**MERGE, "merged_into_id": "C-E"}, None, "merged_into_id is the customer itself"),
        ({**MERGE, "customer_id": "C\u200bE"}, "customer_id", "invisible character"),
        ({**HISTORY, "sector": "470"}, "sector", "is not written as expected"),
        ({**HISTORY, "valid_from_on": "2026-03-03"}, "valid_from_on", "from a day to come"),
    ],
)
def test_an_event_outside_the_contract_is_refused_in_words(
    service: Service, event: dict[str, Any], field: str | None, words: str
) -> None:
    (fault,) = faults(posted(service, event))
    assert fault[:2] == (0, field)
    assert words in fault[2]


def test_instalments_are_held_to_the_rules_of_an_import(fresh_service: Service) -> None:
    posted(fresh_service, INVOICE)
    short = with_part(1, amount="94.00", due_on="2026-01-15")
    answer = posted(fresh_service, INVOICE, short)
    rows, fields, words = zip(*faults(answer), strict=True)
    assert set(rows) == {1}
    assert fields == ("instalments.amount", "instalments.due_on")
    assert "do not add up to the invoice. To do: correct them" in words[0]
    assert "before issued_on" in words[1]
    assert answer.json()["error"]["faults"][0]["expected"] == "100.00 in all"
    note = {**INVOICE, "invoice_id": "E-2", "kind": "credit_note"}
    (fault,) = faults(posted(fresh_service, note, {**INSTALMENTS, "invoice_id": "E-2"}))
    assert fault == (
        1,
        "invoice_id",
        "a credit note has no instalments. To do: " + fault[2].split("To do: ")[1],
    )
    assert held(fresh_service).instalments is None, "nothing was stored"


def test_instalments_replace_those_before_and_an_empty_list_takes_them_back(fresh_service: Service) -> None:
    assert outcomes(fresh_service, INSTALMENTS, INVOICE) == ["accepted", "accepted"]
    assert outcomes(fresh_service, INSTALMENTS) == ["already_known"]
    assert amounts(fresh_service) == ["95.00", "5.00"]
    one = {**INSTALMENTS, "instalments": [{"number": 7, "due_on": "2026-05-01", "amount": 100}]}
    assert outcomes(fresh_service, one) == ["replaced"]
    assert amounts(fresh_service) == ["100.00"]
    assert outcomes(fresh_service, {**INSTALMENTS, "instalments": []}) == ["replaced"]
    assert amounts(fresh_service) == []


def test_instalments_wait_for_their_invoice_in_any_spelling(fresh_service: Service) -> None:
    assert outcomes(fresh_service, {**INSTALMENTS, "invoice_id": " e-1 "}) == ["pending"]
    assert fresh_service.store.pending()["instalments"] == 2
    posted(fresh_service, INVOICE)
    assert fresh_service.store.pending()["instalments"] == 0
    assert amounts(fresh_service) == ["95.00", "5.00"]


def test_pending_instalments_that_do_not_fit_leave_the_invoice_whole(
    fresh_service: Service,
) -> None:
    posted(fresh_service, INSTALMENTS)
    assert outcomes(fresh_service, {**INVOICE, "amount": "120.00"}) == ["accepted"]
    assert amounts(fresh_service) == []
    whole = fresh_service.store.history().ledger.instalments
    assert whole is not None
    assert whole.is_empty()
    batch = Ledger.from_tables(
        {**dict(fresh_service.ledger.tables()), "instalments": frame("instalments", [])}
    )
    report = fresh_service.store.load_ledger(batch, NOW)
    assert report["instalments"].contradicted == ("E-1 (instalments)",)


def test_an_invoice_with_the_id_of_an_instalment_is_refused(fresh_service: Service) -> None:
    posted(fresh_service, INVOICE, INSTALMENTS)
    (fault,) = faults(posted(fresh_service, {**INVOICE, "invoice_id": "E-1#2", "customer_id": "C-F"}))
    assert fault[:2] == (0, "invoice_id")
    assert "is the id of an instalment of E-1" in fault[2]


def test_a_merge_needs_two_known_customers_and_no_circle(fresh_service: Service) -> None:
    (fault,) = faults(posted(fresh_service, INVOICE, MERGE))
    assert fault[:2] == (1, "merged_into_id")
    assert "C-F is not a known customer. To do: send the customer before" in fault[2]
    people = [{"type": "customer", "customer_id": key} for key in ("C-F", "C-G")]
    assert outcomes(fresh_service, INVOICE, MERGE, *people)[1] == "accepted"
    assert outcomes(fresh_service, MERGE) == ["already_known"]
    assert posted(fresh_service, {**MERGE, "merged_on": "2026-02-28"}).status_code == 409
    onward = {**MERGE, "customer_id": "C-F", "merged_into_id": "C-G"}
    back = {**MERGE, "customer_id": "C-G", "merged_into_id": "C-E"}
    rows = faults(posted(fresh_service, onward, back))
    assert [row[:2] for row in rows] == [(0, "merged_into_id"), (1, "merged_into_id")]
    assert "would be merged in a circle" in rows[0][2]
    for customer_id in ("C-E", "C-F"):
        merges = held(fresh_service, customer_id).customer_merges
        assert merges is not None
        assert merges.select("customer_id", "merged_into_id").rows() == [("C-E", "C-F")]


def test_a_fact_of_a_merged_customer_changes_its_payer(fresh_service: Service) -> None:
    people = [{"type": "customer", "customer_id": key} for key in ("C-E", "C-F")]
    posted(fresh_service, *people, MERGE)
    before = fresh_service.store.moment().change
    posted(fresh_service, INVOICE)
    assert tuple(fresh_service.store.changed_since(before)[1]) == ("C-E", "C-F")


def test_a_limited_key_sees_no_invoice_of_the_merged_other_customer(
    fresh_service: Service,
) -> None:
    overdue = {**INVOICE, "issued_on": "2026-01-05", "due_on": "2026-02-04"}
    people = [
        {"type": "customer", "customer_id": key, "is_natural_person": False, "country": "FR"}
        for key in ("C-E", "C-F")
    ]
    beat = {"type": "feed", "name": "payments", "complete_through_on": str(TODAY)}
    events = [*people, overdue, {**overdue, "invoice_id": "F-1", "customer_id": "C-F"}, MERGE, beat]
    answer = posted(fresh_service, *events)
    assert answer.status_code == 200, answer.text

    def conversation(accounts: list[str] | None) -> Any:
        client = fresh_service.client(Scope.SCORE, accounts=accounts)
        answer = client.post("/v1/score", json={"invoices": [{"invoice_id": "E-1"}]})
        assert answer.status_code == 200, answer.text
        (score,) = answer.json()["scores"]
        assert score["decision"]["balance_amount"] == "100.00"
        return score["decision"]["conversation"]

    whole = conversation(None)
    assert whole is not None
    assert sorted(whole["invoice_ids"]) == ["E-1", "F-1"]
    for accounts in (None, ["C-E", "C-F"], ["C-E"]):
        reader = fresh_service.client(Scope.READ, accounts=accounts)
        kept = reader.get("/v1/invoices/E-1/explanation").json()
        stored = reader.get(f"/v1/scores/{kept['score_id']}").json()["score"]
        for decision in (kept["decision"], stored["decision"]):
            assert decision["conversation"] == (None if accounts == ["C-E"] else whole)
    assert conversation(["C-E", "C-F"]) == whole
    assert conversation(["C-E"]) is None


def test_a_changed_limit_is_recorded_once_in_the_history(fresh_service: Service) -> None:
    earlier = NOW - timedelta(days=10)
    fresh_service.store.ingest([*_facts(INVOICE, LIMIT)], earlier)
    raised = {**LIMIT, "credit_limit": "1500.00"}
    assert outcomes(fresh_service, raised) == ["replaced"]
    assert outcomes(fresh_service, raised) == ["already_known"]
    assert outcomes(fresh_service, {"type": "customer", "customer_id": "C-E", "name": "E"}) == ["replaced"]
    assert limits(fresh_service) == {str(earlier.date()): "900.00", str(TODAY): "1500.00"}
    ledger = held(fresh_service)
    seen = [
        customers_at(ledger.customers, ledger.customer_history, day)["credit_limit"].item()
        for day in (TODAY, TODAY + timedelta(days=1))
    ]
    assert [str(limit) for limit in seen] == ["900.00", "1500.00"]


def test_a_load_records_a_changed_limit_unless_it_has_history(
    fresh_service: Service,
) -> None:
    ledger = fresh_service.ledger
    known = ledger.customers.row(0, named=True)
    key = known["customer_id"]
    sector = "46" if known["sector"] != "46" else "47"
    changed = frame("customers", [{**known, "sector": sector}, *ledger.customers[1:].to_dicts()])
    batch = Ledger.from_tables({**dict(ledger.tables()), "customers": changed})
    later = NOW + timedelta(days=1)
    assert fresh_service.store.load_ledger(batch, later)["customer_history"].added == 2
    assert "customer_history" not in fresh_service.store.load_ledger(batch, later), "loaded twice, noted once"
    history = held(fresh_service, key).customer_history
    assert history is not None
    assert history.select("valid_from_on", "sector").rows() == [
        (TODAY, known["sector"]),
        (later.date(), sector),
    ]
    own = [{"customer_id": key, "valid_from_on": date(2025, 1, 1), "sector": sector}]
    tables = {**dict(batch.tables()), "customer_history": frame("customer_history", own)}
    fresh_service.store.load_ledger(Ledger.from_tables(tables), later)
    history = held(fresh_service, key).customer_history
    assert history is not None
    assert history.select("valid_from_on", "sector").rows() == [(date(2025, 1, 1), sector)]


def test_attributes_stated_by_event_last_until_the_next_day_stated(fresh_service: Service) -> None:
    fresh_service.store.ingest([*_facts(INVOICE, LIMIT)], NOW - timedelta(days=30))
    assert outcomes(fresh_service, HISTORY) == ["accepted"]
    assert outcomes(fresh_service, HISTORY) == ["already_known"]
    assert limits(fresh_service) == {"2026-01-31": "900.00", "2026-02-10": "500.00"}
    assert str(held(fresh_service).customers["credit_limit"].item()) == "500.00", (
        "the newest row is the present"
    )
    assert outcomes(fresh_service, {**HISTORY, "credit_limit": None}) == ["replaced"]
    assert limits(fresh_service)["2026-02-10"] is None
    assert outcomes(fresh_service, LIMIT) == ["replaced"]
    assert limits(fresh_service) == {"2026-01-31": "900.00", "2026-02-10": None, str(TODAY): "900.00"}


def test_a_stated_day_makes_a_stranger_known(fresh_service: Service) -> None:
    assert outcomes(fresh_service, {**HISTORY, "customer_id": "C-new"}) == ["accepted"]
    row = held(fresh_service, "C-new").customers.row(0, named=True)
    assert (row["customer_id"], str(row["credit_limit"])) == ("C-new", "500.00")


def test_an_event_after_the_same_fact_by_import_changes_nothing(fresh_service: Service) -> None:
    rows = {
        "customer_history": [{"customer_id": "C-E", "valid_from_on": date(2026, 2, 10), "credit_limit": 500}],
        "customer_merges": [{"customer_id": "C-E", "merged_into_id": "C-F", "merged_on": date(2026, 3, 1)}],
        "instalments": [
            {"invoice_id": "E-1", "kind": "instalment", **part, "due_on": date.fromisoformat(part["due_on"])}
            for part in PARTS
        ],
        "invoices": [
            {**INVOICE, "kind": "invoice", "currency": "EUR"}
            | {name: date.fromisoformat(INVOICE[name]) for name in ("issued_on", "due_on")}
        ],
        "customers": [
            {"customer_id": "C-E", "is_strategic": False, "credit_limit": 500},
            {"customer_id": "C-F", "is_strategic": False},
        ],
        "payments": [],
    }
    tables = {name: frame(name, _decimal(values)) for name, values in rows.items()}
    fresh_service.store.load_ledger(Ledger.from_tables(tables), NOW)
    before = fresh_service.store.moment()
    assert outcomes(fresh_service, INSTALMENTS, MERGE, HISTORY) == ["already_known"] * 3
    assert fresh_service.store.moment() == before


def _facts(*events: dict[str, Any]) -> list[Any]:
    message = EventsRequest.model_validate_json(json.dumps({"events": list(events)}))
    return [event.fact() for event in message.events]


def _decimal(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    money = ("amount", "credit_limit")
    return [
        {name: Decimal(str(value)) if name in money else value for name, value in row.items()} for row in rows
    ]


def test_merged_customers_are_one_conversation_under_their_own_invoices(fresh_service: Service) -> None:
    company = {"type": "customer", "country": "FR", "legal_form": "SAS", "is_natural_person": False}
    due = {**INVOICE, "issued_on": "2026-01-24", "due_on": "2026-02-23", "amount": "1200.00"}
    posted(
        fresh_service,
        *({**company, "customer_id": key} for key in ("C-E", "C-F")),
        due,
        {**due, "invoice_id": "E-2", "customer_id": "C-F"},
    )
    client = fresh_service.client(Scope.SCORE)

    def asked() -> list[Any]:
        invoices = [{"invoice_id": key} for key in ("E-1", "E-2")]
        return list(
            client.post("/v1/score", json={"as_of": str(TODAY), "invoices": invoices}).json()["scores"]
        )

    apart = asked()
    assert len({each["decision"]["conversation"]["conversation_id"] for each in apart}) == 2
    posted(fresh_service, MERGE)
    together = asked()
    assert [each["customer_id"] for each in together] == ["C-E", "C-F"]
    (conversation,) = {each["decision"]["conversation"]["conversation_id"] for each in together}
    assert "C-F" in conversation
    for each in together:
        items = each["decision"]["conversation"]["items"]
        assert {item["invoice_id"] for item in items} == {"E-1", "E-2"}
