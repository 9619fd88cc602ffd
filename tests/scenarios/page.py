"""The page `docs/scenarios.md`: every scenario by kind of trouble. `python -m tests.scenarios.page` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from features.files import write_whole
from tests.scenarios.timeline import Scenario, scenarios

PAGE: Final = Path("docs/scenarios.md")
_HEADINGS: Final = {
    "account": "Cash on account",
    "attributes": "Customers as they were",
    "bounces": "Payments that bounce",
    "closing": "Closed without a payment of everything",
    "contacts": "Contacts, caps and thanks",
    "credits": "Credit notes",
    "currencies": "Several currencies",
    "disputes": "Disputes",
    "holds": "What holds dunning for a while",
    "insolvency": "Insolvency",
    "instalments": "Several due dates and retention money",
    "merges": "Merged customers",
    "order": "Order, repetition and origin of facts",
    "payments": "Payments",
    "persons": "Who decides",
    "plans": "Payment plans",
    "promises": "Promises to pay",
}


def scenarios_page(told: Sequence[Scenario]) -> str:
    """The page in Markdown.

    Args:
        told: the scenarios, by subject.
    """
    lines = [
        "# Scenarios",
        "",
        f"What Encours decides in {len(told)} situations, each a timeline of facts under `tests/scenarios/` with what",
        "must be decided on given days: the open amount, the gate, the sequence, the step, its channel, who decides,",
        "and what the score remarks. Each is checked in four ways, on SQLite and on PostgreSQL: the service after",
        "events; the night after these events; the night on an import of the same facts; the service after a restart,",
        "for the same days again. Probabilities are the same for every invoice there, so that only facts and the",
        "policy that ships distinguish decisions.",
        "",
        "`pytest tests/integration/test_scenarios.py` runs them; `python -m tests.scenarios.page` writes this page.",
        "",
        "| Kind of trouble | Scenarios |",
        "|---|---:|",
    ]
    groups = [(subject, list(group)) for subject, group in groupby(told, lambda each: each.subject)]
    lines += [
        f"| [{_HEADINGS[subject]}](#{_anchor(_HEADINGS[subject])}) | {len(group)} |"
        for subject, group in groups
    ]
    for subject, group in groups:
        lines += [
            "",
            f"## {_HEADINGS[subject]}",
            "",
            "| Scenario | What is decided | Source |",
            "|---|---|---|",
        ]
        lines += [
            f"| [{each.case}](../tests/scenarios/{each.subject}/{each.case}.yaml) | {each.says} | {each.source} |"
            for each in group
        ]
    return "\n".join(lines) + "\n"


def _anchor(heading: str) -> str:
    return heading.lower().replace(",", "").replace(" ", "-")


if __name__ == "__main__":
    write_whole(scenarios_page(scenarios()), PAGE)
