"""What a decision is made from: a receivable with its score, and the state of its account."""

from serving.dunning.deciding.facts.account import (
    AccountFacts,
    Amounts,
    Contact,
    DebtorStatement,
    FeedDay,
    PartPayment,
    PersonOverride,
    Promise,
    StepTaken,
    TaskOpened,
)
from serving.dunning.deciding.facts.case import Case, ScoredInvoice

__all__ = [
    "AccountFacts",
    "Amounts",
    "Case",
    "Contact",
    "DebtorStatement",
    "FeedDay",
    "PartPayment",
    "PersonOverride",
    "Promise",
    "ScoredInvoice",
    "StepTaken",
    "TaskOpened",
]
