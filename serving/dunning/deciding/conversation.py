"""One conversation for each customer, not one for each invoice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from features.errors import Fault, InvalidInputError
from serving.dunning.deciding.benefit import Deferred, fill_capacity, is_scarce
from serving.dunning.deciding.contact_days import next_contact_day
from serving.dunning.deciding.decide import decide
from serving.dunning.deciding.facts import NOTHING, AccountFacts, Contact, ScoredInvoice
from serving.dunning.deciding.gates import contact_gate
from serving.dunning.decision import Conversation, Decision, NetBenefit, NextStep, Reason
from serving.dunning.policy.schema import Policy, is_automatic
from serving.dunning.words import TONES, Text

Case = tuple[ScoredInvoice, AccountFacts]

CAPACITY = "capacity"
"""Rule of a decision whose call or letter waits for another night."""


@dataclass(frozen=True)
class AccountDecision:
    """Every decision of one customer on one day, and the one contact it has, if any."""

    customer_id: str
    on: date
    decisions: tuple[Decision, ...]
    conversation: Conversation | None


@dataclass(frozen=True)
class Night:
    """A night's batch: one entry for each customer, in order of id, and what waits for another night."""

    accounts: tuple[AccountDecision, ...]
    deferred: tuple[Deferred, ...]


def decide_account(
    cases: Sequence[Case], policy: Policy, on: date, waits: Text | None = None
) -> AccountDecision:
    """Decide on every invoice of one customer and put today's contacts into one conversation.

    A formal notice travels alone, with the other formal notices, and so do thanks. What does not fit into the
    conversation is moved to the customer's next contact day, and says so; nothing is dropped.

    Args:
        cases: the customer's invoices, each once.
        policy: a checked policy.
        on: the day of the decision.
        waits: why the customer's calls and letters wait for another day; null when they need not.

    Raises:
        InvalidInputError: no invoice, invoices of several customers, or an invoice given twice.
    """
    _one_customer(cases)
    decisions = [decide_waiting(score, account, policy, on, waits) for score, account in cases]
    return converse(decisions, {score.invoice_id: account for score, account in cases}, policy, on)


def decide_waiting(
    score: ScoredInvoice, account: AccountFacts, policy: Policy, on: date, waits: Text | None
) -> Decision:
    """Decide on one invoice; a call or letter of today moves to the next contact day when it has to wait.

    Args:
        score: the invoice as the model sees it.
        account: the account at decision time.
        policy: a checked policy.
        on: the day of the decision.
        waits: why calls and letters wait; null when they need not.
    """
    decision = decide(score, account, policy, on)
    if waits is None or decision.next_step is None or not is_scarce(decision):
        return decision
    day, _ = next_contact_day(on + timedelta(days=1), account, policy)
    return replace(
        decision,
        next_step=None if day is None else replace(decision.next_step, on=day),
        hold_until=day,
        why=(*decision.why, Reason(CAPACITY, waits.fr, waits.en)),
    )


def decide_night(cases: Iterable[Case], policy: Policy, on: date) -> Night:
    """Decide on every open invoice, hold one conversation a customer, and fill the team's capacity.

    Calls and letters compete as conversations: the gains of all their invoices less the cost of one
    contact. A customer whose call waits may still get today's e-mails about its other invoices.
    """
    by_customer: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_customer[case[0].customer_id].append(case)
    accounts = {
        customer_id: decide_account(by_customer[customer_id], policy, on)
        for customer_id in sorted(by_customer)
    }
    leads = [
        replace(decision, benefit=account.conversation.benefit)
        for account in accounts.values()
        for decision in account.decisions
        if account.conversation is not None and decision.invoice_id == account.conversation.lead_invoice_id
    ]
    capacity = policy.spec.capacity
    plan = fill_capacity(leads, capacity.calls, capacity.letters, only_if_positive=capacity.only_if_positive)
    for item in plan.deferred:
        customer_id = item.decision.customer_id
        accounts[customer_id] = decide_account(by_customer[customer_id], policy, on, item.why)
    return Night(tuple(accounts.values()), plan.deferred)


def allocate_unapplied_credits(
    credit: Decimal, balances: Mapping[str, tuple[date, Decimal]]
) -> dict[str, Decimal]:
    """Share of a customer's unapplied credits for each invoice: the oldest due first, ties by invoice id.

    Args:
        credit: unallocated payments and credit notes, 0 or more.
        balances: invoice -> (due date, open balance); invoices without balance get nothing.

    Returns:
        A share for every invoice. What exceeds all balances is set against none.
    """
    shares = dict.fromkeys(balances, NOTHING)
    for invoice_id, (_, balance) in sorted(balances.items(), key=lambda item: (item[1][0], item[0])):
        shares[invoice_id] = min(max(balance, NOTHING), credit)
        credit -= shares[invoice_id]
    return shares


