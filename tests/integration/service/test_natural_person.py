"""A natural person: no automatic step, who decides, and the explanation kept with the decision; quotes by switch."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from features.asof import PaymentHistory, open_landmarks
from features.groups.compute import compute_features
from features.ledger.as_known import as_known_before
from features.settings import LedgerSettings
from models.bundle import load_bundle
from models.score import scores_of_frame
from serving.dunning import load_policy, read_records, write_records
from serving.night.scoring import route_open_invoices, score_open_invoices
from serving.operations.settings import read_settings
from serving.security.access import Scope

from .conftest import AS_OF, Service, read_mails

CUSTOMER = {"type": "customer", "customer_id": "C-sole", "country": "FR", "is_natural_person": True}
INVOICE = {
    "type": "invoice",
    "invoice_id": "F-sole",
    "customer_id": "C-sole",
    "issued_on": str(AS_OF - dt.timedelta(days=70)),
    "due_on": str(AS_OF - dt.timedelta(days=30)),
    "amount": "900.00",
}
MAIL = {
    "type": "email",
    "email_id": "E-sole",
    "customer_id": "C-sole",
    "sent_at": f"{AS_OF - dt.timedelta(days=3)}T09:00:00Z",
    "direction": "inbound",
    "subject": "Facture F-sole",
    "body": "Bonjour, nous contestons cette facture : la quantité livrée ne correspond pas. Cordialement",
}


def ask(service: Service, *events: dict[str, Any], with_reasons: bool = False) -> tuple[Any, Any, Any]:
    """The score answered, the score kept, and the explanation told afterwards."""
    client = service.client(Scope.SCORE, Scope.EVENTS, Scope.READ)
    posted = client.post("/v1/events", json={"events": list(events)})
    assert posted.status_code == 200, posted.text
    assert read_mails(service) == sum(event["type"] == "email" for event in events)
    body = {"as_of": str(AS_OF), "invoices": [{"invoice_id": "F-sole"}], "with_reasons": with_reasons}
    score = client.post("/v1/score", json=body).json()["scores"][0]
    kept = client.get(f"/v1/scores/{score['score_id']}").json()["score"]
    return score, kept, client.get("/v1/invoices/F-sole/explanation").json()


def test_a_natural_persons_reasons_are_stored_though_none_were_requested(
    make_service: Callable[..., Service],
) -> None:
    score, kept, told = ask(make_service(), CUSTOMER, INVOICE)
    for answer in (score, kept, told):
        decision = answer["decision"]
        assert decision["person_decides"]["because"] == "natural_person"
        assert decision["person_decides"]["level"] == "credit_manager"
        assert "GDPR art. 22" in decision["person_decides"]["en"]
        assert "RGPD, art. 22" in decision["person_decides"]["fr"]
        assert decision["requires_approval"]
        assert not decision["next_step"]["is_automatic"]
        assert answer["explanation"]["reasons"]
    company = {**CUSTOMER, "is_natural_person": False}
    score, kept, told = ask(make_service(), company, INVOICE)
    assert (score["decision"]["person_decides"], score["explanation"]) == (None, None)


def test_a_sole_trader_stays_a_natural_person_under_a_new_name(
    make_service: Callable[..., Service],
) -> None:
    service = make_service()
    described = {"type": "customer", "customer_id": "C-sole", "legal_form": "Entrepreneur individuel (EI)"}
    renamed = {"type": "customer", "customer_id": "C-sole", "name": "Durand"}
    score, _, _ = ask(service, described, INVOICE, renamed)
    assert score["decision"]["person_decides"]["because"] == "natural_person"
    assert score["explanation"]["reasons"]
    score, _, _ = ask(service, {**renamed, "is_natural_person": False})
    assert score["decision"]["person_decides"] is None, "a value that is stated wins over the form"


def test_the_night_keeps_who_decides_and_the_explanation_in_its_file(
    service: Service, bundle_folder: Path, tmp_path: Path
) -> None:
    ledger = as_known_before(service.ledger, AS_OF)
    landmarks = open_landmarks(ledger, AS_OF)
    persons = ledger.customers.filter(pl.col("is_natural_person"))["customer_id"].to_list()
    assert set(persons) & set(landmarks["customer_id"]), "the sample has natural persons that owe something"
    features = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
    scores = scores_of_frame(score_open_invoices(load_bundle(bundle_folder), features, landmarks, ledger))
    policy = load_policy()
    routed = route_open_invoices(ledger, None, scores, landmarks, policy, AS_OF, LedgerSettings())
    path = tmp_path / "decisions.parquet"
    write_records(routed.records, path)
    frame = pl.read_parquet(path)
    of_persons = frame.filter(pl.col("customer_id").is_in(persons))
    assert of_persons["person_decides"].unique().to_list() == ["natural_person"]
    assert not of_persons["is_automatic"].any()
    still_open = frame.filter(pl.col("invoice_id").is_in(landmarks["invoice_id"].implode()))
    assert still_open.height == landmarks.height
    kept = {
        row["invoice_id"]: [
            (reason["fr"], reason["contribution"]) for reason in json.loads(row["explanation"])
        ]
        for row in still_open.iter_rows(named=True)
    }
    assert kept == {
        score.invoice_id: [(reason.text.fr, reason.contribution) for reason in score.explanation.reasons]
        for score in scores
        if score.explanation is not None
    }
    assert any(kept.values())
    assert read_records(path) == tuple(sorted(routed.records, key=lambda record: record.score.invoice_id))
    earlier = tmp_path / "earlier.parquet"
    frame.drop("explanation", "person_decides", "is_automatic", "approval_level").write_parquet(earlier)
    assert [record.decision for record in read_records(earlier)] == [
        record.decision for record in read_records(path)
    ]


def test_without_quotes_no_mail_text_is_stored_and_the_gate_stays_closed(
    make_service: Callable[..., Service], tmp_path: Path
) -> None:
    quoted, _, told = ask(make_service(is_reading_mails=True), CUSTOMER, INVOICE, MAIL, with_reasons=True)
    assert quoted["decision"]["gate_id"] == "open_dispute"
    assert any("contestons" in found["quote"] for found in told["evidence"])
    service = make_service(is_reading_mails=True, is_quoting=False)
    body = {"as_of": str(AS_OF), "invoices": [{"invoice_id": "F-sole"}]}
    before = service.client(Scope.SCORE).post("/v1/score", json=body).json()["scores"][0]
    assert (before["evidence"], before["decision"]["gate_id"]) == ([], "open_dispute")
    assert read_mails(service) == 1, "read anew, without its words"
    assert "contestons" not in str(service.store.history().signals.rows())
    unquoted, kept, told = ask(service, CUSTOMER, INVOICE, with_reasons=True)
    assert unquoted["decision"] == {
        **quoted["decision"],
        "decision_id": unquoted["decision"]["decision_id"],
    }
    assert unquoted["evidence"] == kept["evidence"] == told["evidence"] == []
    assert not read_settings({"ENCOURS_HOME": str(tmp_path), "ENCOURS_QUOTES": "false"}).is_quoting
    assert read_settings({"ENCOURS_HOME": str(tmp_path)}).is_quoting
