"""The mapping file: how the columns of an export become the ledger's tables.

Every key is documented in docs/importing.md; `features.ledger.importing.mapping_file` reads and checks a file.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from features.messages import Text, localized
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
    """A condition on a column of the export; a row is read when every condition is met."""

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
            raise ValueError(localized("a condition has exactly one of {tests}", tests=tests))
        return self


class TermsRule(_Strict):
    """A due date derived from the wording of the terms and the issue date."""

    wording: str
    issued_on: str
    reading: EndOfMonthReading


class Lookup(_Strict):
    """A value found in the row of another source (or of the same one) that has the same key."""

    source: str
    by: Words
    key: Words = []
    take: Words
    where: list[Condition] = []

    @model_validator(mode="after")
    def _as_many_keys(self) -> Lookup:
        if self.key and len(self.key) != len(self.by):
            raise ValueError(
                localized("key has as many columns as by, or is left out where they have the same names")
            )
        return self

    @property
    def keys(self) -> list[str]:
        """The columns of the other source that must equal those of `by`."""
        return self.key or self.by

    def looked_at(self) -> list[str]:
        """The columns it reads in the other source."""
        return [*self.keys, *self.take, *(condition.column for condition in self.where)]


class BySign(_Strict):
    """A word for figures above zero and one for those below; zero and a word left out are empty."""

    positive: str | None = None
    negative: str | None = None


ORIGINS: Final = ("from", "constant", "template", "terms", "lookup", "first_of")


class Column(_Strict):
    """Where one ledger column comes from and how its cells are read."""

    source: Annotated[Words | None, Field(alias="from")] = None
    constant: str | None = None
    template: str | None = None
    terms: TermsRule | None = None
    lookup: Lookup | None = None
    first_of: list[Column] | None = None
    fill_down: list[Condition] | None = None
    by_sign: BySign | None = None
    dates: Words | None = None
    shift_days: int | None = None
    decimal: Literal[",", "."] | None = None
    thousands: Words | None = None
    scale: Annotated[Decimal, Field(gt=0)] | None = None
    absolute: bool = False
    negate: bool = False
    yes: Words | None = None
    no: Words | None = None
    values: dict[str, str | None] | None = None
    otherwise: Literal["keep", "empty", "refuse"] = "refuse"
    zero_pad: Annotated[int, Field(ge=1, le=40)] | None = None
    assumption: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, (str, list)) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        origins = [self.source, self.constant, self.template, self.terms, self.lookup, self.first_of]
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError(localized("a column has exactly one of {origins}", origins=ORIGINS))
        if self.shift_days is not None and self.assumption is None:
            raise ValueError(
                localized("shift_days invents a date, so it needs an assumption in words (en and fr)")
            )
        if self.absolute and self.negate:
            raise ValueError(localized("absolute and negate exclude each other"))
        if self.source is None and (self.fill_down is not None or self.by_sign is not None):
            raise ValueError(localized("fill_down and by_sign read a column of the export, named under from"))
        return self

    def parts(self) -> list[Column]:
        """The column and what its origin is made of."""
        return [self, *(part for inner in self.first_of or [] for part in inner.parts())]

    def needed(self) -> list[str]:
        """The columns of the table's own source this ledger column reads."""
        if self.first_of is not None:
            return [name for part in self.first_of for name in part.needed()]
        if self.terms is not None:
            return [self.terms.wording, self.terms.issued_on]
        if self.template is not None:
            return template_columns(self.template)
        if self.lookup is not None:
            return list(self.lookup.by)
        return [*(self.source or []), *(condition.column for condition in self.fill_down or [])]

    def lookups(self) -> list[Lookup]:
        """The lookups of this column."""
        return [part.lookup for part in self.parts() if part.lookup is not None]


class Table(_Strict):
    """One ledger table taken from one source."""

    source: str | None = None
    where: list[Condition] = []
    one_row_per_id: bool = False
    instalments: bool = False
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


class ImportMapping(_Strict):
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
        for name, table in self.tables.items():
            for column, rule in table.columns.items():
                for lookup in rule.lookups():
                    if lookup.source == source:
                        for looked_at in lookup.looked_at():
                            needed.setdefault(looked_at, f"tables.{name}.columns.{column}.lookup")
        return needed

    def sources_of(self, table: str) -> list[str]:
        """Every source a table reads: its own, and those it looks in."""
        lookups = [lookup for rule in self.tables[table].columns.values() for lookup in rule.lookups()]
        return [self.source_of(table), *(lookup.source for lookup in lookups)]


def template_columns(template: str) -> list[str]:
    """The columns a template such as "{Invoice}-{#}" reads; the running number is none."""
    return [name for name in TEMPLATE_PARTS.split(template)[1::2] if name != RUNNING_NUMBER]
