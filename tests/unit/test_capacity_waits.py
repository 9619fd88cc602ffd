"""What waits for capacity since last night: kept with its answers, asked for once, holding for its day only."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from features.words import Text
from serving.dunning import CAPACITY, DecisionRecord, Reason
from serving.scoring.customer_knowledge import Knowledge
from serving.scoring.waits import WAITS, NightWaits, Wait, wait_of, waits_in
from serving.store import HistoryStore, StoredAnswer, StoreUnavailableError
from serving.store.reading import Moment
from tests.dunning_samples import POLICY, account, decide, scored

ON = dt.date(2025, 10, 9)  # a Thursday
WHY = Text("Capacité de la nuit atteinte.", "Tonight's capacity is used up.")
SCORE = scored("F-1", due_on=ON - dt.timedelta(days=20), grade="D", segment="erratic")
DECIDED = DecisionRecord(ON, SCORE, account(), decide(SCORE, account(), POLICY, ON))
WAITING = replace(
    DECIDED,
    decision=replace(DECIDED.decision, why=(Reason.of(CAPACITY, WHY),)),  # type: ignore[type-var]
)


def kept(record: DecisionRecord, customer_id: str = "C-1") -> StoredAnswer:
    at = dt.datetime(2025, 10, 9, 3, tzinfo=dt.UTC)
    body = {"answer": {}, WAITS: wait_of(record)}
    return StoredAnswer("score-1", "score", "F-1", customer_id, at, body, None, is_nightly=True)


def test_a_wait_is_read_back_unchanged_and_other_answers_have_none():
    assert waits_in([kept(WAITING), kept(DECIDED, "C-2")]) == {"C-1": Wait(ON, WHY)}


@dataclass
class FakeStore:
    """A store on this machine that counts what it is asked."""

    is_away: bool = False
    asked: list[Sequence[str]] = field(default_factory=list)
    is_local: bool = True

    def nightly_of(self, customer_ids: Sequence[str]) -> list[StoredAnswer]:
        self.asked.append(list(customer_ids))
        if self.is_away:
            raise StoreUnavailableError("away")
        return [kept(WAITING)] if "C-1" in customer_ids else []


@dataclass(frozen=True)
class FakeKnowledge:
    """What is known at a moment."""

    moment: Moment


def asked_of(
    waits: NightWaits,
    night: int,
    *customer_ids: str,
    on: dt.date = ON,
    payers: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    knowledge = cast(Knowledge, FakeKnowledge(Moment(1, 1, 1, night)))
    return asyncio.run(waits.of(knowledge, customer_ids, payers or {}, on))


def test_the_store_is_asked_once_a_customer_and_night():
    store = FakeStore()
    waits = NightWaits(cast(HistoryStore, store))
    assert [asked_of(waits, 1, "C-1", "C-2") for _ in range(3)] == [{"C-1": WHY}] * 3
    assert store.asked == [["C-1", "C-2"]]
    asked_of(waits, 2, "C-2")
    assert store.asked[1:] == [["C-2"]]


def test_what_waits_for_a_merged_customer_waits_for_its_payer():
    waits = NightWaits(cast(HistoryStore, FakeStore()))
    assert asked_of(waits, 1, "C-2", payers={"C-1": "C-2"}) == {"C-2": WHY}
    assert asked_of(waits, 1, "C-1", payers={"C-1": "C-2"}) == {"C-2": WHY}


def test_capacity_is_a_nights_own():
    waits = NightWaits(cast(HistoryStore, FakeStore()))
    assert asked_of(waits, 1, "C-1", on=ON + dt.timedelta(days=1)) == {}


def test_an_unavailable_store_omits_last_night_and_is_polled_again():
    store = FakeStore(is_away=True)
    waits = NightWaits(cast(HistoryStore, store))
    assert asked_of(waits, 1, "C-1") == {}
    store.is_away = False
    assert asked_of(waits, 1, "C-1") == {"C-1": WHY}
