"""What a person decided in place of the policy: which sequence is followed, from when, and how it is reported."""

from __future__ import annotations

from datetime import date, timedelta

from features.errors import Fault
from features.messages import Text, localized
from features.words import nearest_word
from serving.dunning.deciding.facts import AccountFacts, PersonOverride
from serving.dunning.decision import Reason
from serving.dunning.policy.checked import Policy

PERSON_OVERRIDE = "person_override"
"""Rule of a decision that follows a person's."""

OVERRIDE_WITHDRAWN = "person_override.withdrawn"
"""Rule of a decision that follows the policy again because a person withdrew an earlier choice."""

OVERRIDE_UNKNOWN = "person_override.unknown_sequence"
"""Rule of a decision whose overriding sequence the policy no longer has: the routed one is taken."""

OVERRIDE_WAITS = "person_override.waits"
"""Rule of a decision made by a gate although a person has decided otherwise."""


def sequence_faults(sequence_id: str | None, policy: Policy) -> list[Fault]:
    """What is wrong with the sequence a person chose (null follows the policy again); empty when nothing is."""
    if sequence_id is None or sequence_id in policy.spec.sequences:
        return []
    known = sorted(policy.spec.sequences)
    near = nearest_word(sequence_id, known)
    what = (
        localized("is not one of the policy; the nearest is {nearest!r}", nearest=near)
        if near
        else localized("is not one of the policy")
    )
    return [Fault(what, "sequence_id", ", ".join(known))]


def hold_faults(hold_until: date | None, today: date, policy: Policy) -> list[Fault]:
    """What is wrong with the day before which a person wants no step; empty when nothing is.

    Args:
        hold_until: the day; null sets none.
        today: the day on which the person decides.
        policy: how long a hold may last.
    """
    if hold_until is None:
        return []
    last = today + timedelta(days=policy.spec.overrides.longest_hold_days)
    if today <= hold_until <= last:
        return []
    if hold_until < today:
        what, remedy = localized("{day} has passed", day=hold_until), localized("leave hold_until out")
    else:
        what = localized("{day} is too far ahead", day=hold_until)
        remedy = localized("hold for less, and again when the day has come")
    expected = localized("a day from {first} to {last}", first=today, last=last)
    return [Fault(what, "hold_until", expected, remedy)]


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
    french, english = _by_whom(override)
    proposed = sequences[routed].label
    if override.sequence_id is None:
        rule_id = OVERRIDE_WITHDRAWN
        french += f" : suivre de nouveau la politique, « {proposed.fr} »"
        english += f': follow the policy again, "{proposed.en}"'
    elif override.sequence_id in sequences:
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
            f': the policy no longer has the sequence {override.sequence_id}, "{proposed.en}" replaces it'
        )
    until = held_until(account, on)
    if until is not None:
        french += f" ; aucune étape avant le {until:%d/%m/%Y}"
        english += f"; no step before {until.isoformat()}"
    return Reason.of(rule_id, Text(f"{french}.", f"{english}."))


def waiting_reason(account: AccountFacts) -> Reason | None:
    """That a person's decision waits for a gate; null when nobody decided anything that could wait.

    A closed receivable has nothing left to decide about, and a withdrawn override without a hold changes nothing.
    """
    override = account.override
    if override is None or account.closed_by is not None or account.net_balance_amount <= 0:
        return None
    if override.sequence_id is None and override.hold_until is None:
        return None
    french, english = _by_whom(override)
    chosen_fr = chosen_en = override.sequence_id
    if override.sequence_id is None:
        chosen_fr, chosen_en = "suivre de nouveau la politique", "follow the policy again"
    return Reason.of(
        OVERRIDE_WAITS,
        Text(
            f"{french} ({chosen_fr}) : attend, la protection ci-dessus passe avant.",
            f"{english} ({chosen_en}): waits, the gate above comes first.",
        ),
    )


def _by_whom(override: PersonOverride) -> tuple[str, str]:
    return (
        f"Décision de {override.decided_by} du {override.decided_on:%d/%m/%Y}",
        f"Decision of {override.decided_by} on {override.decided_on.isoformat()}",
    )
