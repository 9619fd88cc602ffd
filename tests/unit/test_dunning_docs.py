"""The credit manager's pages, English and French, say what the default policy and the law say."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.accounts.events import ACCOUNT_KINDS
from serving.dunning import load_policy
from serving.dunning.legal import semesters
from serving.dunning.policy.tables import TABLES
from serving.dunning.policy.tables_page import with_tables

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": (DOCS / "dunning.md").read_text("utf-8"), "fr": (DOCS / "dunning_fr.md").read_text("utf-8")}


@pytest.mark.parametrize("language", PAGES)
def test_the_pages_show_every_table_of_the_file(language):
    page = PAGES[language]
    assert [name for name in TABLES if f"<!-- {name} -->" not in page] == []
    assert with_tables(page, load_policy(), language) == page, (
        "run: python -m serving.dunning.policy.tables_page"
    )


def test_the_pages_state_the_last_semester_and_rates_of_interest():
    legal = load_policy().legal
    last = legal.parameters["ecb_refinancing_rate"].values[-1].until
    assert (last.year, last.month) == (2026, 12)
    assert "The file shipped ends with the second semester of 2026." in " ".join(PAGES["en"].split())
    semester = semesters(legal, last)[-1]
    told = " ".join(PAGES["fr"].split())
    assert f"= {semester.without_clause:.2f} %".replace(".", ",") in told
    assert f"= {semester.floor:.2f} %".replace(".", ",") in told


@pytest.mark.parametrize("language", PAGES)
def test_the_pages_name_every_kind_that_the_gates_are_told_by(language):
    missing = [kind for kind in ACCOUNT_KINDS if f"`{kind}`" not in PAGES[language]]
    assert missing == []
