"""The mapping file: how the columns of an export become the ledger's tables.

Every key is documented in docs/importing.md. An unknown key is an error that names the key, its line and
the nearest known key; all faults of a mapping are reported together.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.errors import Fault, InvalidInputError
from features.ledger.conform import ABSENT_COLUMN_MEANS
from features.ledger.importing.cells import format_fault
from features.ledger.importing.yaml_lines import YamlDocument, read_yaml
from features.ledger.schemas import REQUIRED_TABLES, SCHEMAS, table_dtypes
from features.terms import EndOfMonthReading

#: Marks the running number in an id template.
RUNNING_NUMBER: Final = "#"
#: Splits a template: every second part is the name of a column.
TEMPLATE_PARTS: Final = re.compile(r"\{([^{}]+)\}")


def _as_list(value: Any) -> Any:
    """One word where a list is meant is a list of one."""
    return [value] if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_as_list)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assumption(_Strict):
    """A sentence in both languages on something the export does not say and the mapping assumes."""

    en: str
    fr: str


class Formats(_Strict):
    """How dates, figures and yes/no are written, for the whole mapping or for one source."""

    dates: Words = []
    decimal: Literal[",", "."] | None = None
    thousands: Words | None = None
    yes: Words = ["true", "yes", "oui", "y", "o", "1"]
    no: Words = ["false", "no", "non", "n", "0"]
    empty: Words = []
    time_zone: str = "UTC"


class Source(_Strict):
    """One kind of file in the export."""

    files: Words = []
    delimiter: str | None = None
    encoding: str | None = None
    quote: str = '"'
    sheet: str | None = None
    header_line: Annotated[int, Field(ge=1)] | None = None
    optional: bool = False


class Condition(_Strict):
    """A condition on a column of the export; a row is taken when every condition holds."""

    column: str
    equals: str | None = None
    is_in: Annotated[Words | None, Field(alias="in")] = None
    not_in: Words | None = None
    starts_with: Words | None = None
    matches: str | None = None
    is_empty: bool | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        given = self.model_dump(exclude={"column"}, exclude_none=True)
        if len(given) != 1:
            tests = "equals, in, not_in, starts_with, matches, is_empty, above, below"
            raise ValueError(f"a condition has exactly one of {tests}")
        return self


class TermsRule(_Strict):
    """A due date derived from the wording of the terms and the issue date."""

    wording: str
    issued_on: str
    reading: EndOfMonthReading


class Column(_Strict):
    """Where one ledger column comes from and how its cells are read."""

    source: Annotated[Words | None, Field(alias="from")] = None
    constant: str | None = None
    template: str | None = None
    terms: TermsRule | None = None
    dates: Words | None = None
    shift_days: int | None = None
    decimal: Literal[",", "."] | None = None
    thousands: Words | None = None
    absolute: bool = False
    negate: bool = False
    yes: Words | None = None
    no: Words | None = None
    values: dict[str, str | None] | None = None
    otherwise: Literal["keep", "empty", "refuse"] = "refuse"
    zero_pad: Annotated[int, Field(ge=1, le=40)] | None = None
    assumption: Assumption | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, (str, list)) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        origins = [self.source, self.constant, self.template, self.terms]
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("a column has exactly one of from, constant, template, terms")
        if self.shift_days is not None and self.assumption is None:
            raise ValueError("shift_days invents a date, so it needs an assumption in words (en and fr)")
        if self.absolute and self.negate:
            raise ValueError("absolute and negate exclude each other")
        return self

    def needed(self) -> list[str]:
        """The columns of the export this ledger column reads."""
        if self.terms is not None:
            return [self.terms.wording, self.terms.issued_on]
        if self.template is not None:
            return template_columns(self.template)
        return list(self.source or [])


class Table(_Strict):
    """One ledger table taken from one source."""

    source: str | None = None
    where: list[Condition] = []
    one_row_per_id: bool = False
    columns: dict[str, Column]

    def needed(self) -> list[str]:
        """The columns of the export this table reads, each once, in order of use."""
        return list(self.keys_by_column())

    def keys_by_column(self) -> dict[str, str]:
        """The columns of the export this table reads, with the key of the mapping that names each first."""
        keys: dict[str, str] = {}
        for number, condition in enumerate(self.where):
            keys.setdefault(condition.column, f"where.{number}.column")
        for column, rule in self.columns.items():
            for name in rule.needed():
                keys.setdefault(name, f"columns.{column}")
        return keys


class Mapping(_Strict):
    """A whole mapping file."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    description: str = ""
    formats: Formats = Formats()
    sources: dict[str, Source] = {"export": Source()}
    tables: dict[str, Table]

    def source_of(self, table: str) -> str:
        """The name of the source a table is taken from."""
        return self.tables[table].source or next(iter(self.sources))

    def needed_from(self, source: str) -> dict[str, str]:
        """The columns some table reads from a source, with the key of the mapping that names each first."""
        needed: dict[str, str] = {}
        for name, table in self.tables.items():
            if self.source_of(name) == source:
                for column, key in table.keys_by_column().items():
                    needed.setdefault(column, f"tables.{name}.{key}")
        return needed


