"""Promotion of a challenger to champion: a gate that says why it refuses, and a record of who decided and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import Fault, InvalidInputError
from features.json_lines import append_json_line, read_json_lines
from features.messages import localized
from models.registry.champion import write_champion_pointer
from models.registry.home import Home
from models.registry.tracking import (
    CHALLENGER,
    CHAMPION,
    RegisteredVersion,
    drop_alias,
    fetch_bundle,
    find_version,
    set_alias,
    tag_version,
    version_tags,
)

LOG_FILE = "promotions.jsonl"
GATE_TAG = "gate"


@dataclass(frozen=True)
class Difference:
    """Mean of a paired difference (challenger minus the other) with its interval; negative is better for a loss."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Evidence:
    """What is known of a challenger, all on invoices it had not learnt from.

    Attributes:
        judged_invoices: how many.
        log_loss: of p_late.
        calibration_error: expected calibration error of p_late.
        explanation_error: largest distance between a score and the sum of its contributions.
        against_champion: difference in log loss to the champion on the same invoices; None without a champion.
        against_baseline: difference in log loss to the best baseline.
        groups: difference in log loss to the champion by group (size, sector, country…); empty without a champion.
    """

    judged_invoices: int
    log_loss: float
    calibration_error: float
    explanation_error: float
    against_champion: Difference | None = None
    against_baseline: Difference | None = None
    groups: Mapping[str, Difference] = field(default_factory=dict)


@dataclass(frozen=True)
class GateLimits:
    """What a challenger must keep within.

    Attributes:
        least_invoices: judged invoices below which nothing can be said.
        calibration_error: largest expected calibration error.
        explanation_error: largest error of explanations.
        group_loss: log loss a group may lose, beyond doubt, to the champion.
    """

    least_invoices: int = 100
    calibration_error: float = 0.08
    explanation_error: float = 1e-6
    group_loss: float = 0.05


def refusals(evidence: Evidence, limits: GateLimits | None = None) -> tuple[Fault, ...]:
    """Why a challenger may not be promoted; empty when it may.

    Pure. A challenger is refused when it is worse than the champion, or than the best baseline, beyond the interval of
    the difference; when it is miscalibrated; when any group loses much beyond doubt; when explanations do not add up.
    """
    limits = limits or GateLimits()
    faults = []
    if evidence.judged_invoices < limits.least_invoices:
        faults.append(
            Fault(
                localized("judged on {count} invoices only", count=evidence.judged_invoices),
                where="evidence",
                expected=localized(
                    "at least {count} invoices issued after the training window of the rehearsal",
                    count=limits.least_invoices,
                ),
                remedy=localized("wait for more outcomes, or promote with --force and a reason"),
            )
        )
    for name, difference in (
        ("champion", evidence.against_champion),
        ("best baseline", evidence.against_baseline),
    ):
        if difference is not None and difference.lower > 0:
            faults.append(
                Fault(
                    localized(
                        "log loss is {mean:+.4f} against the {name} ({lower:+.4f} to {upper:+.4f})",
                        mean=difference.mean,
                        name=name,
                        lower=difference.lower,
                        upper=difference.upper,
                    ),
                    where="log_loss",
                    expected=localized("not worse beyond the interval"),
                    remedy=localized(
                        "look at the backtest report; retrain with more history or other settings"
                    ),
                )
            )
    if evidence.calibration_error > limits.calibration_error:
        faults.append(
            Fault(
                localized(
                    "expected calibration error is {value:.3f}",
                    value=evidence.calibration_error,
                ),
                where="ece",
                expected=localized("at most {most}", most=limits.calibration_error),
                remedy=localized("look at the calibration plot for the months that drift"),
            )
        )
    if not evidence.explanation_error <= limits.explanation_error:
        faults.append(
            Fault(
                localized(
                    "contributions miss the score by up to {value:.2g}",
                    value=evidence.explanation_error,
                ),
                where="explanations",
                expected=localized("at most {most}", most=limits.explanation_error),
                remedy=localized("report it: explanations must add up to the score"),
            )
        )
    faults += [
        Fault(
            localized(
                "log loss is {mean:+.4f} against the champion ({lower:+.4f} to {upper:+.4f})",
                mean=difference.mean,
                lower=difference.lower,
                upper=difference.upper,
            ),
            where=localized("group {group}", group=group),
            expected=localized(
                "no group worse by more than {most} beyond its interval", most=limits.group_loss
            ),
            remedy=localized("look at the error by group in the model card"),
        )
        for group, difference in sorted(evidence.groups.items())
        if difference.lower > limits.group_loss
    ]
    return tuple(faults)


def promote(
    home: Home,
    version: RegisteredVersion,
    who: str,
    why: str,
    at: datetime,
    *,
    evidence: Evidence | None = None,
) -> Path:
    """Make a version the champion: alias, exported bundle, pointer, record; the service follows the pointer.

    The bundle is exported before the alias moves, and the pointer is replaced in one move at the end.

    Returns:
        The folder of the exported bundle.
    """
    before = find_version(home, CHAMPION)
    bundle = export(home, version)
    set_alias(home, CHAMPION, version)
    challenger = find_version(home, CHALLENGER)
    if challenger is not None and challenger.version == version.version:
        drop_alias(home, CHALLENGER)
    tag_version(home, version, {"promoted_by": who, "promoted_why": why, "promoted_at": at.isoformat()})
    write_champion_pointer(home.champion_pointer, bundle)
    _note(home, "promote", version, before, who, why, at, evidence)
    return bundle


