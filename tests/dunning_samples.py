"""Cases for tests of the dunning policy: fresh feeds, a company, fully open, unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from features.errors import Fault
from features.messages import Message
from serving.dunning import (
    AccountFacts,
    Case,
    Decision,
    FeedDay,
    OpenBalance,
    Policy,
    ScoredInvoice,
    StepTaken,
    decide_customer,
    load_policy,
)
from serving.dunning.deciding.decide import decide_case
from serving.dunning.deciding.facts.validation import LAST_DAY

POLICY = load_policy()
MONDAY = date(2025, 10, 20)
FRESH = (FeedDay("payments", LAST_DAY), FeedDay("invoices", LAST_DAY))
"""Feeds that are known through every day a test decides on."""
BAD_PAYER = {"fallen_due_count": 20, "late_count": 10}
"""A record that is evidence for reinforced dunning under the default policy."""


def account(balance: str | Decimal = "5000.00", **facts: Any) -> AccountFacts:
    """The account of one open receivable of a company, with fresh feeds."""
    known: dict[str, Any] = {"feeds": FRESH, "is_natural_person": False, "country": "FR", "language": "en"}
    return AccountFacts(Decimal(balance), **{**known, **facts})


def scored(
    invoice_id: str = "F-1",
    *,
    due_on: date = date(2025, 10, 2),
    amount: str | Decimal = "5000.00",
    grade: str | None = "C",
    segment: str | None = "prompt",
    customer_id: str = "C-1",
    p_late: float | None = 0.9,
    curve: tuple[tuple[int, float], ...] = ((0, 0.9), (30, 0.6)),
    **fields: Any,
) -> ScoredInvoice:
    """One receivable with an opinion of the model, or without one when the grade is null."""
    rung = "own_history" if grade is not None else "no_opinion"
    values: dict[str, Any] = {
        "as_of": due_on,
        "issued_on": due_on - timedelta(days=30),
        "cold_start_rung": rung,
        "p_late": p_late if grade is not None else None,
        "unpaid_probability": curve if grade is not None else (),
        "history_depth": 12 if grade is not None else 0,
    }
    return ScoredInvoice(
        invoice_id=invoice_id,
        customer_id=customer_id,
        due_on=due_on,
        amount=Decimal(amount),
        open_amount=Decimal(amount),
        grade=grade,  # type: ignore[arg-type]
        rfm_segment=segment,  # type: ignore[arg-type]
        **{**values, **fields},
    )


def overdue_case(
    invoice_id: str,
    *,
    customer_id: str = "C-1",
    days_late: int = 20,
    balance: str = "5000.00",
    stage: int = 0,
    grade: str = "C",
    segment: str | None = "deteriorating",
    currency: str = "EUR",
    fields: Mapping[str, Any] = MappingProxyType({}),
    **facts: Any,
) -> Case:
    """A receivable of a bad payer on a Monday, some days past due, after so many reminders.

    `fields` are those of the score, the other names those of the account.
    """
    score = scored(
        invoice_id,
        due_on=MONDAY - timedelta(days=days_late),
        amount=balance,
        grade=grade,
        segment=segment,
        customer_id=customer_id,
        curve=((0, 0.9),),
        currency=currency,
        **fields,
    )
    taken = StepTaken("reinforced", "step", stage, MONDAY - timedelta(days=10)) if stage else None
    return Case(score, account(balance, **{"last_step": taken, **BAD_PAYER, **facts}))


def decided(case: Case, on: date, policy: Policy = POLICY, **options: Any) -> Decision:
    """The decision on the only open receivable of a customer."""
    return decide_customer([case], policy, on, **options).decisions[0]


def owed(due_on: date, amount: str, currency: str = "EUR") -> OpenBalance:
    """What is open on one receivable."""
    return OpenBalance(due_on, currency, Decimal(amount))


def decide(score: ScoredInvoice, facts: AccountFacts, policy: Policy, on: date) -> Decision:
    """The decision on one receivable, its customer's other receivables left aside."""
    return decide_case(Case(score, facts), policy, on)


def is_localized(fault: Fault) -> bool:
    """Whether every sentence of a fault has its French; a list of words of the format needs none."""
    hints = [hint for hint in (fault.expected, fault.remedy) if hint and " " in hint.replace(", ", "")]
    return all(isinstance(sentence, Message) for sentence in (fault.what, *hints))
