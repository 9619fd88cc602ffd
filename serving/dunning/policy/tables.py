"""A policy as tables a credit manager can read: routes, sequences, gates, payment plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from features.words import Text
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.grid import cells_of
from serving.dunning.words import GATE_IDS, STATES

Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Headings, then rows; every cell is text."""

_HEADINGS = {
    "routes": Text(
        "Ligne|Segment|Note|Montant|État|Séquence|Cas", "Row|Segment|Grade|Money|State|Sequence|Cases"
    ),
    "sequences": Text(
        "Séquence|Étape|Jour|Canal|Ton|Approbation|Réclame", "Sequence|Step|Day|Channel|Tone|Approval|Claims"
    ),
    "gates": Text("Porte|Séquence|Pourquoi", "Gate|Sequence|Why"),
    "tone_rules": Text(
        "Règle|Relation|Chiffre d'affaires|Segment|Pourquoi", "Rule|Relation|Turnover|Segment|Why"
    ),
    "evidence": Text(
        "Séquence|Retards au moins|Part au moins|Sinon", "Sequence|Late at least|Share at least|Otherwise"
    ),
    "plans": Text(
        "Ligne|Notes|Échéances|Jours|Première part|Qui accorde",
        "Row|Grades|Instalments|Days|First share|Granted by",
    ),
}


def routes_table(policy: Policy, language: str = "en") -> Table:
    """The route table with the number of cases each row takes; `*` marks a row that is softer on purpose."""
    rows = [
        (
            route.id,
            _list(route.segments),
            _list(route.grades),
            _list(route.money),
            _list(route.states),
            f"{route.sequence} *" if route.softer_on_purpose else route.sequence,
            str(len(cells_of(route, policy.spec))),
        )
        for route in policy.spec.routes
    ]
    return _headings("routes", language), tuple(rows)


def sequences_table(policy: Policy, language: str = "en") -> Table:
    """Every step of every sequence, with the cheaper channel and the softer tone in brackets.

    Gate sequences without a step only wait.
    """
    rows: list[tuple[str, ...]] = []
    for name, sequence in policy.spec.sequences.items():
        for _, step in sequence.stages():
            day = "" if step.day is None else f"{step.day:+d}"
            channel = f"{step.channel} ({step.fallback.channel})" if step.fallback else step.channel
            tone = f"{step.tone} ({step.softer.tone})" if step.softer else step.tone
            claims = ", ".join(step.claims)
            rows.append(
                (name, step.label.in_language(language), day, channel, tone, step.approval or "", claims)
            )
        if not sequence.steps:
            rows.append((name, "—", "", "", "", "", ""))
    return _headings("sequences", language), tuple(rows)


def gates_table(policy: Policy, language: str = "en") -> Table:
    """The gates in the order they are checked."""
    gates = dict(policy.spec.gates)
    rows = [
        (name, getattr(gates[name], "sequence", ""), gates[name].why.in_language(language))
        for name in GATE_IDS
    ]
    return _headings("gates", language), tuple(rows)


def tone_rules_table(policy: Policy, language: str = "en") -> Table:
    """The customers to whom the softer variant of a step is written."""
    years = "ans" if language == "fr" else "years"
    rows = [
        (
            rule.id,
            "" if rule.relation_years is None else f"≥ {rule.relation_years} {years}",
            "" if rule.turnover_from is None else f"≥ {rule.turnover_from:,.0f}",
            "any" if rule.segments is None else ", ".join(rule.segments),
            rule.why.in_language(language),
        )
        for rule in policy.spec.tone_rules
    ]
    return _headings("tone_rules", language), tuple(rows)


def evidence_table(policy: Policy, language: str = "en") -> Table:
    """What a payer must have done before a sequence is used on it, and the sequence used otherwise."""
    rows = [
        (
            name,
            str(sequence.evidence.late_count_from),
            f"{sequence.evidence.late_share_from:.0%}",
            sequence.evidence.otherwise,
        )
        for name, sequence in policy.spec.sequences.items()
        if sequence.evidence is not None
    ]
    return _headings("evidence", language), tuple(rows)


def plans_table(policy: Policy, language: str = "en") -> Table:
    """Bounds of payment plans and who grants them."""
    rows = [
        (
            rule.id,
            ", ".join(rule.grades),
            str(rule.max_instalments),
            str(rule.max_days),
            f"{rule.minimum_first_share:.0%}",
            ", ".join(
                f"{item.level} (< {item.below:,.0f})" if item.below is not None else item.level
                for item in rule.approvals
            ),
        )
        for rule in policy.spec.payment_plans
    ]
    return _headings("plans", language), tuple(rows)


def markdown(table: Table) -> str:
    """A table as Markdown."""
    headings, rows = table
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _headings(name: str, language: str) -> tuple[str, ...]:
    return tuple(_HEADINGS[name].in_language(language).split("|"))


def _list(values: Sequence[str] | str) -> str:
    if isinstance(values, str):
        return values
    return "any" if set(values) == set(STATES) else ", ".join(values)


TABLES: Final[Mapping[str, Callable[[Policy, str], Table]]] = {
    "gates": gates_table,
    "routes": routes_table,
    "sequences": sequences_table,
    "evidence": evidence_table,
    "tone_rules": tone_rules_table,
    "plans": plans_table,
}
"""Every table, in the order of a policy file."""
