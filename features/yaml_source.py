"""YAML files with the line of every key and list item, so that every fault can name its line.

Files are YAML 1.2: `No`, `on` and `1:30` are words, a key written twice is a fault. Scalars are read by the core schema
(numbers, true and false, null, dates), or by the failsafe schema, in which every scalar is the text as written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from features.errors import Fault, InvalidInputError
from features.messages import Message, localized

Key = str | int

DEEPEST = 40
"""Levels of keys and lists in a file; anchors that refer to themselves end here."""
MOST_VALUES = 50_000
"""Values in a file, anchors written out."""


@dataclass(frozen=True)
class YamlFile:
    """The content of one YAML file, and the line of every key and list item in it.

    Attributes:
        name: file name, for messages.
        content: plain mappings, lists and scalars.
        lines: path of keys and list positions -> line, counted from 1.
        faults: found while reading: keys written twice, values that cannot be read.
    """

    name: str
    content: Any
    lines: dict[tuple[Key, ...], int]
    faults: tuple[Fault, ...]

    @classmethod
    def read(cls, path: Path, *, is_all_text: bool = False) -> YamlFile:
        """Read a file; see `parse`.

        Raises:
            InvalidInputError: it cannot be opened, or is not UTF-8; or as `parse` raises.
        """
        try:
            return cls.parse(path.read_text(encoding="utf-8-sig"), path.name, is_all_text=is_all_text)
        except OSError as error:
            is_absent = isinstance(error, FileNotFoundError)
            fault = Fault(
                localized("no such file") if is_absent else localized("cannot be read"),
                str(path),
                localized("a readable YAML file"),
            )
            raise InvalidInputError(localized("{file} cannot be read", file=path.name), [fault]) from error
        except UnicodeDecodeError as error:
            fault = Fault(localized("is not UTF-8 text"), path.name, localized("YAML saved as UTF-8"))
            raise InvalidInputError(localized("{file} cannot be read", file=path.name), [fault]) from error

    @classmethod
    def parse(cls, text: str, name: str, *, is_all_text: bool = False) -> YamlFile:
        """Read YAML text.

        Args:
            text: the content of a file.
            name: of the file, for messages.
            is_all_text: whether every scalar is the text as written (007 and 1.50 too).

        Raises:
            InvalidInputError: the text is not YAML, not a mapping, too deep or too large; with the line.
        """
        yaml = YAML(typ="safe", pure=True)
        yaml.composer.warn_double_anchors = False
        try:
            root = yaml.compose(text)
        except YAMLError as error:
            fault = Fault(_problem(error), _where_of(error, text, name), localized("well-formed YAML"))
            raise InvalidInputError(localized("{file} is not YAML", file=name), [fault]) from error
        except RecursionError as error:
            fault = Fault(
                localized("lists or keys stand in one another too deeply"),
                name,
                localized("at most {deepest} levels", deepest=DEEPEST),
            )
            raise InvalidInputError(localized("{file} is not YAML", file=name), [fault]) from error
        if not isinstance(root, MappingNode):
            raise InvalidInputError(
                localized("{file} is not a mapping", file=name),
                [Fault(localized("no keys found"), name, localized("keys and values"))],
            )
        values = _Values(name, None if is_all_text else yaml.constructor, {(): 1}, [])
        content = values.plain(root, ())
        return cls(name, content, values.lines, tuple(values.faults))

    def line(self, path: Sequence[Key]) -> int:
        """Line of the innermost part of the path that is in the file."""
        path = tuple(path)
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def where(self, path: Sequence[Key]) -> str:
        """`name, line n (a.b.c)`, for a fault."""
        return _place(self.name, self.line(path), path)


def _problem(error: YAMLError) -> str:
    """What is wrong, in the words of the parser, without an excerpt of the file."""
    if isinstance(error, MarkedYAMLError) and error.problem:
        return str(error.problem).strip()
    return str(getattr(error, "reason", None) or error).splitlines()[0]


def _where_of(error: YAMLError, text: str, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position)
    elif mark is not None:
        line = mark.line
    else:
        return name
    return localized("{file}, line {line}", file=name, line=str(line + 1))


def _place(file: str, line: int, path: Sequence[Key]) -> Message:
    """`name, line n (a.b.c)`."""
    place = ".".join(str(key) for key in path) or localized("whole file")
    return localized("{file}, line {line} ({place})", file=file, line=str(line), place=place)


@dataclass
class _Values:
    """Plain values of a tree of nodes, with the lines and faults gathered on the way."""

    name: str
    constructor: Any
    lines: dict[tuple[Key, ...], int]
    faults: list[Fault]
    count: int = 0

    def plain(self, node: Node, path: tuple[Key, ...]) -> Any:
        """The value of a node; a part that cannot be read is null and has its fault."""
        self.count += 1
        if len(path) > DEEPEST or self.count > MOST_VALUES:
            fault = Fault(
                localized("too large, too deep, or an anchor that refers to itself"),
                self._where(node, path[:3]),
                localized(
                    "at most {deepest} levels and {most_values} values",
                    deepest=DEEPEST,
                    most_values=MOST_VALUES,
                ),
                localized("write the values out"),
            )
            raise InvalidInputError(localized("{file} cannot be read", file=self.name), [fault])
        if isinstance(node, SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                self.lines[(*path, index)] = item.start_mark.line + 1
                items.append(self.plain(item, (*path, index)))
            return items
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        return str(node.value) if self.constructor is None else self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: tuple[Key, ...]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                fault = Fault(
                    localized("a list or mapping is used as a key"),
                    self._where(key_node, path),
                    localized("a word as key"),
                )
                self.faults.append(fault)
                continue
            key = str(key_node.value)
            if key in plain:
                fault = Fault(
                    localized("key {key} is written twice", key=key),
                    self._where(key_node, (*path, key)),
                    expected=localized(
                        "each key once (first on line {line})", line=str(self.lines[(*path, key)])
                    ),
                    remedy=localized("delete or rename one of them"),
                )
                self.faults.append(fault)
                continue
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            plain[key] = self.plain(value_node, (*path, key))
        return plain

    def _scalar(self, node: Node, path: tuple[Key, ...]) -> Any:
        try:
            return self.constructor.construct_object(node)
        except (ValueError, TypeError, OverflowError, AttributeError, LookupError, YAMLError):
            kind = str(node.tag).rsplit(":", 1)[-1]
            shown = repr(node.value)
            shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
            fault = Fault(
                localized("{value} cannot be read as {kind}", value=shown, kind=kind),
                self._where(node, path),
                localized("a value that is a {kind}, or text in quotes", kind=kind),
                localized("correct the value"),
            )
            self.faults.append(fault)
            return None

    def _where(self, node: Node, path: tuple[Key, ...]) -> str:
        return _place(self.name, node.start_mark.line + 1, path)
