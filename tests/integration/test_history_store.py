"""The same claims on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import datetime as dt
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import text

from features.ledger import Ledger, empty_table, table_dtypes
from serving.messages.events import EventsRequest
from serving.store import (
    SCORE,
    Answer,
    ConflictError,
    Fact,
    Outcome,
    SqlHistoryStore,
    StoreUnavailableError,
    facts_of,
    new_answer_id,
    open_store,
    sqlite_url,
)
from serving.store.tables import FACT_COLUMNS

from .conftest import KEY, NOW

DAY = dt.date(2026, 1, 10)


def fact(table: str, **values: Any) -> Fact:
    return Fact(table, {**dict.fromkeys(FACT_COLUMNS[table]), **values})


def invoice(number: str = "F-001", customer: str = "C-1", **values: Any) -> Fact:
    given = {
        "invoice_id": number,
        "customer_id": customer,
        "kind": "invoice",
        "issued_on": DAY,
        "due_on": DAY + dt.timedelta(30),
        "amount_cents": 123_456,
        "currency": "EUR",
        **values,
    }
    return fact("invoices", **given)


def payment(number: str = "P-001", invoice_id: str = "F-001", **values: Any) -> Fact:
    given = {
        "payment_id": number,
        "invoice_id": invoice_id,
        "paid_on": DAY + dt.timedelta(35),
        "known_on": DAY + dt.timedelta(36),
        "amount_cents": 123_456,
        "method": "transfer",
        **values,
    }
    return fact("payments", **given)


def dispute(**values: Any) -> Fact:
    return fact("disputes", **{"dispute_id": "D-1", "invoice_id": "F-001", "opened_on": DAY, **values})


def email(number: str = "M-1", customer: str = "C-1", **values: Any) -> Fact:
    given = {
        "email_id": number,
        "customer_id": customer,
        "sent_at": dt.datetime(2026, 1, 20, 8, 15, 30, 250_001, tzinfo=dt.UTC),
        "direction": "inbound",
        "subject": "Facture F-001",
        "body": "Nous réglons vendredi.",
        **values,
    }
    return fact("emails", **given)


def small_ledger(count: int = 3, **changes: pl.DataFrame | None) -> Ledger:
    def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
        dtypes = table_dtypes(table)
        full = [{name: row.get(name) for name in dtypes} for row in rows]
        return pl.DataFrame(full, schema=dtypes)

    tables: dict[str, pl.DataFrame | None] = {
        "customers": frame(
            "customers", [{"customer_id": "C-1", "is_strategic": False, "credit_limit": Decimal("500.10")}]
        ),
        "invoices": frame(
            "invoices",
            [
                {
                    "invoice_id": f"F-{i:03}",
                    "customer_id": "C-1",
                    "kind": "invoice",
                    "issued_on": DAY,
                    "due_on": DAY + dt.timedelta(30),
                    "amount": Decimal("1234.56"),
                    "currency": "EUR",
                }
                for i in range(1, count + 1)
            ],
        ),
        "payments": frame(
            "payments",
            [
                {
                    "payment_id": "P-001",
                    "invoice_id": "F-001",
                    "paid_on": DAY + dt.timedelta(35),
                    "known_on": DAY + dt.timedelta(36),
                    "amount": Decimal("1234.56"),
                    "method": "transfer",
                }
            ],
        ),
        "disputes": empty_table("disputes"),
        **changes,
    }
    return Ledger(**tables)  # type: ignore[arg-type]


def score(invoice_id: str = "F-001", **body: Any) -> Answer:
    return Answer(new_answer_id(SCORE), SCORE, invoice_id, "C-1", NOW, "erp", {"p_late": 0.25, **body})


def test_an_event_sent_twice_is_kept_once_and_accepted_in_silence(store: SqlHistoryStore) -> None:
    first = store.ingest([invoice()], NOW)
    again = store.ingest([invoice(), invoice()], NOW)
    assert [done.outcome for done in first] == [Outcome.ACCEPTED]
    assert [done.outcome for done in again] == [Outcome.ALREADY_KNOWN] * 2
    assert store.history().ledger.invoices.height == 1


def test_an_id_with_other_content_is_refused_and_nothing_stored(
    store: SqlHistoryStore,
) -> None:
    store.ingest([invoice()], NOW)
    with pytest.raises(ConflictError, match=r"invoices F-001 \(amount\)") as refusal:
        store.ingest([invoice("F-002"), invoice(amount_cents=999)], NOW)
    (conflict,) = refusal.value.conflicts
    assert (conflict.position, dict(conflict.known), dict(conflict.offered)) == (
        1,
        {"amount": "1234.56"},
        {"amount": "9.99"},
    )
    assert store.history().ledger.invoices["invoice_id"].to_list() == ["F-001"]


def test_two_contents_under_one_id_in_one_request_are_refused(store: SqlHistoryStore) -> None:
    with pytest.raises(ConflictError, match="amount"):
        store.ingest([payment(), payment(amount_cents=5)], NOW)


def test_a_payment_before_its_invoice_waits_and_counts_once_it_arrives(store: SqlHistoryStore) -> None:
    (waiting,) = store.ingest([payment()], NOW)
    assert (waiting.outcome, waiting.customer_id) == (Outcome.PENDING, None)
    assert store.pending() == {"instalments": 0, "payments": 1, "disputes": 0}
    assert store.history().ledger.payments.is_empty()
    before = store.moment().change
    store.ingest([invoice()], NOW)
    assert store.pending() == {"instalments": 0, "payments": 0, "disputes": 0}
    assert store.history().ledger.payments["payment_id"].to_list() == ["P-001"]
    assert tuple(store.changed_since(before)[1]) == ("C-1",)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_events_does_not_matter(store: SqlHistoryStore, seed: int) -> None:
    events = [invoice(), invoice("F-002", "C-2"), payment(), payment("P-002", "F-002"), dispute(), email()]
    random.Random(seed).shuffle(events)
    for event in events:
        store.ingest([event], NOW)
    ledger = store.history().ledger
    assert [frame.height for _, frame in ledger.tables()] == [2, 2, 2, 1, 1]
    assert ledger.customers["customer_id"].to_list() == ["C-1", "C-2"]
    assert ledger.interactions is None, "interactions were never delivered: unknown, not nil"


def test_a_closed_dispute_is_not_reopened_by_an_old_message(store: SqlHistoryStore) -> None:
    closed = dispute(closed_on=DAY + dt.timedelta(9))
    outcomes = [
        store.ingest([event], NOW)[0].outcome for event in (invoice(), dispute(), closed, dispute(), closed)
    ]
    assert outcomes[2:] == [Outcome.COMPLETED, Outcome.ALREADY_KNOWN, Outcome.ALREADY_KNOWN]
    disputes = store.history().ledger.disputes
    assert disputes is not None
    assert disputes["closed_on"].to_list() == [DAY + dt.timedelta(9)]


def described(**fields: Any) -> Fact:
    """A customer as an event describes it: the fields that are sent, null included."""
    event = {"type": "customer", "customer_id": "C-1", **fields}
    (message,) = EventsRequest.model_validate({"events": [event]}).events
    return message.fact()


def test_an_omitted_customer_field_stays_and_null_clears_it(store: SqlHistoryStore) -> None:
    whole = described(
        name="Acme",
        is_natural_person=True,
        is_strategic=True,
        credit_limit=Decimal("500.10"),
        bureau_score=71.5,
    )
    events = [
        whole,
        described(name="Acme Ltd"),
        described(name="Acme Ltd"),
        described(credit_limit=None, bureau_score=None),
        described(is_natural_person=None, is_strategic=None),
    ]
    outcomes = []
    seen = []
    for event in events:
        outcomes.append(store.ingest([event], NOW)[0].outcome.value)
        seen.append(store.history().ledger.customers.row(0, named=True))
    assert outcomes == ["accepted", "replaced", "already_known", "replaced", "replaced"]
    states = [
        (row["name"], row["is_natural_person"], row["is_strategic"], row["credit_limit"], row["bureau_score"])
        for row in seen
    ]
    assert states == [
        ("Acme", True, True, Decimal("500.10"), 71.5),
        ("Acme Ltd", True, True, Decimal("500.10"), 71.5),
        ("Acme Ltd", True, True, Decimal("500.10"), 71.5),
        ("Acme Ltd", True, True, None, None),
        ("Acme Ltd", None, False, None, None),
    ]


def test_a_customer_event_completes_what_the_batch_and_the_same_request_say(store: SqlHistoryStore) -> None:
    store.load_ledger(small_ledger(), NOW)
    store.ingest(
        [described(legal_form="EI"), described(sector="47", legal_form="SAS"), described(name="A")], NOW
    )
    row = store.history().ledger.customers.row(0, named=True)
    assert {row[name] for name in ("name", "legal_form", "sector")} == {"A", "SAS", "47"}
    assert row["credit_limit"] == Decimal("500.10"), "known from the batch and not touched"


def test_a_customer_described_anew_replaces_the_older_description(store: SqlHistoryStore) -> None:
    old = fact("customers", customer_id="C-1", is_strategic=False, credit_limit_cents=100)
    new = fact("customers", customer_id="C-1", is_strategic=True, credit_limit_cents=200)
    outcomes = [store.ingest([event], NOW)[0].outcome for event in (old, new, new)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.REPLACED, Outcome.ALREADY_KNOWN]
    assert store.history().ledger.customers["is_strategic"].to_list() == [True]


def test_what_comes_back_is_the_ledger_that_went_in(store: SqlHistoryStore) -> None:
    ledger = small_ledger()
    report = store.load_ledger(ledger, NOW)
    kept = store.history().ledger
    for name, frame in ledger.tables():
        assert getattr(kept, name).equals(frame), name
    assert kept.emails is None
    assert (report["invoices"].added, report["payments"].added) == (3, 1)
    again = store.load_ledger(ledger, NOW)
    assert {(load.added, load.corrected, load.removed) for load in again.values()} == {(0, 0, 0)}


def test_events_give_the_same_ledger_as_the_nightly_load(store: SqlHistoryStore) -> None:
    ledger = small_ledger()
    facts = [fact for name, frame in ledger.tables() for fact in facts_of(name, frame)]
    random.Random(7).shuffle(facts)
    for event in facts:
        store.ingest([event], NOW)
    kept = store.history().ledger
    assert all(getattr(kept, name).equals(frame) for name, frame in ledger.tables() if frame.height)


def test_the_nightly_load_corrects_and_removes_but_keeps_newer_events(store: SqlHistoryStore) -> None:
    store.load_ledger(small_ledger(), NOW)
    store.ingest([invoice("F-900"), payment("P-900", "F-900"), payment("P-901", "F-901")], NOW)
    corrected = small_ledger(2).invoices.with_columns(amount=pl.lit("99.90").cast(pl.Decimal(18, 2)))
    before = store.moment()
    report = store.load_ledger(small_ledger(2, invoices=corrected), NOW)
    invoices = store.history().ledger.invoices
    assert invoices["invoice_id"].to_list() == ["F-001", "F-002", "F-900"]
    assert str(invoices["amount"][0]) == "99.90"
    loaded = report["invoices"]
    assert (loaded.corrected, loaded.removed, loaded.kept_events) == (2, 1, 1)
    assert report["payments"].kept_events == 2
    assert store.moment().generation == before.generation + 1
    assert tuple(store.changed_since(before.change)[1]) == ("C-1",)


def test_an_invoice_that_changes_hands_takes_its_payments_along(store: SqlHistoryStore) -> None:
    store.load_ledger(small_ledger(), NOW)
    moved = small_ledger().invoices.with_columns(customer_id=pl.lit("C-2"))
    store.load_ledger(small_ledger(invoices=moved), NOW)
    assert store.history_of(["C-2"]).ledger.payments.height == 1
    assert store.history_of(["C-1"]).ledger.payments.height == 0


def test_the_history_of_one_customer_is_the_part_of_the_whole(store: SqlHistoryStore) -> None:
    store.ingest([invoice(), invoice("F-002", "C-2"), payment(), payment("P-2", "F-002"), email()], NOW)
    part = store.history_of(["C-2"]).ledger
    assert part.invoices["invoice_id"].to_list() == ["F-002"]
    assert part.payments["payment_id"].to_list() == ["P-2"]
    assert part.customers["customer_id"].to_list() == ["C-2"]
    assert part.emails is not None
    assert part.emails.is_empty()
    assert store.history_of(["nobody"]).ledger.invoices.is_empty()


def test_instants_and_money_survive_to_the_last_digit(store: SqlHistoryStore) -> None:
    store.ingest([email(), invoice(amount_cents=999_999_999_999_999)], NOW)
    ledger = store.history().ledger
    assert ledger.emails is not None
    assert ledger.emails["sent_at"][0] == email().values["sent_at"]
    assert str(ledger.invoices["amount"][0]) == "9999999999999.99"


def test_another_worker_sees_the_change_before_its_next_score(store: SqlHistoryStore, store_url: str) -> None:
    other = open_store(store_url, KEY)
    try:
        seen = other.moment().change
        store.ingest([invoice()], NOW)
        moment, customers = other.changed_since(seen)
        assert moment.change == seen + 1
        assert customers == {"C-1": seen + 1}
    finally:
        other.close()


def test_a_customers_change_concerns_all_it_is_merged_with(store: SqlHistoryStore) -> None:
    store.ingest([invoice(f"F-{n}", f"C-{n}") for n in range(5)], NOW)
    steps = (("C-1", "C-2"), ("C-3", "C-2"))
    merges = [
        fact("customer_merges", customer_id=one, merged_into_id=into, merged_on=DAY) for one, into in steps
    ]
    before = store.moment().change
    store.ingest(merges[:1], NOW)
    assert tuple(store.changed_since(before)[1]) == ("C-1", "C-2")
    store.ingest(merges[1:], NOW)
    before = store.moment().change
    store.ingest([payment("P-1", "F-1")], NOW)
    customers, fresh = store.histories_since(before, 10)
    assert customers == ("C-1", "C-2", "C-3")
    assert fresh is not None
    assert fresh.ledger.customer_merges is not None
    assert fresh.ledger.customer_merges.height == 2
    before = store.moment().change
    store.ingest([payment("P-4", "F-4")], NOW)
    assert tuple(store.changed_since(before)[1]) == ("C-4",)


def test_writers_at_once_lose_nothing_and_skip_no_change_number(
    store: SqlHistoryStore, store_url: str
) -> None:
    def write(worker: int) -> None:
        own = open_store(store_url, KEY)
        try:
            for number in range(15):
                own.ingest([invoice(f"F-{worker}-{number}", f"C-{worker}")], NOW)
                own.store_answers([score(f"F-{worker}-{number}")])
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert store.history().ledger.invoices.height == 60
    assert store.moment().change == 60
    verified = store.verify_audit()
    assert (verified.lines, verified.faults) == (60, ())


def test_an_answer_comes_back_as_it_was_kept(store: SqlHistoryStore) -> None:
    kept = score(reasons=[{"fr": "payé en retard", "value": 12.5}])
    store.store_answers([kept])
    found = store.answer(kept.answer_id)
    assert found is not None
    assert found.body == kept.body
    assert found.created_at == NOW
    assert store.answer("score-unknown") is None
    newer = score(p_late=0.5)
    store.store_answers([newer])
    assert [a.answer_id for a in store.answers_on(SCORE, "F-001")] == [newer.answer_id, kept.answer_id]


def test_nightly_scores_are_replaced_nightly_and_outside_the_chain(
    store: SqlHistoryStore,
) -> None:
    first, second = score(p_late=0.25), score(p_late=0.75)
    store.replace_nightly([first])
    found = store.answer(first.answer_id)
    assert found is not None
    assert (found.body, found.is_nightly) == (first.body, True)
    store.replace_nightly([second])
    assert store.answer(first.answer_id) is None
    assert [a.answer_id for a in store.answers_on(SCORE, "F-001")] == [second.answer_id]
    store.store_answers([second])
    (only,) = store.answers_on(SCORE, "F-001")
    assert not only.is_nightly
    verified = store.verify_audit()
    assert (verified.lines, verified.faults) == (1, ())


def test_a_customers_night_is_returned_whole_under_a_new_number(
    store: SqlHistoryStore, store_url: str
) -> None:
    def of_night(invoice_id: str, customer_id: str) -> Answer:
        return Answer(
            new_answer_id(SCORE), SCORE, invoice_id, customer_id, NOW, "night", {"case": invoice_id}
        )

    before = store.moment()
    many = [of_night(f"F-{n:04d}", f"C-{n % 700}") for n in range(1400)]
    store.replace_nightly([*reversed(many), of_night("F-other", "C-other")])
    other = open_store(store_url, KEY)
    try:
        assert other.moment().night == before.night + 1
        assert other.moment().generation == before.generation
        told = other.nightly_of([f"C-{n}" for n in range(700)])
        assert [found.subject_id for found in told] == [answer.subject_id for answer in many]
        assert other.nightly_of(["C-1"])[0].body == {"case": "F-0001"}
        assert other.nightly_of(["C-unknown"]) == []
        assert other.nightly_of([]) == []
    finally:
        other.close()


def test_an_answer_kept_again_from_a_spool_is_one_line(store: SqlHistoryStore) -> None:
    kept = score()
    assert store.store_answers([kept]) == 1
    assert store.store_answers([kept, kept]) == 1


def test_feeds_say_what_was_delivered_and_when(store: SqlHistoryStore) -> None:
    store.load_ledger(small_ledger(), NOW)
    later = NOW + dt.timedelta(hours=2)
    store.ingest([email()], later)
    feeds = {feed.name: feed for feed in store.feeds()}
    assert feeds["invoices"].loaded_at == NOW
    assert feeds["payments"].known_on == DAY + dt.timedelta(36)
    assert feeds["emails"].received_at == later
    assert feeds["interactions"].is_provided is False


def test_a_database_that_is_away_is_one_clear_refusal_without_its_address(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="nothing was stored") as refusal:
        open_store(f"postgresql://secret-user:secret-word@127.0.0.1:1/{tmp_path.name}", KEY)
    assert "secret" not in str(refusal.value)


def test_the_sqlite_file_waits_for_the_disk(tmp_path: Path) -> None:
    store = open_store(sqlite_url(tmp_path / "store.db"), KEY)
    with store.database.reading() as connection:
        journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
    assert (journal, synchronous) == ("wal", 2)
    store.close()
