"""YAML with line numbers, so that a fault in a mapping can say where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from features.errors import Fault, InvalidInputError


@dataclass(frozen=True)
class YamlDocument:
    """A YAML file's content and where each key stands.

    Attributes:
        content: plain values; every single value is text, as written.
        lines: path of keys to line number, from 1.
        faults: keys written twice, which YAML would silently let the last win.
    """

    content: Any
    lines: Mapping[tuple[str, ...], int]
    faults: tuple[Fault, ...]

    def line(self, location: tuple[str, ...]) -> int:
        """Line of a key, or of the nearest key above it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read_yaml(path: Path) -> YamlDocument:
    """Read a YAML file.

    Raises:
        InvalidInputError: there is no such file, it is not UTF-8, or it is not YAML; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        reason = "is not UTF-8 text" if isinstance(problem, UnicodeDecodeError) else "cannot be opened"
        raise InvalidInputError("the file cannot be read", [Fault(reason, where=str(path))]) from problem
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
        content = yaml.load(text, Loader=yaml.BaseLoader)  # text only: No, 007 and 1.50 stay as written
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{path.name}, line {mark.line + 1}" if mark is not None else path.name
        reason = getattr(problem, "problem", None) or str(problem)
        fault = Fault(f"is not YAML: {reason}", where=where, remedy="check indentation, colons and quotes")
        raise InvalidInputError("the file cannot be read", [fault]) from problem
    lines: dict[tuple[str, ...], int] = {}
    faults: list[Fault] = []
    if root is not None:
        _walk(root, (), lines, faults, path.name)
    return YamlDocument(content, lines, tuple(faults))


def _walk(
    node: yaml.Node,
    location: tuple[str, ...],
    lines: dict[tuple[str, ...], int],
    faults: list[Fault],
    name: str,
) -> None:
    """Note the line of every key below a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*location, str(key.value))
            line = key.start_mark.line + 1
            if inner in lines:
                where = f"{name}, line {line}, key {'.'.join(inner)}"
                faults.append(Fault(f"key is written twice, first in line {lines[inner]}", where=where))
            lines[inner] = line
            _walk(value, inner, lines, faults, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            inner = (*location, str(number))
            lines[inner] = item.start_mark.line + 1
            _walk(item, inner, lines, faults, name)
