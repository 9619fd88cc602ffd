"""Reading a mapping file: what is wrong with it, where, and what was probably meant.

An unknown key is an error that names the key, its line and the nearest known key; all faults of a mapping are reported
together.
"""

from __future__ import annotations

import difflib
import types
import typing
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, ValidationError

from features.errors import Fault, InvalidInputError
from features.ledger.conform import ABSENT_COLUMN_MEANS
from features.ledger.importing.cells import format_fault
from features.ledger.importing.mapping import Column, Condition, ImportMapping, Table
from features.ledger.schemas import REQUIRED_TABLES, SCHEMAS, table_dtypes
from features.messages import Message, localized
from features.pydantic_messages import complaint
from features.words import one_of, with_nearest
from features.yaml_source import Key, YamlFile


def load_mapping(path: Path) -> ImportMapping:
    """The mapping in a YAML file.

    Raises:
        InvalidInputError: the file is missing or is no YAML, or keys or values in it are wrong; with every
            fault.
    """
    document = YamlFile.read(path, is_all_text=True)
    faults = list(document.faults)
    mapping: ImportMapping | None = None
    try:
        mapping = ImportMapping.model_validate(document.content)
    except ValidationError as problem:
        faults += [_fault(error, document) for error in problem.errors()]
    if mapping is not None:
        faults += _contract_faults(mapping, document)
    if faults or mapping is None:
        raise InvalidInputError(localized("the mapping {name} cannot be used", name=path.name), faults)
    return mapping


def _fault(error: Any, document: YamlFile) -> Fault:
    """A pydantic error in the words of the mapping."""
    location = tuple(part for part in error["loc"] if not str(part).startswith(("function-", "nullable")))
    where = document.where(location)
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _known_keys(location[:-1])
        return Fault(
            localized("unknown key {name!r}", name=str(location[-1])),
            where=where,
            expected=one_of(str(location[-1]), known),
        )
    if error["type"] == "missing":
        return Fault(localized("key {name!r} is missing", name=str(location[-1])), where=where)
    message, value = complaint(error), error.get("input")
    if isinstance(value, (str, int, float, bool)):
        message = localized("{fault} (found {value})", fault=message, value=repr(value))
    return Fault(message, where=where)


def _known_keys(location: tuple[Key, ...]) -> list[str]:
    """The keys allowed at a place in the mapping."""
    model: Any = ImportMapping
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            by_key = {field.alias or key: field for key, field in model.model_fields.items()}
            model = _inner(by_key[part].annotation) if part in by_key else None
        elif isinstance(model, tuple):
            model = model[0]
        if model is None:
            return []
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or key for key, field in model.model_fields.items()]
    return []


