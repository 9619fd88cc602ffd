"""What is wrong with the form of a policy or legal file, each fault with its line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from features.errors import Fault
from features.messages import localized
from features.pydantic_messages import expected_value
from features.yaml_source import Key, YamlFile

Model = TypeVar("Model", bound=BaseModel)

_LANGUAGES = ("fr", "en")


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
