"""Events keep the contracts of the ledger: ids, words of closed lists, cash on account, cancellations."""

from __future__ import annotations

from typing import Any

import pytest

from features.settlement import settlement_at, settlement_episodes
from serving.access import Scope

from .conftest import AS_OF, Service

INVOICE: dict[str, Any] = {
    "type": "invoice",
    "invoice_id": "E-1",
    "customer_id": "C-E",
    "issued_on": "2026-02-01",
    "due_on": "2026-03-03",
    "amount": "100.00",
}
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
        ({**INVOICE, "cancelled_on": "2026-01-31"}, None, "cancelled_on lies before issued_on"),
    ],
)
def test_an_event_outside_the_contract_is_refused_in_words(
    service: Service, event: dict[str, Any], field: str | None, words: str
) -> None:
    answer = posted(service, event)
    assert answer.status_code == 422, answer.text
    fault = answer.json()["error"]["faults"][0]
    assert (fault["row"], fault.get("field")) == (0, field)
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
