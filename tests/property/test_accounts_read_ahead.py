"""Accounts read together before anybody asks are those that each customer's own reading gives."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.ledger import Ledger
from features.settings import LedgerSettings
from models.feature_matrix import FeatureMatrix
from serving.deciding import Decider, Owed
from serving.online.knowledge import Knowledge, prepare
from serving.store import HistoryAtMoment, HistoryStore, Moment
from tests.property.ledger_worlds import SPAN, day, ledgers


def knowledge_of(ledger: Ledger, signals: pl.DataFrame) -> Knowledge:
    found = HistoryAtMoment(ledger, Moment(1, 1, 1, 1), {}, signals)
    store = cast(HistoryStore, SimpleNamespace(history=lambda **_: found))
    return prepare(store, LedgerSettings(), is_reading_mails=True)


def unscored(landmarks: pl.DataFrame) -> tuple[FeatureMatrix, tuple[()]]:
    return FeatureMatrix((), np.empty((0, landmarks.height))), ()


def owed_by(decider: Decider, knowledge: Knowledge, customer_id: str, on: dt.date) -> Owed:
    return decider.owed(knowledge, customer_id, on, "model", "EUR", unscored)


def told(owed: Owed) -> tuple[Any, ...]:
    account = owed.account
    ids = [*account.open["invoice_id"], *account.paid["invoice_id"]]
    return account.accounts.facts(ids), account.open.rows(named=True), account.paid.rows(named=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ledgers(with_instalments=True, with_changes=True, currencies=("EUR", "USD")),
    st.integers(-3, SPAN + 200).map(day),
)
def test_an_account_read_ahead_says_what_its_own_reading_says(
    world: tuple[Ledger, pl.DataFrame], on: dt.date
) -> None:
    ledger, signals = world
    knowledge = knowledge_of(ledger, signals)
    ahead, alone = Decider(), Decider()
    ahead.read_ahead(knowledge, on, "EUR")
    own = {key: owed_by(alone, knowledge, key, on) for key in ledger.customers["customer_id"]}
    merged = {*knowledge.payers_at(on + dt.timedelta(days=1))}
    merged |= {*knowledge.payers_at(on + dt.timedelta(days=1)).values()}
    shared = set()
    for customer_id, asked in own.items():
        found = owed_by(ahead, knowledge, customer_id, on)
        assert told(found) == told(asked)
        if asked.account.open.height and customer_id not in merged:
            shared.add(id(found.account.accounts))
    assert len(shared) <= 1, "the accounts of all were read together"
