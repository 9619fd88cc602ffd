"""The score service on what the main job left: the same scores, and last night's explained."""

from __future__ import annotations

import datetime as dt
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for another HTTP client than the one installed
    from starlette.testclient import TestClient

from features.ledger import read_ledger
from models.target import HORIZONS
from serving.api.app import build_app
from serving.api.worker import ScoreWorker
from serving.dunning import read_records
from serving.night.store import load_into_service, publish_night
from serving.operations.settings import ServiceSettings, settings_at
from serving.security.access import Scope, make_key, write_keys
from serving.store import SCORE, open_store
from tests.integration.pipelines.conftest import RunHome

NOW = dt.datetime(2027, 1, 4, 9, 30, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 7, 1, 9, 30, tzinfo=dt.UTC)
"""The day of the night: a decision for it is live."""
DATES = ("payment_date_p10", "payment_date_p50", "payment_date_p90")
SAME = ("p_late", "p_late_30", "grade", "history_depth", "cold_start_rung", "model_version", *DATES)


@pytest.fixture
def night(run_home: RunHome, tmp_path: Path) -> ServiceSettings:
    """A copy of the home, for the service to write into."""
    root = tmp_path / "home"
    shutil.copytree(run_home.root, root)
    return settings_at(root, {})


@pytest.fixture
def ask(night: ServiceSettings) -> Iterator[Callable[..., Any]]:
    """Ask the service over HTTP, in this process, as an administrator."""
    yield from asking(night, NOW)


@pytest.fixture
def ask_that_morning(night: ServiceSettings) -> Iterator[Callable[..., Any]]:
    """Ask the service on the day of the night."""
    yield from asking(night, MORNING)


