"""Random timelines: whatever came in whatever order, night and service say the same, and no cent is lost.

Each example is a customer of its own in a store that all examples share. Facts, repetitions and restarts are drawn;
what must be open is kept beside by plain bookkeeping. `ENCOURS_TIMELINES=20000` says how many are drawn.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from serving.store import sqlite_url
from tests.scenarios.timeline import Row
from tests.scenarios.ways import (
    NOTHING_OWED,
    State,
    World,
    even_odds_bundle,
    heartbeat,
    policy_without_limits,
)

FIRST_DAY: Final = dt.date(2026, 2, 2)
TOLERANCE: Final = Decimal("0.05")
NOTHING: Final = Decimal("0.00")
_NUMBERS: Final = itertools.count(1)
CURRENCIES: Final = st.sampled_from(["EUR", "EUR", "EUR", "USD"])
AMOUNTS: Final = st.integers(100, 2_000_000).map(lambda cents: Decimal(cents) / 100)
ACCOUNT_FACTS: Final = ("insolvency", "complaint", "mediation")


class Timelines(RuleBasedStateMachine):
    """One customer through some weeks."""

    world: ClassVar[World]
    beaten: ClassVar[set[dt.date]] = set()

    @initialize()
    def begin(self) -> None:
        self.customer = f"C{next(_NUMBERS)}"
        self.day = FIRST_DAY
        self.invoices: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.bounced: set[str] = set()
        self.credits: dict[str, Decimal] = {"EUR": NOTHING, "USD": NOTHING}
        self.notes: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.running: set[str] = set()
        self.told: list[Row] = []
        self.ids = itertools.count(1)
        company = {"country": "FR", "is_natural_person": False, "is_strategic": False}
        self._tell("customers", {"customer_id": self.customer, **company})
        self.invoice(Decimal("1200.00"), "EUR", 10)

    def _id(self, kind: str) -> str:
        return f"{self.customer}-{kind}{next(self.ids)}"

    def _tell(self, table: str, values: Mapping[str, Any]) -> None:
        row = Row(self.day, table, dict(values), "event")
        self.world.to_day(self.day)
        self.world.post([row])
        self.told.append(row)

    def _allocate(self, invoice_id: str, amount: Decimal, method: str, **more: Any) -> str:
        payment_id = self._id("P")
        values = {
            "payment_id": payment_id,
            "invoice_id": invoice_id,
            "paid_on": self.day,
            "known_on": self.day,
            "amount": amount,
            "method": method,
            **more,
        }
        self._tell("payments", values)
        self.payments[payment_id] = values
        return payment_id

    @rule(amount=AMOUNTS, currency=CURRENCIES, term=st.integers(0, 30))
    def invoice(self, amount: Decimal, currency: str, term: int) -> None:
        invoice_id = self._id("F")
        values = {
            "invoice_id": invoice_id,
            "customer_id": self.customer,
            "kind": "invoice",
            "issued_on": self.day,
            "due_on": self.day + dt.timedelta(days=term),
            "amount": amount,
            "currency": currency,
        }
        self._tell("invoices", values)
        self.invoices[invoice_id] = values

    @rule(
        data=st.data(),
        share=st.sampled_from(["1", "0.5", "0.3", "1.2"]),
        method=st.sampled_from(["transfer", "cheque"]),
    )
    def pay(self, data: st.DataObject, share: str, method: str) -> None:
        invoice_id = data.draw(st.sampled_from(sorted(self.invoices)))
        amount = (self.invoices[invoice_id]["amount"] * Decimal(share)).quantize(Decimal("0.01"))
        self._allocate(invoice_id, amount, method)

    @precondition(
        lambda self: len(self.bounced) < len([p for p in self.payments.values() if p["amount"] > 0])
    )
    @rule(data=st.data())
    def bounce(self, data: st.DataObject) -> None:
        standing = sorted(
            key for key, row in self.payments.items() if row["amount"] > 0 and key not in self.bounced
        )
        payment_id = data.draw(st.sampled_from(standing))
        undone = self.payments[payment_id]
        self.bounced.add(payment_id)
        self._allocate(undone["invoice_id"], -undone["amount"], "reversal", reverses_payment_id=payment_id)

    @rule(amount=AMOUNTS, currency=CURRENCIES)
    def credit_note(self, amount: Decimal, currency: str) -> None:
        note_id = self._id("A")
        values = {
            "invoice_id": note_id,
            "customer_id": self.customer,
            "kind": "credit_note",
            "issued_on": self.day,
            "due_on": self.day,
            "amount": amount,
            "currency": currency,
        }
        self._tell("invoices", values)
        self.credits[currency] += amount

    @rule(amount=AMOUNTS, currency=CURRENCIES)
    def cash_on_account(self, amount: Decimal, currency: str) -> None:
        money = {"amount": amount, "currency": currency, "method": "transfer"}
        days = {"paid_on": self.day, "known_on": self.day}
        self._tell("payments", {"payment_id": self._id("P"), "customer_id": self.customer, **days, **money})
        self.credits[currency] += amount

    @rule(data=st.data())
    def dispute(self, data: st.DataObject) -> None:
        dispute_id, invoice_id = self._id("D"), data.draw(st.sampled_from(sorted(self.invoices)))
        values = {"dispute_id": dispute_id, "invoice_id": invoice_id, "opened_on": self.day}
        self._tell("disputes", values)
        self.disputes[dispute_id] = values

    @precondition(lambda self: any("closed_on" not in row for row in self.disputes.values()))
    @rule(data=st.data())
    def close_dispute(self, data: st.DataObject) -> None:
        opened = sorted(key for key, row in self.disputes.items() if "closed_on" not in row)
        dispute_id = data.draw(st.sampled_from(opened))
        self.disputes[dispute_id] = {**self.disputes[dispute_id], "closed_on": self.day}
        self._tell("disputes", self.disputes[dispute_id])

    @rule(fact=st.sampled_from(ACCOUNT_FACTS), minute=st.integers(0, 59))
    def account_fact(self, fact: str, minute: int) -> None:
        """Something begins for the whole account, or ends when it runs."""
        begins, ends = ("published", "closed") if fact == "insolvency" else ("opened", "closed")
        kind = f"{fact}_{ends if fact in self.running else begins}"
        at = dt.datetime.combine(self.day, dt.time(6), dt.UTC) + dt.timedelta(minutes=next(self.ids))
        row = {"interaction_id": self._id("I"), "customer_id": self.customer, "kind": kind, "happened_at": at}
        self._tell("interactions", row)
        self.running ^= {fact}

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        invoice_id = data.draw(st.sampled_from(sorted(self.invoices)))
        if "cancelled_on" not in self.invoices[invoice_id]:
            self.invoices[invoice_id] = {**self.invoices[invoice_id], "cancelled_on": self.day}
            self._tell("invoices", self.invoices[invoice_id])

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A fact is sent again as it was: nothing changes."""
        told = [row for row in self.told if row.table in ("payments", "interactions")]
        if told:
            self.world.post([data.draw(st.sampled_from(told))])

    @rule(days=st.integers(1, 9))
    def wait(self, days: int) -> None:
        self.day += dt.timedelta(days=days)

    @rule(dice=st.integers(0, 9))
    def restart(self, dice: int) -> None:
        """The service ends and begins again with what the store holds."""
        if dice == 0:
            self.world.restart()

    @rule()
    def look(self) -> None:
        """Night and service decide on everything, and both agree with the books."""
        world, ids = self.world, sorted(self.invoices)
        world.to_day(self.day)
        if self.day not in self.beaten:
            world.post(heartbeat(self.day))
            self.beaten.add(self.day)
        served = world.ask(self.day, ids)
        night = world.night(self.day, self.customer)
        owed = self._owed()
        for key in ids:
            of_night = night.get(key, NOTHING_OWED)
            assert of_night in (served[key], NOTHING_OWED), (key, of_night, served[key])
            assert served[key].open == str(owed[key]), (key, served[key], owed)
            if of_night == NOTHING_OWED:
                assert served[key].gate == "settled", (key, served[key])
            self._may_be_asked(key, served[key])

    def teardown(self) -> None:
        if hasattr(self, "customer"):
            self.look()

    def _may_be_asked(self, key: str, state: State) -> None:
        """Nobody hears of money that is not owed, or while a fact forbids it."""
        is_disputed = any(
            row["invoice_id"] == key and "closed_on" not in row for row in self.disputes.values()
        )
        if state.sequence != "thanks" and (is_disputed or self.running or Decimal(state.open) == 0):
            assert state.channel in (None, "task"), (key, state)

    def _owed(self) -> dict[str, Decimal]:
        """What is open of each invoice by plain bookkeeping: credits of its currency cover the oldest due first."""
        balances: dict[str, Decimal] = {}
        credits = dict(self.credits)
        for key, row in self.invoices.items():
            paid = sum(
                (each["amount"] for each in self.payments.values() if each["invoice_id"] == key), NOTHING
            )
            left = (NOTHING if "cancelled_on" in row else row["amount"]) - paid
            if left < 0:
                credits[row["currency"]] -= left
            is_closed = "cancelled_on" in row or left <= TOLERANCE
            balances[key] = NOTHING if is_closed else left
        for key in sorted(balances, key=lambda each: (self.invoices[each]["due_on"], each)):
            currency = self.invoices[key]["currency"]
            covered = min(max(credits[currency], NOTHING), balances[key])
            credits[currency] -= covered
            balances[key] -= covered
        return balances


def test_night_and_service_agree_and_no_cent_is_lost_on_any_timeline(tmp_path: Path) -> None:
    Timelines.world = World(
        tmp_path / "home",
        sqlite_url(tmp_path / "store.db"),
        even_odds_bundle(),
        policy_without_limits(tmp_path),
    )
    Timelines.beaten = set()
    examples = int(os.environ.get("ENCOURS_TIMELINES", "25"))
    try:
        run_state_machine_as_test(
            Timelines, settings=settings(max_examples=examples, stateful_step_count=12, deadline=None)
        )
    finally:
        Timelines.world.close()
