"""Which of the night's open invoices matter most. Pure: values in, values out."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from serving.dunning import DecisionRecord, Policy
from serving.dunning.deciding.facts.money import converted


@dataclass(frozen=True)
class AtStake:
    """An open receivable and the money it may cost.

    Attributes:
        record: its score, account and decision.
        amount: what is still owed, net of unapplied credits, × probability of being unpaid 30 days past due; in the
            policy's currency.
    """

    record: DecisionRecord
    amount: float


def most_at_stake(records: Iterable[DecisionRecord], policy: Policy, count: int) -> list[AtStake]:
    """The receivables with the most money at stake, the largest first, ties by receivable.

    Money is compared in the policy's currency: what has no exchange rate, and what has no score, is not among them.

    Args:
        records: the night's decisions.
        policy: that decided.
        count: how many at most.
    """
    found = []
    for record in records:
        account, score = record.account, record.score
        owed = converted(account.net_balance_amount, score.currency, account, policy)
        if owed is not None and score.p_late_30 is not None:
            found.append(AtStake(record, float(owed) * score.p_late_30))
    return heapq.nsmallest(count, found, key=lambda item: (-item.amount, item.record.score.receivable_id))
