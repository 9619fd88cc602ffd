"""Counts the structure of a checkout: lines, modules per folder, imports, cycles, and what one score request loads.

`python -m benchmarks.structure [ROOT]` prints JSON; ROOT is any checkout of Encours, an earlier commit for comparison.
Everything is read from the source: nothing of the checkout is imported. An import under `if TYPE_CHECKING` is not
counted, since it is not executed.
"""

from __future__ import annotations

import ast
import json
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOMS = ("features", "models", "serving", "pipelines")
BESIDE = ("data_samples", "benchmarks", "tests")
SCORE_REQUEST = ("serving.api.request_scorer", "serving.api.worker", "serving.worker")
"""Where a score request is answered, at the present and at earlier commits: the first that exists is taken."""


@dataclass(frozen=True)
class Checkout:
    """The Python modules of a checkout.

    Attributes:
        lines: physical lines of each module, by dotted name; a package is its `__init__`.
        imports: the modules that each module imports when it is loaded or run, type-checking imports left out.
        packages: names of the packages.
    """

    lines: Mapping[str, int]
    imports: Mapping[str, frozenset[str]]
    packages: frozenset[str]

    def of_rooms(self) -> list[str]:
        """The modules of the four rooms."""
        return [name for name in self.lines if name.split(".")[0] in ROOMS]


def read_checkout(root: Path) -> Checkout:
    """Read every Python file of the rooms and what is beside them."""
    files = {
        _module_name(path.relative_to(root)): path
        for folder in (*ROOMS, *BESIDE)
        for path in sorted((root / folder).rglob("*.py"))
    }
    sources = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    return Checkout(
        lines={name: len(source.splitlines()) for name, source in sources.items()},
        imports={name: frozenset(_imported(source, files)) - {name} for name, source in sources.items()},
        packages=frozenset(name for name, path in files.items() if path.name == "__init__.py"),
    )


def modules_per_folder(checkout: Checkout) -> dict[str, int]:
    """Modules directly in each package of the four rooms; `__init__` is not counted."""
    counts: dict[str, int] = {}
    for name in checkout.of_rooms():
        if name not in checkout.packages:
            folder = name.rpartition(".")[0]
            counts[folder] = counts.get(folder, 0) + 1
    return counts


def import_cycles(checkout: Checkout) -> list[list[str]]:
    """Groups of modules that import one another when loaded, each sorted; empty when there is no cycle."""
    reached = {name: loaded_with(checkout, name) for name in checkout.imports}
    cycles = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in checkout.imports
        if any(name in reached[other] for other in checkout.imports[name])
    }
    return [list(cycle) for cycle in sorted(cycles)]


def loaded_with(checkout: Checkout, start: str) -> frozenset[str]:
    """Every module that is reached from the imports of one module, itself included."""
    found, waiting = {start}, [start]
    while waiting:
        for name in checkout.imports[waiting.pop()]:
            if name not in found:
                found.add(name)
                waiting.append(name)
    return frozenset(found)


def counts_of(checkout: Checkout) -> dict[str, object]:
    """The figures of a checkout, as `docs/architecture.md` shows them."""
    rooms = checkout.of_rooms()
    modules = [name for name in rooms if name not in checkout.packages]
    folders = modules_per_folder(checkout)
    internal = {
        name: len({other for other in checkout.imports[name] if other.split(".")[0] in ROOMS})
        for name in modules
    }
    most = max(internal, key=lambda name: (internal[name], name))
    largest = max(modules, key=lambda name: (checkout.lines[name], name))
    request = next(name for name in SCORE_REQUEST if name in checkout.lines)
    loaded = [name for name in loaded_with(checkout, request) if name.split(".")[0] in ROOMS]
    return {
        "lines": {room: _lines_of(checkout, room) for room in (*ROOMS, *BESIDE)},
        "lines of the four rooms": sum(_lines_of(checkout, room) for room in ROOMS),
        "modules": len(modules),
        "largest folders": dict(sorted(folders.items(), key=lambda item: (-item[1], item[0]))[:5]),
        "median module, lines": statistics.median(checkout.lines[name] for name in modules),
        "largest module": {largest: checkout.lines[largest]},
        "modules above 400 lines": sum(checkout.lines[name] > 400 for name in modules),
        "most internal imports": {most: internal[most]},
        "loaded for a score request": {request: len(loaded), "of": len(rooms)},
        "import cycles": import_cycles(checkout),
    }


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _lines_of(checkout: Checkout, room: str) -> int:
    return sum(lines for name, lines in checkout.lines.items() if name.split(".")[0] == room)


def _imported(source: str, known: Mapping[str, Path]) -> Iterator[str]:
    for node in _executed(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known:
                    yield whole
                elif node.module in known:
                    yield node.module


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _executed(child)


if __name__ == "__main__":
    print(json.dumps(counts_of(read_checkout(Path(sys.argv[1] if sys.argv[1:] else "."))), indent=2))
