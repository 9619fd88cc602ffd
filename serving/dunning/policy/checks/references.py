"""Names a policy file refers to: each has to be defined, once, and used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from features.errors import Fault
from features.messages import Message, localized
from features.yaml_source import Key, YamlFile
from serving.dunning.policy.schema import PolicySpec

_DUNNING: Final = localized("dunning sequence")
_GATE: Final = localized("gate sequence")


def reference_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Names that are not defined, and names defined twice."""
    dunning = {name for name, sequence in spec.sequences.items() if sequence.kind == "dunning"}
    by_gate = set(spec.sequences) - dunning
    levels = {level.id for level in spec.approval_levels}
    bands = {band.id for band in spec.money_bands}
    for path, name, kind, known in _sequence_references(spec, dunning, by_gate):
        yield from _unknown(source, path, kind, name, known)
    for path, level in _approval_references(spec):
        yield from _unknown(source, path, localized("approval level"), level, levels)
    for index, route in enumerate(spec.routes):
        for band in () if route.money == "any" else route.money:
            yield from _unknown(source, ("routes", index, "money"), localized("money band"), band, bands)
    for sequence_id, sequence in spec.sequences.items():
        for index, step in enumerate(sequence.steps):
            path = ("sequences", sequence_id, "steps", index)
            yield from _unknown(
                source, (*path, "template"), localized("template"), step.template, set(spec.templates)
            )
            for name, variant in (("fallback", step.fallback), ("softer", step.softer)):
                if variant is not None:
                    known = set(spec.templates)
                    where = (*path, name, "template")
                    yield from _unknown(source, where, localized("template"), variant.template, known)
    named: tuple[tuple[str, list[str]], ...] = (
        ("routes", [route.id for route in spec.routes]),
        ("money_bands", [band.id for band in spec.money_bands]),
        ("approval_levels", [level.id for level in spec.approval_levels]),
        ("payment_plans", [rule.id for rule in spec.payment_plans]),
        ("tone_rules", [rule.id for rule in spec.tone_rules]),
    )
    for what, ids in named:
        for index, name in enumerate(ids):
            if name in ids[:index]:
                yield Fault(
                    localized("id {name} is used twice", name=name),
                    source.where((what, index)),
                    localized("one id each"),
                    localized("rename one of them"),
                )


def _sequence_references(
    spec: PolicySpec, dunning: set[str], by_gate: set[str]
) -> Iterator[tuple[tuple[Key, ...], str, Message, set[str]]]:
    for index, route in enumerate(spec.routes):
        yield ("routes", index, "sequence"), route.sequence, _DUNNING, dunning
    for gate_id, gate in spec.gates:
        if hasattr(gate, "sequence"):
            yield ("gates", gate_id, "sequence"), gate.sequence, _GATE, by_gate
    short = spec.gates.admin_blockage.short_payment.sequence
    yield ("gates", "admin_blockage", "short_payment", "sequence"), short, _GATE, by_gate
    for name, sequence in spec.sequences.items():
        if sequence.evidence is not None:
            yield (
                ("sequences", name, "evidence", "otherwise"),
                sequence.evidence.otherwise,
                _DUNNING,
                dunning,
            )
    yield ("exhausted", "sequence"), spec.exhausted.sequence, _GATE, by_gate
    for index, variant in enumerate(spec.experiment.variants):
        for old, new in variant.replaces.items():
            path = ("experiment", "variants", index, "replaces", old)
            yield path, old, _DUNNING, dunning
            yield path, new, _DUNNING, dunning


def _approval_references(spec: PolicySpec) -> Iterator[tuple[tuple[Key, ...], str]]:
    yield ("gates", "natural_person", "approval"), spec.gates.natural_person.approval
    yield ("gates", "strategic_account", "approval"), spec.gates.strategic_account.approval
    yield ("gates", "large_amount", "approval"), spec.gates.large_amount.approval
    short = ("gates", "admin_blockage", "short_payment", "approval")
    yield short, spec.gates.admin_blockage.short_payment.approval
    for index, rule in enumerate(spec.payment_plans):
        for position, approval in enumerate(rule.approvals):
            yield ("payment_plans", index, "approvals", position, "level"), approval.level
    for name, sequence in spec.sequences.items():
        for index, step in enumerate(sequence.steps):
            if step.approval is not None:
                yield ("sequences", name, "steps", index, "approval"), step.approval


def _unknown(
    source: YamlFile, path: tuple[Key, ...], what: Message, name: str, known: set[str]
) -> Iterator[Fault]:
    if name not in known:
        yield Fault(
            localized("unknown {kind} {name}", kind=what, name=name),
            source.where(path),
            expected=localized("one of {known}", known=sorted(known)),
            remedy=localized("correct the name or define it"),
        )


def unused_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Sequences and templates that nothing leads to."""
    used = {route.sequence for route in spec.routes} | {spec.exhausted.sequence}
    used |= {gate.sequence for _, gate in spec.gates if hasattr(gate, "sequence")}
    used.add(spec.gates.admin_blockage.short_payment.sequence)
    evidences = [sequence.evidence for sequence in spec.sequences.values()]
    used |= {evidence.otherwise for evidence in evidences if evidence is not None}
    used |= {new for variant in spec.experiment.variants for new in variant.replaces.values()}
    for name in spec.sequences:
        if name not in used:
            where = source.where(("sequences", name))
            yield Fault(
                localized("sequence {name} can never be reached", name=name),
                where,
                localized("a route or gate that leads to it"),
            )
    steps = [step for sequence in spec.sequences.values() for step in sequence.steps]
    written = {step.template for step in steps}
    written |= {step.fallback.template for step in steps if step.fallback is not None}
    written |= {step.softer.template for step in steps if step.softer is not None}
    for name in spec.templates:
        if name not in written:
            where = source.where(("templates", name))
            yield Fault(
                localized("template {name} is never used", name=name),
                where,
                localized("a step that uses it"),
                localized("delete it or use it"),
            )
