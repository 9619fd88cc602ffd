"""Reading a policy file: everything wrong with it in one report, or a policy that is proven total."""

from __future__ import annotations

import hashlib
from pathlib import Path

from features.errors import InvalidInputError
from features.messages import localized
from features.yaml_source import YamlFile
from serving.dunning.form_faults import faults_of_model
from serving.dunning.legal import LegalParameters, load_legal_parameters
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.checks import meaning_faults
from serving.dunning.policy.checks.softness import softness_faults
from serving.dunning.policy.grid import route_table
from serving.dunning.policy.schema import PolicySpec

DEFAULT_POLICY_PATH = Path(__file__).parents[1] / "policies" / "default_fr_eu.yaml"


def load_policy(path: Path | None = None, legal: LegalParameters | None = None) -> Policy:
    """Read and check a policy.

    Args:
        path: the file; null takes the default protocol for France and the EU.
        legal: dated legal values; null takes the file `legal/<jurisdiction>.yaml` beside the policy, else the
            one shipped for its jurisdiction.

    Raises:
        InvalidInputError: unknown keys, missing translations, unknown references, days or tones out of
            order, overlapping or unreachable routes, cases without a route: all in one report, each with
            its line.
    """
    path = path or DEFAULT_POLICY_PATH
    source = YamlFile.read(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return policy_from(source, legal, digest, path.parent)


def legal_file_of(policy_path: Path, jurisdiction: str) -> Path | None:
    """The legal file beside a policy file, which wins over the one shipped; null when there is none."""
    beside = policy_path.parent / "legal" / f"{jurisdiction}.yaml"
    return beside if beside.is_file() else None


def parse_policy(text: str, name: str = "policy.yaml", legal: LegalParameters | None = None) -> Policy:
    """Read and check a policy from its text; see `load_policy`."""
    return policy_from(YamlFile.parse(text, name), legal, hashlib.sha256(text.encode()).hexdigest())


def policy_from(
    source: YamlFile, legal: LegalParameters | None, digest: str, folder: Path | None = None
) -> Policy:
    """Check a policy already read, with the law in its folder if there is any; see `load_policy`."""
    spec, faults = faults_of_model(PolicySpec, source)
    if spec is None:
        summary = localized(
            "policy {file} cannot be used (references and reach are checked once the form is right)",
            file=source.name,
        )
        raise InvalidInputError(summary, faults)
    table, grid_faults = route_table(spec, source)
    softer = softness_faults(spec, table, source)
    faults = sorted(
        [*faults, *meaning_faults(spec, source), *grid_faults, *softer], key=lambda fault: _line(fault.where)
    )
    if faults:
        raise InvalidInputError(localized("policy {file} cannot be used", file=source.name), faults)
    if legal is None:
        jurisdiction = spec.policy.jurisdiction
        beside = None if folder is None else legal_file_of(folder / source.name, jurisdiction)
        legal = load_legal_parameters(beside, jurisdiction)
    return Policy(spec, legal, table, digest)


def _line(where: str) -> int:
    return int(where.split(", line ", 1)[1].split(" ", 1)[0])
