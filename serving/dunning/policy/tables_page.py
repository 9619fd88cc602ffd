"""The tables of the policy that ships, in docs/dunning.md and docs/dunning_fr.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from features.files import write_whole
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.file import load_policy
from serving.dunning.policy.tables import TABLES, markdown

PAGES: Final = {"en": Path("docs/dunning.md"), "fr": Path("docs/dunning_fr.md")}


def with_tables(page: str, policy: Policy, language: str) -> str:
    """A page whose tables, each between `<!-- name -->` and `<!-- /name -->`, are those of the policy."""
    for name, table in TABLES.items():
        before, opening, rest = page.partition(f"<!-- {name} -->")
        _, closing, after = rest.partition(f"<!-- /{name} -->")
        if closing:
            page = f"{before}{opening}\n\n{markdown(table(policy, language))}\n\n{closing}{after}"
    return page


if __name__ == "__main__":
    for written_in, path in PAGES.items():
        write_whole(with_tables(path.read_text(encoding="utf-8"), load_policy(), written_in), path)