def asking(night: ServiceSettings, now: dt.datetime) -> Iterator[Callable[..., Any]]:
    worker = ScoreWorker(night, is_reading_mails=True, now=lambda: now)
    key, text = make_key("tests", [Scope.ADMIN], None, night.secret(), now)
    write_keys(night.keys_path, [key])
    client = TestClient(build_app(worker), headers={"Authorization": f"Bearer {text}"})

    def ask(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    yield ask
    worker.close()


def last_night(run_home: RunHome) -> pl.DataFrame:
    return pl.read_parquet(run_home.root / "out" / "scored_invoices.parquet")


def test_the_service_explains_every_nightly_score_unchanged(
    run_home: RunHome, ask: Callable[..., Any]
) -> None:
    decisions = pl.read_parquet(run_home.root / "out" / "decisions.parquet")
    routed = dict(decisions.select("invoice_id", "sequence_id").iter_rows())
    for row in last_night(run_home).iter_rows(named=True):
        told = ask("GET", f"/v1/invoices/{row['invoice_id']}/explanation")
        assert told["as_of"] == row["as_of"].isoformat()
        assert (told["p_late"], told["grade"]) == (row["p_late"], row["grade"])
        assert told["decision"]["sequence_id"] == routed[row["invoice_id"]]
        reasons = [(reason["en"], reason["contribution"]) for reason in told["explanation"]["reasons"]]
        assert reasons == [(reason["text_en"], reason["contribution"]) for reason in row["reasons"]]
        by_id = ask("GET", f"/v1/scores/{told['score_id']}")
        assert by_id["score"]["p_late"] == row["p_late"]


def test_the_service_scores_open_invoices_as_the_batch_to_the_last_bit(
    run_home: RunHome, ask: Callable[..., Any], tmp_path: Path
) -> None:
    tonight = last_night(run_home)["as_of"][0]
    compared = 0
    for months_ago in (0, 2, 4, 6):
        if compared >= 200:
            break
        as_of = str(tonight - dt.timedelta(days=30 * months_ago))
        out = tmp_path / f"{as_of}.parquet"
        run_home.encours(
            "score", "--ledger", str(run_home.ledger), "--as-of", as_of, "--out", str(out), "--no-reasons"
        )
        batch = pl.read_parquet(out)
        asked = [{"invoice_id": invoice_id} for invoice_id in batch["invoice_id"]]
        answer = ask("POST", "/v1/score", {"as_of": as_of, "invoices": asked, "with_reasons": False})
        for online, row in zip(answer["scores"], batch.iter_rows(named=True), strict=True):
            expected = {name: row[name] for name in SAME}
            expected.update({name: row[name].isoformat() for name in DATES})
            assert {name: online[name] for name in SAME} == expected, (as_of, row["invoice_id"])
            assert online["unpaid_probability"] == {str(k): row[f"unpaid_probability_{k}d"] for k in HORIZONS}
            compared += 1
        alone = ask("POST", "/v1/score", {"as_of": as_of, "invoices": asked[:1], "with_reasons": False})
        assert alone["scores"][0]["unpaid_probability"] == answer["scores"][0]["unpaid_probability"]
    assert compared >= 200


def test_a_newer_score_is_told_instead_of_the_nights(run_home: RunHome, ask: Callable[..., Any]) -> None:
    row = last_night(run_home).row(0, named=True)
    body = {"as_of": str(row["as_of"]), "invoices": [{"invoice_id": row["invoice_id"]}]}
    newer = ask("POST", "/v1/score", body)["scores"][0]
    told = ask("GET", f"/v1/invoices/{row['invoice_id']}/explanation")
    assert told["score_id"] == newer["score_id"]
    assert told["p_late"] == row["p_late"]
    ask("POST", "/v1/score", {**body, "with_reasons": False})
    told = ask("GET", f"/v1/invoices/{row['invoice_id']}/explanation")
    assert told["score_id"] == newer["score_id"], "a score without reasons hides no explanation"


def test_an_overridden_nightly_score_survives_the_next_night(
    run_home: RunHome, night: ServiceSettings, ask: Callable[..., Any]
) -> None:
    kept, replaced = last_night(run_home)["invoice_id"].tail(2).to_list()
    ids = [ask("GET", f"/v1/invoices/{key}/explanation")["score_id"] for key in (kept, replaced)]
    sequence = ask("GET", "/v1/policy")["sequence_ids"][0]
    made = ask(
        "POST",
        f"/v1/decisions/{ids[0]}/override",
        {"sequence_id": sequence, "reason": "spoke to the owner", "decided_by": "A. Martin"},
        status=201,
    )
    load_into_service(read_ledger(run_home.ledger), night, NOW)
    publish_night(night, None, lambda signals, change: [])
    again = ask("GET", f"/v1/scores/{ids[0]}")
    assert [override["override_id"] for override in again["overrides"]] == [made["override_id"]]
    ask("GET", f"/v1/scores/{ids[1]}", status=404)
    refused = ask("GET", f"/v1/invoices/{replaced}/explanation", status=404)
    assert "POST /v1/score" in refused["error"]["message"]
    store = open_store(night.store_url, night.secret())
    assert store.verify_audit().faults == ()
    store.close()


def test_the_next_night_follows_what_a_person_decided_and_the_service_agrees(
    run_home: RunHome, night: ServiceSettings, ask_that_morning: Callable[..., Any]
) -> None:
    ask = ask_that_morning
    decisions = pl.read_parquet(run_home.root / "out" / "decisions.parquet")
    free = decisions.filter(pl.col("gate_id").is_null() & pl.col("person_decides").is_null())
    invoice_id, other = free.sort("invoice_id")["invoice_id"].head(2)
    told = ask("GET", f"/v1/invoices/{invoice_id}/explanation")
    as_of = told["as_of"]
    until = str(dt.date.fromisoformat(as_of) + dt.timedelta(days=40))
    body = {"reason": "spoke to the owner", "decided_by": "A. Martin", "hold_until": until}
    ask(
        "POST",
        f"/v1/decisions/{told['score_id']}/override",
        {"sequence_id": "courtesy", **body},
        status=201,
    )
    next_home = RunHome(night.home.parent, run_home.ledger)
    next_home.encours("run", "--ledger", str(run_home.ledger), "--nightly")
    after = {
        record.score.invoice_id: record
        for record in read_records(next_home.root / "out" / "decisions.parquet")
    }
    decision = after[invoice_id].decision
    assert decision is not None
    assert decision.hold_until is not None
    assert decision.hold_until.isoformat() == until
    assert "A. Martin" in next(why.en for why in decision.why if why.rule_id == "person_override")
    assert after[other].account.override is None
    request = {"as_of": as_of, "invoices": [{"invoice_id": invoice_id}]}
    by_service = ask("POST", "/v1/score", request)["scores"][0]["decision"]
    of_night = ask("GET", f"/v1/scores/{_of_last_night(night, invoice_id)}")["score"]["decision"]
    assert {**by_service, "decision_id": None} == {**of_night, "decision_id": None}


def _of_last_night(night: ServiceSettings, invoice_id: str) -> str:
    store = open_store(night.store_url, night.secret())
    found = [kept.answer_id for kept in store.answers_on(SCORE, invoice_id) if kept.is_nightly]
    store.close()
    return found[0]


def test_the_night_keeps_its_secret_to_itself(run_home: RunHome) -> None:
    done = run_home.encours("run", "--ledger", str(run_home.ledger), "--nightly")
    secret = settings_at(run_home.root, {}).secret().decode()
    assert "core__facts" in done.stdout
    assert secret not in done.stdout + done.stderr
    store = open_store(settings_at(run_home.root, {}).store_url, secret.encode())
    assert store.history().ledger.invoices.height == read_ledger(run_home.ledger).invoices.height
    store.close()


def test_the_next_night_decides_on_what_the_service_was_told_by_event(
    run_home: RunHome, night: ServiceSettings, ask_that_morning: Callable[..., Any], tmp_path: Path
) -> None:
    ask = ask_that_morning
    decisions = pl.read_parquet(run_home.root / "out" / "decisions.parquet")
    free = decisions.filter(pl.col("gate_id").is_null() & pl.col("person_decides").is_null())
    chosen = free.unique("customer_id", keep="first", maintain_order=True).sort("invoice_id").head(5)
    paid, disputed, promised, insolvent, person = chosen.select("invoice_id", "customer_id").rows()
    day, at = str(MORNING.date()), MORNING.isoformat()
    money = dict(decisions.select("invoice_id", "balance_amount").iter_rows())
    ledger = read_ledger(run_home.ledger)
    known = {row["customer_id"]: row for row in ledger.customers.iter_rows(named=True)}
    days = {"paid_on": day, "known_on": day}
    payment = {"payment_id": "P-event", "invoice_id": paid[0], "amount": str(money[paid[0]]), **days}
    promise = {"invoice_id": promised[0], "kind": "promise_recorded", "step_id": "2026-07-10"}
    events = [
        {"type": "payment", "method": "transfer", **payment},
        {"type": "dispute", "dispute_id": "D-event", "invoice_id": disputed[0], "opened_on": day},
        {
            "type": "interaction",
            "interaction_id": "I-p",
            "customer_id": promised[1],
            "happened_at": at,
            **promise,
        },
        {
            "type": "interaction",
            "interaction_id": "I-i",
            "customer_id": insolvent[1],
            "happened_at": at,
            "kind": "insolvency_published",
        },
        {"type": "customer", "customer_id": person[1], "is_strategic": True},
    ]
    assert known[person[1]]["is_strategic"] is False, "the ledger goes on saying so"
    ask("POST", "/v1/events", {"events": events})
    next_home = RunHome(night.home.parent, run_home.ledger)
    next_home.encours("run", "--ledger", str(run_home.ledger), "--nightly", "--as-of", day)
    records = read_records(next_home.root / "out" / "decisions.parquet")
    after = {record.score.invoice_id: record.decision for record in records}
    thanks = after.get(paid[0])
    assert thanks is None or thanks.gate_id == "settled", (
        "nothing is owed on it: at most its payer is thanked"
    )
    gates = {
        key: None if after[key] is None else after[key].gate_id
        for key in (disputed[0], promised[0], insolvent[0])
    }
    assert gates == {disputed[0]: "open_dispute", promised[0]: "promise_running", insolvent[0]: "insolvency"}
    of_person = after[person[0]]
    assert of_person is not None
    assert of_person.person_decides is not None
    out = tmp_path / "scores.parquet"
    later = str(MORNING.date() + dt.timedelta(days=1))
    next_home.encours(
        "score", "--ledger", str(run_home.ledger), "--as-of", later, "--out", str(out), "--no-reasons"
    )
    assert paid[0] not in pl.read_parquet(out)["invoice_id"].to_list()
