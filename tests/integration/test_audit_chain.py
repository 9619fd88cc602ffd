"""The audit log finds every changed, removed or inserted line; erasure leaves a whole chain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from features.errors import InvalidInputError
from serving.store import SCORE, Answer, Fact, Outcome, SqlHistoryStore, open_store, sqlite_url
from serving.store.audit import GENESIS_HASH, Chain, note_anchor, read_anchors
from serving.store.privacy import DataSubject, erase_data, export_data
from serving.store.tables import ANSWERS, AUDIT, COUNTERS, FACT_COLUMNS

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlHistoryStore]:
    opened = open_store(sqlite_url(tmp_path / "store.db"), b"a key for tests only")
    opened.store_answers([answer(number) for number in range(1, 8)])
    yield opened
    opened.close()


def answer(number: int, customer: str = "C-1", **body: object) -> Answer:
    return Answer(
        f"score-{number}", SCORE, f"F-{number}", customer, NOW, "erp", {"p_late": number / 10, **body}
    )


def fact(table: str, **values: object) -> Fact:
    return Fact(table, {**dict.fromkeys(FACT_COLUMNS[table]), **values})


def forge(connection: Connection, position: int) -> None:
    """Insert a line as someone would who has the database but not the secret."""
    forged = Chain(b"not the key").line(position, NOW, SCORE, "score-x", "erp", "0" * 64, GENESIS_HASH)
    connection.execute(insert(AUDIT).values(**forged.as_row()))


TAMPERING: dict[str, tuple[Callable[[Connection], object], str]] = {
    "a line changed": (
        lambda c: c.execute(update(AUDIT).where(AUDIT.c.position == 3).values(caller="someone else")),
        "position 3: the line was changed",
    ),
    "an answer changed": (
        lambda c: c.execute(
            update(ANSWERS).where(ANSWERS.c.answer_id == "score-4").values(body='{"p_late":0}')
        ),
        "position 4: the text of answer score-4 was changed",
    ),
    "a line removed": (
        lambda c: c.execute(delete(AUDIT).where(AUDIT.c.position == 5)),
        "between positions 4 and 6: lines were removed",
    ),
    "an answer removed": (
        lambda c: c.execute(delete(ANSWERS).where(ANSWERS.c.answer_id == "score-2")),
        "position 2: the answer score-2 was removed",
    ),
    "a text removed": (
        lambda c: c.execute(update(ANSWERS).where(ANSWERS.c.answer_id == "score-2").values(body=None)),
        "position 2: the text of answer score-2 was removed",
    ),
    "a text removed as if erased": (
        lambda c: c.execute(
            update(ANSWERS).where(ANSWERS.c.answer_id == "score-2").values(body=None, erased_at=NOW)
        ),
        "no erasure accounts for it",
    ),
    "a line inserted": (lambda c: forge(c, 8), "position 8: the line was changed"),
    "the newest line removed": (
        lambda c: c.execute(delete(AUDIT).where(AUDIT.c.position == 7)),
        "positions 7 to 7: the chain ends at position 6: the newest lines were removed",
    ),
    "an answer slipped in": (
        lambda c: c.execute(
            insert(ANSWERS).values(answer_id="score-y", kind=SCORE, created_at=NOW, body="{}")
        ),
        "answers that no line of the chain covers",
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_and_located(store: SqlHistoryStore, how: str) -> None:
    assert store.verify_audit().faults == ()
    tamper, message = TAMPERING[how]
    with store.open_for_writing() as connection:
        tamper(connection)
    found = "\n".join(str(fault) for fault in store.verify_audit().faults)
    assert message in found


def test_removing_the_newest_lines_and_their_count_is_found_by_an_anchor(
    store: SqlHistoryStore, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors.jsonl"
    head = store.audit_head()
    assert head is not None
    note_anchor(anchors, head)
    note_anchor(anchors, head)
    assert read_anchors(anchors) == [head]
    with store.open_for_writing() as connection:
        connection.execute(delete(AUDIT).where(AUDIT.c.position >= 6))
        connection.execute(delete(ANSWERS).where(ANSWERS.c.answer_id.in_(["score-6", "score-7"])))
        connection.execute(update(COUNTERS).where(COUNTERS.c.name == "audit").values(value=5))
    assert store.verify_audit().faults == (), "without an anchor this cannot be seen"
    (fault,) = store.verify_audit(read_anchors(anchors)).faults
    assert "the newest lines were removed" in str(fault)


def test_a_chain_rewritten_with_another_secret_does_not_verify(store: SqlHistoryStore) -> None:
    other = Chain(b"not the key")
    with store.open_for_writing() as connection:
        previous = GENESIS_HASH
        for row in connection.execute(select(AUDIT).order_by(AUDIT.c.position)).mappings().all():
            fields = {**row, "previous_hash": previous}
            del fields["line_hash"]
            line = other.line(**fields)
            previous = line.line_hash
            connection.execute(update(AUDIT).where(AUDIT.c.position == line.position).values(**line.as_row()))
    assert len(store.verify_audit().faults) == 7


def test_erasing_a_customer_empties_texts_and_leaves_a_whole_chain(store: SqlHistoryStore) -> None:
    store.ingest(
        [
            fact(
                "customers",
                customer_id="C-1",
                name="Menuiserie Roussel",
                siren="111222333",
                is_strategic=False,
            ),
            fact(
                "emails",
                email_id="M-1",
                customer_id="C-1",
                sent_at=NOW,
                direction="inbound",
                subject="",
                body="x",
            ),
        ],
        NOW,
    )
    store.store_answers([answer(20, customer="C-2")])
    store.replace_nightly([answer(21), answer(22, customer="C-2")])
    exported = export_data(store, DataSubject(customer_id="C-1"), "dpo", NOW)
    assert [row["answer_id"] for row in exported["nightly_scores"]] == ["score-21"]
    report = erase_data(store, DataSubject(customer_id="C-1"), "dpo", NOW)
    assert dict(report.erased) == {"emails": 1, "customer names": 1, "answers": 7, "nightly scores": 1}
    assert store.answer("score-21") is None
    assert store.answer("score-22") is not None
    assert any("L123-22" in kept.why for kept in report.kept)
    verified = store.verify_audit()
    assert (verified.faults, verified.erased, verified.lines) == ((), 7, 10)
    erased = store.answer("score-1")
    assert erased is not None
    assert (erased.body, erased.erased_at) == (None, NOW)
    other = store.answer("score-20")
    assert other is not None
    assert other.body == {"p_late": 2.0}


def test_erased_facts_are_not_ingested_again(store: SqlHistoryStore) -> None:
    customer = fact("customers", customer_id="C-1", name="Menuiserie Roussel", is_strategic=False)
    email = fact(
        "emails",
        email_id="M-1",
        customer_id="C-1",
        sent_at=NOW,
        direction="inbound",
        subject="",
        body="Anne Roy",
    )
    store.ingest([customer, email], NOW)
    ledger = store.history().ledger
    erase_data(store, DataSubject(customer_id="C-1"), "dpo", NOW)
    outcomes = [done.outcome for done in store.ingest([customer, email], NOW)]
    assert outcomes == [Outcome.ALREADY_KNOWN, Outcome.ERASED]
    report = store.load_ledger(ledger, NOW)
    assert report["emails"].skipped_erased == 1
    after = store.history().ledger
    assert after.customers["name"].to_list() == [None]
    assert after.emails is not None
    assert after.emails.is_empty()


def test_a_person_is_found_in_any_case_and_stored_as_hash(store: SqlHistoryStore) -> None:
    mails = {"M-1": "Cordialement, ANNE ROY", "M-2": "Cordialement, Paul Petit"}
    store.ingest(
        [
            fact(
                "emails", email_id=k, customer_id="C-1", sent_at=NOW, direction="inbound", subject="", body=v
            )
            for k, v in mails.items()
        ],
        NOW,
    )
    store.store_answers([answer(30, evidence=[{"quote": "Anne Roy: nous payons vendredi"}])])
    person = DataSubject(person="Anne Roy")
    export = export_data(store, person, "dpo", NOW)
    assert [row["email_id"] for row in export["emails"]] == ["M-1"]
    assert [row["answer_id"] for row in export["answers"]] == ["score-30"]
    report = erase_data(store, person, "dpo", NOW)
    assert report.erased["answers"] == 1
    emails = store.history().ledger.emails
    assert emails is not None
    assert emails["email_id"].to_list() == ["M-2"]
    kept = store.answer(report.answer_id)
    assert kept is not None
    assert "Roy" not in str(kept.body)
    assert store.verify_audit().faults == ()


@pytest.mark.parametrize(
    "given", [{}, {"customer_id": "C-1", "person": "Anne Roy"}, {"person": " ab "}], ids=str
)
def test_an_unclear_person_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match=r"whose data|identify a person"):
        DataSubject(**given)