def template_columns(template: str) -> list[str]:
    """The columns a template such as "{Invoice}-{#}" reads; the running number is none."""
    return [name for name in TEMPLATE_PARTS.split(template)[1::2] if name != RUNNING_NUMBER]


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file.

    Raises:
        InvalidInputError: the file is missing or is no YAML, or keys or values in it are wrong; with every
            fault.
    """
    document = read_yaml(path)
    if not isinstance(document.content, dict):
        raise InvalidInputError(
            f"the mapping {path.name} cannot be used",
            [
                Fault(
                    "holds no keys",
                    where=path.name,
                    expected="a YAML file with `tables:` (docs/importing.md)",
                )
            ],
        )
    faults = list(document.faults)
    mapping: Mapping | None = None
    try:
        mapping = Mapping.model_validate(document.content)
    except ValidationError as problem:
        faults += [_fault(error, document, path.name) for error in problem.errors()]
    if mapping is not None:
        faults += _contract_faults(mapping, document, path.name)
    if faults or mapping is None:
        raise InvalidInputError(f"the mapping {path.name} cannot be used", faults)
    return mapping


def _fault(error: Any, document: YamlDocument, name: str) -> Fault:
    """A pydantic error in the words of the mapping."""
    location = tuple(
        str(part) for part in error["loc"] if not str(part).startswith(("function-", "nullable"))
    )
    where = f"{name}, line {document.line(location)}, key {'.'.join(location)}"
    if error["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
        nearest = f"; the nearest is {close[0]!r}" if close else ""
        return Fault(
            f"unknown key {location[-1]!r}", where=where, expected=f"one of {', '.join(known)}{nearest}"
        )
    if error["type"] == "missing":
        return Fault(f"key {location[-1]!r} is missing", where=where)
    message = error["msg"].removeprefix("Value error, ")
    value = error.get("input")
    shown = f" (found {value!r})" if isinstance(value, (str, int, float, bool)) else ""
    return Fault(f"{message}{shown}", where=where)


def _known_keys(location: tuple[str, ...]) -> list[str]:
    """The keys allowed at a place in the mapping."""
    model: Any = Mapping
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


def _contract_faults(mapping: Mapping, document: YamlDocument, name: str) -> list[Fault]:
    """What a well-formed mapping still gets wrong: tables, columns, sources and keys that do not fit together."""

    def place(*location: str) -> str:
        return f"{name}, line {document.line(location)}, key {'.'.join(location)}"

    faults = [
        Fault("table is not mapped", where=place("tables"), expected=f"a key {table!r}", remedy="add it")
        for table in REQUIRED_TABLES
        if table not in mapping.tables
    ]
    used = {mapping.source_of(table) for table in mapping.tables}
    faults += [
        Fault(
            "no table is taken from this source", where=place("sources", source), remedy="use it or remove it"
        )
        for source in mapping.sources
        if source not in used
    ]
    zone = mapping.formats.time_zone
    if zone not in zoneinfo.available_timezones():
        close = difflib.get_close_matches(zone, sorted(zoneinfo.available_timezones()), n=1)
        expected = f"a name such as Europe/Paris{f'; the nearest is {close[0]!r}' if close else ''}"
        faults.append(Fault(f"no time zone {zone!r}", where=place("formats", "time_zone"), expected=expected))
    formats = _unusable_formats(mapping.formats.dates)
    faults += [
        Fault(text, where=place("formats", "dates"), expected="such as dd/mm/yyyy") for text in formats
    ]
    for table, spec in mapping.tables.items():
        for number, condition in enumerate(spec.where):
            if condition.matches is not None and (reason := _unusable_pattern(condition.matches)):
                faults.append(Fault(reason, where=place("tables", table, "where", str(number), "matches")))
        if table not in SCHEMAS:
            expected = nearest(table, SCHEMAS)
            faults.append(Fault("is not a ledger table", where=place("tables", table), expected=expected))
            continue
        if spec.source is not None and spec.source not in mapping.sources:
            expected = nearest(spec.source, mapping.sources)
            faults.append(
                Fault(f"no source {spec.source!r}", where=place("tables", table, "source"), expected=expected)
            )
        if spec.source is None and len(mapping.sources) > 1:
            expected = f"source: one of {', '.join(mapping.sources)}"
            faults.append(Fault("does not say its source", where=place("tables", table), expected=expected))
        dtypes = table_dtypes(table)
        for column, rule in spec.columns.items():
            here = ("tables", table, "columns", column)
            if column not in dtypes:
                faults.append(
                    Fault("is not a ledger column", where=place(*here), expected=nearest(column, dtypes))
                )
            else:
                texts = [*_misfits(rule, dtypes[column]), *_unusable_formats(rule.dates or [])]
                faults += [Fault(text, where=place(*here)) for text in texts]
        for column, definition in SCHEMAS[table].columns().items():
            absent_is_fine = definition.nullable or f"{table}.{column}" in ABSENT_COLUMN_MEANS
            if column not in spec.columns and not absent_is_fine:
                faults.append(
                    Fault(
                        f"column {column!r} is not mapped",
                        where=place("tables", table, "columns"),
                        remedy="add it",
                    )
                )
    return faults


def _unusable_formats(patterns: typing.Iterable[str]) -> list[str]:
    return [fault for pattern in patterns if (fault := format_fault(pattern)) is not None]


def _unusable_pattern(pattern: str) -> str | None:
    """Why a regular expression cannot be used."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as problem:
        return f"{pattern!r} is not a regular expression: {str(problem).splitlines()[0]}"
    return None


