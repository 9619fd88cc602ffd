"""What the form of a policy file cannot say: references, order, reach, languages."""

from __future__ import annotations

import string
from collections.abc import Iterator
from itertools import pairwise

from features.calendars import has_calendar
from features.errors import Fault
from serving.dunning.policy.schema import PolicySpec, Sequence
from serving.dunning.words import CHANNELS, GRADES, NO_GRADE, TONES, Text
from serving.dunning.yaml_lines import Key, YamlFile

GATE_PLACEHOLDERS = frozenset({"until", "hours", "kind", "published", "level", "amount"})
TEMPLATE_PLACEHOLDERS = frozenset(
    {
        "invoice_id",
        "issued_on",
        "due_on",
        "days_past_due",
        "balance",
        "currency",
        "overdue",
        "claim",
        "total",
        "max_instalments",
        "max_days",
        "deadline_on",
        "kind",
    }
)
CLAIM_PLACEHOLDERS = frozenset({"interest", "indemnity", "currency", "rate"})


def meaning_faults(spec: PolicySpec, source: YamlFile) -> list[Fault]:
    """Every fault of meaning in a well-formed policy, each with its line."""
    return [
        *_reference_faults(spec, source),
        *_sequence_faults(spec, source),
        *_amount_faults(spec, source),
        *_plan_faults(spec, source),
        *_experiment_faults(spec, source),
        *_unused_faults(spec, source),
        *_text_faults(spec, source),
    ]


def _reference_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    dunning = {name for name, sequence in spec.sequences.items() if sequence.kind == "dunning"}
    by_gate = set(spec.sequences) - dunning
    levels = {level.id for level in spec.approval_levels}
    bands = {band.id for band in spec.money_bands}
    for path, name, kind, known in _sequence_references(spec, dunning, by_gate):
        yield from _unknown(source, path, f"{kind} sequence", name, known)
    for path, level in _approval_references(spec):
        yield from _unknown(source, path, "approval level", level, levels)
    for index, route in enumerate(spec.routes):
        for band in () if route.money == "any" else route.money:
            yield from _unknown(source, ("routes", index, "money"), "money band", band, bands)
    for name, sequence in spec.sequences.items():
        for index, step in enumerate(sequence.steps):
            path = ("sequences", name, "steps", index)
            yield from _unknown(source, (*path, "template"), "template", step.template, set(spec.templates))
            if step.fallback is not None:
                known = set(spec.templates)
                yield from _unknown(
                    source, (*path, "fallback", "template"), "template", step.fallback.template, known
                )
    for what, ids in (
        ("routes", [route.id for route in spec.routes]),
        ("money_bands", [band.id for band in spec.money_bands]),
        ("approval_levels", [level.id for level in spec.approval_levels]),
        ("payment_plans", [rule.id for rule in spec.payment_plans]),
    ):
        for index, name in enumerate(ids):
            if name in ids[:index]:
                yield Fault(
                    f"id {name} is used twice",
                    source.where((what, index)),
                    "one id each",
                    "rename one of them",
                )


def _sequence_references(
    spec: PolicySpec, dunning: set[str], by_gate: set[str]
) -> Iterator[tuple[tuple[Key, ...], str, str, set[str]]]:
    for index, route in enumerate(spec.routes):
        yield ("routes", index, "sequence"), route.sequence, "dunning", dunning
    for gate_id, gate in spec.gates:
        if hasattr(gate, "sequence"):
            yield ("gates", gate_id, "sequence"), gate.sequence, "gate", by_gate
    yield ("exhausted", "sequence"), spec.exhausted.sequence, "gate", by_gate
    for index, variant in enumerate(spec.experiment.variants):
        for old, new in variant.replaces.items():
            path = ("experiment", "variants", index, "replaces", old)
            yield path, old, "dunning", dunning
            yield path, new, "dunning", dunning


def _approval_references(spec: PolicySpec) -> Iterator[tuple[tuple[Key, ...], str]]:
    yield ("gates", "natural_person", "approval"), spec.gates.natural_person.approval
    yield ("gates", "strategic_account", "approval"), spec.gates.strategic_account.approval
    for index, rule in enumerate(spec.payment_plans):
        for position, approval in enumerate(rule.approvals):
            yield ("payment_plans", index, "approvals", position, "level"), approval.level
    for name, sequence in spec.sequences.items():
        for index, step in enumerate(sequence.steps):
            if step.approval is not None:
                yield ("sequences", name, "steps", index, "approval"), step.approval


def _unknown(
    source: YamlFile, path: tuple[Key, ...], what: str, name: str, known: set[str]
) -> Iterator[Fault]:
    if name not in known:
        yield Fault(
            f"unknown {what} {name}",
            source.where(path),
            expected=f"one of {', '.join(sorted(known))}",
            remedy="correct the name or define it",
        )


def _sequence_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
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


