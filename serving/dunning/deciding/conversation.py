"""The decisions of one customer on one day: one conversation for each customer, not one for each invoice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.words import Text
from serving.dunning.deciding.capacity import is_scarce
from serving.dunning.deciding.decide import decide_case
from serving.dunning.deciding.facts import AccountFacts, Case, Contact
from serving.dunning.deciding.facts.money import is_large, total_converted
from serving.dunning.deciding.gates.stopping import contact_gate
from serving.dunning.deciding.steps.contact_days import next_contact_day
from serving.dunning.decision import (
    NOTHING,
    Conversation,
    ConversationItem,
    Decision,
    NetBenefit,
    NextStep,
    Reason,
)
from serving.dunning.policy.checked import Policy, is_automatic
from serving.dunning.words import TONES

CAPACITY = "capacity"
"""Rule of a decision whose call or letter waits for another night."""

RECONSTRUCTION = Reason.of(
    "reconstruction",
    Text(
        "Reconstitution d'un jour passé : aucune action ne doit en être tirée.",
        "Reconstruction of a past day: nothing may be done with it.",
    ),
)


@dataclass(frozen=True)
class AccountDecision:
    """Every decision of one customer on one day, in order of receivable id, and the one contact it has, if any."""

    customer_id: str
    on: date
    decisions: tuple[Decision, ...]
    conversation: Conversation | None


def decide_customer(
    cases: Sequence[Case], policy: Policy, on: date, waits: Text | None = None, *, is_live: bool = True
) -> AccountDecision:
    """Decide on every open receivable of one customer and put today's contacts into one conversation.

    A formal notice travels alone, with the other formal notices, and so do thanks. What does not fit into the
    conversation is moved to the customer's next contact day, and says so; nothing is dropped.

    Args:
        cases: all open receivables of the customer, each once, in any order.
        policy: a checked policy.
        on: the day of the decision.
        waits: why the customer's calls and letters wait for another day; null when they need not.
        is_live: false reconstructs a past day: no conversation, and nothing automatic.

    Raises:
        InvalidInputError: no receivable, receivables of several customers, or one given twice; the day is outside
            the days known.
    """
    _check_one_customer(cases)
    facts = {case.receivable_id: case.account for case in cases}
    decisions = [_with_capacity(decide_case(case, policy, on), case, policy, waits) for case in cases]
    if not is_live:
        customer_id = cases[0].customer_id
        return AccountDecision(customer_id, on, _by_id(map(_reconstructed, decisions)), None)
    return _converse(decisions, facts, policy, on)


def _with_capacity(decision: Decision, case: Case, policy: Policy, waits: Text | None) -> Decision:
    """The decision, its call or letter of today moved to the next contact day when it has to wait."""
    step = decision.next_step
    if waits is None or step is None or not is_scarce(decision):
        return decision
    day, _ = next_contact_day(decision.on + timedelta(days=1), case.account, policy, step.channel)
    return replace(
        decision,
        next_step=None if day is None else replace(step, on=day),
        hold_until=day,
        why=(*decision.why, Reason.of(CAPACITY, waits)),
    )


def _reconstructed(decision: Decision) -> Decision:
    step, task = decision.next_step, decision.side_task
    return replace(
        decision,
        next_step=None if step is None else replace(step, is_automatic=False),
        side_task=None if task is None else replace(task, is_automatic=False),
        why=(*decision.why, RECONSTRUCTION),
        is_live=False,
    )


def _check_one_customer(cases: Sequence[Case]) -> None:
    customers = sorted({case.customer_id for case in cases})
    counts = Counter(case.receivable_id for case in cases)
    twice = sorted(key for key, count in counts.items() if count > 1)
    faults = []
    if len(customers) != 1:
        expected = localized("the invoices of exactly one customer")
        faults.append(
            Fault(
                localized("{number} customers", number=len(customers)),
                "customer_id",
                expected,
                examples=tuple(customers[:5]),
            )
        )
    if twice:
        faults.append(
            Fault(
                localized("invoices given twice"),
                "invoice_id",
                localized("each invoice once"),
                examples=tuple(twice[:5]),
            )
        )
    if faults:
        raise InvalidInputError(localized("an account cannot be decided on"), faults)


def _converse(
    decisions: Sequence[Decision], facts: Mapping[str, AccountFacts], policy: Policy, on: date
) -> AccountDecision:
    """Today's contacts as one conversation; the ones that do not fit are moved to the next contact day."""
    customer_id = decisions[0].customer_id
    today = {
        decision.receivable_id: decision.next_step
        for decision in decisions
        if decision.next_step is not None and decision.is_contact_today
    }
    if not today:
        return AccountDecision(customer_id, on, _by_id(decisions), None)
    costs = policy.spec.economics.costs

    def effort(decision: Decision) -> tuple[int, Decimal, int, int, Decimal, str]:
        step = today[decision.receivable_id]
        return (
            _company(decision, step),
            -costs[step.channel],
            -TONES.index(step.tone),
            -step.stage,
            -decision.asked_amount,
            step.step_id,
        )

    candidates = sorted(
        _by_id(decision for decision in decisions if decision.receivable_id in today), key=effort
    )
    lead, lead_step = candidates[0], today[candidates[0].receivable_id]
    joined = {
        decision.receivable_id: decision
        for decision in _one_indemnity_an_invoice(
            decision
            for decision in candidates
            if _company(decision, today[decision.receivable_id]) == _company(lead, lead_step)
        )
    }
    account = facts[lead.receivable_id]
    conversation = _conversation(lead, lead_step, list(joined.values()), account, policy)
    contact = Contact(on, lead_step.channel, tuple(sorted(conversation.invoice_ids)))
    placed = []
    for decision in decisions:
        key = decision.receivable_id
        if key in joined:
            decision = _as_part_of(conversation, joined[key], today[key])
        elif key in today:
            decision = _moved(decision, today[key], facts[key], contact, policy)
        placed.append(decision)
    return AccountDecision(customer_id, on, _by_id(placed), conversation)