def _misfits(rule: Column, dtype: pl.DataType) -> list[str]:
    """Keys of a column's mapping that mean nothing for its type."""
    is_day, is_amount = dtype == pl.Date, dtype in (pl.Decimal(18, 2), pl.Float64())
    is_instant = isinstance(dtype, pl.Datetime)
    given = set(rule.model_dump(exclude_defaults=True))
    allowed = {"source", "constant", "template", "assumption", "values", "otherwise"}
    if is_day:
        allowed |= {"dates", "shift_days", "terms"}
    elif is_instant:
        allowed |= {"dates"}
    elif is_amount:
        allowed |= {"decimal", "thousands", "absolute", "negate"}
    elif dtype == pl.Boolean:
        allowed |= {"yes", "no"}
    else:
        allowed |= {"zero_pad"}
    kind = (
        "a date"
        if is_day
        else "an instant"
        if is_instant
        else "an amount"
        if is_amount
        else f"of type {dtype}"
    )
    return [f"{key!r} means nothing here: the column is {kind}" for key in sorted(given - allowed)]


def nearest(name: str, candidates: typing.Iterable[str]) -> str:
    """The candidates in words, the nearest one pointed out."""
    known = list(candidates)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"one of {', '.join(known)}" + (f"; the nearest is {close[0]!r}" if close else "")
