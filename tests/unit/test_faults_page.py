from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\|(?!---)(?! fault )(?! case )(.+)\|$", re.MULTILINE)


def test_every_fault_on_the_page_names_tests_that_exist() -> None:
    rows = ROW.findall((ROOT / "docs" / "operations_faults.md").read_text(encoding="utf-8"))
    written = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)", written, re.MULTILINE))
    assert len(rows) > 25
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, f"no test in the row {row}"
        assert set(named) <= known, set(named) - known
