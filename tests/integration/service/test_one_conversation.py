"""A customer has one conversation a day, by whichever of its invoices the service is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.asof import PaymentHistory, open_landmarks
from features.groups.compute import compute_features
from features.ledger.as_known import as_known_before
from features.settings import LedgerSettings
from models.bundle import load_bundle
from models.score import scores_of_frame
from serving.dunning import DEFAULT_POLICY_PATH, Conversation, load_policy
from serving.night.answers import tonights_answers
from serving.night.scoring import RoutedNight, route_open_invoices, score_open_invoices
from serving.security.access import Scope
from serving.store import Fact

from .conftest import AS_OF, NOW, Service

Run = Callable[..., RoutedNight]


def policy_file(folder: Path, calls: int = 25) -> Path:
    """The default policy with so many calls a night."""
    text = DEFAULT_POLICY_PATH.read_text("utf-8")
    assert text.count("capacity: {calls: 25,") == 1
    path = folder / "policy.yaml"
    path.write_text(text.replace("capacity: {calls: 25,", f"capacity: {{calls: {calls},"), "utf-8")
    return path


@pytest.fixture
def run_night(bundle_folder: Path) -> Run:
    """Score and route every open invoice as the nightly job does, and hand the night to the service."""

    def run(service: Service, policy_path: Path) -> RoutedNight:
        ledger, policy = as_known_before(service.ledger, AS_OF), load_policy(policy_path)
        service.store.load_ledger(ledger, NOW)
        landmarks = open_landmarks(ledger, AS_OF)
        features = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
        scores = scores_of_frame(score_open_invoices(load_bundle(bundle_folder), features, landmarks, ledger))
        routed = route_open_invoices(ledger, None, scores, landmarks, policy, AS_OF, LedgerSettings())
        version = policy.spec.policy.version
        service.store.replace_nightly(
            tonights_answers(scores, routed.records, version, None, service.store.moment().change, NOW)
        )
        return routed

    return run


def talks_of(routed: RoutedNight) -> dict[str, Conversation]:
    return {
        account.customer_id: account.conversation
        for account in routed.night.accounts
        if account.conversation is not None
    }


def decisions(answer: Any) -> dict[str, dict[str, Any]]:
    found = {score["invoice_id"]: dict(score["decision"]) for score in answer.json()["scores"]}
    for decision in found.values():
        decision.pop("decision_id")
    return found


def ask(client: Any, *invoice_ids: str) -> dict[str, dict[str, Any]]:
    body = {"as_of": str(AS_OF), "invoices": [{"invoice_id": key} for key in invoice_ids]}
    answer = client.post("/v1/score", json=body)
    assert answer.status_code == 200, answer.text
    return decisions(answer)


@pytest.mark.parametrize("calls", [25, 0])
def test_asked_one_by_one_or_together_the_service_decides_as_the_night(
    make_service: Callable[..., Service], run_night: Run, tmp_path: Path, calls: int
) -> None:
    policy = policy_file(tmp_path, calls)
    service = make_service(policy_path=policy)
    routed = run_night(service, policy)
    client = service.client(Scope.SCORE, Scope.READ)
    several = {key: talk for key, talk in talks_of(routed).items() if len(talk.invoice_ids) > 1}
    assert several, "the sample has customers with several invoices due for a contact"
    assert calls or routed.night.deferred, "calls wait when nobody can call"
    talked = sorted(key for talk in several.values() for key in talk.invoice_ids)[:10]
    waiting = sorted(item.decision.invoice_id for item in routed.night.deferred)[:5]
    others = sorted(record.score.invoice_id for record in routed.records)[:10]
    told = {
        key: decision
        for key in {*talked, *waiting, *others}
        for decision in [client.get(f"/v1/invoices/{key}/explanation").json()["decision"]]
    }
    for decision in told.values():
        decision.pop("decision_id")
    for key in told:
        assert ask(client, key)[key] == told[key]
    assert ask(client, *told) == told
    for key in talked:
        assert told[key]["conversation"]["invoice_ids"][0] == told[key]["conversation"]["lead_invoice_id"]
        assert key in told[key]["conversation"]["invoice_ids"]


def test_two_requests_of_a_day_name_one_conversation_until_reported(
    make_service: Callable[..., Service], run_night: Run, tmp_path: Path
) -> None:
    policy = policy_file(tmp_path)
    service = make_service(policy_path=policy)
    talk = next(talk for talk in talks_of(run_night(service, policy)).values() if len(talk.invoice_ids) > 1)
    client = service.client(Scope.SCORE)
    first, second = talk.invoice_ids[:2]
    answers = [ask(client, key)[key] for key in (first, second)]
    ids = {answer["conversation"]["conversation_id"] for answer in answers}
    assert ids == {f"{talk.customer_id}/{AS_OF}"}
    assert answers[0]["conversation"] == answers[1]["conversation"]
    done = {
        "interaction_id": "I-held",
        "customer_id": talk.customer_id,
        "invoice_id": first,
        "happened_at": dt.datetime.combine(AS_OF, dt.time(8), dt.UTC),
        "kind": "reminder_sent",
        "channel": "email",
        "sequence_id": answers[0]["sequence_id"],
        "step_id": answers[0]["next_step"]["step_id"],
    }
    service.store.ingest([Fact("interactions", done)], NOW)
    later = ask(client, second)[second]
    assert later["conversation"] is None
    assert "gate.contact_cap" in [rule["rule_id"] for rule in later["why"]]
    assert dt.date.fromisoformat(later["next_step"]["on"]) > AS_OF


def test_a_new_invoice_joins_the_conversation_about_the_others(
    make_service: Callable[..., Service], run_night: Run, tmp_path: Path
) -> None:
    policy = policy_file(tmp_path)
    service = make_service(policy_path=policy)
    talks = talks_of(run_night(service, policy))
    talk = next(talk for talk in talks.values() if talk.tone != "legal")
    client = service.client(Scope.SCORE)
    new = {
        "invoice_id": "F-new",
        "customer_id": talk.customer_id,
        "issued_on": str(AS_OF - dt.timedelta(days=100)),
        "due_on": str(AS_OF - dt.timedelta(days=40)),
        "amount": "2500.00",
    }
    answer = client.post("/v1/score", json={"as_of": str(AS_OF), "invoices": [new]})
    made = decisions(answer)["F-new"]
    assert made["conversation"] is not None
    assert set(made["conversation"]["invoice_ids"]) == {"F-new", *talk.invoice_ids}
    total = sum(float(part["amount"]) for part in made["conversation"]["totals"])
    assert total == pytest.approx(2500 + sum(float(amount) for _, amount in talk.totals), abs=100)


def test_a_past_day_is_reconstructed_without_a_conversation(
    make_service: Callable[..., Service], run_night: Run, tmp_path: Path
) -> None:
    policy = policy_file(tmp_path)
    service = make_service(policy_path=policy)
    talk = next(talk for talk in talks_of(run_night(service, policy)).values() if len(talk.invoice_ids) > 1)
    client = service.client(Scope.SCORE)
    earlier = str(AS_OF - dt.timedelta(days=1))
    body = {"as_of": earlier, "invoices": [{"invoice_id": talk.lead_invoice_id}]}
    made = decisions(client.post("/v1/score", json=body))[talk.lead_invoice_id]
    assert made["conversation"] is None


def test_what_a_customer_owes_together_does_not_hang_on_the_nights_answers(
    make_service: Callable[..., Service], run_night: Run, tmp_path: Path
) -> None:
    policy = policy_file(tmp_path)
    service = make_service(policy_path=policy)
    talk = next(talk for talk in talks_of(run_night(service, policy)).values() if len(talk.invoice_ids) > 1)
    client = service.client(Scope.SCORE)
    lead = talk.lead_invoice_id
    before = ask(client, lead)[lead]
    assert len(before["conversation"]["invoice_ids"]) > 1
    service.store.replace_nightly([])
    assert ask(client, lead)[lead] == before
