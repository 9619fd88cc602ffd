"""Drawing customers into the variants of a randomised comparison, for good and with the probability known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.dunning.deciding.facts import AccountFacts
from serving.dunning.deciding.gates.persons import is_treated_as_person
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.schema import Experiment, Variant


@dataclass(frozen=True)
class Assignment:
    """The variant of a customer; everything null when no experiment applies to it."""

    experiment_id: str | None = None
    variant_id: str | None = None
    probability: float | None = None
    replaces: Mapping[str, str] = field(default_factory=dict)


def draw(experiment: Experiment, customer_id: str) -> Variant:
    """The variant of a customer: the same on every night, independent of every other experiment's salt."""
    text = f"{experiment.salt}|{experiment.id}|{customer_id}"
    place = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
    for variant in experiment.variants:
        place -= variant.probability
        if place < 0:
            return variant
    return experiment.variants[-1]


def assignment(customer_id: str, account: AccountFacts, policy: Policy) -> Assignment:
    """The customer's variant, if an experiment runs and the customer may take part.

    Natural persons, customers whose legal form is treated as one, and strategic accounts never take part.
    """
    experiment = policy.spec.experiment
    if not experiment.enabled or is_treated_as_person(account, policy) or account.is_strategic:
        return Assignment()
    variant = draw(experiment, customer_id)
    return Assignment(experiment.id, variant.id, variant.probability, variant.replaces)
