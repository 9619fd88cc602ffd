"""What the schema of a policy file cannot say: references, order, reach, softness, languages."""

from __future__ import annotations

from features.errors import Fault
from features.yaml_source import YamlFile
from serving.dunning.policy.checks.amounts import (
    amount_faults,
    contact_faults,
    experiment_faults,
    plan_faults,
)
from serving.dunning.policy.checks.references import reference_faults, unused_faults
from serving.dunning.policy.checks.sequences import sequence_faults, text_message_faults
from serving.dunning.policy.checks.texts import text_faults
from serving.dunning.policy.schema import PolicySpec


def meaning_faults(spec: PolicySpec, source: YamlFile) -> list[Fault]:
    """Every fault of meaning in a well-formed policy, each with its line."""
    return [
        *reference_faults(spec, source),
        *sequence_faults(spec, source),
        *text_message_faults(spec, source),
        *amount_faults(spec, source),
        *contact_faults(spec, source),
        *plan_faults(spec, source),
        *experiment_faults(spec, source),
        *unused_faults(spec, source),
        *text_faults(spec, source),
    ]
