"""The facts that decide alone: no score, grade or segment is looked at here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from serving.dunning.deciding.facts import AccountFacts
from serving.dunning.decision import PersonDecides, Reason
from serving.dunning.policy.schema import Policy
from serving.dunning.words import BLOCKAGE_WORDS, GateId, Text

PERSON_WORDS = {
    "natural_person": Text(
        "Le débiteur est une personne physique (RGPD, art. 22)",
        "The debtor is a natural person (GDPR art. 22)",
    ),
    "legal_form_unknown": Text(
        "Forme juridique non connue, traitée comme une personne physique (RGPD, art. 22)",
        "Legal form not known, treated as a natural person (GDPR art. 22)",
    ),
    "strategic_account": Text("Compte stratégique", "Strategic account"),
}
UNKNOWN = Text("non connu", "not known")


@dataclass(frozen=True)
class GateHit:
    """A gate that holds.

    Attributes:
        gate_id: which one.
        reason: why, in both languages, with the values filled in.
        sequence_id: what is done instead of dunning; null where the dunning step stands but a person
            decides.
        hold_until: first day on which the gate may open by itself; null when that is not known.
        approval: who decides; null for gates that stop everything.
    """

    gate_id: GateId
    reason: Reason
    sequence_id: str | None = None
    hold_until: date | None = None
    approval: str | None = None


def stopping_gates(
    account: AccountFacts, policy: Policy, on: date, balance: Decimal | None
) -> tuple[GateHit, ...]:
    """The gates that hold and leave no room for dunning, in the order of `GATE_IDS`.

    Args:
        account: the account at decision time.
        policy: parameters and words of the gates.
        on: the day of the decision.
        balance: net balance in the policy's currency; null when it cannot be converted.
    """
    gates = policy.spec.gates
    hits = []
    if account.is_settled or account.net_balance_amount <= 0:
        hits.append(_hit("settled", gates.settled.why, gates.settled.sequence))
    if account.is_insolvent:
        published = _day(account.insolvency_published_on)
        hits.append(_hit("insolvency", gates.insolvency.why, gates.insolvency.sequence, published=published))
    age = account.ledger_feed_age_hours
    if age is None or age > gates.feed_stale.max_age_hours:
        hours = UNKNOWN if age is None else Text(f"il y a {age:.0f} h", f"{age:.0f} h ago")
        hits.append(_hit("feed_stale", gates.feed_stale.why, gates.feed_stale.sequence, hours=hours))
    if account.has_open_dispute:
        hits.append(_hit("open_dispute", gates.open_dispute.why, gates.open_dispute.sequence))
    if account.admin_blockage is not None:
        kind = BLOCKAGE_WORDS[account.admin_blockage]
        hits.append(
            _hit("admin_blockage", gates.admin_blockage.why, gates.admin_blockage.sequence, kind=kind)
        )
    if account.has_running_plan and not is_plan_broken(account, policy, on):
        plan, due_on = gates.plan_running, _day(account.plan_next_due_on)
        hits.append(
            _hit("plan_running", plan.why, plan.sequence, plan_holds_until(account, policy), until=due_on)
        )
    promised_until = promise_holds_until(account, policy)
    is_enough = is_promise_of(account.net_balance_amount, account, policy)
    if promised_until is not None and on < promised_until and is_enough:
        promise = gates.promise_running
        hits.append(_hit("promise_running", promise.why, promise.sequence, promised_until))
    if account.payment_announced_on is not None:
        announced = gates.payment_announced
        until = account.payment_announced_on + timedelta(days=announced.grace_days + 1)
        if on < until:
            hits.append(_hit("payment_announced", announced.why, announced.sequence, until))
    small = gates.small_balance
    is_settled = bool(hits) and hits[0].gate_id == "settled"
    if balance is not None and balance < small.below and not is_settled:
        amount = Text(f"{balance:.2f}".replace(".", ","), f"{balance:.2f}")
        hits.append(_hit("small_balance", small.why, small.sequence, amount=amount))
    return tuple(hits)


def person_gates(account: AccountFacts, policy: Policy) -> tuple[GateHit, ...]:
    """The gates that leave the dunning step in place but take it away from the machine."""
    natural, strategic = policy.spec.gates.natural_person, policy.spec.gates.strategic_account
    is_unknown_person = account.is_natural_person is None and natural.when_unknown == "person_decides"
    hits = []
    if account.is_natural_person or is_unknown_person:
        level = _level(natural.approval, policy)
        hits.append(_hit("natural_person", natural.why, approval=natural.approval, level=level))
    if account.is_strategic:
        level = _level(strategic.approval, policy)
        hits.append(_hit("strategic_account", strategic.why, approval=strategic.approval, level=level))
    return tuple(hits)


def person_decides(account: AccountFacts, policy: Policy) -> PersonDecides | None:
    """That a person decides every step against this debtor, and which; null when a machine may."""
    gates = person_gates(account, policy)
    if not gates:
        return None
    because: str = gates[0].gate_id
    if because == "natural_person" and account.is_natural_person is None:
        because = "legal_form_unknown"
    level_id = policy.higher_approval(*(gate.approval for gate in gates)) or ""
    level, words = _level(level_id, policy), PERSON_WORDS[because]
    return PersonDecides(
        because,
        level_id,
        Text(
            f"{words.fr} : aucune étape n'est automatique, une personne décide ({level.fr}).",
            f"{words.en}: no step is automatic, a person decides ({level.en}).",
        ),
    )


def contact_gate(gate_id: GateId, hold_until: date | None, policy: Policy) -> GateHit:
    """The gate that moves a step of today to a later day."""
    gates = policy.spec.gates
    why = gates.contact_cap.why if gate_id == "contact_cap" else gates.quiet_day.why
    return _hit(gate_id, why, hold_until=hold_until)


def promise_holds_until(account: AccountFacts, policy: Policy) -> date | None:
    """First day on which a promise not kept counts as broken; null without a promise."""
    if account.promise_due_on is None:
        return None
    return account.promise_due_on + timedelta(days=policy.spec.gates.promise_running.grace_days + 1)


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
    least = amount * Decimal(str(policy.spec.gates.promise_running.minimum_share))
    return account.promise_amount is None or account.promise_amount >= least


def _hit(
    gate_id: GateId,
    why: Text,
    sequence_id: str | None = None,
    hold_until: date | None = None,
    approval: str | None = None,
    **values: Text,
) -> GateHit:
    values = {"until": _day(hold_until), **values}
    french = why.fr.format_map({name: value.fr for name, value in values.items()})
    english = why.en.format_map({name: value.en for name, value in values.items()})
    return GateHit(gate_id, Reason(f"gate.{gate_id}", french, english), sequence_id, hold_until, approval)


def _day(day: date | None) -> Text:
    return UNKNOWN if day is None else Text(f"{day:%d/%m/%Y}", day.isoformat())


def _level(level_id: str, policy: Policy) -> Text:
    return next(level.label for level in policy.spec.approval_levels if level.id == level_id)
