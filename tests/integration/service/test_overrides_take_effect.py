"""A credit manager's override is followed by the next score of every worker, and by the night."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.dunning import DEFAULT_POLICY_PATH
from serving.night.store import overrides_in_service
from serving.security.access import Scope
from serving.store import Fact
from serving.store.privacy import DataSubject, erase_data
from serving.store.tables import FACT_COLUMNS

from .conftest import AS_OF, NOW, Maker, RunNight, Service

REASON = "Their accountant is away and asked for patience."
EVERYTHING = (Scope.SCORE, Scope.READ, Scope.APPROVE, Scope.EVENTS)


def ask(client: TestClient, *invoices: Any) -> list[dict[str, Any]]:
    asked = [{"invoice_id": given} if isinstance(given, str) else given for given in invoices]
    answer = client.post("/v1/score", json={"as_of": str(AS_OF), "invoices": asked})
    assert answer.status_code == 200, answer.text
    return [score["decision"] for score in answer.json()["scores"]]


def overrule(client: TestClient, decision: dict[str, Any], sequence_id: str | None, **changes: Any) -> None:
    body = {"sequence_id": sequence_id, "reason": REASON, "decided_by": "m.durand", **changes}
    answer = client.post(f"/v1/decisions/{decision['decision_id']}/override", json=body)
    assert answer.status_code == 201, answer.text


def rules(decision: dict[str, Any]) -> list[str]:
    return [rule["rule_id"] for rule in decision["why"]]


def open_to_dunning(service: Service, client: TestClient) -> tuple[str, dict[str, Any]]:
    """An invoice of the sample that no gate holds, of a company, with steps left, and what is proposed."""
    for invoice_id in service.open_invoices(60):
        (decision,) = ask(client, invoice_id)
        step, is_free = decision["next_step"], decision["gate_id"] is decision["person_decides"] is None
        if is_free and step is not None and step["channel"] != "task" and step["stage"] <= 2:
            return invoice_id, decision
    raise AssertionError("the sample has no invoice that is dunned")


def other_than(decision: dict[str, Any]) -> str:
    return "courtesy" if decision["sequence_id"] != "courtesy" else "reinforced"


def test_the_next_score_of_every_worker_follows_the_newest_override(make_service: Maker) -> None:
    first = make_service()
    second = make_service()
    here, there = first.client(*EVERYTHING), second.client(*EVERYTHING)
    invoice_id, proposed = open_to_dunning(first, here)
    assert ask(there, invoice_id)[0]["sequence_id"] == proposed["sequence_id"]
    chosen = other_than(proposed)
    overrule(here, proposed, chosen)
    for client in (here, there):
        (decision,) = ask(client, invoice_id)
        assert decision["sequence_id"] == chosen
        assert "m.durand" in decision["why"][rules(decision).index("person_override")]["en"]
    (followed,) = ask(there, invoice_id)
    overrule(there, followed, "hold")
    for client in (here, there):
        (decision,) = ask(client, invoice_id)
        assert (decision["sequence_id"], decision["next_step"]) == ("hold", None)
    overrule(here, proposed, proposed["sequence_id"])  # the older decision is overruled anew
    (again,) = ask(there, invoice_id)
    assert again["next_step"] == proposed["next_step"]


def test_a_hold_delays_its_own_invoice_and_no_other(
    fresh_service: Service,
) -> None:
    client = fresh_service.client(*EVERYTHING)
    invoice_id, proposed = open_to_dunning(fresh_service, client)
    other = next(key for key in fresh_service.open_invoices(10) if key != invoice_id)
    (before,) = ask(client, other)
    until = AS_OF + dt.timedelta(days=30)
    overrule(client, proposed, proposed["sequence_id"], hold_until=str(until))
    (held,) = ask(client, invoice_id)
    assert held["hold_until"] == str(until)
    assert dt.date.fromisoformat(held["next_step"]["on"]) >= until
    assert held["conversation"] is None
    (after,) = ask(client, other)
    assert "person_override" not in rules(after)
    assert after["sequence_id"] == before["sequence_id"]


def test_an_override_is_withdrawn_by_naming_no_sequence(fresh_service: Service) -> None:
    client = fresh_service.client(*EVERYTHING)
    invoice_id, proposed = open_to_dunning(fresh_service, client)
    overrule(client, proposed, "hold")
    overrule(client, ask(client, invoice_id)[0], None)
    (again,) = ask(client, invoice_id)
    assert again["next_step"] == proposed["next_step"]
    assert rules(again) == ["person_override.withdrawn", *rules(proposed)]


@pytest.mark.parametrize("day", ["2020-01-01", "2150-01-01"])
def test_a_hold_in_the_past_or_far_ahead_is_refused(service: Service, day: str) -> None:
    client = service.client(*EVERYTHING)
    _, proposed = open_to_dunning(service, client)
    body = {"sequence_id": "no_such", "reason": REASON, "decided_by": "m.durand", "hold_until": day}
    answer = client.post(f"/v1/decisions/{proposed['decision_id']}/override", json=body)
    assert answer.status_code == 422
    faults = {fault["field"]: fault for fault in answer.json()["error"]["faults"]}
    assert faults["hold_until"]["expected"] == f"a day from {AS_OF} to {AS_OF + dt.timedelta(days=92)}"
    assert "courtesy" in faults["sequence_id"]["expected"], "both faults in one report"
    kept = client.get(f"/v1/scores/{proposed['decision_id']}").json()
    assert kept["overrides"] == []


def test_the_decision_for_a_day_that_has_passed_is_a_reconstruction(service: Service) -> None:
    client = service.client(*EVERYTHING)
    invoice_id, today = open_to_dunning(service, client)
    assert today["is_live"]
    body = {"as_of": str(AS_OF - dt.timedelta(days=1)), "invoices": [{"invoice_id": invoice_id}]}
    past = client.post("/v1/score", json=body).json()["scores"][0]["decision"]
    assert (past["is_live"], past["conversation"]) == (False, None)
    assert rules(past)[-1] == "reconstruction"
    assert past["next_step"] is None or not past["next_step"]["is_automatic"]


def test_a_dispute_posted_after_the_override_goes_before_it(fresh_service: Service) -> None:
    client = fresh_service.client(*EVERYTHING)
    invoice_id, proposed = open_to_dunning(fresh_service, client)
    overrule(client, proposed, other_than(proposed))
    opened = dict.fromkeys(FACT_COLUMNS["disputes"]) | {
        "dispute_id": "D-late",
        "invoice_id": invoice_id,
        "opened_on": AS_OF,
    }
    fresh_service.store.ingest([Fact("disputes", {**opened, "reason": "broken"})], NOW)
    (held,) = ask(client, invoice_id)
    assert (held["gate_id"], held["sequence_id"]) == ("open_dispute", "dispute")
    assert "person_override.waits" in rules(held)
    closed = {**opened, "closed_on": AS_OF, "reason": "broken"}
    fresh_service.store.ingest([Fact("disputes", closed)], NOW)
    (followed,) = ask(client, invoice_id)
    assert followed["sequence_id"] == other_than(proposed)


def test_an_invoice_of_an_unknown_customer_can_be_overruled_too(fresh_service: Service) -> None:
    client = fresh_service.client(*EVERYTHING)
    new = {
        "invoice_id": "F-first",
        "customer_id": "C-first",
        "issued_on": str(AS_OF - dt.timedelta(days=60)),
        "due_on": str(AS_OF - dt.timedelta(days=30)),
        "amount": "2500.00",
    }
    (proposed,) = ask(client, new)
    overrule(client, proposed, "key_account")
    (decision,) = ask(client, new)
    assert decision["sequence_id"] == "key_account"
    (elsewhere,) = ask(client, {**new, "customer_id": "C-second"})
    assert "person_override" not in rules(elsewhere), "nobody decided about this debtor"


def test_a_removed_sequence_is_reported_and_the_routed_one_used(make_service: Maker, tmp_path: Path) -> None:
    text = DEFAULT_POLICY_PATH.read_text("utf-8")
    path = tmp_path / "policy.yaml"
    path.write_text(text, "utf-8")
    service = make_service(policy_path=path)
    client = service.client(*EVERYTHING)
    invoice_id, proposed = open_to_dunning(service, client)
    overrule(client, proposed, "hold")
    service.worker.policy.refresh()
    renamed = text.replace("sequence: hold\n", "sequence: pause\n").replace("\n  hold:\n", "\n  pause:\n")
    assert "\n  pause:\n" in renamed
    path.write_text(renamed.replace('version: "2.0.0"', 'version: "2.1.0"'), "utf-8")
    service.worker.policy.refresh()
    (decision,) = ask(client, invoice_id)
    assert decision["policy_version"] == "2.1.0"
    assert decision["sequence_id"] == proposed["sequence_id"]
    assert "person_override.unknown_sequence" in rules(decision)


def test_night_and_service_decide_the_same_with_an_override(make_service: Maker, run_night: RunNight) -> None:
    service = make_service()
    client = service.client(*EVERYTHING)
    first = run_night(service)
    talked = [account for account in first.night.accounts if account.conversation is not None]
    talk = next(
        account.conversation for account in talked
        if account.conversation is not None and len(account.conversation.invoice_ids) > 1
    )  # fmt: skip
    lead, *members = talk.invoice_ids
    told = client.get(f"/v1/invoices/{lead}/explanation").json()["decision"]
    until = str(AS_OF + dt.timedelta(days=14))
    overrule(client, told, "courtesy", hold_until=until)
    (by_day,) = ask(client, lead)
    assert by_day["conversation"] is None
    second = run_night(service)
    record = next(record for record in second.records if record.score.invoice_id == lead)
    assert record.account.override is not None
    assert record.account.override.decided_by == "m.durand"
    for key in (lead, *members):
        of_night = client.get(f"/v1/invoices/{key}/explanation").json()["decision"]
        (of_service,) = ask(client, key)
        assert {**of_service, "decision_id": None} == {**of_night, "decision_id": None}
        assert ("person_override" in rules(of_night)) == (key == lead)
    (member,) = ask(client, members[0])
    assert member["conversation"] is not None
    assert lead not in member["conversation"]["invoice_ids"]


def test_reading_overrides_creates_no_store(make_service: Maker) -> None:
    settings = make_service().settings
    missing = settings.store_url.replace(".db", "-elsewhere.db")
    assert missing != settings.store_url
    assert overrides_in_service(settings.model_copy(update={"store_url": missing})) == {}
    assert not Path(missing.split("///")[1]).exists()


def test_an_erased_override_is_no_longer_followed(fresh_service: Service) -> None:
    client = fresh_service.client(*EVERYTHING)
    invoice_id, proposed = open_to_dunning(fresh_service, client)
    overrule(client, proposed, other_than(proposed), decided_by="Jeanne Exemple")
    assert ask(client, invoice_id)[0]["sequence_id"] == other_than(proposed)
    erase_data(fresh_service.store, DataSubject(person="Jeanne Exemple"), "dpo", NOW)
    (decision,) = ask(client, invoice_id)
    assert decision["sequence_id"] == proposed["sequence_id"]
    assert "Jeanne" not in str(decision)


def test_neither_the_reason_nor_who_decided_is_logged(
    fresh_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = fresh_service.client(*EVERYTHING)
    invoice_id, proposed = open_to_dunning(fresh_service, client)
    overrule(client, proposed, "hold")
    (decision,) = ask(client, invoice_id)
    assert REASON not in str(decision), "the reason stays in the audit log"
    assert caplog.records, "something is logged"
    assert "patience" not in caplog.text
    assert "m.durand" not in caplog.text
