"""The shape of the code: no folder too full, no module too long, no import cycle."""

from pathlib import Path

import pytest

from benchmarks.structure import Checkout, import_cycles, loaded_with, modules_per_folder, read_checkout

MOST_MODULES = 15
MOST_LINES = 400


@pytest.fixture(scope="module")
def checkout() -> Checkout:
    return read_checkout(Path(__file__).parents[2])


def test_no_folder_holds_more_than_fifteen_modules(checkout):
    too_full = {
        folder: count for folder, count in modules_per_folder(checkout).items() if count > MOST_MODULES
    }
    assert not too_full, "make a package for a subject of its own"


def test_no_module_exceeds_four_hundred_lines(checkout):
    too_long = {
        name: checkout.lines[name] for name in checkout.of_rooms() if checkout.lines[name] > MOST_LINES
    }
    assert not too_long, "split by subject"


def test_modules_do_not_import_one_another_in_circles(checkout):
    assert import_cycles(checkout) == []


def test_a_circle_of_imports_is_found():
    checkout = Checkout(
        lines={"a": 1, "b": 1, "c": 1, "d": 1},
        imports={"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("b"), "d": frozenset()},
        packages=frozenset(),
    )
    assert import_cycles(checkout) == [["b", "c"]]
    assert loaded_with(checkout, "a") == {"a", "b", "c"}


def test_imports_for_type_checking_are_not_counted(tmp_path):
    package = tmp_path / "features"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from features.two import Two\n"
        "def load():\n    from features import three\n    return three\n"
    )
    (package / "two.py").write_text("Two = int\n")
    (package / "three.py").write_text("import features.two\n")
    checkout = read_checkout(tmp_path)
    assert checkout.imports["features.one"] == {"features.three"}
    assert loaded_with(checkout, "features.one") == {"features.one", "features.two", "features.three"}
