"""Sequences: steps in order, tones that never soften again, and nothing that reaches a customer through a gate."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from features.errors import Fault
from features.messages import localized
from features.yaml_source import Key, YamlFile
from serving.dunning.policy.schema import PolicySpec
from serving.dunning.policy.sequences import DunningSequence
from serving.dunning.words import TONES

LONGEST_SMS = 320
"""Characters of a text message: two of those that make up a longer one."""


def sequence_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Steps out of order, tones that soften again, steps that reach a customer through a closed gate."""
    for name, sequence in spec.sequences.items():
        path: tuple[Key, ...] = ("sequences", name)
        if sequence.kind == "gate":
            if len(sequence.steps) > 1:
                yield Fault(
                    localized("sequence {name} has several steps", name=name),
                    source.where(path),
                    localized("one step or none for a gate"),
                )
            for index, step in enumerate(sequence.steps):
                if step.channel != "task" and name != spec.gates.settled.sequence:
                    where = source.where((*path, "steps", index, "channel"))
                    yield Fault(
                        localized("step {step} would reach the customer through a closed gate", step=step.id),
                        where,
                        expected=localized("task: while a gate holds, only work inside the house"),
                        remedy=localized("write channel: task"),
                    )
                if step.day is not None:
                    where = source.where((*path, "steps", index, "day"))
                    yield Fault(
                        localized("step {step} has a day", step=step.id),
                        where,
                        localized("no day: a gate acts at once"),
                        localized("delete day"),
                    )
            continue
        if not sequence.steps:
            yield Fault(
                localized("sequence {name} has no steps", name=name),
                source.where(path),
                localized("steps in a dunning sequence"),
            )
        elif sequence.effect is None:
            yield Fault(
                localized("sequence {name} has no effect", name=name),
                source.where(path),
                localized("effect in a dunning sequence"),
            )
        yield from _order_faults(name, sequence, source)
        yield from _softer_faults(name, sequence, source)
        yield from _evidence_faults(name, spec, source)


def _order_faults(name: str, sequence: DunningSequence, source: YamlFile) -> Iterator[Fault]:
    path: tuple[Key, ...] = ("sequences", name, "steps")
    ids = [step.id for step in sequence.steps]
    for index, step in enumerate(sequence.steps):
        where = source.where((*path, index))
        if step.day is None:
            yield Fault(
                localized("step {step} has no day", step=step.id),
                where,
                localized("days from the due date"),
                localized("write day:"),
            )
        if step.id in ids[:index]:
            yield Fault(
                localized("step {step} is used twice in {name}", step=step.id, name=name),
                where,
                localized("one id each"),
                localized("rename one of them"),
            )
        if step.tone == "legal" and step.approval is None:
            yield Fault(
                localized("step {step} is legal and nobody approves it", step=step.id),
                where,
                expected=localized("a person's approval before a mise_en_demeure"),
                remedy=localized("write approval:"),
            )
        if step.channel == "task":
            yield Fault(
                localized("step {step} never reaches the customer", step=step.id),
                where,
                localized("a channel other than task"),
            )
    for index, (earlier, later) in enumerate(pairwise(sequence.steps), start=1):
        if earlier.day is not None and later.day is not None and later.day <= earlier.day:
            yield Fault(
                localized(
                    "step {later} on day {day} does not come after {earlier} on day {earlier_day}",
                    later=later.id,
                    day=later.day,
                    earlier=earlier.id,
                    earlier_day=earlier.day,
                ),
                source.where((*path, index, "day")),
                expected=localized("days that grow from step to step"),
                remedy=localized("put the steps in order"),
            )
        if TONES.index(later.tone) < TONES.index(earlier.tone):
            yield Fault(
                localized(
                    "step {later} is {tone} after a {earlier_tone} step",
                    later=later.id,
                    tone=later.tone,
                    earlier_tone=earlier.tone,
                ),
                source.where((*path, index, "tone")),
                expected=localized("a tone that never softens again"),
                remedy=localized("change one of the two tones"),
            )


def _softer_faults(name: str, sequence: DunningSequence, source: YamlFile) -> Iterator[Fault]:
    for index, step in enumerate(sequence.steps):
        if step.softer is None:
            continue
        where = source.where(("sequences", name, "steps", index, "softer"))
        if step.tone == "legal":
            yield Fault(
                localized("step {step} is legal and has a softer variant", step=step.id),
                where,
                localized("none: a notice is a notice"),
            )
        elif TONES.index(step.softer.tone) >= TONES.index(step.tone):
            yield Fault(
                localized("the softer variant of {step} is not softer", step=step.id),
                where,
                localized("a tone before {tone}", tone=step.tone),
            )
    tones = [step.tone if step.softer is None else step.softer.tone for step in sequence.steps]
    for index, (earlier, later) in enumerate(pairwise(tones), start=1):
        if TONES.index(later) < TONES.index(earlier):
            step_id = sequence.steps[index].id
            yield Fault(
                localized(
                    "the softer variant of {step} is {tone} after a {earlier_tone} step",
                    step=step_id,
                    tone=later,
                    earlier_tone=earlier,
                ),
                source.where(("sequences", name, "steps", index)),
                expected=localized("a tone that never softens again"),
                remedy=localized("change one of the two tones"),
            )


def _evidence_faults(name: str, spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    evidence = spec.sequences[name].evidence
    other = None if evidence is None else spec.sequences.get(evidence.otherwise)
    if evidence is not None and other is not None and other.evidence is not None:
        yield Fault(
            localized(
                "{otherwise}, used where {name} lacks evidence, needs evidence itself",
                otherwise=evidence.otherwise,
                name=name,
            ),
            source.where(("sequences", name, "evidence", "otherwise")),
            expected=localized("a sequence that needs none"),
        )


def text_message_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Text messages that do not fit into one."""
    steps = [step for sequence in spec.sequences.values() for step in sequence.steps]
    templates = {step.template for step in steps if step.channel == "sms"}
    templates |= {step.softer.template for step in steps if step.channel == "sms" and step.softer is not None}
    templates |= {
        step.fallback.template
        for step in steps
        if step.fallback is not None and step.fallback.channel == "sms"
    }
    for name in sorted(templates & set(spec.templates)):
        body = spec.templates[name].body
        for language, text in (("fr", body.fr), ("en", body.en)):
            if len(text) > LONGEST_SMS:
                where = source.where(("templates", name, "body", language))
                yield Fault(
                    localized("text message {name} has {length} characters", name=name, length=len(text)),
                    where,
                    localized("at most {most}", most=LONGEST_SMS),
                )
