"""A night's batch: every customer decided by itself, calls and letters within the team's capacity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from serving.dunning.deciding.capacity import Deferred, fill_capacity
from serving.dunning.deciding.conversation import AccountDecision, decide_customer
from serving.dunning.deciding.facts import Case
from serving.dunning.policy.checked import Policy


@dataclass(frozen=True)
class Night:
    """A night's batch: one entry for each customer, in order of id, and what waits for another night."""

    accounts: tuple[AccountDecision, ...]
    deferred: tuple[Deferred, ...]


def decide_night(cases: Iterable[Case], policy: Policy, on: date) -> Night:
    """Decide on every open receivable, hold one conversation a customer, and fill the team's capacity.

    Calls and letters compete as conversations: the gains of all their receivables less the cost of one
    contact. A customer whose call waits may still get today's e-mails about its other invoices.
    """
    by_customer: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_customer[case.customer_id].append(case)
    accounts = {
        customer_id: decide_customer(by_customer[customer_id], policy, on)
        for customer_id in sorted(by_customer)
    }
    leads = [
        replace(decision, benefit=account.conversation.benefit)
        for account in accounts.values()
        for decision in account.decisions
        if account.conversation is not None
        and decision.receivable_id == account.conversation.lead_receivable_id
    ]
    capacity = policy.spec.capacity
    plan = fill_capacity(leads, capacity.calls, capacity.letters, only_if_positive=capacity.only_if_positive)
    for item in plan.deferred:
        customer_id = item.decision.customer_id
        accounts[customer_id] = decide_customer(by_customer[customer_id], policy, on, item.why)
    return Night(tuple(accounts.values()), plan.deferred)
