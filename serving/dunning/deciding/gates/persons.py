"""The debtors and amounts for which a person decides: the step stays in place, the machine does not take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from features.words import Text
from serving.dunning.deciding.facts import AccountFacts
from serving.dunning.deciding.facts.case import Case
from serving.dunning.deciding.facts.money import demandable_in_policy_currency, is_large
from serving.dunning.deciding.gates.hits import GateHit, amount_words, hit
from serving.dunning.deciding.gates.stopping import is_short_payment
from serving.dunning.decision import PersonDecides, Reason
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.gates import PersonGate
from serving.dunning.words import PERSON_GATES, TONE_WORDS, PersonGateId, Tone, declared_for

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
SHORT_PAYMENT = Reason.of(
    "short_payment",
    Text(
        "Il ne manque qu'une petite part du règlement : rien n'est automatique, une personne décide.",
        "Only a small part of the payment is missing: nothing is automatic, a person decides.",
    ),
)


def person_gates(case: Case, policy: Policy, tone: Tone | None = None) -> tuple[GateHit, ...]:
    """The gates that leave the dunning step in place but make it a person's.

    Args:
        case: the receivable and its account.
        policy: parameters and words of the gates.
        tone: tone of the step; null for work inside the house.
    """
    hits = []
    for gate_id in PERSON_GATES:
        values = _GATES[gate_id](case, policy, tone)
        if values is not None:
            gate: PersonGate = getattr(policy.spec.gates, gate_id)
            level = _level(gate.approval, policy)
            words = {"level": level, **values}
            hits.append(hit(gate_id, gate.why, None, None, approval=gate.approval, since=None, **words))
    return tuple(hits)


_Values = Mapping[str, Text]
"""What stands for the names in braces of the gate's `why`, beside `{level}`."""


def _natural_person(case: Case, policy: Policy, tone: Tone | None) -> _Values | None:
    exempt = policy.spec.gates.natural_person.automatic_tones
    return {} if is_treated_as_person(case.account, policy) and tone not in exempt else None


def _strategic_account(case: Case, policy: Policy, tone: Tone | None) -> _Values | None:
    return {} if case.account.is_strategic else None


def _large_amount(case: Case, policy: Policy, tone: Tone | None) -> _Values | None:
    if not is_large(demandable_in_policy_currency(case, policy), policy):
        return None
    return {"amount": amount_words(case.demandable_amount, case.score.currency)}


_GATES: Final[dict[PersonGateId, Callable[[Case, Policy, Tone | None], _Values | None]]] = {
    "natural_person": _natural_person,
    "strategic_account": _strategic_account,
    "large_amount": _large_amount,
}
declared_for(PERSON_GATES, _GATES, f"{__name__}._GATES")


def short_payment_approval(case: Case, policy: Policy) -> str | None:
    """Who decides on the small remainder of a payment after its task was closed; null for other receivables."""
    if not is_short_payment(case, policy):
        return None
    return policy.spec.gates.admin_blockage.short_payment.approval


def is_treated_as_person(account: AccountFacts, policy: Policy) -> bool:
    """Whether the debtor is a natural person, or has an unknown legal form that the policy treats as one."""
    if account.is_natural_person is None:
        return policy.spec.gates.natural_person.when_unknown == "person_decides"
    return account.is_natural_person


def person_decides(account: AccountFacts, policy: Policy) -> PersonDecides | None:
    """That a person decides the steps against this debtor, and which one; null when a machine may."""
    gates = policy.spec.gates
    is_person = is_treated_as_person(account, policy)
    if not is_person and not account.is_strategic:
        return None
    because = "strategic_account"
    if is_person:
        because = "legal_form_unknown" if account.is_natural_person is None else "natural_person"
    level_id = policy.higher_approval(
        gates.natural_person.approval if is_person else None,
        gates.strategic_account.approval if account.is_strategic else None,
    )
    level, words = _level(level_id or "", policy), PERSON_WORDS[because]
    exempt = () if account.is_strategic else gates.natural_person.automatic_tones
    return PersonDecides(because, level_id or "", _who_decides(words, level, exempt))


def _who_decides(words: Text, level: Text, exempt: tuple[Tone, ...]) -> Text:
    if not exempt:
        return Text(
            f"{words.fr} : aucune étape n'est automatique, une personne décide ({level.fr}).",
            f"{words.en}: no step is automatic, a person decides ({level.en}).",
        )
    french = ", ".join(TONE_WORDS[tone].fr for tone in exempt)
    english = ", ".join(TONE_WORDS[tone].en for tone in exempt)
    return Text(
        f"{words.fr} : hors rappels de ton {french}, aucune étape n'est automatique, une personne décide "
        f"({level.fr}).",
        f"{words.en}: except for {english} reminders no step is automatic, a person decides ({level.en}).",
    )


def _level(level_id: str, policy: Policy) -> Text:
    return next(level.label for level in policy.spec.approval_levels if level.id == level_id)
