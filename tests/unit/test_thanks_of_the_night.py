"""Who pays after a reminder is thanked by the night, once, alone, and not for long."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from features.asof import LANDMARK_SCHEMA
from features.ledger import Ledger
from features.settings import LedgerSettings
from serving.accounts.cases import THANKS_DAYS
from serving.dunning import Case, Decision, StepTaken, decide_customer
from serving.night.scoring import route_open_invoices
from tests.dunning_samples import POLICY, account, scored
from tests.ledger_samples import frame

ON = dt.date(2026, 3, 3)  # a Tuesday
YESTERDAY = ON - dt.timedelta(days=1)
DUE = dt.date(2026, 2, 2)
NO_LANDMARKS = pl.DataFrame(schema=LANDMARK_SCHEMA)


def ledger(paid_on: dt.date, *interactions: dict[str, Any], method: str = "transfer") -> Ledger:
    told = [
        {"interaction_id": f"I-{n}", "customer_id": "C-1", "invoice_id": "F-1", "channel": "email", **row}
        for n, row in enumerate(interactions)
    ]
    invoice = {"invoice_id": "F-1", "customer_id": "C-1", "kind": "invoice", "currency": "EUR"}
    days = {"issued_on": dt.date(2026, 1, 2), "due_on": DUE}
    newest = {**invoice, "invoice_id": "F-2", "issued_on": YESTERDAY, "due_on": ON + dt.timedelta(days=60)}
    company = {"customer_id": "C-1", "country": "FR", "is_natural_person": False, "is_strategic": False}
    payment = {"payment_id": "P-1", "invoice_id": "F-1", "paid_on": paid_on, "known_on": paid_on}
    amount = {"amount": Decimal("900.00")}
    return Ledger.from_tables(
        {
            "customers": frame("customers", [company]),
            "invoices": frame("invoices", [{**invoice, **days, **amount}, {**newest, **amount}]),
            "payments": frame("payments", [{**payment, **amount, "method": method}]),
            "interactions": frame("interactions", [*told]),
        }
    )


def at(
    day: dt.date, kind: str, sequence_id: str = "courtesy", step_id: str = "friendly_email"
) -> dict[str, Any]:
    happened_at = dt.datetime.combine(day, dt.time(9), dt.UTC)
    return {"happened_at": happened_at, "kind": kind, "sequence_id": sequence_id, "step_id": step_id}


def night(held: Ledger) -> list[Decision]:
    routed = route_open_invoices(held, None, [], NO_LANDMARKS, POLICY, ON, LedgerSettings())
    return [record.decision for record in routed.records if record.decision is not None]


REMINDED = at(dt.date(2026, 2, 16), "reminder_sent")


def test_who_pays_after_a_reminder_is_thanked_the_next_night():
    [decision] = night(ledger(YESTERDAY, REMINDED))
    assert (decision.gate_id, decision.sequence_id) == ("settled", "thanks")
    assert decision.next_step is not None
    assert decision.next_step.on == ON
    assert decision.conversation is not None
    assert decision.conversation.invoice_ids == ("F-1",)


@pytest.mark.parametrize(
    "held",
    [
        ledger(YESTERDAY),
        ledger(YESTERDAY, at(DUE - dt.timedelta(days=7), "reminder_sent")),
        ledger(ON - dt.timedelta(days=THANKS_DAYS + 1), REMINDED),
        ledger(ON + dt.timedelta(days=1), REMINDED),
    ],
    ids=["not reminded", "reminded before the due date only", "paid long ago", "payment not known yet"],
)
def test_without_a_reminder_or_long_after_nobody_is_thanked(held):
    assert night(held) == []


def test_nobody_is_thanked_twice_or_for_a_credit_note():
    thanked = at(YESTERDAY, "thanks_sent", "thanks", "thanks")
    [again] = night(ledger(ON - dt.timedelta(days=2), REMINDED, thanked))
    assert again.next_step is None
    [credited] = night(ledger(YESTERDAY, REMINDED, method="credit_note"))
    assert credited.next_step is None


def test_nobody_is_thanked_in_a_demand_for_money():
    def case(invoice_id: str, balance: str, **changes: Any) -> Case:
        score = scored(invoice_id, due_on=DUE, amount="900.00", grade=None, segment=None)
        return Case(score, account(balance, **changes))

    taken = StepTaken("no_opinion", "friendly_email", 1, dt.date(2026, 2, 16))
    paid = case("F-1", "0.00", closed_by="paid", last_step=taken)
    alone = decide_customer([paid], POLICY, ON)
    assert alone.conversation is not None
    both = decide_customer([paid, case("F-2", "900.00")], POLICY, ON)
    assert both.conversation is not None
    assert both.conversation.invoice_ids == ("F-2",)
    assert both.decisions[0].next_step is not None
    assert both.decisions[0].next_step.on > ON