def _one_customer(cases: Sequence[Case]) -> None:
    customers = sorted({score.customer_id for score, _ in cases})
    invoices = [score.invoice_id for score, _ in cases]
    twice = sorted({invoice_id for invoice_id in invoices if invoices.count(invoice_id) > 1})
    faults = []
    if len(customers) != 1:
        expected = "the invoices of exactly one customer"
        faults.append(
            Fault(f"{len(customers)} customers", "customer_id", expected, examples=tuple(customers[:5]))
        )
    if twice:
        faults.append(
            Fault("invoices given twice", "invoice_id", "each invoice once", examples=tuple(twice[:5]))
        )
    if faults:
        raise InvalidInputError("an account cannot be decided on", faults)


def converse(
    decisions: Sequence[Decision],
    facts: Mapping[str, AccountFacts],
    policy: Policy,
    on: date,
) -> AccountDecision:
    """Today's contacts as one conversation; the ones that do not fit are moved to the next contact day.

    Args:
        decisions: one customer's decisions of the day, each made alone.
        facts: account facts by invoice id, of every decision that would be a contact today.
        policy: the policy that decided.
        on: the day.
    """
    customer_id = decisions[0].customer_id
    today = {
        decision.invoice_id: decision.next_step
        for decision in decisions
        if decision.next_step is not None and decision.is_contact_today
    }
    if not today:
        return AccountDecision(customer_id, on, _by_id(decisions), None)
    costs = policy.spec.economics.costs

    def effort(decision: Decision) -> tuple[int, Decimal, int, int, Decimal, str]:
        step = today[decision.invoice_id]
        harshness = TONES.index(step.tone), step.stage
        return (
            _company(decision, step),
            -costs[step.channel],
            -harshness[0],
            -harshness[1],
            -decision.balance_amount,
            step.step_id,
        )

    candidates = sorted(
        _by_id(decision for decision in decisions if decision.invoice_id in today), key=effort
    )
    lead, lead_step = candidates[0], today[candidates[0].invoice_id]
    joined = [
        decision
        for decision in candidates
        if _company(decision, today[decision.invoice_id]) == _company(lead, lead_step)
    ]
    joined_ids = {decision.invoice_id for decision in joined}
    contact = Contact(on, lead_step.channel, tuple(sorted(joined_ids)))
    conversation = _conversation(lead, lead_step, joined, policy)
    placed = []
    for decision in decisions:
        if decision.invoice_id in joined_ids:
            decision = replace(decision, conversation=conversation)
        elif decision.invoice_id in today:
            step, account = today[decision.invoice_id], facts[decision.invoice_id]
            decision = _moved(decision, step, account, contact, policy)
        placed.append(decision)
    return AccountDecision(customer_id, on, _by_id(placed), conversation)


def _company(decision: Decision, step: NextStep) -> int:
    """Who a contact may travel with, the pressing first: formal notices, reminders, thanks.

    A formal notice is a legal document about its own invoices, and nobody is thanked in a demand for money.
    """
    if step.tone == "legal":
        return 0
    return 2 if decision.gate_id == "settled" else 1


def _conversation(lead: Decision, step: NextStep, joined: Sequence[Decision], policy: Policy) -> Conversation:
    totals: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    for decision in joined:
        totals[decision.currency] += max(decision.balance_amount, NOTHING) + decision.claim.claimed_amount
    benefits = [decision.benefit for decision in joined if decision.benefit is not None]
    gain = sum((benefit.gain_amount or NOTHING for benefit in benefits), NOTHING)
    cost = policy.spec.economics.costs[step.channel]
    approval = policy.higher_approval(*(decision.approval_level for decision in joined))
    others = sorted(decision.invoice_id for decision in joined if decision.invoice_id != lead.invoice_id)
    return Conversation(
        customer_id=lead.customer_id,
        on=lead.on,
        lead_invoice_id=lead.invoice_id,
        invoice_ids=(lead.invoice_id, *others),
        channel=step.channel,
        tone=step.tone,
        template_id=step.template_id,
        language=step.language,
        totals=tuple(sorted(totals.items())),
        requires_approval=approval is not None,
        approval_level=approval,
        is_automatic=is_automatic(step.channel, approval),
        benefit=NetBenefit(cost, gain, gain - cost, any(benefit.is_assumed for benefit in benefits)),
    )


def _moved(
    decision: Decision, step: NextStep, account: AccountFacts, contact: Contact, policy: Policy
) -> Decision:
    """The decision moved to the first contact day after today's conversation."""
    after = replace(account, contacts=(*account.contacts, contact))
    day, _ = next_contact_day(contact.on + timedelta(days=1), after, policy)
    gate = contact_gate("contact_cap", day, policy)
    return replace(
        decision,
        next_step=None if day is None else replace(step, on=day),
        gate_id=decision.gate_id or "contact_cap",
        hold_until=day,
        why=(gate.reason, *decision.why),
    )


def _by_id(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    return tuple(sorted(decisions, key=lambda decision: decision.invoice_id))
