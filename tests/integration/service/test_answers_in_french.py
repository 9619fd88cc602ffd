"""Errors and health notes are in the language of `Accept-Language`; without it they are what they always were."""

from __future__ import annotations

from typing import Any

import pytest

from features.messages import localized
from serving.messages.language import accepted_language
from serving.messages.refusals import store_unavailable
from serving.pages.rendering import render_refusal
from serving.security.access import Scope

from .conftest import AS_OF, Service

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}


def error(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


def plain(text: str) -> str:
    """A French sentence with ordinary blanks."""
    return text.replace("\u202f", " ")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("de", "en"),
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("en, fr", "en"),
        ("de, fr;q=0.8, en;q=0.5", "fr"),
        ("fr;q=0.2, en;q=0.5", "en"),
        ("fr;q=0", "en"),
        ("fr;q=high, en;q=0.1", "en"),
        ("frisian", "en"),
    ],
)
def test_the_preferred_known_language_is_chosen_by_weight(header: str, language: str) -> None:
    assert accepted_language(header) == language


def test_an_error_without_the_header_is_english_and_says_so(service: Service) -> None:
    answer = service.client().get("/v1/model", headers={"Accept-Language": ""})
    assert answer.content == (
        b'{"error":{"code":"unauthorized","message":"A valid key is needed: header '
        b'`Authorization: Bearer KEY`. To do: ask whoever runs the service.","faults":[]}}'
    )
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("en", "Accept-Language")


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("GET", "/v1/scores/none", "not_found", "Cette note est inconnue."),
        ("GET", "/nothing", "not_found", "Cette adresse est inconnue."),
        ("DELETE", "/v1/model", "method_not_allowed", "elle répond à GET"),
        ("POST", "/v1/score", "unsupported_media_type", "Le corps doit être du JSON"),
        ("GET", "/v1/invoices/none/explanation", "not_found", "en demander une par `POST /v1/score`"),
    ],
)
def test_an_error_is_in_french_for_a_french_caller(
    service: Service, method: str, path: str, code: str, message: str
) -> None:
    answer = service.client(Scope.ADMIN).request(method, path, headers=FRENCH)
    assert error(answer)["code"] == code
    assert message in plain(error(answer)["message"])
    assert answer.headers["content-language"] == "fr"


def test_every_fault_of_a_body_is_in_french_with_its_field(service: Service) -> None:
    wrong = {"customer_id": "C", "amount": -1, "due_on": "tomorrow", "colour": "red", "currency": "euro"}
    answer = service.client(Scope.SCORE).post(
        "/v1/score", json={"as_of": str(AS_OF), "invoices": [wrong]}, headers=FRENCH
    )
    assert plain(error(answer)["message"]).startswith("4 erreurs dans la requête ; rien n'a été fait.")
    told = {fault["field"]: plain(fault["message"]) for fault in error(answer)["faults"]}
    assert told == {
        "amount": "attendu : plus que 0",
        "due_on": "attendu : un jour, comme 2026-04-15",
        "currency": "n'est pas écrit sous la forme attendue",
        "colour": "n'est pas un champ de ce message",
    }


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"type": "paiement"}, "type est inconnu"),
        (
            {"type": "payment", "payment_id": "P", "invoice_id": "F", "paid_on": "2026-03-01"}
            | {"known_on": "2026-03-01", "amount": "0"},
            "amount est nul",
        ),
        (
            {"type": "customer_merge", "customer_id": "A", "merged_into_id": "B", "merged_on": "2026-03-01"},
            "A n'est pas un client connu. À faire : envoyer le client avant, ou en même temps",
        ),
        (
            {"type": "interaction", "interaction_id": "I", "customer_id": "A", "kind": "telephone"}
            | {"happened_at": "2026-03-01T08:00:00Z"},
            "'telephone' n'est pas l'un de",
        ),
    ],
)
def test_a_refused_event_is_explained_in_french(
    service: Service, event: dict[str, Any], message: str
) -> None:
    answer = service.client(Scope.EVENTS).post("/v1/events", json={"events": [event]}, headers=FRENCH)
    assert answer.status_code == 422
    assert plain(error(answer)["faults"][0]["message"]).startswith(message)


def test_a_body_that_is_no_json_is_explained_in_french(service: Service) -> None:
    headers = {**FRENCH, "Content-Type": "application/json"}
    answer = service.client(Scope.SCORE).post("/v1/score", content=b'{"as_of": }', headers=headers)
    assert error(answer)["message"] == "Le corps n'est pas du JSON valide."
    assert error(answer)["faults"] == [{"message": "une valeur est attendue"}]


def test_health_notes_are_in_the_language_of_the_reader(service: Service) -> None:
    client = service.client(Scope.READ)
    service.worker.faults = (localized("no usable model is in service"),)
    try:
        english, french = client.get("/v1/health"), client.get("/v1/health", headers=FRENCH)
    finally:
        service.worker.faults = ()
    assert english.json()["notes"][0] == "no usable model is in service"
    assert french.json()["notes"][0] == "aucun modèle utilisable n'est en service"
    assert french.headers["content-language"] == "fr"
    assert len(french.json()["warnings"]) == len(english.json()["warnings"])
    for before, after in zip(english.json()["warnings"], french.json()["warnings"], strict=True):
        assert before != after


def test_the_page_of_a_refusal_shows_it_in_the_language_of_the_page() -> None:
    page = render_refusal(store_unavailable(), "fr", None, "/tonight").body.decode()
    assert "La base d&#39;historique est indisponible" in page
    assert '<html lang="fr">' in page
    assert 'lang="en"' not in page.split("<main")[1]
