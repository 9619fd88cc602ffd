"""The tables in the credit manager's page are the ones of the default policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.dunning import load_policy
from serving.dunning.policy_table import (
    gates_table,
    markdown,
    plans_table,
    routes_table,
    sequences_table,
)

PAGE = (Path(__file__).parents[2] / "docs" / "dunning.md").read_text("utf-8")
TABLES = {"gates": gates_table, "routes": routes_table, "sequences": sequences_table, "plans": plans_table}


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_the_table_of_the_file(name):
    shown = PAGE.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()
    assert shown == markdown(TABLES[name](load_policy()))


def test_the_page_says_up_to_when_interest_can_be_reckoned():
    last = load_policy().legal.parameters["ecb_refinancing_rate"].values[-1].until
    assert (last.year, last.month) == (2026, 12)
    assert "The file shipped ends with the second semester of 2026." in " ".join(PAGE.split())
