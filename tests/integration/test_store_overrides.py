"""What people decided, as the store tells it: the same claims on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import text

from serving.dunning import PersonOverride
from serving.store import OVERRIDE, SCORE, Answer, SqlHistoryStore, new_answer_id, open_store
from serving.store.overrides import read_overrides
from serving.store.privacy import DataSubject, erase_data

from .conftest import KEY, NOW


def scored(invoice_id: str = "F-1", customer_id: str = "C-1") -> Answer:
    return Answer(new_answer_id(SCORE), SCORE, invoice_id, customer_id, NOW, "erp", {"p_late": 0.25})


def decided(score: Answer, sequence_id: str, **changes: Any) -> Answer:
    override_id = new_answer_id(OVERRIDE)
    body = {
        "override_id": override_id,
        "decision_id": score.answer_id,
        "invoice_id": score.subject_id,
        "proposed_sequence_id": "reinforced",
        "sequence_id": sequence_id,
        "reason": "spoke to the owner",
        "decided_by": "m.durand",
        "hold_until": None,
        "created_at": NOW.isoformat(),
        **changes,
    }
    return Answer(override_id, OVERRIDE, score.answer_id, score.customer_id, NOW, "credit", body)


def standing(store: SqlHistoryStore) -> dict[str, dict[str, str]]:
    return {
        customer_id: {invoice_id: held.sequence_id for invoice_id, held in held_of.items()}
        for customer_id, held_of in store.overrides().items()
    }


def test_an_override_stands_as_it_was_decided(store: SqlHistoryStore) -> None:
    score = scored()
    late = dt.datetime(2026, 3, 3, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    override = decided(score, "courtesy", hold_until="2026-03-20", created_at=late.isoformat())
    assert store.overrides() == {}
    store.store_answers([score, override])
    assert store.overrides() == {
        "C-1": {
            "F-1": PersonOverride(
                override.answer_id, "courtesy", "m.durand", dt.date(2026, 3, 2), dt.date(2026, 3, 20)
            )
        }
    }
    assert store.history().overrides == store.overrides()
    assert store.history_of(["C-1", "C-2"]).overrides == store.overrides()
    assert store.history_of(["C-2"]).overrides == {}


def test_the_newest_override_of_an_invoice_is_in_force(
    store: SqlHistoryStore,
) -> None:
    older, newer, other = scored(), scored(), scored("F-2", "C-2")
    store.store_answers([older, newer, other])
    store.store_answers([decided(newer, "hold")])
    store.store_answers([decided(older, "courtesy"), decided(other, "dispute")])
    assert standing(store) == {"C-1": {"F-1": "courtesy"}, "C-2": {"F-2": "dispute"}}
    store.store_answers([decided(older, "reinforced")])
    assert standing(store)["C-1"] == {"F-1": "reinforced"}


def test_an_override_and_its_change_reach_every_worker_at_once(
    store: SqlHistoryStore, store_url: str
) -> None:
    score = scored()
    store.store_answers([score])
    other = open_store(store_url, KEY)
    try:
        seen = other.moment()
        store.store_answers([scored("F-9", "C-9")])
        assert other.moment() == seen, "a score changes nobody's history"
        store.store_answers([decided(score, "hold")])
        customers, fresh = other.histories_since(seen.change, 10)
        assert customers == ("C-1",)
        assert fresh is not None
        assert fresh.moment == other.moment()
        assert fresh.overrides["C-1"]["F-1"].sequence_id == "hold"
    finally:
        other.close()


def test_overrides_of_many_customers_are_told_whole(store: SqlHistoryStore) -> None:
    scores = [scored(f"F-{n}", f"C-{n}") for n in range(700)]
    store.store_answers([*scores, *(decided(score, "hold") for score in scores)])
    assert len(store.history_of([f"C-{n}" for n in range(600)]).overrides) == 600
    assert len(store.overrides()) == 700


def test_an_erased_override_stands_no_more_and_brings_no_older_one_back(store: SqlHistoryStore) -> None:
    first, second = scored(), scored("F-2", "C-2")
    store.store_answers([first, second])
    store.store_answers([decided(first, "courtesy"), decided(second, "courtesy")])
    store.store_answers([decided(first, "hold", decided_by="Jeanne Exemple")])
    seen = store.moment().change
    report = erase_data(store, DataSubject(person="Jeanne Exemple"), "dpo", NOW)
    assert report.erased["answers"] == 1
    assert standing(store) == {"C-2": {"F-2": "courtesy"}}
    assert tuple(store.changed_since(seen)[1]) == ("C-1",), "the workers are told"
    assert store.verify_audit().faults == ()
    erase_data(store, DataSubject(customer_id="C-2"), "dpo", NOW)
    assert standing(store) == {}


def test_overrides_of_an_early_store_are_in_force_once_opened(store: SqlHistoryStore, store_url: str) -> None:
    score = scored()
    store.store_answers([score, decided(score, "hold")])
    with store.open_for_writing() as connection:
        connection.execute(text("DROP INDEX answers_overrides"))
    again = open_store(store_url, KEY)
    try:
        assert standing(again) == {"C-1": {"F-1": "hold"}}
        store.store_answers([decided(score, "courtesy")])
        assert standing(again) == {"C-1": {"F-1": "courtesy"}}
    finally:
        again.close()


def test_the_overrides_of_a_customer_are_found_without_reading_its_scores(store: SqlHistoryStore) -> None:
    many = [scored(f"F-{n}") for n in range(300)]
    store.store_answers([*many, decided(many[0], "hold")])
    with store.database.reading() as connection:
        if not store.database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        found: list[str] = []
        explain = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
        run = connection.execute

        def explained(statement: Any) -> Any:
            compiled = statement.compile(connection.engine, compile_kwargs={"literal_binds": True})
            found.extend(str(row) for row in run(text(f"{explain}{compiled}")))
            return run(statement)

        connection.execute = explained  # type: ignore[method-assign,assignment]
        assert list(read_overrides(connection, ["C-1"])) == ["C-1"]
    assert any("answers_overrides" in line for line in found), found
