"""The facts that decide alone, whatever the score, grade or segment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from features.words import BLOCKAGE_WORDS
from serving.dunning.deciding.facts import AccountFacts, DebtorStatement
from serving.dunning.deciding.facts.case import Case
from serving.dunning.deciding.facts.freshness import feed_ages
from serving.dunning.deciding.facts.money import demandable_in_policy_currency
from serving.dunning.deciding.gates.hits import (
    GateHit,
    amount_words,
    closed_words,
    day_words,
    feed_words,
    hit,
    quote_words,
)
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.gates import ContactGate, StatementGate
from serving.dunning.words import STOPPING_GATES, ContactGateId, GateId, StoppingGateId, declared_for


def stopping_gates(case: Case, policy: Policy, on: date) -> tuple[GateHit, ...]:
    """The closed gates that stop dunning, in the order of `STOPPING_GATES`.

    Args:
        case: the receivable and its account.
        policy: parameters and words of the gates.
        on: the day of the decision.
    """
    hits: list[GateHit] = []
    for gate_id in STOPPING_GATES:
        if gate_id == "small_balance" and any(found.gate_id in _WITHOUT_SMALL for found in hits):
            continue
        found = _GATES[gate_id](case, policy, on)
        if found is not None:
            hits.append(found)
    return tuple(hits)


_WITHOUT_SMALL: Final[frozenset[GateId]] = frozenset({"settled", "open_dispute"})
"""Gates beside which it says nothing that the balance is small, too."""


def _settled(case: Case, policy: Policy, on: date) -> GateHit | None:
    account, gate = case.account, policy.spec.gates.settled
    if account.closed_by is None and account.net_balance_amount > 0:
        return None
    return hit("settled", gate.why, gate.sequence, closed=closed_words(account.closed_by))


def _insolvency(case: Case, policy: Policy, on: date) -> GateHit | None:
    account, gate = case.account, policy.spec.gates.insolvency
    if not account.is_insolvent:
        return None
    published = day_words(account.insolvency_published_on)
    return hit("insolvency", gate.why, gate.sequence, published=published)


def _feed_stale(case: Case, policy: Policy, on: date) -> GateHit | None:
    gate = policy.spec.gates.feed_stale
    stale = [age for age in feed_ages(case.account.feeds, policy, on) if age.is_stale]
    if not stale:
        return None
    return hit("feed_stale", gate.why, gate.sequence, feeds=feed_words(stale))


def _mediation(case: Case, policy: Policy, on: date) -> GateHit | None:
    since, gate = case.account.mediation_since, policy.spec.gates.mediation
    return None if since is None else hit("mediation", gate.why, gate.sequence, since=since)


def _complaint(case: Case, policy: Policy, on: date) -> GateHit | None:
    since, gate = case.account.complaint_opened_on, policy.spec.gates.complaint
    return None if since is None else hit("complaint", gate.why, gate.sequence, since=since)


def _open_dispute(case: Case, policy: Policy, on: date) -> GateHit | None:
    if not case.account.has_open_dispute or is_rest_chased(case, policy):
        return None
    return dispute_hit(case, policy)


def dispute_hit(case: Case, policy: Policy) -> GateHit:
    """The open dispute, with what of the balance is disputed."""
    account, gate = case.account, policy.spec.gates.open_dispute
    amount = amount_words(account.disputed_part_amount, case.score.currency)
    return hit("open_dispute", gate.why, gate.sequence, since=account.dispute_opened_on, amount=amount)


def is_rest_chased(case: Case, policy: Policy) -> bool:
    """Whether a part is disputed and the undisputed rest is enough to go on asking for."""
    account = case.account
    if not account.has_open_dispute or account.disputed_amount is None or account.undisputed_amount <= 0:
        return False
    rest = demandable_in_policy_currency(case, policy)
    return rest is None or rest >= policy.spec.gates.small_balance.below


def _admin_blockage(case: Case, policy: Policy, on: date) -> GateHit | None:
    account, gate = case.account, policy.spec.gates.admin_blockage
    if account.admin_blockage is not None and account.admin_blockage != "short_payment":
        kind = BLOCKAGE_WORDS[account.admin_blockage]
        return hit("admin_blockage", gate.why, gate.sequence, since=account.admin_blockage_since, kind=kind)
    short = gate.short_payment
    if not is_short_payment(case, policy) or is_task_closed(account, short.sequence, account.last_paid_on):
        return None
    kind = BLOCKAGE_WORDS["short_payment"]
    return hit("admin_blockage", gate.why, short.sequence, since=account.last_paid_on, kind=kind)


def is_short_payment(case: Case, policy: Policy) -> bool:
    """Whether a small part of a payment made before or shortly after the due date is missing.

    A discount may have been taken, bank charges deducted, a figure mistyped: a person checks it and no machine
    asks for it. A remainder below the small balance is left to that gate.
    """
    account, short = case.account, policy.spec.gates.admin_blockage.short_payment
    if account.admin_blockage == "short_payment":
        return True
    paid_on, rest = account.last_paid_on, account.net_balance_amount
    if paid_on is None or rest <= 0 or paid_on > case.score.due_on + timedelta(days=short.paid_within_days):
        return False
    if rest >= case.score.amount * Decimal(str(short.share_below)):
        return False
    amount = demandable_in_policy_currency(case, policy)
    return amount is None or amount >= policy.spec.gates.small_balance.below


def _insolvency_hint(case: Case, policy: Policy, on: date) -> GateHit | None:
    gate = policy.spec.gates.insolvency_hint
    return _statement("insolvency_hint", gate, case.account.insolvency_hint, case.account, on)


def _plan_running(case: Case, policy: Policy, on: date) -> GateHit | None:
    account, gate = case.account, policy.spec.gates.plan_running
    if not account.has_running_plan or is_plan_broken(account, policy, on):
        return None
    until = plan_holds_until(account, policy)
    due = day_words(account.plan_next_due_on)
    return hit("plan_running", gate.why, gate.sequence, until, due=due)


def _promise_running(case: Case, policy: Policy, on: date) -> GateHit | None:
    account, gate = case.account, policy.spec.gates.promise_running
    until = promise_holds_until(account, policy)
    if until is None or on >= until or not is_promise_of(case.demandable_amount, account, policy):
        return None
    return hit("promise_running", gate.why, gate.sequence, until)


def _promise_unclear(case: Case, policy: Policy, on: date) -> GateHit | None:
    account, gate = case.account, policy.spec.gates.promise_unclear
    statements = [account.unclear_promise]
    if account.promise is not None and promise_holds_until(account, policy) is None:
        statements.append(DebtorStatement(account.promise.made_on, account.promise.quote))
    newest = max(
        (item for item in statements if item is not None), key=lambda item: item.said_on, default=None
    )
    return _statement("promise_unclear", gate, newest, account, on)


def _payment_announced(case: Case, policy: Policy, on: date) -> GateHit | None:
    announced_on, gate = case.account.payment_announced_on, policy.spec.gates.payment_announced
    if announced_on is None:
        return None
    until = announced_on + timedelta(days=gate.grace_days + 1)
    return hit("payment_announced", gate.why, gate.sequence, until) if on < until else None


def _small_balance(case: Case, policy: Policy, on: date) -> GateHit | None:
    gate, amount = policy.spec.gates.small_balance, demandable_in_policy_currency(case, policy)
    if amount is None or amount >= gate.below:
        return None
    words = amount_words(amount, policy.spec.policy.currency)
    return hit("small_balance", gate.why, gate.sequence, amount=words)


_GATES: Final[dict[StoppingGateId, Callable[[Case, Policy, date], GateHit | None]]] = {
    "settled": _settled,
    "insolvency": _insolvency,
    "feed_stale": _feed_stale,
    "mediation": _mediation,
    "complaint": _complaint,
    "open_dispute": _open_dispute,
    "admin_blockage": _admin_blockage,
    "insolvency_hint": _insolvency_hint,
    "plan_running": _plan_running,
    "promise_running": _promise_running,
    "promise_unclear": _promise_unclear,
    "payment_announced": _payment_announced,
    "small_balance": _small_balance,
}
declared_for(STOPPING_GATES, _GATES, f"{__name__}._GATES")


def _statement(
    gate_id: GateId,
    gate: StatementGate,
    statement: DebtorStatement | None,
    account: AccountFacts,
    on: date,
) -> GateHit | None:
    """Something a debtor wrote: it stops dunning for the days of the gate, or until a person closed the task."""
    if statement is None:
        return None
    until = statement.said_on + timedelta(days=gate.days)
    if on >= until or is_task_closed(account, gate.sequence, statement.said_on):
        return None
    quote = quote_words(statement.quote)
    return hit(gate_id, gate.why, gate.sequence, until, since=statement.said_on, quote=quote)


def is_task_closed(account: AccountFacts, sequence_id: str, since: date | None) -> bool:
    """Whether a person closed the task of a sequence on or after a day (null: on any day)."""
    return any(
        task.sequence_id == sequence_id
        and task.closed_on is not None
        and (since is None or task.closed_on >= since)
        for task in account.tasks
    )


def contact_gate(gate_id: ContactGateId, hold_until: date | None, policy: Policy) -> GateHit:
    """The gate that moves a step of today to a later day."""
    gate: ContactGate = getattr(policy.spec.gates, gate_id)
    return hit(gate_id, gate.why, hold_until=hold_until)


def promise_holds_until(account: AccountFacts, policy: Policy) -> date | None:
    """First day on which a promise not kept counts as broken; null without a promise, or for one too far ahead."""
    promise, gate = account.promise, policy.spec.gates.promise_running
    if promise is None or (promise.due_on - promise.made_on).days > gate.longest_days:
        return None
    return promise.due_on + timedelta(days=gate.grace_days + 1)


def plan_holds_until(account: AccountFacts, policy: Policy) -> date | None:
    """First day on which the plan counts as broken unless the next instalment comes in; null when not known."""
    if account.plan_next_due_on is None:
        return None
    return account.plan_next_due_on + timedelta(days=policy.spec.gates.plan_running.grace_days + 1)


def is_plan_broken(account: AccountFacts, policy: Policy, on: date) -> bool:
    """Whether a plan was agreed and an instalment was missed beyond the grace."""
    until = plan_holds_until(account, policy)
    return account.has_running_plan and until is not None and on >= until


def is_promise_of(amount: Decimal, account: AccountFacts, policy: Policy) -> bool:
    """Whether the promise is for enough of an amount to matter; one without an amount means all of it."""
    promise = account.promise
    if promise is None:
        return False
    least = amount * Decimal(str(policy.spec.gates.promise_running.minimum_share))
    return promise.amount is None or promise.amount >= least
