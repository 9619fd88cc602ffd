"""Events keep the contracts of the ledger: ids, words of closed lists, cash on account, cancellations."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from features.ledger import Ledger
from features.settlement import settlement_at, settlement_episodes
from serving.security.access import Scope

from .conftest import AS_OF, INVOICE, NOW, Service

PAYMENT: dict[str, Any] = {
    "type": "payment",
    "payment_id": "P-1",
    "invoice_id": "E-1",
    "paid_on": "2026-02-20",
    "known_on": "2026-02-20",
    "amount": "40.00",
}
INTERACTION: dict[str, Any] = {
    "type": "interaction",
    "interaction_id": "I-1",
    "customer_id": "C-E",
    "happened_at": "2026-03-01T09:00:00Z",
    "kind": "call",
}


def posted(service: Service, *events: dict[str, Any]) -> Any:
    return service.client(Scope.EVENTS).post("/v1/events", json={"events": list(events)})


@pytest.mark.parametrize(
    ("event", "field", "words"),
    [
        ({**PAYMENT, "method": "transfert"}, "method", "the nearest is 'transfer'"),
        ({**PAYMENT, "amount": "-40.00"}, None, "below zero exactly when method is reversal or refund"),
        ({**PAYMENT, "invoice_id": None}, None, "neither invoice_id nor customer_id"),
        (
            {**PAYMENT, "invoice_id": None, "customer_id": "C-E", "method": "discount"},
            None,
            "discount means nothing without an invoice_id",
        ),
        ({**PAYMENT, "reverses_payment_id": "P-0"}, None, "belongs to method reversal"),
        ({**INTERACTION, "kind": "reminder_send"}, "kind", "the nearest is 'reminder_sent'"),
        ({**INTERACTION, "channel": "pigeon"}, "channel", "'pigeon' is not one of"),
        ({**INVOICE, "invoice_id": "E\u200b1"}, "invoice_id", "invisible character"),
        ({**INVOICE, "kind": "credit_nota"}, "kind", "the nearest is 'credit_note'"),
        (
            {"type": "feed", "name": "payment", "complete_through_on": "2026-03-01"},
            "name",
            "nearest is 'payments'",
        ),
        (
            {"type": "feed", "name": "payments", "complete_through_on": "2026-03-03"},
            "complete_through_on",
            "future",
        ),
        ({**INVOICE, "type": "invoise"}, None, "type is not known; the nearest is 'invoice'"),
        ({**INVOICE, "cancelled_on": "2026-01-31"}, None, "cancelled_on lies before issued_on"),
    ],
)
def test_an_event_outside_the_contract_is_refused_in_words(
    service: Service, event: dict[str, Any], field: str | None, words: str
) -> None:
    answer = posted(service, event)
    assert answer.status_code == 422, answer.text
    fault = answer.json()["error"]["faults"][0]
    assert (fault.get("row", 0), fault.get("field")) == (0, field)
    assert words in fault["message"]


def test_ids_and_words_are_kept_in_their_normal_form(fresh_service: Service) -> None:
    blank = {**INVOICE, "invoice_id": "  Cafe\u0301   12 "}
    paid = {**PAYMENT, "invoice_id": "Caf\u00e9 12", "method": " TRANSFER "}
    outcomes = posted(fresh_service, blank, paid).json()["outcomes"]
    assert [found["outcome"] for found in outcomes] == ["accepted", "accepted"]
    held = fresh_service.store.history_of(["C-E"]).ledger
    assert held.invoices["invoice_id"].to_list() == ["Caf\u00e9 12"]
    assert held.payments.select("invoice_id", "method").rows() == [("Caf\u00e9 12", "transfer")]


def test_cash_on_account_is_a_fact_of_its_customer(fresh_service: Service) -> None:
    cash = {**PAYMENT, "invoice_id": None, "customer_id": "C-E", "currency": "EUR"}
    assert posted(fresh_service, INVOICE, cash).status_code == 200
    held = fresh_service.store.history_of(["C-E"]).ledger
    assert held.payments.select("invoice_id", "customer_id", "currency").rows() == [(None, "C-E", "EUR")]
    assert fresh_service.store.history_of(["C-other"]).ledger.payments.is_empty()


def test_an_invoice_is_cancelled_by_sending_it_again_with_the_day(fresh_service: Service) -> None:
    assert posted(fresh_service, INVOICE).status_code == 200
    cancelled = {**INVOICE, "cancelled_on": "2026-02-10"}
    assert posted(fresh_service, cancelled).status_code == 200
    episodes = settlement_episodes(fresh_service.store.history_of(["C-E"]).ledger)
    state = settlement_at(episodes, AS_OF).row(0, named=True)
    assert (state["invoice_id"], state["closed_by"]) == ("E-1", "cancelled")
    moved = posted(fresh_service, {**INVOICE, "cancelled_on": "2026-02-11"})
    assert moved.status_code == 409, "a cancellation told once does not move"


def test_a_bounced_direct_debit_opens_the_invoice_again(fresh_service: Service) -> None:
    debit = {**PAYMENT, "amount": "100.00", "method": "direct_debit"}
    bounced = {
        **debit,
        "payment_id": "P-2",
        "amount": "-100.00",
        "method": "reversal",
        "reverses_payment_id": "P-1",
        "paid_on": "2026-02-25",
        "known_on": "2026-02-25",
    }
    assert posted(fresh_service, INVOICE, debit, bounced).status_code == 200
    episodes = settlement_episodes(fresh_service.store.history_of(["C-E"]).ledger)
    states = {
        day: settlement_at(episodes, AS_OF.replace(month=2, day=day))["closed_by"].to_list()
        for day in (21, 25, 26)
    }
    assert states == {21: ["paid"], 25: ["paid"], 26: [None]}


def test_an_event_finds_what_is_known_in_another_spelling(fresh_service: Service) -> None:
    posted(fresh_service, {**INVOICE, "invoice_id": "F001", "customer_id": "C-Müller"})
    paid = {**PAYMENT, "invoice_id": " f001 "}
    called = {**INTERACTION, "customer_id": "c-MÜLLER", "invoice_id": "\uff26001"}
    cancelled = {**INVOICE, "invoice_id": "f001", "customer_id": "c-müller", "cancelled_on": "2026-03-01"}
    named = {"type": "customer", "customer_id": "c-müller", "name": "Müller"}
    outcomes = posted(fresh_service, paid, called, cancelled, named).json()["outcomes"]
    assert [found["outcome"] for found in outcomes] == ["accepted", "accepted", "completed", "accepted"]
    assert {found["customer_id"] for found in outcomes} == {"C-Müller"}
    held = fresh_service.store.history_of(["C-Müller"]).ledger
    assert held.payments["invoice_id"].to_list() == ["F001"]
    assert held.interactions is not None
    assert held.interactions.select("customer_id", "invoice_id").rows() == [("C-Müller", "F001")]
    assert held.customers["name"].to_list() == ["Müller"]


def test_facts_that_wait_find_their_invoice_in_another_spelling(fresh_service: Service) -> None:
    dispute = {"type": "dispute", "dispute_id": "D-1", "invoice_id": "e-1", "opened_on": "2026-02-21"}
    waiting = posted(fresh_service, {**PAYMENT, "invoice_id": "e-1"}, dispute).json()["outcomes"]
    assert [found["outcome"] for found in waiting] == ["pending", "pending"]
    posted(fresh_service, INVOICE)
    held = fresh_service.store.history_of(["C-E"]).ledger
    assert held.disputes is not None
    assert [held.payments["invoice_id"].to_list(), held.disputes["invoice_id"].to_list()] == [
        ["E-1"],
        ["E-1"],
    ]
    assert fresh_service.store.pending() == {"instalments": 0, "payments": 0, "disputes": 0}


def test_an_id_that_may_mean_several_is_refused_with_its_field(fresh_service: Service) -> None:
    client = fresh_service.client(Scope.EVENTS, Scope.SCORE, Scope.READ)
    assert posted(fresh_service, {**INVOICE, "invoice_id": "AB1"}).status_code == 200
    another = posted(fresh_service, {**INVOICE, "invoice_id": "Ab1", "amount": "9.00"})
    assert another.status_code == 409, "another content under a spelling of a known id is a conflict"
    frame = fresh_service.ledger.invoices.head(2).with_columns(invoice_id=pl.Series(["AB1", "Ab1"]))
    fresh_service.store.load_ledger(
        Ledger.from_tables({**dict(fresh_service.ledger.tables()), "invoices": frame}), NOW
    )
    exact = posted(fresh_service, {**PAYMENT, "invoice_id": "Ab1"})
    assert exact.json()["outcomes"][0]["outcome"] == "accepted"
    refused = posted(fresh_service, INVOICE, {**PAYMENT, "payment_id": "P-3", "invoice_id": "ab1"})
    fault = refused.json()["error"]["faults"][0]
    assert (refused.status_code, fault["row"], fault["field"]) == (422, 1, "invoice_id")
    assert "several known ids" in fault["message"]
    assert "E-1" not in fresh_service.store.history().ledger.invoices["invoice_id"].to_list(), (
        "nothing was stored"
    )
    scored = client.post("/v1/score", json={"as_of": str(AS_OF), "invoices": [{"invoice_id": "aB1"}]})
    fault = scored.json()["error"]["faults"][0]
    assert (scored.status_code, fault["row"], fault["field"]) == (422, 0, "invoice_id")
    assert client.get("/v1/invoices/aB1/explanation").status_code == 422


def test_a_score_and_its_explanation_are_found_in_another_spelling(fresh_service: Service) -> None:
    client = fresh_service.client(Scope.SCORE, Scope.READ)
    known = fresh_service.open_invoices(1)[0]
    spelt = f" {known.lower()} "
    asked = {"invoice_id": spelt, "customer_id": None}
    answer = client.post("/v1/score", json={"as_of": str(AS_OF), "invoices": [asked]}).json()["scores"][0]
    assert (answer["invoice_id"], answer["is_simulation"]) == (known, False)
    assert answer["decision"] is not None
    told = client.get(f"/v1/invoices/{spelt}/explanation").json()
    assert (told["invoice_id"], told["score_id"]) == (known, answer["score_id"])
    unknown = client.post(
        "/v1/score", json={"invoices": [{"invoice_id": "F\u20281", "customer_id": "C", "amount": 1}]}
    )
    assert (unknown.status_code, unknown.json()["error"]["faults"][0]["field"]) == (422, "invoice_id")


def test_a_quiet_feed_says_through_which_day_it_is_complete(fresh_service: Service) -> None:
    def told(day: str) -> str:
        feed = {"type": "feed", "name": "payments", "complete_through_on": day}
        return str(posted(fresh_service, INVOICE, feed, PAYMENT).json()["outcomes"][1]["outcome"])

    def state() -> Any:
        return {feed.name: feed.complete_through_on for feed in fresh_service.store.feeds()}["payments"]

    assert [told(day) for day in ("2026-02-27", "2026-02-28", "2026-02-26")] == [
        "accepted",
        "replaced",
        "already_known",
    ]
    assert state() == AS_OF.replace(month=2, day=28)
    fresh_service.store.load_ledger(fresh_service.ledger, NOW)
    assert state() == AS_OF.replace(month=2, day=28), "a load that says nothing of it leaves it"
    assert fresh_service.store.history().ledger.feeds is not None