def _company(decision: Decision, step: NextStep) -> int:
    """Who a contact may travel with, the pressing first: formal notices, reminders, thanks.

    A formal notice is a legal document about its own invoices, and nobody is thanked in a demand for money.
    """
    if step.tone == "legal":
        return 0
    return 2 if decision.gate_id == "settled" else 1


def _as_part_of(conversation: Conversation, decision: Decision, step: NextStep) -> Decision:
    """The decision inside its conversation: no step is automatic when the one contact is not."""
    step = replace(step, is_automatic=step.is_automatic and conversation.is_automatic)
    return replace(decision, next_step=step, conversation=conversation)


def _one_indemnity_an_invoice(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions with the recovery indemnity claimed once for each invoice, by its first instalment."""
    claimed: set[str] = set()
    found = []
    for decision in sorted(decisions, key=lambda item: (item.invoice_id, item.instalment_number or 0)):
        if decision.claim.is_indemnity_claimed:
            if decision.invoice_id in claimed:
                decision = replace(decision, claim=replace(decision.claim, is_indemnity_claimed=False))
            claimed.add(decision.invoice_id)
        found.append(decision)
    return found


def _conversation(
    lead: Decision, step: NextStep, joined: Sequence[Decision], account: AccountFacts, policy: Policy
) -> Conversation:
    items = _items(lead, joined)
    totals: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    for item in items:
        totals[item.currency] += item.amount
    total_amounts = tuple(sorted(totals.items()))
    benefits = [decision.benefit for decision in joined if decision.benefit is not None]
    gain = sum((benefit.gain_amount or NOTHING for benefit in benefits), NOTHING)
    cost = policy.spec.economics.costs[step.channel]
    total_amount = total_converted(total_amounts, account, policy)
    approval = policy.higher_approval(
        *(decision.approval_level for decision in joined),
        policy.spec.gates.large_amount.approval if is_large(total_amount, policy) else None,
    )
    return Conversation(
        customer_id=lead.customer_id,
        on=lead.on,
        lead_invoice_id=lead.invoice_id,
        lead_instalment_number=lead.instalment_number,
        items=items,
        channel=step.channel,
        tone=step.tone,
        template_id=step.template_id,
        language=step.language,
        totals=total_amounts,
        total_amount=total_amount,
        requires_approval=approval is not None,
        approval_level=approval,
        is_automatic=is_automatic(step.channel, approval),
        benefit=NetBenefit(cost, gain, gain - cost, any(benefit.is_assumed for benefit in benefits)),
    )


def _items(lead: Decision, joined: Sequence[Decision]) -> tuple[ConversationItem, ...]:
    """Each invoice once with its instalments in the contact, the lead's first, then by id."""
    by_invoice: dict[str, list[Decision]] = defaultdict(list)
    for decision in joined:
        by_invoice[decision.invoice_id].append(decision)
    order = sorted(by_invoice, key=lambda invoice_id: (invoice_id != lead.invoice_id, invoice_id))
    return tuple(
        ConversationItem(
            invoice_id,
            tuple(
                sorted(
                    item.instalment_number
                    for item in by_invoice[invoice_id]
                    if item.instalment_number is not None
                )
            ),
            sum((item.asked_amount + item.claim.claimed_amount for item in by_invoice[invoice_id]), NOTHING),
            by_invoice[invoice_id][0].currency,
        )
        for invoice_id in order
    )


def _moved(
    decision: Decision, step: NextStep, account: AccountFacts, contact: Contact, policy: Policy
) -> Decision:
    """The decision moved to the first contact day after today's conversation."""
    after = replace(account, contacts=(*account.contacts, contact))
    day, _ = next_contact_day(contact.on + timedelta(days=1), after, policy, step.channel)
    gate = contact_gate("contact_cap", day, policy)
    return replace(
        decision,
        next_step=None if day is None else replace(step, on=day),
        gate_id=decision.gate_id or "contact_cap",
        hold_until=day,
        why=(gate.reason, *decision.why),
    )


def _by_id(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    return tuple(sorted(decisions, key=lambda decision: decision.receivable_id))