def promote_registered(
    home: Home, name: str, who: str, why: str, at: datetime, *, is_forced: bool = False
) -> tuple[RegisteredVersion, Path]:
    """Promote a version by its name, if the gate found nothing against it when it was registered.

    Args:
        home: where the registry is.
        name: a version's number, or an alias.
        who: who decides; recorded.
        why: why; recorded. What the gate found against a forced promotion is recorded with it.
        at: instant, for the record.
        is_forced: promote although the gate objects.

    Returns:
        The version and the folder of its exported bundle.

    Raises:
        InvalidInputError: who or why is blank, no version is called so, or the gate objects and nobody forced it.
    """
    _hold_to_names(who, why)
    version = find_version(home, name)
    if version is None:
        fault = Fault(
            localized("no registered version is called {name!r}", name=name),
            where="version",
            expected=localized("a version's number, or the alias challenger"),
            remedy=localized("see the versions in the MLflow UI, or train one with encours run"),
        )
        raise InvalidInputError(localized("Nothing was promoted."), [fault])
    against = gate_findings(home, version)
    if against and not is_forced:
        raise InvalidInputError(
            localized("Version {version} is not promoted.", version=version.version), against
        )
    reason = why if not against else f"{why} (forced against: {'; '.join(str(fault) for fault in against)})"
    return version, promote(home, version, who, reason, at)


def _hold_to_names(who: str, why: str) -> None:
    faults = [
        Fault(localized("is blank"), where=name, expected=localized("a few words, for the record"))
        for name, given in (("who", who), ("why", why))
        if not given.strip()
    ]
    if faults:
        raise InvalidInputError(
            localized("A promotion or rollback is recorded with who decided and why."), faults
        )


def record_gate(home: Home, version: RegisteredVersion, against: Sequence[Fault]) -> None:
    """Store with a version what the gate found against it, so that a later promotion by hand reports it."""
    tag_version(home, version, {GATE_TAG: json.dumps([asdict(fault) for fault in against])})


def gate_findings(home: Home, version: RegisteredVersion) -> tuple[Fault, ...]:
    """What the gate found against a version when it was registered; never silent when it was not asked."""
    recorded = version_tags(home, version).get(GATE_TAG)
    if recorded is None:
        return (
            Fault(
                localized("the gate was not asked when this version was registered"),
                where=localized("version {version}", version=str(version.version)),
                expected=localized("a rehearsal on invoices it had not learnt from"),
                remedy=localized("train it again with encours run, or promote with --force and a reason"),
            ),
        )
    return tuple(Fault(**{**entry, "examples": tuple(entry["examples"])}) for entry in json.loads(recorded))


def rollback(home: Home, who: str, why: str, at: datetime) -> RegisteredVersion:
    """Make the previous champion the champion again.

    Raises:
        InvalidInputError: who or why is blank, or there has been no champion before the present one.
    """
    _hold_to_names(who, why)
    present = find_version(home, CHAMPION)
    previous = _previous(home, present)
    if present is None or previous is None:
        fault = Fault(
            localized("no earlier champion"),
            where=LOG_FILE,
            remedy=localized("promote a version by its number instead"),
        )
        raise InvalidInputError(localized("there is nothing to go back to"), [fault])
    bundle = export(home, previous)
    set_alias(home, CHAMPION, previous)
    write_champion_pointer(home.champion_pointer, bundle)
    _note(home, "rollback", previous, present, who, why, at, None)
    return previous


def export(home: Home, version: RegisteredVersion) -> Path:
    """Lay the version's bundle into the home for the service; does nothing when it already lies there."""
    folder = home.bundles / version.bundle_version
    fetch_bundle(home, version, folder)
    return folder


def promotions(home: Home) -> list[dict[str, Any]]:
    """Every promotion and rollback, oldest first.

    Raises:
        InvalidInputError: a line cannot be read, as when the disk was full while it was written.
    """
    path = home.bundles / LOG_FILE
    if not path.exists():
        return []
    return read_json_lines(path)


def _previous(home: Home, present: RegisteredVersion | None) -> RegisteredVersion | None:
    if present is None:
        return None
    for entry in reversed(promotions(home)):
        if entry["version"] == present.version:
            return find_version(home, str(entry["before"])) if entry["before"] is not None else None
    return None


def _note(
    home: Home,
    action: str,
    version: RegisteredVersion,
    before: RegisteredVersion | None,
    who: str,
    why: str,
    at: datetime,
    evidence: Evidence | None,
) -> None:
    entry = {
        "at": at.isoformat(),
        "action": action,
        "version": version.version,
        "bundle": version.bundle_version,
        "before": None if before is None or before.version == version.version else before.version,
        "who": who,
        "why": why,
        "evidence": None if evidence is None else asdict(evidence),
    }
    append_json_line(home.bundles / LOG_FILE, entry)