def _inner(annotation: Any) -> Any:
    """The model an annotation leads to; a one-tuple of it for a list or a dict of models."""
    origin = typing.get_origin(annotation)
    if origin in (dict, list):
        return (_inner(typing.get_args(annotation)[-1]),)
    if origin in (typing.Union, types.UnionType, Annotated):
        models = [_inner(part) for part in typing.get_args(annotation)]
        return next((model for model in models if model is not None), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _contract_faults(mapping: ImportMapping, document: YamlFile) -> list[Fault]:
    """What a well-formed mapping still gets wrong: tables, columns, sources and keys that do not fit together."""

    def place(*location: Key) -> str:
        return document.where(location)

    faults = [
        Fault(
            localized("table is not mapped"),
            where=place("tables"),
            expected=localized("a key {table!r}", table=table),
            remedy=localized("add it"),
        )
        for table in REQUIRED_TABLES
        if table not in mapping.tables
    ]
    used = {source for table in mapping.tables for source in mapping.sources_of(table)}
    faults += [
        Fault(
            localized("no table is taken from this source"),
            where=place("sources", source),
            remedy=localized("use it, look values up in it with `lookup`, or remove it"),
        )
        for source in mapping.sources
        if source not in used
    ]
    zone = mapping.formats.time_zone
    if zone not in zoneinfo.available_timezones():
        close = difflib.get_close_matches(zone, sorted(zoneinfo.available_timezones()), n=1)
        expected = with_nearest(localized("a name such as Europe/Paris"), close[0] if close else None)
        faults.append(
            Fault(
                localized("no time zone {zone!r}", zone=zone),
                where=place("formats", "time_zone"),
                expected=expected,
            )
        )
    formats = _unusable_formats(mapping.formats.dates)
    faults += [
        Fault(text, where=place("formats", "dates"), expected=localized("such as dd/mm/yyyy"))
        for text in formats
    ]
    for table, spec in mapping.tables.items():
        for condition, *keys in _conditions(spec):
            if condition.matches is not None and (reason := _unusable_pattern(condition.matches)):
                faults.append(Fault(reason, where=place("tables", table, *keys)))
        if table not in SCHEMAS:
            expected = one_of(table, SCHEMAS)
            faults.append(
                Fault(localized("is not a ledger table"), where=place("tables", table), expected=expected)
            )
            continue
        if spec.source is not None and spec.source not in mapping.sources:
            expected = one_of(spec.source, mapping.sources)
            faults.append(
                Fault(
                    localized("no source {source!r}", source=spec.source),
                    where=place("tables", table, "source"),
                    expected=expected,
                )
            )
        if spec.source is None and len(mapping.sources) > 1:
            expected = localized("source: one of {sources}", sources=tuple(mapping.sources))
            faults.append(
                Fault(localized("does not say its source"), where=place("tables", table), expected=expected)
            )
        if spec.instalments and table != "invoices":
            text = localized("'instalments' means nothing here: only invoices are due in parts")
            faults.append(Fault(text, where=place("tables", table, "instalments")))
        if spec.instalments and "instalments" in mapping.tables:
            text = localized(
                "the instalments are mapped twice: by `instalments: true` of invoices and as a table"
            )
            faults.append(
                Fault(text, where=place("tables", "instalments"), remedy=localized("remove one of them"))
            )
        dtypes = table_dtypes(table)
        for column, rule in spec.columns.items():
            here = ("tables", table, "columns", column)
            if column not in dtypes:
                faults.append(
                    Fault(
                        localized("is not a ledger column"),
                        where=place(*here),
                        expected=one_of(column, dtypes),
                    )
                )
            else:
                for part in rule.parts():
                    texts = [*_misfits(part, dtypes[column]), *_unusable_formats(part.dates or [])]
                    faults += [Fault(text, where=place(*here)) for text in texts]
                unknown = [lookup.source for lookup in rule.lookups() if lookup.source not in mapping.sources]
                faults += [
                    Fault(
                        localized("no source {name!r}", name=name),
                        where=place(*here),
                        expected=one_of(name, mapping.sources),
                    )
                    for name in unknown
                ]
        for column, definition in SCHEMAS[table].columns().items():
            absent_is_fine = definition.nullable or f"{table}.{column}" in ABSENT_COLUMN_MEANS
            if column not in spec.columns and not absent_is_fine:
                faults.append(
                    Fault(
                        localized("column {column!r} is not mapped", column=column),
                        where=place("tables", table, "columns"),
                        remedy=localized("add it"),
                    )
                )
    return faults


def _conditions(spec: Table) -> Iterator[tuple[Condition, *tuple[Key, ...]]]:
    """Every condition of a table with the keys that lead to it."""
    for number, condition in enumerate(spec.where):
        yield condition, "where", number, "matches"
    for column, rule in spec.columns.items():
        for part in rule.parts():
            for condition in [*(part.fill_down or []), *(part.lookup.where if part.lookup else [])]:
                yield condition, "columns", column


def _unusable_formats(patterns: typing.Iterable[str]) -> list[Message]:
    return [fault for pattern in patterns if (fault := format_fault(pattern)) is not None]


def _unusable_pattern(pattern: str) -> Message | None:
    """Why a regular expression cannot be used."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as problem:
        reason = str(problem).splitlines()[0]
        return localized("{pattern!r} is not a regular expression: {reason}", pattern=pattern, reason=reason)
    return None


_EVERYWHERE = frozenset(
    {"source", "constant", "template", "lookup", "first_of", "fill_down", "assumption", "values", "otherwise"}
)


def _misfits(rule: Column, dtype: pl.DataType) -> list[Message]:
    """Keys of a column's mapping that mean nothing for its type."""
    if dtype == pl.Date:
        kind, own = localized("a date"), {"dates", "shift_days", "terms"}
    elif isinstance(dtype, pl.Datetime):
        kind, own = localized("an instant"), {"dates"}
    elif dtype in (pl.Decimal(18, 2), pl.Float64()):
        kind, own = localized("an amount"), {"decimal", "thousands", "scale", "absolute", "negate"}
    elif dtype == pl.Boolean:
        kind, own = localized("a flag"), {"yes", "no"}
    elif dtype == pl.String:
        kind, own = localized("a text"), {"zero_pad", "by_sign", "decimal", "thousands"}
    else:
        kind, own = localized("a number"), set()
    given = set(rule.model_dump(exclude_defaults=True))
    return [
        localized("{key!r} means nothing here: the column is {kind}", key=key, kind=kind)
        for key in sorted(given - _EVERYWHERE - own)
    ]
