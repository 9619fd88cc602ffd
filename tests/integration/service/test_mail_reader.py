"""Mails are read beside the requests: scores wait for none, and one that cannot be read holds up no other."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import serving.mails.background_reader as mail_reader
from features.email import LABELS, Mail, MailSignals
from features.ledger import Ledger, table_dtypes
from serving.api.app import build_app
from serving.api.worker import ScoreWorker
from serving.mails.background_reader import LEASE, Reading, read_all, read_until, run_mail_reader
from serving.night.store import load_into_service
from serving.operations.settings import read_settings
from serving.operations.supervisor import Supervisor
from serving.security.access import Scope
from serving.store import SqlHistoryStore, open_store
from serving.store.privacy import DataSubject, erase_data, export_data
from tests.integration.conftest import KEY
from tests.waiting import until

from .conftest import AS_OF, NOW, Maker, Service, TestClient

VERSION = "stand-in"
BROKEN, SLOW = "breaks the reader", "never ends"


class StandIn:
    """Stands for the reader: a promise in every mail, a failure on one that says so; waits for a gate."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.gate = gate
        self.begun = threading.Event()
        self.read: list[str] = []
        self.lengths: list[int] = []

    def read_many(self, mails: Iterator[Mail]) -> Iterator[MailSignals]:
        for mail in mails:
            self.begun.set()
            if self.gate is not None:
                assert self.gate.wait(60)
            if mail.body == BROKEN:
                raise ZeroDivisionError("something of the mail")
            while mail.body == SLOW:
                pass
            self.read.append(mail.id)
            self.lengths.append(len(mail.body))
            chances = {**dict.fromkeys(LABELS, 0.0), "promise_to_pay": 0.9}
            yield MailSignals(mail.id, "fr", False, ("promise_to_pay",), (), chances)


def reading(pipeline: StandIn, holder: str | None = None) -> Reading:
    return Reading(pipeline, VERSION, True, holder)  # type: ignore[arg-type]


def mail(number: str, customer_id: str, body: str = "Nous payons vendredi.") -> dict[str, Any]:
    return {
        "type": "email",
        "email_id": number,
        "customer_id": customer_id,
        "sent_at": f"{AS_OF - dt.timedelta(days=1)}T09:00:00Z",
        "direction": "inbound",
        "body": body,
    }


