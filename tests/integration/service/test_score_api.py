"""Scores over HTTP, in this process: what is answered, what is refused, and in which words."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from features.asof import LANDMARK_SCHEMA, PaymentHistory, open_landmarks
from features.groups.compute import compute_features
from models.bundle import load_bundle
from models.score import score_frame
from serving.messages.answers import ErrorAnswer, ScoresAnswer
from serving.security.access import Scope

from .conftest import AS_OF, INVOICE, Service, read_mails

SCORES = ("p_late", "p_late_30", "payment_date_p10", "payment_date_p50", "payment_date_p90", "grade")


def score(service: Service, invoices: list[dict[str, Any]], **more: Any) -> ScoresAnswer:
    body = {"as_of": str(AS_OF), "invoices": invoices, **more}
    answer = service.client(Scope.SCORE).post("/v1/score", json=body)
    assert answer.status_code == 200, answer.text
    return ScoresAnswer.model_validate_json(answer.content)


def refusal(answer: Any, status: int) -> ErrorAnswer:
    assert answer.status_code == status, answer.text
    return ErrorAnswer.model_validate_json(answer.content)


def test_online_scores_equal_the_batch_bit_for_bit(service: Service) -> None:
    landmarks = open_landmarks(service.ledger, AS_OF).head(200)
    countries = service.ledger.customers.select("customer_id", "country")
    landmarks = landmarks.join(countries, on="customer_id", how="left", maintain_order="left")
    history = PaymentHistory.from_ledger(service.ledger)
    features = compute_features(history, landmarks)
    serving = service.worker.champion.current
    assert serving is not None
    batch = score_frame(serving.value, features, landmarks)
    assert batch.height == 200
    ids = landmarks["invoice_id"].to_list()
    many = score(service, [{"invoice_id": invoice_id} for invoice_id in ids], with_reasons=False)
    for place, (online, row) in enumerate(zip(many.scores, batch.iter_rows(named=True), strict=True)):
        assert online.invoice_id == row["invoice_id"]
        for name in SCORES:
            assert getattr(online, name) == row[name], (place, name)
        assert online.unpaid_probability == {
            str(k): row[f"unpaid_probability_{k}d"] for k in (0, 7, 15, 30, 60, 90)
        }
        kept = service.store.answer(online.score_id)
        assert kept is not None
        assert kept.body is not None
        served = pl.DataFrame([kept.body["features"]], schema=dict.fromkeys(features.columns[2:], pl.Float64))
        assert served.equals(features[place, 2:], null_equal=True), "the features as served are the batch's"
    alone = score(service, [{"invoice_id": ids[3]}], with_reasons=False).scores[0]
    assert alone.p_late == many.scores[3].p_late


def test_a_posted_payment_changes_the_next_score_as_the_batch_would(
    fresh_service: Service,
) -> None:
    invoice_id = fresh_service.open_invoices(1)[0]
    row = fresh_service.ledger.invoices.filter(pl.col("invoice_id") == invoice_id).row(0, named=True)
    others = fresh_service.ledger.invoices.filter(
        (pl.col("customer_id") == row["customer_id"]) & (pl.col("kind") == "invoice")
    )
    before = score(fresh_service, [{"invoice_id": invoice_id}]).scores[0]
    open_others = open_landmarks(fresh_service.ledger, AS_OF).filter(
        (pl.col("customer_id") == row["customer_id"]) & (pl.col("invoice_id") != invoice_id)
    )
    target = open_others["invoice_id"][0] if open_others.height else others["invoice_id"][0]
    amount = str(others.filter(pl.col("invoice_id") == target)["amount"][0])
    event = {
        "type": "payment",
        "payment_id": "P-TODAY",
        "invoice_id": target,
        "paid_on": str(AS_OF - dt.timedelta(days=1)),
        "known_on": str(AS_OF - dt.timedelta(days=1)),
        "amount": amount,
        "method": "transfer",
    }
    sent = fresh_service.client(Scope.EVENTS).post("/v1/events", json={"events": [event]})
    assert sent.json()["outcomes"][0]["outcome"] == "accepted"
    after = score(fresh_service, [{"invoice_id": invoice_id}]).scores[0]
    kept = [fresh_service.store.answer(found.score_id) for found in (before, after)]
    features = [found.body["features"] for found in kept if found is not None and found.body is not None]
    assert features[0] != features[1]
    whole = PaymentHistory.from_ledger(fresh_service.store.history().ledger)
    landmark = open_landmarks(fresh_service.ledger, AS_OF).filter(pl.col("invoice_id") == invoice_id)
    (batch,) = compute_features(whole, landmark).drop("invoice_id", "as_of").to_dicts()
    assert features[1] == batch


def test_a_draft_is_scored_with_what_was_missing_said(service: Service) -> None:
    draft = {"customer_id": "C-UNKNOWN", "amount": "990.00", "terms": "45 jours fin de mois"}
    answer = score(service, [draft]).scores[0]
    missing = {field.field: (field.assumed, field.source) for field in answer.missing_fields}
    assert missing == {
        "currency": ("EUR", "assumption"),
        "delivery_channel": (None, "none"),
        "due_on": ("2026-04-30", "assumption"),
        "invoice_id": (None, "none"),
        "issued_on": ("2026-03-02", "assumption"),
        "purchase_order": (None, "none"),
    }
    assert not answer.is_known_customer
    assert answer.history_depth == 0
    assert answer.decision is None, "nothing is dunned before it is an invoice"


def test_a_known_invoice_needs_its_id_only(service: Service) -> None:
    invoice_id = service.open_invoices(1)[0]
    answer = score(service, [{"invoice_id": invoice_id}]).scores[0]
    held = service.ledger.invoices.filter(pl.col("invoice_id") == invoice_id).row(0, named=True)
    assert answer.customer_id == held["customer_id"]
    assert {field.source for field in answer.missing_fields} <= {"ledger", "none"}
    assert answer.decision is not None
    assert answer.decision.why[0].fr
    assert answer.decision.why[0].en


def test_an_invoice_being_created_is_routed_before_the_ledger_knows_it(service: Service) -> None:
    customer_id = service.ledger.invoices["customer_id"][0]
    new = {
        "invoice_id": "NEW-1",
        "customer_id": customer_id,
        "issued_on": str(AS_OF),
        "due_on": str(AS_OF + dt.timedelta(days=30)),
        "amount": 1200.5,
        "currency": "EUR",
    }
    answer = score(service, [new]).scores[0]
    assert answer.is_known_customer
    assert answer.decision is not None
    assert 0 < answer.decision.balance_amount <= Decimal("1200.50"), "net of the credits of the customer"
    assert answer.decision.state == "before_due"


def test_the_reasons_add_up_to_the_probability(service: Service) -> None:
    ids = service.open_invoices(20)
    for answer in score(service, [{"invoice_id": invoice_id} for invoice_id in ids]).scores:
        assert answer.explanation is not None
        told = answer.explanation.base + answer.explanation.calibration + answer.explanation.others
        told += sum(reason.contribution for reason in answer.explanation.reasons)
        assert told == pytest.approx(answer.explanation.probability, abs=1e-9)
        assert abs(answer.explanation.others) < 0.25, "what matters is named"
        assert all(reason.fr and reason.en for reason in answer.explanation.reasons)


def test_equal_requests_get_equal_answers_in_any_order(service: Service) -> None:
    ids = service.open_invoices(30)
    once = score(service, [{"invoice_id": invoice_id} for invoice_id in ids])
    again = score(service, [{"invoice_id": invoice_id} for invoice_id in reversed(ids)])
    own = {"score_id", "decision"}
    assert [found.model_dump(exclude=own) for found in once.scores] == [
        found.model_dump(exclude=own) for found in reversed(again.scores)
    ]


@pytest.mark.parametrize(
    ("invoices", "row", "field", "words"),
    [
        ([{"customer_id": "C", "amount": 10}, {"amount": 10}], 1, "customer_id", "is missing"),
        ([{"customer_id": "C"}], 0, "amount", "is missing"),
        ([{"customer_id": "C", "amount": -1}], 0, "amount", "greater than 0"),
        ([{"customer_id": "C", "amount": "1.005"}], 0, "amount", "2 decimal places"),
        ([{"customer_id": "C", "amount": 1, "colour": "red"}], 0, "colour", "is not a field"),
        ([{"customer_id": "C", "amount": 1, "due_on": "31/02/2026"}], 0, "due_on", "valid date"),
        ([{"customer_id": "C", "amount": 1, "due_on": "2026-03-01"}], 0, "due_on", "before issued_on"),
        ([{"customer_id": "C", "amount": 1, "issued_on": "2026-03-09"}], 0, "issued_on", "after as_of"),
        ([{"invoice_id": "A", "customer_id": "C", "amount": 1}] * 2, 1, "invoice_id", "stands in row 0"),
        ([{"customer_id": "C\u0000", "amount": 1}], 0, "customer_id", "not written as expected"),
        ([{"customer_id": "C", "amount": True}], 0, "amount", "Decimal"),
        ([], None, "invoices", "at least 1 item"),
    ],
)
def test_a_wrong_invoice_is_refused_with_row_and_field(
    service: Service, invoices: list[dict[str, Any]], row: int | None, field: str, words: str
) -> None:
    answer = service.client(Scope.SCORE).post("/v1/score", json={"as_of": str(AS_OF), "invoices": invoices})
    found = refusal(answer, 422).error
    assert found.code == "invalid_request"
    assert [(fault.row, fault.field) for fault in found.faults] == [(row, field)]
    assert words in found.faults[0].message


def test_every_fault_of_a_request_is_told_at_once(service: Service) -> None:
    invoices = [{"customer_id": "C", "amount": -1, "currency": "euro"}, {"customer_id": "", "amount": 1}]
    answer = service.client(Scope.SCORE).post("/v1/score", json={"invoices": invoices})
    faults = refusal(answer, 422).error.faults
    assert {(fault.row, fault.field) for fault in faults} == {
        (0, "amount"),
        (0, "currency"),
        (1, "customer_id"),
    }


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b'{"invoices": [{"customer_id": "C", "amount": NaN}]}', "application/json", 422, "invalid_request"),
        (
            b'{"invoices": [{"customer_id": "C", "amount": 1e999}]}',
            "application/json",
            422,
            "invalid_request",
        ),
        (b"\xff\xfe", "application/json", 400, "invalid_json"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "application/vnd.bentoml+pickle", 415, "unsupported_media_type"),
    ],
)
def test_what_is_not_a_message_is_refused_in_the_one_shape(
    service: Service, body: bytes, kind: str, status: int, code: str
) -> None:
    answer = service.client(Scope.SCORE).post("/v1/score", content=body, headers={"Content-Type": kind})
    assert refusal(answer, status).error.code == code


def test_more_than_a_thousand_invoices_are_refused_and_a_thousand_are_scored(service: Service) -> None:
    drafts = [{"customer_id": f"C-{number}", "amount": 10} for number in range(1001)]
    client = service.client(Scope.SCORE)
    found = refusal(client.post("/v1/score", json={"invoices": drafts}), 422).error
    assert "at most 1000 items" in found.faults[0].message
    answer = client.post("/v1/score", json={"invoices": drafts[:1000], "with_reasons": False})
    assert len(answer.json()["scores"]) == 1000


def test_an_as_of_date_in_the_future_is_refused(service: Service) -> None:
    body = {"as_of": "2026-03-04", "invoices": [{"customer_id": "C", "amount": 10}]}
    answer = service.client(Scope.SCORE).post("/v1/score", json=body)
    assert "at most tomorrow" in refusal(answer, 422).error.message


def test_a_score_is_kept_with_inputs_features_versions_and_caller(service: Service) -> None:
    invoice_id = service.open_invoices(1)[0]
    answer = score(service, [{"invoice_id": invoice_id}])
    assert answer.is_stored
    kept = service.store.answer(answer.scores[0].score_id)
    assert kept is not None
    assert kept.body is not None
    assert kept.body["caller"] == "tests"
    assert kept.body["answer"] == json.loads(answer.scores[0].model_dump_json())
    assert kept.body["inputs"]["amount"]
    assert len(kept.body["features"]) > 100
    assert service.store.verify_audit().faults == ()
    assert "terms" in LANDMARK_SCHEMA


def test_a_kept_score_and_its_explanation_come_back_as_they_were_answered(service: Service) -> None:
    invoice_id = service.open_invoices(1)[0]
    made = score(service, [{"invoice_id": invoice_id}]).scores[0]
    reader = service.client(Scope.READ)
    kept = reader.get(f"/v1/scores/{made.score_id}").json()
    assert kept["score"] == json.loads(made.model_dump_json())
    told = reader.get(f"/v1/invoices/{invoice_id}/explanation").json()
    assert (told["score_id"], told["p_late"]) == (made.score_id, made.p_late)
    for path in ("/v1/scores/score-unknown", "/v1/invoices/F%2F1/explanation", "/v1/scores/%00"):
        assert refusal(reader.get(path), 404).error.code == "not_found"


def test_an_override_needs_a_reason_and_a_sequence_of_the_policy(service: Service) -> None:
    invoice_id = service.open_invoices(1)[0]
    made = score(service, [{"invoice_id": invoice_id}]).scores[0]
    approver = service.client(Scope.APPROVE, Scope.READ, name="credit manager")
    path = f"/v1/decisions/{made.score_id}/override"
    good = {
        "sequence_id": "courtesy",
        "reason": "Their accountant is away until Monday.",
        "decided_by": "m.durand",
    }
    without = refusal(approver.post(path, json={**good, "reason": "because"}), 422).error
    assert without.faults[0].field == "reason"
    unknown = refusal(approver.post(path, json={**good, "sequence_id": "revenge"}), 422).error
    assert "courtesy" in (unknown.faults[0].expected or "")
    done = approver.post(path, json=good)
    assert done.status_code == 201
    overrides = approver.get(f"/v1/scores/{made.score_id}").json()["overrides"]
    assert [found["reason"] for found in overrides] == [good["reason"]]
    assert refusal(approver.post("/v1/decisions/none/override", json=good), 404)
    assert service.store.verify_audit().faults == ()


def test_events_answer_each_outcome_and_a_conflict_shows_both_contents(fresh_service: Service) -> None:
    client = fresh_service.client(Scope.EVENTS)
    invoice = INVOICE
    payment = {
        "type": "payment",
        "payment_id": "EP-1",
        "invoice_id": "E-2",
        "paid_on": "2026-02-20",
        "known_on": "2026-02-20",
        "amount": 40,
    }
    first = client.post("/v1/events", json={"events": [invoice, payment, invoice]}).json()
    assert [found["outcome"] for found in first["outcomes"]] == ["accepted", "pending", "already_known"]
    found = refusal(client.post("/v1/events", json={"events": [payment, {**invoice, "amount": 7}]}), 409)
    fault = found.error.faults[0]
    assert (fault.row, fault.field) == (1, "amount")
    assert (fault.known, fault.offered) == ({"amount": "100.00"}, {"amount": "7.00"})


@pytest.mark.parametrize(
    ("event", "field", "words"),
    [
        ({"type": "payment", "amount": 0}, "payment_id", "is missing"),
        ({"type": "cheque"}, None, "type is not known"),
        ({}, None, "type is missing"),
    ],
)
def test_a_wrong_event_is_refused_with_row_and_field(
    service: Service, event: dict[str, Any], field: str | None, words: str
) -> None:
    found = refusal(service.client(Scope.EVENTS).post("/v1/events", json={"events": [event]}), 422).error
    assert (found.faults[0].row, found.faults[0].field) == (0, field)
    assert words in found.faults[0].message


def test_model_policy_health_and_openapi_are_told(service: Service) -> None:
    reader = service.client(Scope.READ)
    serving = service.worker.champion.current
    assert serving is not None
    assert reader.get("/v1/model").json()["model_version"] == serving.value.version
    assert "courtesy" in reader.get("/v1/policy").json()["sequence_ids"]
    health = reader.get("/v1/health").json()
    assert (health["status"], health["store"], health["registry"]) == ("ok", "reachable", "not followed")
    assert {feed["name"] for feed in health["feeds"]} >= {"invoices", "payments"}
    document = reader.get("/openapi.json").json()
    assert len(document["paths"]) == 9


def test_an_email_is_read_with_its_quotes(service: Service) -> None:
    mail = {"body": "Bonjour, le virement sera fait vendredi.", "sent_at": "2026-03-02T09:00:00+01:00"}
    answer = service.client(Scope.SCORE).post("/v1/email", json=mail)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["promise_on"] == "2026-03-06"
    promise = next(signal for signal in found["signals"] if signal["label"] == "promise_to_pay")
    assert "vendredi" in promise["quotes"][0]
    assert (found["promise_status"], found["promise_doubt"]) == ("dated", None)
    assert found["promise_said_on"] == found["promise_payable_on"] == "2026-03-06"


def test_an_implausible_promise_is_answered_with_its_doubt_and_no_date(service: Service) -> None:
    mail = {"body": "Règlement prévu S8, virement du vendredi.", "sent_at": "2026-03-02T09:00:00+01:00"}
    answer = service.client(Scope.SCORE).post("/v1/email", json=mail)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["promise_status"], found["promise_doubt"]) == ("implausible", "gone_by")
    assert (found["promise_said_on"], found["promise_on"]) == ("2026-02-20", None)
    promise = next(signal for signal in found["signals"] if signal["label"] == "promise_to_pay")
    assert promise["quotes"] == ["Règlement prévu S8, virement du vendredi."]


def test_an_email_event_is_quoted_beside_the_next_score(make_service: Callable[..., Service]) -> None:
    service = make_service(is_reading_mails=True)
    invoice_id = service.open_invoices(1)[0]
    customer = service.ledger.invoices.filter(pl.col("invoice_id") == invoice_id)["customer_id"][0]
    event = {
        "type": "email",
        "email_id": "M-1",
        "customer_id": customer,
        "sent_at": "2026-03-01T10:00:00+01:00",
        "direction": "inbound",
        "body": "Bonjour, le virement sera fait vendredi 6 mars. Cordialement",
    }
    assert service.client(Scope.EVENTS).post("/v1/events", json={"events": [event]}).status_code == 200
    assert read_mails(service) == 1
    answer = score(service, [{"invoice_id": invoice_id}]).scores[0]
    assert ("promise_to_pay", "M-1") in [(found.label, found.email_id) for found in answer.evidence]
    assert all("virement" in found.quote for found in answer.evidence)
    assert answer.decision is not None
    assert answer.decision.gate_id == "promise_running"


def test_no_text_of_a_caller_reaches_the_log(
    fresh_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "Madame Roussel 0601020304"
    client = fresh_service.client(Scope.SCORE, Scope.EVENTS)
    client.post("/v1/score", json={"invoices": [{"customer_id": secret, "amount": secret}]})
    client.post("/v1/email", json={"body": secret, "sent_at": secret})
    client.post("/v1/score", content=secret.encode(), headers={"Content-Type": "application/json"})
    key = str(client.headers["authorization"])
    written = "\n".join(record.getMessage() for record in caplog.records)
    assert secret not in written
    assert key.split()[1] not in written


def test_a_score_needs_a_model(make_service: Callable[..., Service], bundle_folder: Any) -> None:
    service = make_service()
    service.worker.champion.current = None
    answer = service.client(Scope.SCORE).post(
        "/v1/score", json={"invoices": [{"customer_id": "C", "amount": 1}]}
    )
    found = refusal(answer, 503)
    assert found.error.code == "not_ready"
    assert answer.headers["retry-after"]
    assert load_bundle(bundle_folder).version
