"""The feature page says what the catalogue says."""

from __future__ import annotations

from pathlib import Path

from features.groups.catalogue import CATALOGUE
from features.groups.catalogue_page import MEASURED_FROM, catalogue_page, write_page
from features.payers.segments import SEGMENT_RULES

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8").split(MEASURED_FROM)[0].rstrip()
    assert written == catalogue_page().rstrip(), "run: python -m features.groups.catalogue_page"


def test_every_column_and_every_rule_stands_on_the_page_once() -> None:
    text = catalogue_page()
    for column in CATALOGUE:
        assert text.count(f"| `{column.name}` | {column.unit} |") == 1
    for rule in SEGMENT_RULES:
        assert text.count(f"`{rule.rule_id}`") == 1


def test_writing_the_page_again_keeps_what_was_measured(tmp_path: Path) -> None:
    page = tmp_path / "features.md"
    page.write_text(f"old\n{MEASURED_FROM}\n| a table |\n", encoding="utf-8")
    write_page(page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Features")
    assert text.endswith(f"{MEASURED_FROM}\n| a table |\n")
    assert not list(tmp_path.glob(".aside-*"))
