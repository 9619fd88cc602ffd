"""Reading a policy file: everything wrong with it in one report, or a policy that is proven total."""

from __future__ import annotations

import hashlib
from pathlib import Path

from features.errors import InvalidInputError
from serving.dunning.legal import LegalParameters, load_legal_parameters
from serving.dunning.policy import Policy, PolicySpec
from serving.dunning.policy_checks import meaning_faults
from serving.dunning.policy_grid import route_table
from serving.dunning.yaml_lines import YamlFile, faults_of_model

DEFAULT_POLICY_PATH = Path(__file__).parent / "policies" / "default_fr_eu.yaml"


def load_policy(path: Path | None = None, legal: LegalParameters | None = None) -> Policy:
    """Read and check a policy.

    Args:
        path: the file; null takes the default protocol for France and the EU.
        legal: dated legal values; null takes the ones shipped for the policy's jurisdiction.

    Raises:
        InvalidInputError: unknown keys, missing translations, unknown references, days or tones out of
            order, overlapping or unreachable routes, cases without a route: all in one report, each with
            its line.
    """
    path = path or DEFAULT_POLICY_PATH
    return policy_from(YamlFile.read(path), legal, hashlib.sha256(path.read_bytes()).hexdigest())


def parse_policy(text: str, name: str = "policy.yaml", legal: LegalParameters | None = None) -> Policy:
    """Read and check a policy from its text; see `load_policy`."""
    return policy_from(YamlFile.parse(text, name), legal, hashlib.sha256(text.encode()).hexdigest())


def policy_from(source: YamlFile, legal: LegalParameters | None, digest: str) -> Policy:
    """Check a policy already read; see `load_policy`."""
    spec, faults = faults_of_model(PolicySpec, source)
    if spec is None:
        summary = (
            f"policy {source.name} cannot be used (references and reach are checked once the form is right)"
        )
        raise InvalidInputError(summary, faults)
    table, grid_faults = route_table(spec, source)
    faults = sorted(
        [*faults, *meaning_faults(spec, source), *grid_faults], key=lambda fault: _line(fault.where)
    )
    if faults:
        raise InvalidInputError(f"policy {source.name} cannot be used", faults)
    return Policy(spec, legal or load_legal_parameters(jurisdiction=spec.policy.jurisdiction), table, digest)


def _line(where: str) -> int:
    return int(where.split(", line ", 1)[1].split(" ", 1)[0])
