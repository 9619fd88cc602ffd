"""Sentences for people, in French and English.

Two types say the same thing in both languages. `Text` is data: a pair written side by side, as in a policy file or a
list of words. `Message` is a sentence of the program: an English template with its values, whose French is looked up
in the catalogue `locale/fr/LC_MESSAGES/encours.po` when somebody asks for it.

To add a sentence: write `localized("{count} rows of {table}", count=…, table=…)`, run `make messages`, and fill in the
French in the `.po` file. A test fails on a sentence that is missing, unused, fuzzy, or whose values differ. Write
ordinary blanks before `: ; ? !` and inside guillemets; they are made narrow and unbreakable here.
"""

from __future__ import annotations

import gettext
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Union

from pydantic import ConfigDict, Field

Language = Literal["fr", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")
DOMAIN: Final = "encours"
LOCALES: Final = Path(__file__).parent / "locale"
NARROW_SPACE: Final = "\u202f"
"""The unbreakable space of French numbers and of French punctuation."""


@dataclass(frozen=True)
class Text:
    """One text in both languages; neither may be empty."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", str_strip_whitespace=True)

    fr: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    def in_language(self, language: str | None) -> str:
        """The text for a reader: French for `fr`, English for everyone else and for null."""
        return self.fr if language == "fr" else self.en


Value = Union[str, int, float, Decimal, date, Text, None, "Sequence[Value]"]
"""The values of a template. Numbers and days are written as the reader writes them; a sequence is joined by commas.

Line numbers, years and other figures that are names rather than quantities are passed as text.
"""


class Message(str):
    """A sentence that equals its English wording and can be rendered in French.

    As it is a `str`, it can be used wherever a plain sentence does: in an exception, a log line, a JSON answer.
    """

    __slots__ = ("_count", "_plural", "_template", "_values")

    _template: str
    _plural: str | None
    _count: int | None
    _values: Mapping[str, Value]

    def __new__(
        cls, template: str, plural: str | None, count: int | None, values: Mapping[str, Value]
    ) -> Message:
        """The message of a template, see `localized`."""
        chosen = template if plural is None or count == 1 else plural
        made = super().__new__(cls, _filled(chosen, values, "en"))
        made._template, made._plural, made._count, made._values = template, plural, count, values
        return made

    def __reduce__(self) -> tuple[type[Message], tuple[str, str | None, int | None, Mapping[str, Value]]]:
        """What copying and pickling make the message from."""
        return Message, (self._template, self._plural, self._count, self._values)

    def in_language(self, language: str | None) -> str:
        """The sentence for a reader: French for `fr`, English for everyone else and for null."""
        if language != "fr":
            return str(self)
        catalogue = _catalogue()
        if self._plural is None or self._count is None:
            template = catalogue.gettext(self._template)
        else:
            template = catalogue.ngettext(self._template, self._plural, self._count)
        return _filled(with_french_spaces(template), self._values, "fr")

    @property
    def en(self) -> str:
        """The English sentence."""
        return self.in_language("en")

    @property
    def fr(self) -> str:
        """The French sentence."""
        return self.in_language("fr")


def localized(template: str, /, **values: Value) -> Message:
    """A sentence with `{named}` values; the template is a literal, so that it can be found and translated.

    >>> localized("route {route} can never be reached", route="calm").in_language("fr")
    "la ligne calm n'est jamais atteinte"
    """
    return Message(template, None, None, values)


def localized_plural(one: str, many: str, /, *, count: int, **values: Value) -> Message:
    """A sentence that depends on a number, which it can name as `{count}`.

    >>> localized_plural("{count} row", "{count} rows", count=1200)
    '1,200 rows'
    """
    return Message(one, many, count, {"count": count, **values})


def in_language(text: str | Text, language: str | None) -> str:
    """Any sentence for a reader; one that exists in English only stays English."""
    return text.in_language(language) if isinstance(text, (Text, Message)) else text


def written_number(number: float | Decimal, language: str | None, spec: str = ",") -> str:
    """A number as the reader writes it: `1,234.50` and `12%` in English, `1 234,50` and `12 %` in French.

    Args:
        number: the number.
        language: of the reader.
        spec: a format specification, as of `format`.
    """
    text = format(number, spec)
    if language != "fr":
        return text
    return text.replace(",", NARROW_SPACE).replace(".", ",").replace("%", f"{NARROW_SPACE}%")


def with_french_spaces(text: str) -> str:
    """A French text whose blanks before `: ; ? !` and `%`, and inside guillemets, are narrow and do not break.

    >>> with_french_spaces("attendu : « 5 » !").count(NARROW_SPACE)
    4
    """
    return re.sub(r" (?=[:;?!%»])|(?<=«) ", NARROW_SPACE, text)


class _Filling(string.Formatter):
    """Puts values into a template as a reader of one language writes them."""

    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, (Text, Message)):
            return value.in_language(self._language)
        if isinstance(value, str):
            return format(value, format_spec)
        if isinstance(value, (int, float, Decimal)):
            spec = format_spec or ("," if isinstance(value, int) else "")
            return written_number(value, self._language, spec)
        if isinstance(value, date):
            return f"{value:%d/%m/%Y}" if self._language == "fr" else value.isoformat()
        if isinstance(value, (list, tuple)):
            return ", ".join(self.format_field(item, format_spec) for item in value)
        return "null" if value is None else str(value)


_FILLING: Final = {language: _Filling(language) for language in LANGUAGES}


def _filled(template: str, values: Mapping[str, Value], language: Language) -> str:
    return _FILLING[language].vformat(template, (), values)


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, ["fr"])
