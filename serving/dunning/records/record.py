"""Stored decisions: what was known, what was decided, and why the score was what it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from pydantic import TypeAdapter

from features.messages import Text
from serving.dunning.deciding.facts import AccountFacts, Case, ScoredInvoice
from serving.dunning.decision import Decision

RECORD_VERSION = 2
"""Version of the facts and decisions in a file; version 1 is still read."""


@dataclass(frozen=True)
class Difference:
    """One stored case decided differently.

    Attributes:
        decided_on: the day.
        before: the decision it is compared with.
        after: the decision of the policy under test.
        changed: what differs, in the words of `replay.COMPARED` and in that order.
    """

    decided_on: date
    before: Decision
    after: Decision
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Explained(Text):
    """One reason of the score, stored with the decision that rests on it; adds to a probability."""

    group: str
    contribution: float


@dataclass(frozen=True)
class DecisionRecord:
    """One receivable on one day: the facts the decision was made from, and the decision.

    Attributes:
        decided_on: the day.
        score: the receivable as the model saw it.
        account: its account at that time.
        decision: what was decided; null for a case not decided yet (tonight's open invoices).
        explanation: why the score is what it is, strongest first; empty when it was not explained.
    """

    decided_on: date
    score: ScoredInvoice
    account: AccountFacts
    decision: Decision | None = None
    explanation: tuple[Explained, ...] = ()

    @property
    def case(self) -> Case:
        """What the decision was made from."""
        return Case(self.score, self.account)


RECORD_SCHEMA: dict[str, Any] = {
    "record_version": pl.Int32,
    "decided_on": pl.Date,
    "invoice_id": pl.String,
    "instalment_number": pl.Int32,
    "customer_id": pl.String,
    "policy_id": pl.String,
    "policy_version": pl.String,
    "sequence_id": pl.String,
    "gate_id": pl.String,
    "step_id": pl.String,
    "step_on": pl.Date,
    "channel": pl.String,
    "is_automatic": pl.Boolean,
    "approval_level": pl.String,
    "person_decides": pl.String,
    "balance_amount": pl.Decimal(18, 2),
    "disputed_amount": pl.Decimal(18, 2),
    "currency": pl.String,
    "is_live": pl.Boolean,
    "score": pl.String,
    "account": pl.String,
    "decision": pl.String,
    "explanation": pl.String,
}
"""Columns of a Parquet file of records. The last four are JSON and are what is read back; the others are for
queries. Grain: one row for each receivable and day."""

DIFFERENCE_SCHEMA: dict[str, Any] = {
    "decided_on": pl.Date,
    "invoice_id": pl.String,
    "instalment_number": pl.Int32,
    "customer_id": pl.String,
    "segment": pl.String,
    "balance_amount": pl.Decimal(18, 2),
    "currency": pl.String,
    "changed": pl.String,
    "sequence_before": pl.String,
    "sequence_after": pl.String,
    "before": pl.String,
    "after": pl.String,
}

RECORD: TypeAdapter[DecisionRecord] = TypeAdapter(DecisionRecord)
SCORE: TypeAdapter[ScoredInvoice] = TypeAdapter(ScoredInvoice)
ACCOUNT: TypeAdapter[AccountFacts] = TypeAdapter(AccountFacts)
DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)
EXPLANATION: TypeAdapter[tuple[Explained, ...]] = TypeAdapter(tuple[Explained, ...])


def score_to_json(score: ScoredInvoice) -> str:
    """A scored invoice as JSON; amounts are strings, days ISO."""
    return SCORE.dump_json(score).decode()


def account_to_json(account: AccountFacts) -> str:
    """Account facts as JSON."""
    return ACCOUNT.dump_json(account).decode()


def decision_to_json(decision: Decision) -> str:
    """A decision as JSON."""
    return DECISION.dump_json(decision).decode()


def decision_from_json(text: str | bytes) -> Decision:
    """A decision read back, equal to the one written."""
    return DECISION.validate_json(text)
