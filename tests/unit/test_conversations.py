"""Last night's cases: kept whole, asked for once, left out when the store is away, never taken from a later night."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from features.words import Text
from serving.conversations import CASE, LastNight, NightCase, case_of, night_cases, waits_of
from serving.dunning import CAPACITY, DecisionRecord, Reason, ScoredInvoice
from serving.online import Knowledge
from serving.store import HistoryStore, KeptAnswer, StoreUnavailableError
from serving.store.reading import Moment
from tests.dunning_samples import POLICY, decide, scored
from tests.dunning_samples import account as facts

ON = dt.date(2025, 10, 9)  # a Thursday
WAITS = Text("Capacité de la nuit atteinte.", "Tonight's capacity is used up.")


def score(invoice_id: str, days_late: int = 20, amount: str = "5000.00") -> ScoredInvoice:
    return scored(
        invoice_id, due_on=ON - dt.timedelta(days=days_late), amount=amount, grade="D", segment="erratic"
    )


def kept(case: dict[str, Any] | None, customer_id: str = "C-1") -> KeptAnswer:
    body = {"answer": {}} if case is None else {"answer": {}, CASE: case}
    at = dt.datetime(2025, 10, 9, 3, tzinfo=dt.UTC)
    return KeptAnswer("score-1", "score", "F-1", customer_id, at, body, None, is_nightly=True)


def test_a_case_comes_back_as_it_was_kept_with_what_waits_for_capacity():
    decision = decide(score("F-1"), facts(), POLICY, ON)
    plain = DecisionRecord(ON, score("F-1"), facts(), decision)
    waiting = replace(plain, decision=replace(decision, why=(Reason(CAPACITY, WAITS.fr, WAITS.en),)))
    found = night_cases([kept(case_of(plain)), kept(case_of(waiting)), kept(None), kept(None, "C-2")])
    assert found == {"C-1": (NightCase(score("F-1"), ON), NightCase(score("F-1"), ON, WAITS))}
    assert waits_of(found["C-1"], ON) == WAITS
    assert waits_of(found["C-1"], ON + dt.timedelta(days=1)) is None, "capacity is a night's own"


@dataclass
class FakeStore:
    """A store on this machine that counts what it is asked."""

    is_away: bool = False
    asked: list[Sequence[str]] = field(default_factory=list)
    is_local: bool = True

    def nightly_of(self, customer_ids: Sequence[str]) -> list[KeptAnswer]:
        self.asked.append(list(customer_ids))
        if self.is_away:
            raise StoreUnavailableError("away")
        record = DecisionRecord(ON, score("F-1"), facts())
        return [kept(case_of(record))] if "C-1" in customer_ids else []


@dataclass(frozen=True)
class FakeKnowledge:
    """What is known at a moment; only one customer changed since the load."""

    moment: Moment
    changes: int = 0

    def version_of(self, customer_id: str) -> tuple[int, int]:
        return (self.changes if customer_id == "C-1" else 0), 1


def asked_of(last_night: LastNight, knowledge: FakeKnowledge, *customer_ids: str) -> dict[str, Any]:
    return asyncio.run(last_night.of(cast(Knowledge, knowledge), customer_ids))


def test_the_store_is_asked_once_a_customer_and_again_after_a_change_or_a_new_night():
    store = FakeStore()
    last_night = LastNight(cast(HistoryStore, store))
    knowledge = FakeKnowledge(Moment(1, 1, 1))
    found = [asked_of(last_night, knowledge, "C-1", "C-2") for _ in range(3)]
    assert found[0] == found[2] == {"C-1": (NightCase(score("F-1"), ON),)}
    assert store.asked == [["C-1", "C-2"]]
    asked_of(last_night, replace(knowledge, changes=1), "C-1", "C-2")
    asked_of(last_night, replace(knowledge, moment=Moment(1, 1, 2)), "C-2")
    assert store.asked[1:] == [["C-1"], ["C-2"]]


def test_a_store_that_is_away_leaves_last_night_out_and_is_asked_again():
    store = FakeStore(is_away=True)
    last_night, knowledge = LastNight(cast(HistoryStore, store)), FakeKnowledge(Moment(1, 1, 1))
    assert asked_of(last_night, knowledge, "C-1") == {}
    store.is_away = False
    assert set(asked_of(last_night, knowledge, "C-1")) == {"C-1"}
