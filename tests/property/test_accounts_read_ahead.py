"""Accounts read together before anybody asks are those that each customer's own reading gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.ledger import Ledger
from features.settings import LedgerSettings
from models.hazard.feature_matrix import FeatureMatrix
from serving.operations.supervisor import Supervisor
from serving.scoring.customer_knowledge import Knowledge, advance, prepare
from serving.scoring.decider import Decider, Owed
from serving.store import HistoryAtMoment, HistoryStore, Moment
from tests import ledger_samples as samples
from tests.property.ledger_worlds import SPAN, day, ledgers


def knowledge_of(ledger: Ledger, signals: pl.DataFrame | None) -> Knowledge:
    said = {} if signals is None else {"signals": signals}
    found = HistoryAtMoment(ledger, Moment(1, 1, 1, 1), **said)
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


class Background:
    """A supervisor that holds the tasks it was given until they are run by hand."""

    def __init__(self) -> None:
        self.tasks: list[Callable[[], object]] = []

    def once(self, _: str, task: Callable[[], object]) -> bool:
        """Take a task."""
        self.tasks.append(task)
        return True


def test_after_a_few_accounts_of_a_day_the_others_are_read_ahead() -> None:
    names = [f"K{number}" for number in range(6)]
    book = samples.ledger([samples.invoice(f"F-{name}", customer_id=name) for name in names], [])
    knowledge, on, background = knowledge_of(book, None), samples.day(40), Background()
    decider = Decider(cast(Supervisor, background))
    read = [owed_by(decider, knowledge, name, on).account.accounts for name in names[:2]]
    assert not background.tasks, "two accounts may be all that is asked for"
    read.append(owed_by(decider, knowledge, names[2], on).account.accounts)
    (task,) = background.tasks
    task()
    ahead = [owed_by(decider, knowledge, name, on).account for name in names[3:]]
    assert len({id(account.accounts) for account in ahead}) == 1
    assert [account.open["invoice_id"].to_list() for account in ahead] == [[f"F-{n}"] for n in names[3:]]
    assert [owed_by(decider, knowledge, name, on).account.accounts for name in names[:3]] == read
    assert background.tasks == [task], "a day is read ahead once"


def test_a_customer_that_changed_is_not_read_ahead_from_what_it_was() -> None:
    old = samples.ledger([samples.invoice(f"F-{name}", customer_id=name) for name in ("K1", "K2")], [])
    knowledge, on = knowledge_of(old, None), samples.day(40)
    paid = samples.ledger(
        [samples.invoice("F-K1", customer_id="K1")], [samples.payment("p", "400.00", 20, invoice_id="F-K1")]
    )
    newer = advance(knowledge, ("K1",), HistoryAtMoment(paid, Moment(2, 2, 1, 1)))
    decider = Decider()
    decider.read_ahead(newer, on, "EUR")
    decider.read_ahead(knowledge, on, "EUR")
    for name, balance in (("K1", "600.00"), ("K2", "1000.00")):
        facts = owed_by(decider, newer, name, on).account.accounts.facts([f"F-{name}"])
        assert facts[f"F-{name}"].balance_amount == Decimal(balance)
