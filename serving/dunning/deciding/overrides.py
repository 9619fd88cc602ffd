"""What a person decided in place of the policy: which sequence stands, from when, and how it is told."""

from __future__ import annotations

from datetime import date

from serving.dunning.deciding.facts import AccountFacts
from serving.dunning.decision import Reason
from serving.dunning.policy.schema import Policy

PERSON_OVERRIDE = "person_override"
"""Rule of a decision that follows a person's."""

OVERRIDE_UNKNOWN = "person_override.unknown_sequence"
"""Rule of a decision whose overriding sequence the policy no longer has: the routed one is taken."""

OVERRIDE_WAITS = "person_override.waits"
"""Rule of a decision made by a gate although a person has decided otherwise."""


def overriding_sequence(account: AccountFacts, policy: Policy) -> str | None:
    """The sequence a person has put in place of the routed one; null without one the policy knows."""
    override = account.override
    return override.sequence_id if override and override.sequence_id in policy.spec.sequences else None


def held_until(account: AccountFacts, on: date) -> date | None:
    """The first day on which a person allows a step; null when the person set none, or it has come."""
    until = None if account.override is None else account.override.hold_until
    return until if until is not None and on < until else None


def override_reason(account: AccountFacts, policy: Policy, on: date, routed: str) -> Reason | None:
    """Who put what in place of the routed sequence, when, and until when nothing is done; null if nobody did.

    Args:
        account: the account at decision time.
        policy: the policy that decides.
        on: the day of the decision.
        routed: the sequence the route table gives.
    """
    override, sequences = account.override, policy.spec.sequences
    if override is None:
        return None
    french, english = _by_whom(account)
    proposed = sequences[routed].label
    if override.sequence_id in sequences:
        chosen = sequences[override.sequence_id].label
        rule_id = PERSON_OVERRIDE
        french += f" : « {chosen.fr} » ; la politique propose « {proposed.fr} »"
        english += f': "{chosen.en}"; the policy proposes "{proposed.en}"'
    else:
        rule_id = OVERRIDE_UNKNOWN
        french += (
            f" : la politique n'a plus la séquence {override.sequence_id}, « {proposed.fr} » la remplace"
        )
        english += (
            f': the policy no longer has the sequence {override.sequence_id}, "{proposed.en}" stands in'
        )
    until = held_until(account, on)
    if until is not None:
        french += f" ; aucune étape avant le {until:%d/%m/%Y}"
        english += f"; no step before {until.isoformat()}"
    return Reason(rule_id, f"{french}.", f"{english}.")


def waiting_reason(account: AccountFacts) -> Reason | None:
    """That a person's decision stands but a gate comes first; null when nobody decided.

    A settled invoice has nothing left to decide about: there it is not told.
    """
    if account.override is None or account.is_settled or account.net_balance_amount <= 0:
        return None
    french, english = _by_whom(account)
    return Reason(
        OVERRIDE_WAITS,
        f"{french} ({account.override.sequence_id}) : attend, la protection ci-dessus passe avant.",
        f"{english} ({account.override.sequence_id}): waits, the gate above comes first.",
    )


def _by_whom(account: AccountFacts) -> tuple[str, str]:
    override = account.override
    if override is None:
        return "", ""
    return (
        f"Décision de {override.decided_by} du {override.decided_on:%d/%m/%Y}",
        f"Decision of {override.decided_by} on {override.decided_on.isoformat()}",
    )
