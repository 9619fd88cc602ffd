"""Sequences: steps in order, tones that never soften again, and nothing that reaches a customer through a gate."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from features.errors import Fault
from serving.dunning.policy.schema import PolicySpec
from serving.dunning.policy.sequences import Sequence
from serving.dunning.words import TONES
from serving.dunning.yaml_lines import Key, YamlFile

LONGEST_SMS = 320
"""Characters of a text message: two of those that make up a longer one."""


def sequence_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Steps out of order, tones that soften again, steps that reach a customer through a closed gate."""
    for name, sequence in spec.sequences.items():
        path: tuple[Key, ...] = ("sequences", name)
        if sequence.kind == "gate":
            if len(sequence.steps) > 1:
                yield Fault(
                    f"sequence {name} has several steps", source.where(path), "one step or none for a gate"
                )
            for index, step in enumerate(sequence.steps):
                if step.channel != "task" and name != spec.gates.settled.sequence:
                    where = source.where((*path, "steps", index, "channel"))
                    yield Fault(
                        f"step {step.id} would reach the customer through a closed gate",
                        where,
                        expected="task: while a gate holds, only work inside the house",
                        remedy="write channel: task",
                    )
                if step.day is not None:
                    where = source.where((*path, "steps", index, "day"))
                    yield Fault(
                        f"step {step.id} has a day", where, "no day: a gate acts at once", "delete day"
                    )
            continue
        if not sequence.steps or sequence.effect is None:
            missing = "effect" if sequence.steps else "steps"
            yield Fault(
                f"sequence {name} has no {missing}", source.where(path), f"{missing} in a dunning sequence"
            )
        yield from _order_faults(name, sequence, source)
        yield from _softer_faults(name, sequence, source)
        yield from _evidence_faults(name, spec, source)


def _order_faults(name: str, sequence: Sequence, source: YamlFile) -> Iterator[Fault]:
    path: tuple[Key, ...] = ("sequences", name, "steps")
    ids = [step.id for step in sequence.steps]
    for index, step in enumerate(sequence.steps):
        where = source.where((*path, index))
        if step.day is None:
            yield Fault(f"step {step.id} has no day", where, "days from the due date", "write day:")
        if step.id in ids[:index]:
            yield Fault(f"step {step.id} is used twice in {name}", where, "one id each", "rename one of them")
        if step.tone == "legal" and step.approval is None:
            yield Fault(
                f"step {step.id} is legal and nobody approves it",
                where,
                expected="a person's approval before a mise_en_demeure",
                remedy="write approval:",
            )
        if step.channel == "task":
            yield Fault(f"step {step.id} never reaches the customer", where, "a channel other than task")
    for index, (earlier, later) in enumerate(pairwise(sequence.steps), start=1):
        if earlier.day is not None and later.day is not None and later.day <= earlier.day:
            yield Fault(
                f"step {later.id} on day {later.day} does not come after {earlier.id} on day {earlier.day}",
                source.where((*path, index, "day")),
                expected="days that grow from step to step",
                remedy="put the steps in order",
            )
        if TONES.index(later.tone) < TONES.index(earlier.tone):
            yield Fault(
                f"step {later.id} is {later.tone} after a {earlier.tone} step",
                source.where((*path, index, "tone")),
                expected="a tone that never softens again",
                remedy="change one of the two tones",
            )


def _softer_faults(name: str, sequence: Sequence, source: YamlFile) -> Iterator[Fault]:
    for index, step in enumerate(sequence.steps):
        if step.softer is None:
            continue
        where = source.where(("sequences", name, "steps", index, "softer"))
        if step.tone == "legal":
            yield Fault(
                f"step {step.id} is legal and has a softer variant", where, "none: a notice is a notice"
            )
        elif TONES.index(step.softer.tone) >= TONES.index(step.tone):
            yield Fault(f"the softer variant of {step.id} is not softer", where, f"a tone before {step.tone}")
    tones = [step.tone if step.softer is None else step.softer.tone for step in sequence.steps]
    for index, (earlier, later) in enumerate(pairwise(tones), start=1):
        if TONES.index(later) < TONES.index(earlier):
            step_id = sequence.steps[index].id
            yield Fault(
                f"the softer variant of {step_id} is {later} after a {earlier} step",
                source.where(("sequences", name, "steps", index)),
                expected="a tone that never softens again",
                remedy="change one of the two tones",
            )


def _evidence_faults(name: str, spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    evidence = spec.sequences[name].evidence
    other = None if evidence is None else spec.sequences.get(evidence.otherwise)
    if evidence is not None and other is not None and other.evidence is not None:
        yield Fault(
            f"{evidence.otherwise}, used where {name} lacks evidence, needs evidence itself",
            source.where(("sequences", name, "evidence", "otherwise")),
            expected="a sequence that needs none",
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
                    f"text message {name} has {len(text)} characters", where, f"at most {LONGEST_SMS}"
                )