def _order_faults(name: str, sequence: Sequence, source: YamlFile) -> Iterator[Fault]:
    path: tuple[Key, ...] = ("sequences", name, "steps")
    ids = [step.id for step in sequence.steps]
    for index, step in enumerate(sequence.steps):
        where = source.where((*path, index))
        if step.day is None:
            yield Fault(f"step {step.id} has no day", where, "days from the due date", "write day:")
        if step.id in ids[:index]:
            yield Fault(f"step {step.id} stands twice in {name}", where, "one id each", "rename one of them")
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


def _amount_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    country = spec.policy.country
    if not has_calendar(country):
        where = source.where(("policy", "country"))
        yield Fault(f"no public holidays are known for {country}", where, "ISO 3166 alpha-2, such as FR")
    tops = [band.below for band in spec.money_bands]
    if tops[-1] is not None:
        last = ("money_bands", len(tops) - 1, "below")
        yield Fault("the last money band has an upper bound", source.where(last), "null in the last band")
    for index, (lower, upper) in enumerate(pairwise(tops), start=1):
        if lower is None or (upper is not None and upper <= lower):
            where = source.where(("money_bands", index, "below"))
            yield Fault("money bands do not grow", where, "each bound above the one before, null last")
    missing = [channel for channel in CHANNELS if channel not in spec.economics.costs]
    if missing:
        yield Fault(
            f"no cost for {', '.join(missing)}",
            source.where(("economics", "costs")),
            expected=f"a cost for each of {', '.join(CHANNELS)}",
        )
    for name, sequence in spec.sequences.items():
        for index, step in enumerate(sequence.steps):
            if step.fallback is None or missing:
                continue
            if spec.economics.costs[step.fallback.channel] >= spec.economics.costs[step.channel]:
                where = source.where(("sequences", name, "steps", index, "fallback"))
                yield Fault(f"the fallback of {step.id} is not cheaper", where, "a channel that costs less")


def _plan_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for index, rule in enumerate(spec.payment_plans):
        for grade in rule.grades:
            if grade in seen:
                where = source.where(("payment_plans", index))
                yield Fault(
                    f"grade {grade} is in {seen[grade]} and {rule.id}", where, "each grade in one row"
                )
            seen[grade] = rule.id
        bounds = [approval.below for approval in rule.approvals]
        growing = all(a is not None and (b is None or a < b) for a, b in pairwise(bounds))
        if bounds[-1] is not None or not growing:
            where = source.where(("payment_plans", index, "approvals"))
            yield Fault(f"approvals of {rule.id} leave a hole", where, "bounds that grow, null last")
    absent = [grade for grade in (*GRADES, NO_GRADE) if grade not in seen]
    if absent:
        where = source.where(("payment_plans",))
        yield Fault(
            f"no payment plan bounds for grade {', '.join(absent)}", where, "each grade and none in one row"
        )


def _experiment_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    total = sum(variant.probability for variant in spec.experiment.variants)
    if abs(total - 1) > 1e-9:
        yield Fault(
            f"the variants are drawn with probability {total:g} in all",
            source.where(("experiment", "variants")),
            expected="probabilities that add up to 1",
        )


def _unused_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    used = {route.sequence for route in spec.routes} | {spec.exhausted.sequence}
    used |= {gate.sequence for _, gate in spec.gates if hasattr(gate, "sequence")}
    used |= {new for variant in spec.experiment.variants for new in variant.replaces.values()}
    for name in spec.sequences:
        if name not in used:
            where = source.where(("sequences", name))
            yield Fault(f"sequence {name} can never be reached", where, "a route or gate that leads to it")
    steps = [step for sequence in spec.sequences.values() for step in sequence.steps]
    written = {step.template for step in steps}
    written |= {step.fallback.template for step in steps if step.fallback is not None}
    for name in spec.templates:
        if name not in written:
            where = source.where(("templates", name))
            yield Fault(f"template {name} is never used", where, "a step that uses it", "delete it or use it")


def _text_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    for gate_id, gate in spec.gates:
        yield from _placeholder_faults(gate.why, ("gates", gate_id, "why"), GATE_PLACEHOLDERS, source)
    for kind, text in spec.late_interest.texts:
        yield from _placeholder_faults(text, ("late_interest", "texts", kind), CLAIM_PLACEHOLDERS, source)
    for name, template in spec.templates.items():
        for part, text in (("subject", template.subject), ("body", template.body)):
            yield from _placeholder_faults(text, ("templates", name, part), TEMPLATE_PLACEHOLDERS, source)


def _placeholder_faults(
    text: Text, path: tuple[Key, ...], known: frozenset[str], source: YamlFile
) -> Iterator[Fault]:
    named: dict[str, set[str]] = {}
    for language, sentence in (("fr", text.fr), ("en", text.en)):
        where = source.where((*path, language))
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
        except ValueError as error:
            yield Fault(f"braces do not match: {error}", where, "{name} for a value, nothing else in braces")
            return
        named[language] = names
        for name in sorted(names - known):
            yield Fault(f"unknown value {{{name}}}", where, f"one of {', '.join(sorted(known))}")
    if named["fr"] != named["en"] and "?" not in (text.fr, text.en):
        differing = ", ".join(sorted(named["fr"] ^ named["en"]))
        yield Fault(f"{differing} stands in one language only", source.where(path), "the same values in both")