def post(service: Service, *events: dict[str, Any]) -> list[str]:
    answer = service.client(Scope.EVENTS).post("/v1/events", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return [found["outcome"] for found in answer.json()["outcomes"]]


def two_customers(service: Service) -> list[tuple[str, str]]:
    """An open invoice of each of two customers, with its customer."""
    invoices = service.ledger.invoices.filter(pl.col("invoice_id").is_in(service.open_invoices(100)))
    first = invoices.unique("customer_id", keep="first", maintain_order=True).head(2)
    return list(first.select("invoice_id", "customer_id").iter_rows())


def features_of(store: SqlHistoryStore, client: Any, invoice_id: str) -> dict[str, Any]:
    body = {"as_of": str(AS_OF), "invoices": [{"invoice_id": invoice_id}], "with_reasons": False}
    answer = client.post("/v1/score", json=body)
    assert answer.status_code == 200, answer.text
    kept = store.answer(answer.json()["scores"][0]["score_id"])
    assert kept is not None
    assert kept.body is not None
    return dict(kept.body["features"])


def promises(features: dict[str, Any]) -> float:
    return float(features["mail_promise_to_pay_count_90d"] or 0)


def test_scores_answer_while_mails_are_read_and_use_signals_everywhere(
    make_service: Maker,
) -> None:
    service = make_service(is_reading_mails=True)
    beside = ScoreWorker(
        service.settings,
        True,
        now=lambda: NOW,
        store=open_store(service.settings.store_url, service.settings.secret()),
    )
    (own, customer), (other, _) = two_customers(service)
    client = service.client(Scope.SCORE, Scope.READ)
    elsewhere = TestClient(build_app(beside), headers=client.headers)
    gate = threading.Event()
    pipeline = StandIn(gate)
    supervisor = Supervisor()

    def work(stop: threading.Event, beat: Callable[[], None]) -> None:
        read_until(service.store, reading(pipeline), lambda: NOW, stop.wait)

    supervisor.run("mails", work)
    try:
        assert set(post(service, *(mail(f"M-{number}", customer) for number in range(60)))) == {"accepted"}
        assert pipeline.begun.wait(30)
        for _ in range(3):
            assert promises(features_of(service.store, client, own)) == 0, "not read yet, and not waited for"
            features_of(service.store, client, other)
        assert pipeline.read == []
        gate.set()
        until(lambda: not service.store.mails_waiting(VERSION).count)
        assert sorted(pipeline.read) == sorted(f"M-{number}" for number in range(60))
        for asked in (client, elsewhere):
            assert promises(features_of(service.store, asked, own)) > 0
    finally:
        gate.set()
        supervisor.close()
        beside.close()


def test_an_unreadable_mail_is_set_aside_with_its_reason(
    make_service: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_reader, "MAIL_SECONDS", 0.2)
    monkeypatch.setattr("serving.api.health.reader_version", lambda _: VERSION)
    service = make_service(is_reading_mails=True)
    (_, customer), _ = two_customers(service)
    long = "a" * 150_000
    post(
        service,
        *(mail(f"M-{number}", customer, body) for number, body in enumerate((BROKEN, SLOW, "ok", long))),
    )
    health = service.client(Scope.READ).get("/v1/health").json()
    assert (health["waiting_mails"], health["unreadable_mails"]) == (4, 0)
    assert health["oldest_waiting_mail_at"] is not None
    pipeline = StandIn()
    assert read_all(service.store, reading(pipeline), lambda: NOW) == 4
    assert pipeline.lengths == [2, mail_reader.LONGEST_MAIL], "the newest first, each to its limit"
    assert service.store.history().signals["email_id"].to_list() == ["M-2", "M-3"]
    with service.store.database.reading() as connection:
        reasons = dict(connection.exec_driver_sql("SELECT email_id, failure FROM mail_signals").fetchall())
    assert reasons == {"M-0": "ZeroDivisionError", "M-1": "MailTooSlowError", "M-2": None, "M-3": None}
    health = service.client(Scope.READ).get("/v1/health").json()
    assert (health["waiting_mails"], health["oldest_waiting_mail_at"], health["unreadable_mails"]) == (
        0,
        None,
        2,
    )
    assert read_all(service.store, reading(pipeline), lambda: NOW) == 0, "nothing is read twice"


def test_only_the_lease_holder_writes_until_the_lease_ends(
    fresh_service: Service,
) -> None:
    store = fresh_service.store
    post(fresh_service, mail("M-1", "C-1"))
    assert store.take_lease(LEASE, "first", NOW, 45.0)
    assert not store.take_lease(LEASE, "second", NOW, 45.0)
    second = StandIn()
    assert read_all(store, reading(second, "second"), lambda: NOW) == 0
    later = NOW + dt.timedelta(seconds=46)
    assert store.take_lease(LEASE, "second", later, 45.0), "the first has died"
    assert mail_reader.read_batch(store, reading(StandIn(), "first"), lambda: later) == 0
    assert store.mails_waiting(VERSION).count == 1, "what a former holder read is not written"
    assert mail_reader.read_batch(store, reading(second, "second"), lambda: later) == 1
    store.end_lease(LEASE, "second")
    assert store.take_lease(LEASE, "first", later, 45.0)


def test_a_corrected_mail_is_read_anew_and_an_erased_one_is_forgotten(store_url: str) -> None:
    store = open_store(store_url, KEY)
    try:
        store.load_ledger(_ledger_with_mails(("M-1", "a"), ("M-2", "b")), NOW)
        pipeline = StandIn()
        assert read_all(store, reading(pipeline), lambda: NOW) == 2
        before = store.moment().change
        store.load_ledger(_ledger_with_mails(("M-1", "a"), ("M-2", "b corrected")), NOW)
        assert store.history().signals["email_id"].to_list() == ["M-1"]
        assert store.mails_waiting(VERSION).count == 1
        read_all(store, reading(pipeline), lambda: NOW)
        assert pipeline.read == ["M-1", "M-2", "M-2"]
        assert tuple(store.changed_since(before)[1]) == ("K1",)
        told = export_data(store, DataSubject(customer_id="K1"), "tests", NOW)
        assert [found["email_id"] for found in told["mail_signals"]] == ["M-1", "M-2"]
        erase_data(store, DataSubject(customer_id="K1"), "tests", NOW)
        assert store.history().signals.is_empty()
        with store.database.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM mail_signals").scalar_one() == 0
    finally:
        store.close()


def test_a_load_reads_what_is_new_as_the_batch_would_read_it(tmp_path: Path) -> None:
    settings = read_settings({"ENCOURS_HOME": str(tmp_path)})
    settings.home.mkdir(parents=True)
    settings.old_mail_memory_path.write_bytes(b"what an earlier version kept")
    whole = _ledger_with_mails(("M-1", "Le virement partira vendredi."), ("M-2", "Bonjour"))
    from features.email import load_pipeline, signals_frame

    assert whole.emails is not None
    signals = signals_frame(whole.emails, load_pipeline())
    load_into_service(whole, settings, NOW)
    store = open_store(settings.store_url, settings.secret())
    try:
        assert store.history().signals.equals(signals.sort("email_id"), null_equal=True), "to the last bit"
        assert not settings.old_mail_memory_path.exists()
        load_into_service(
            _ledger_with_mails(("M-1", "Le virement partira lundi."), ("M-2", "Bonjour")), settings, NOW
        )
        days = store.history().signals["promise_date"].to_list()
        assert days[0] != signals["promise_date"][0], "a corrected mail is read anew"
    finally:
        store.close()


def test_the_reader_is_a_process_that_ends_with_its_worker(tmp_path: Path) -> None:
    settings = read_settings({"ENCOURS_HOME": str(tmp_path)})
    store = open_store(settings.store_url, settings.secret())
    store.load_ledger(_ledger_with_mails(("M-1", "Le virement partira vendredi 6 mars.")), NOW)
    supervisor = Supervisor()
    environment = {**os.environ, "ENCOURS_HOME": str(tmp_path)}

    def work(stop: threading.Event, beat: Callable[[], None]) -> None:
        run_mail_reader(store, lambda: dt.datetime.now(dt.UTC), environment, stop, beat)

    supervisor.run("mails", work)
    try:
        until(lambda: store.history().signals.height == 1, 60.0)
        assert store.history().signals["promise_to_pay"].to_list() == [True]
        assert [state.restarts for state in supervisor.states()] == [0]
    finally:
        supervisor.close()
    assert store.take_lease(LEASE, "next", dt.datetime.now(dt.UTC), 45.0), "the lease was given back"
    store.close()


def test_a_reader_whose_service_is_gone_before_it_began_ends(tmp_path: Path) -> None:
    settings = read_settings({"ENCOURS_HOME": str(tmp_path)})
    open_store(settings.store_url, settings.secret()).close()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-m", "serving.mails.background_reader", "nobody", str(gone.pid)]
    ended = subprocess.run(
        command, env={**os.environ, "ENCOURS_HOME": str(tmp_path)}, timeout=120, check=False
    )
    assert ended.returncode == 0


def _ledger_with_mails(*mails: tuple[str, str]) -> Ledger:
    from tests.ledger_samples import invoice, ledger

    rows = [
        {
            "email_id": number,
            "customer_id": "K1",
            "sent_at": NOW - dt.timedelta(days=3),
            "direction": "inbound",
            "subject": "",
            "body": body,
        }
        for number, body in mails
    ]
    assert set(rows[0]) <= set(table_dtypes("emails"))
    return ledger([invoice()], [], emails=rows)


def test_waiting_mails_come_with_the_country_of_their_customer(store_url: str) -> None:
    store = open_store(store_url, b"x" * 40)
    try:
        whole = _ledger_with_mails(("M-1", "Bonjour"))
        assert whole.emails is not None
        customer_id = whole.emails["customer_id"][0]
        told = {**dict.fromkeys(table_dtypes("customers")), "customer_id": customer_id, "is_strategic": False}
        german = pl.DataFrame([{**told, "country": "DE"}], schema=table_dtypes("customers"))
        store.load_ledger(replace(whole, customers=german), NOW)
        assert store.waiting_mails(VERSION, 5)["country"].to_list() == ["DE"]
    finally:
        store.close()
