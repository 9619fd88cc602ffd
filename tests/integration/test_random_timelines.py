"""Random timelines: whatever came in whatever order, night and service say the same, and no cent is lost.

Facts, repetitions, imports and restarts are drawn for several customers at once, whose weeks pass together; what must
be open is kept beside by plain bookkeeping. `ENCOURS_TIMELINES=20000` says how many customers are drawn on each store.
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
    rule,
    run_state_machine_as_test,
)

from serving.store import sqlite_url
from tests.integration.conftest import drop_store
from tests.scenarios.timeline import Row
from tests.scenarios.ways import (
    HEARTBEAT,
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
#: Customers whose timelines are drawn together.
TOGETHER: Final = 8
#: Draws of customers in one store; then a new one begins, so that imports stay short.
DRAWS_PER_STORE: Final = 20
_NUMBERS: Final = itertools.count(1)
WHO: Final = st.integers(0, TOGETHER - 1)
DOORS: Final = st.sampled_from(["event", "event", "event", "import"])
CURRENCIES: Final = st.sampled_from(["EUR", "EUR", "EUR", "USD"])
AMOUNTS: Final = st.integers(100, 2_000_000).map(lambda cents: Decimal(cents) / 100)
ACCOUNT_FACTS: Final = ("insolvency", "complaint", "mediation")


class Books:
    """What is known of one customer, kept by hand."""

    def __init__(self, customer_id: str) -> None:
        self.customer_id = customer_id
        self.invoices: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.credits = {"EUR": NOTHING, "USD": NOTHING}
        self.on_account = {"EUR": NOTHING, "USD": NOTHING}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.running: set[str] = set()
        self._ids = itertools.count(1)

    def new_id(self, kind: str) -> str:
        """An id that nothing has yet."""
        return f"{self.customer_id}-{kind}{next(self._ids)}"

    def enter(self, row: Row) -> None:
        """Enter a fact that has become known."""
        values = dict(row.values)
        if row.table == "invoices" and values["kind"] == "credit_note":
            self.credits[values["currency"]] += values["amount"]
        elif row.table == "invoices":
            self.invoices[values["invoice_id"]] = values
        elif row.table == "payments" and "invoice_id" not in values:
            self.on_account[values["currency"]] += values["amount"]
        elif row.table == "payments":
            self.payments[values["payment_id"]] = values
            if values["method"] == "on_account":
                self.on_account[self.invoices[values["invoice_id"]]["currency"]] -= values["amount"]
        elif row.table == "disputes":
            self.disputes[values["dispute_id"]] = values

    def left(self, invoice_id: str) -> Decimal:
        """What the allocations of an invoice leave of it; below zero where too much was paid."""
        invoice = self.invoices[invoice_id]
        amounts = (row["amount"] for row in self.payments.values() if row["invoice_id"] == invoice_id)
        return (NOTHING if "cancelled_on" in invoice else invoice["amount"]) - sum(amounts, NOTHING)

    def is_disputed(self, invoice_id: str) -> bool:
        """Whether a dispute about it is open."""
        return any(
            row["invoice_id"] == invoice_id and "closed_on" not in row for row in self.disputes.values()
        )

    def may_bounce(self) -> list[str]:
        """Receipts of cash that nothing has undone, sorted."""
        undone = {row.get("reverses_payment_id") for row in self.payments.values()}
        return sorted(
            key
            for key, row in self.payments.items()
            if row["method"] in ("transfer", "cheque") and key not in undone
        )

    def owed(self) -> dict[str, Decimal]:
        """What is open of each invoice: credits of its currency cover the oldest due first."""
        credits = {currency: self.credits[currency] + self.on_account[currency] for currency in self.credits}
        balances: dict[str, Decimal] = {}
        for key, row in self.invoices.items():
            left = self.left(key)
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


class Stores:
    """One store after the other, each for some draws.

    Args:
        folder: of the homes of the services.
        url: the database; a new SQLite file for each store when null.
    """

    def __init__(self, folder: Path, url: str | None) -> None:
        self._folder, self._url = folder, url
        self._bundle, self._policy = even_odds_bundle(), policy_without_limits(folder)
        self._opened = itertools.count(1)
        self._world: World | None = None
        self._draws = 0
        self.day = FIRST_DAY
        self.beaten: dt.date | None = None

    def world(self) -> World:
        """The world of the next draw, whose days follow those of the draw before."""
        if self._world is None or self._draws == DRAWS_PER_STORE:
            self.close()
            number = next(self._opened)
            if self._url is not None:
                drop_store(self._url)
            url = self._url or sqlite_url(self._folder / f"store-{number}.db")
            self._world = World(self._folder / f"home-{number}", url, self._bundle, self._policy)
            self._draws, self.day, self.beaten = 0, FIRST_DAY, None
        self._draws += 1
        return self._world

    def close(self) -> None:
        """End the service that runs."""
        if self._world is not None:
            self._world.close()
            self._world = None


class Timelines(RuleBasedStateMachine):
    """Some customers through the same weeks."""

    stores: ClassVar[Stores]

    @initialize()
    def begin(self) -> None:
        self.world = self.stores.world()
        self.day = self.stores.day
        self.customers = [Books(f"C{next(_NUMBERS)}") for _ in range(TOGETHER)]
        self.of_record: list[Row] = []  # what the next import holds
        self.acknowledged: list[Row] = []
        self.to_post: list[Row] = []
        self.to_import: list[tuple[Books, Row]] = []
        company = {"country": "FR", "is_natural_person": False, "is_strategic": False}
        for who, books in enumerate(self.customers):
            self._tell(books, "customers", {"customer_id": books.customer_id, **company})
            self.invoice(who, Decimal("1200.00"), "EUR", 10, "event")

    def _tell(self, books: Books, table: str, values: Mapping[str, Any], door: str = "event") -> None:
        row = Row(self.day, table, dict(values), door)
        if table != "interactions":  # the ledger of record knows nothing of those
            self.of_record.append(row)
        if door == "import":
            self.to_import.append((books, row))
            return
        self.to_post.append(row)
        self.acknowledged.append(row)
        books.enter(row)

    def _post(self) -> None:
        self.world.to_day(self.day)
        if self.to_post:
            self.world.post(self.to_post)
            self.to_post = []

    def _allocate(
        self, books: Books, invoice_id: str, amount: Decimal, method: str, door: str, **more: Any
    ) -> None:
        values = {
            "payment_id": books.new_id("P"),
            "invoice_id": invoice_id,
            "paid_on": self.day,
            "known_on": self.day,
            "amount": amount,
            "method": method,
            **more,
        }
        self._tell(books, "payments", values, door)

    def _on_account(self, books: Books, amount: Decimal, currency: str, method: str, door: str) -> None:
        money = {"amount": amount, "currency": currency, "method": method}
        values = {"payment_id": books.new_id("P"), "customer_id": books.customer_id, **money}
        self._tell(books, "payments", {**values, "paid_on": self.day, "known_on": self.day}, door)

    @rule(who=WHO, amount=AMOUNTS, currency=CURRENCIES, term=st.integers(0, 30), door=DOORS)
    def invoice(self, who: int, amount: Decimal, currency: str, term: int, door: str) -> None:
        self._issue(self.customers[who], "invoice", amount, currency, term, door)

    @rule(who=WHO, amount=AMOUNTS, currency=CURRENCIES, door=DOORS)
    def credit_note(self, who: int, amount: Decimal, currency: str, door: str) -> None:
        self._issue(self.customers[who], "credit_note", amount, currency, 0, door)

    def _issue(self, books: Books, kind: str, amount: Decimal, currency: str, term: int, door: str) -> None:
        values = {
            "invoice_id": books.new_id("F"),
            "customer_id": books.customer_id,
            "kind": kind,
            "issued_on": self.day,
            "due_on": self.day + dt.timedelta(days=term),
            "amount": amount,
            "currency": currency,
        }
        self._tell(books, "invoices", values, door)

    @rule(
        data=st.data(),
        who=WHO,
        share=st.sampled_from(["1", "0.5", "0.3", "1.2"]),
        method=st.sampled_from(["transfer", "cheque"]),
        door=DOORS,
    )
    def pay(self, data: st.DataObject, who: int, share: str, method: str, door: str) -> None:
        books = self.customers[who]
        invoice_id = data.draw(st.sampled_from(sorted(books.invoices)))
        amount = (books.invoices[invoice_id]["amount"] * Decimal(share)).quantize(Decimal("0.01"))
        self._allocate(books, invoice_id, amount, method, door)

    @rule(data=st.data(), who=WHO)
    def bounce(self, data: st.DataObject, who: int) -> None:
        books = self.customers[who]
        if standing := books.may_bounce():
            payment_id = data.draw(st.sampled_from(standing))
            undone = books.payments[payment_id]
            more = {"reverses_payment_id": payment_id}
            self._allocate(books, undone["invoice_id"], -undone["amount"], "reversal", "event", **more)

    @rule(data=st.data(), who=WHO)
    def write_off(self, data: st.DataObject, who: int) -> None:
        books = self.customers[who]
        invoice_id = data.draw(st.sampled_from(sorted(books.invoices)))
        if (left := books.left(invoice_id)) > TOLERANCE:
            self._allocate(books, invoice_id, left, "write_off", "event")

    @rule(who=WHO, amount=AMOUNTS, currency=CURRENCIES, door=DOORS)
    def cash_on_account(self, who: int, amount: Decimal, currency: str, door: str) -> None:
        self._on_account(self.customers[who], amount, currency, "transfer", door)

    @rule(who=WHO, currency=CURRENCIES)
    def give_back(self, who: int, currency: str) -> None:
        """Half of the cash on account goes back to the payer."""
        books = self.customers[who]
        half = (books.on_account[currency] / 2).quantize(Decimal("0.01"))
        if half > 0:
            self._on_account(books, -half, currency, "refund", "event")

    @rule(data=st.data(), who=WHO)
    def set_against(self, data: st.DataObject, who: int) -> None:
        """Cash on account is allocated to an invoice."""
        books = self.customers[who]
        invoice_id = data.draw(st.sampled_from(sorted(books.invoices)))
        available = books.on_account[books.invoices[invoice_id]["currency"]]
        amount = min(available, books.left(invoice_id))
        if amount > 0:
            self._allocate(books, invoice_id, amount, "on_account", "event")

    @rule(data=st.data(), who=WHO, door=DOORS)
    def dispute(self, data: st.DataObject, who: int, door: str) -> None:
        books = self.customers[who]
        invoice_id = data.draw(st.sampled_from(sorted(books.invoices)))
        values = {"dispute_id": books.new_id("D"), "invoice_id": invoice_id, "opened_on": self.day}
        self._tell(books, "disputes", values, door)

    @rule(data=st.data(), who=WHO)
    def close_dispute(self, data: st.DataObject, who: int) -> None:
        books = self.customers[who]
        if opened := sorted(key for key, row in books.disputes.items() if "closed_on" not in row):
            row = books.disputes[data.draw(st.sampled_from(opened))]
            self._tell(books, "disputes", {**row, "closed_on": self.day})

    @rule(who=WHO, fact=st.sampled_from(ACCOUNT_FACTS))
    def account_fact(self, who: int, fact: str) -> None:
        """Something begins for the whole account, or ends when it runs."""
        books = self.customers[who]
        begins, ends = ("published", "closed") if fact == "insolvency" else ("opened", "closed")
        interaction_id = books.new_id("I")
        minutes = dt.timedelta(minutes=int(interaction_id.rpartition("I")[2]))
        values = {
            "interaction_id": interaction_id,
            "customer_id": books.customer_id,
            "kind": f"{fact}_{ends if fact in books.running else begins}",
            "happened_at": dt.datetime.combine(self.day, dt.time(6), dt.UTC) + minutes,
        }
        self._tell(books, "interactions", values)
        books.running ^= {fact}

    @rule(data=st.data(), who=WHO)
    def cancel(self, data: st.DataObject, who: int) -> None:
        books = self.customers[who]
        invoice = books.invoices[data.draw(st.sampled_from(sorted(books.invoices)))]
        if "cancelled_on" not in invoice:
            self._tell(books, "invoices", {**invoice, "cancelled_on": self.day})

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A fact is sent again as it was: nothing changes."""
        sent = [row for row in self.acknowledged if row.table in ("payments", "interactions")]
        if sent:
            self.to_post.append(data.draw(st.sampled_from(sent)))

    @rule(dice=st.integers(0, 2))
    def load(self, dice: int) -> None:
        """The ledger of record is imported: what only it knew becomes known, what events said stays."""
        if dice == 0:
            self._post()
            self.world.load(self.of_record)
            for books, row in self.to_import:
                books.enter(row)
            self.to_import = []

    @rule(days=st.integers(1, 9))
    def wait(self, days: int) -> None:
        self._post()
        self.day += dt.timedelta(days=days)

    @rule(dice=st.integers(0, 19))
    def restart(self, dice: int) -> None:
        """The service ends and begins again with what the store holds."""
        if dice == 0:
            self._post()
            self.world.restart()

    @rule(dice=st.integers(0, 2))
    def decide(self, dice: int) -> None:
        if dice == 0:
            self._compare()

    def teardown(self) -> None:
        try:
            if hasattr(self, "customers"):
                self._compare()
                self.stores.day = self.day + dt.timedelta(days=1)
        except BaseException:
            self.stores.close()  # the next draw begins with a store of its own
            raise

    def _compare(self) -> None:
        """Night and service decide on everything, and both agree with the books."""
        self._post()
        if self.day != self.stores.beaten:
            self.world.post(heartbeat(self.day))
            self.stores.beaten = self.day
        served = self.world.ask(self.day, sorted(key for books in self.customers for key in books.invoices))
        night = self.world.night(self.day, [*(books.customer_id for books in self.customers), HEARTBEAT])
        for books in self.customers:
            owed = books.owed()
            for key, state in served.items():
                if key not in owed:
                    continue
                of_night = night.get(key, NOTHING_OWED)
                assert of_night in (state, NOTHING_OWED), (key, of_night, state)
                assert state.open == str(owed[key]), (key, state, owed)
                if of_night == NOTHING_OWED:
                    assert state.gate == "settled", (key, state)
                _may_be_asked(books, key, state)


def _may_be_asked(books: Books, key: str, state: State) -> None:
    """Nobody hears of money that is not owed, or while a fact forbids it."""
    is_forbidden = books.is_disputed(key) or bool(books.running) or Decimal(state.open) == 0
    if state.sequence != "thanks" and is_forbidden:
        assert state.channel in (None, "task"), (key, state)


def test_night_and_service_agree_and_no_cent_is_lost_on_any_timeline(tmp_path: Path, store_url: str) -> None:
    Timelines.stores = Stores(tmp_path, None if store_url.startswith("sqlite") else store_url)
    examples = max(1, int(os.environ.get("ENCOURS_TIMELINES", "40")) // TOGETHER)
    try:
        run_state_machine_as_test(
            Timelines,
            settings=settings(max_examples=examples, stateful_step_count=10 * TOGETHER, deadline=None),
        )
    finally:
        Timelines.stores.close()
