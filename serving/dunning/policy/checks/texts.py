"""Sentences of a policy file: complete in both languages, with values that are known where they are used."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping

from features.errors import Fault
from features.messages import localized
from features.words import Text
from features.yaml_source import Key, YamlFile
from serving.dunning.policy.schema import PolicySpec

COMMON_GATE_PLACEHOLDERS = frozenset({"until", "since"})
GATE_PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "settled": frozenset({"closed"}),
    "insolvency": frozenset({"published"}),
    "feed_stale": frozenset({"feeds"}),
    "open_dispute": frozenset({"amount"}),
    "admin_blockage": frozenset({"kind"}),
    "insolvency_hint": frozenset({"quote"}),
    "plan_running": frozenset({"due"}),
    "promise_unclear": frozenset({"quote"}),
    "small_balance": frozenset({"amount"}),
    "natural_person": frozenset({"level"}),
    "strategic_account": frozenset({"level"}),
    "large_amount": frozenset({"level", "amount"}),
}
"""Values a gate fills in beside the common ones; no other can be written in its sentence."""
TEMPLATE_PLACEHOLDERS = frozenset(
    {
        "invoice_id",
        "invoice",
        "the_invoice",
        "issued_on",
        "due_on",
        "days_past_due",
        "balance",
        "currency",
        "overdue",
        "claim",
        "disputed",
        "total",
        "max_instalments",
        "max_days",
        "deadline_on",
        "kind",
        "quote",
    }
)
CLAIM_PLACEHOLDERS = frozenset({"interest", "indemnity", "currency", "rate"})
EVIDENCE_PLACEHOLDERS = frozenset({"late", "due"})
ALSO_PLACEHOLDERS = frozenset({"items", "total"})
DISPUTED_PLACEHOLDERS = frozenset({"amount", "currency"})


def text_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Sentences with unknown values, or with other values in one language than in the other."""
    for gate_id, gate in spec.gates:
        known = COMMON_GATE_PLACEHOLDERS | GATE_PLACEHOLDERS.get(gate_id, frozenset())
        yield from _placeholder_faults(gate.why, ("gates", gate_id, "why"), known, source)
    for kind, text in spec.late_interest.texts:
        yield from _placeholder_faults(text, ("late_interest", "texts", kind), CLAIM_PLACEHOLDERS, source)
    for name, template in spec.templates.items():
        for part, text in (("subject", template.subject), ("body", template.body)):
            yield from _placeholder_faults(text, ("templates", name, part), TEMPLATE_PLACEHOLDERS, source)
    for name, sequence in spec.sequences.items():
        if sequence.evidence is not None:
            path = ("sequences", name, "evidence", "why")
            yield from _placeholder_faults(sequence.evidence.why, path, EVIDENCE_PLACEHOLDERS, source)
    also, disputed = spec.conversation_texts.also, spec.conversation_texts.disputed
    yield from _placeholder_faults(also, ("conversation_texts", "also"), ALSO_PLACEHOLDERS, source)
    yield from _placeholder_faults(
        disputed, ("conversation_texts", "disputed"), DISPUTED_PLACEHOLDERS, source
    )


def _placeholder_faults(
    text: Text, path: tuple[Key, ...], known: frozenset[str], source: YamlFile
) -> Iterator[Fault]:
    named: dict[str, set[str]] = {}
    for language, sentence in (("fr", text.fr), ("en", text.en)):
        where = source.where((*path, language))
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
        except ValueError as error:
            yield Fault(
                localized("braces do not match: {error}", error=str(error)),
                where,
                localized("{{name}} for a value, nothing else in braces"),
            )
            return
        named[language] = names
        for name in sorted(names - known):
            yield Fault(
                localized("unknown value {{{name}}}", name=name),
                where,
                localized("one of {known}", known=sorted(known)),
            )
    if named["fr"] != named["en"] and "?" not in (text.fr, text.en):
        differing = ", ".join(sorted(named["fr"] ^ named["en"]))
        yield Fault(
            localized("{differing} is in one language only", differing=differing),
            source.where(path),
            localized("the same values in both"),
        )
