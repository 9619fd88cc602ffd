"""Reading a YAML file so that every fault can name its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from features.errors import Fault, InvalidInputError
from features.messages import Message, localized
from features.pydantic_messages import expected_value

Key = str | int
Model = TypeVar("Model", bound=BaseModel)

_LANGUAGES = ("fr", "en")
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
    def read(cls, path: Path) -> YamlFile:
        """Read a file; text that is not YAML, not UTF-8, or not a mapping is refused with its line."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"), path.name)
        except OSError as error:
            fault = Fault(
                localized("no such file")
                if isinstance(error, FileNotFoundError)
                else localized("cannot be read"),
                str(path),
                localized("a readable YAML file"),
            )
            raise InvalidInputError(localized("{file} cannot be read", file=path.name), [fault]) from error
        except UnicodeDecodeError as error:
            fault = Fault(localized("is not UTF-8 text"), path.name, localized("YAML saved as UTF-8"))
            raise InvalidInputError(localized("{file} cannot be read", file=path.name), [fault]) from error

    @classmethod
    def parse(cls, text: str, name: str) -> YamlFile:
        """Read YAML text."""
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = localized("{file}, line {line}", file=name, line=str(mark.line + 1)) if mark else name
            what = str(getattr(error, "problem", None) or error)
            raise InvalidInputError(
                localized("{file} is not YAML", file=name),
                [Fault(what, where, localized("well-formed YAML"))],
            ) from error
        except RecursionError as error:
            fault = Fault(
                localized("lists or keys stand in one another too deeply"),
                name,
                localized("at most {deepest} levels", deepest=DEEPEST),
            )
            raise InvalidInputError(localized("{file} is not YAML", file=name), [fault]) from error
        if not isinstance(root, yaml.MappingNode):
            raise InvalidInputError(
                localized("{file} is not a mapping", file=name),
                [Fault(localized("no keys found"), name, localized("keys and values"))],
            )
        reading = _Reading(name, yaml.SafeLoader(""), {(): 1}, [])
        content = reading.plain(root, ())
        return cls(name, content, reading.lines, tuple(reading.faults))

    def line(self, path: Sequence[Key]) -> int:
        """Line of the innermost part of the path that stands in the file."""
        path = tuple(path)
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def where(self, path: Sequence[Key]) -> str:
        """`name, line n (a.b.c)`, for a fault."""
        return _place(self.name, self.line(path), path)


@dataclass
class _Reading:
    """A tree of YAML nodes on its way to plain values, with lines and faults gathered."""

    name: str
    constructor: yaml.SafeLoader
    lines: dict[tuple[Key, ...], int]
    faults: list[Fault]
    values: int = 0

    def plain(self, node: yaml.Node, path: tuple[Key, ...]) -> Any:
        """The value of a node; a part that cannot be read is null and has its fault."""
        self.values += 1
        if len(path) > DEEPEST or self.values > MOST_VALUES:
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
        if isinstance(node, yaml.SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                self.lines[(*path, index)] = item.start_mark.line + 1
                items.append(self.plain(item, (*path, index)))
            return items
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if node.tag == "tag:yaml.org,2002:bool" and str(node.value).lower() not in ("true", "false"):
            return node.value  # no, on, off and the like are words (NO is Norway), as in YAML 1.2
        try:
            return self.constructor.construct_object(node)
        except (ValueError, TypeError, OverflowError, AttributeError, LookupError, yaml.YAMLError):
            kind = node.tag.rsplit(":", 1)[-1]
            fault = Fault(
                localized("{value} cannot be read as {kind}", value=_shown(node.value), kind=kind),
                self._where(node, path),
                localized("a value that is a {kind}, or text in quotes", kind=kind),
                localized("correct the value"),
            )
            self.faults.append(fault)
            return None

    def _mapping(self, node: yaml.MappingNode, path: tuple[Key, ...]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
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

    def _where(self, node: yaml.Node, path: tuple[Key, ...]) -> str:
        return _place(self.name, node.start_mark.line + 1, path)


def _place(file: str, line: int, path: Sequence[Key]) -> Message:
    """`name, line n (a.b.c)`."""
    place = ".".join(str(key) for key in path) or localized("whole file")
    return localized("{file}, line {line} ({place})", file=file, line=str(line), place=place)


def faults_of_model(model: type[Model], source: YamlFile) -> tuple[Model | None, list[Fault]]:
    """The file as a model, with every fault of its form, each with its line.

    Unknown keys and missing translations are put aside (the copy is repaired, never the file) so that the
    checks of meaning can still run and everything comes in one report. The model is null when the form is
    too broken.
    """
    faults = list(source.faults)
    content = source.content
    for _ in range(2):
        try:
            return model.model_validate(content), faults
        except ValidationError as error:
            details = _one_branch(error.errors(include_url=False))
            faults += [_fault(detail, source) for detail in details]
            content = _repaired(content, details)
            if content is None:
                break
    return None, faults


def _one_branch(details: Sequence[Any]) -> list[Any]:
    """Without the complaint that a list is not the word `any`, when the list itself has faults."""
    paths = [detail["loc"] for detail in details]

    def is_echo(path: tuple[Key, ...]) -> bool:
        stem = path[:-1]
        return str(path[-1]).startswith("literal[") and any(
            other != path and other[: len(stem)] == stem for other in paths
        )

    return [detail for detail in details if not (detail["loc"] and is_echo(detail["loc"]))]


def _fault(detail: Any, source: YamlFile) -> Fault:
    path = tuple(key for key in detail["loc"] if key != "[key]")
    last = str(path[-1]) if path else "whole file"
    where = source.where(path)
    if detail["type"] == "extra_forbidden" or detail["type"] == "unexpected_keyword_argument":
        return Fault(
            localized("unknown key {name}", name=last),
            where,
            localized("a key of the format"),
            localized("correct the spelling or delete it"),
        )
    if _is_missing_translation(detail):
        language = {"fr": localized("French"), "en": localized("English")}[last]
        return Fault(
            localized("the {language} text is missing", language=language),
            where,
            localized("a text under fr and under en"),
            localized("write {name}:", name=last),
        )
    if detail["type"] in ("missing", "missing_argument"):
        return Fault(
            localized("{name} is missing", name=last),
            where,
            localized("a value for {name}", name=last),
            localized("write {name}:", name=last),
        )
    return Fault(
        localized("{value} is not accepted", value=_shown(detail["input"])),
        where,
        expected_value(detail),
        localized("correct the value"),
    )


def _is_missing_translation(detail: Any) -> bool:
    path = detail["loc"]
    is_absent = detail["type"] in ("missing", "missing_argument", "string_too_short")
    return bool(path) and path[-1] in _LANGUAGES and is_absent


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _repaired(content: Any, details: Sequence[Any]) -> Any:
    """A copy without unknown keys and with a mark for missing texts; null when that cannot suffice."""
    for detail in details:
        path = detail["loc"]
        if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            content = _changed(content, path, None)
        elif _is_missing_translation(detail):
            content = _changed(content, path, "?")
        else:
            return None
    return content


def _changed(content: Any, path: Sequence[Key], value: str | None) -> Any:
    key: Any
    key, *rest = path
    copy: Any = dict(content) if isinstance(content, dict) else list(content)
    if rest:
        copy[key] = _changed(copy[key], rest, value)
    elif value is None:
        del copy[key]
    else:
        copy[key] = value
    return copy
