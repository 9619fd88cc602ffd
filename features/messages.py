"""Sentences for people, in French and English.

Two types say the same thing in both languages. `Text` is data: a pair written side by side, as in a policy file or a
list of words. `Message` is a sentence of the program: an English template with its values, translated by the catalogue
of the reader's language, `locale/fr/LC_MESSAGES/encours.po`, when somebody asks for it. A third language is one entry
of `WRITING` and one catalogue; a `Text` is then read in English.

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
from typing import Annotated, Any, ClassVar, Final, Literal, Union, get_args

from pydantic import ConfigDict, Field

Language = Literal["fr", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DOMAIN: Final = "encours"
LOCALES: Final = Path(__file__).parent / "locale"
NARROW_SPACE: Final = "\u202f"
"""The unbreakable space of French numbers and of French punctuation."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How a language writes what a sentence holds; nothing has a default.

    Attributes:
        name: of the language, in itself.
        thousands: between groups of three digits.
        decimal: between units and decimals.
        before_percent: between a number and its percent sign.
        day: a day in a sentence, as a format of `{day}`.
        day_on_a_page: a day on a page or in a letter, as a format of `{day}`.
        has_spaced_punctuation: narrow unbreakable spaces stand before `: ; ? !` and inside guillemets.
    """

    name: str
    thousands: str
    decimal: str
    before_percent: str
    day: str
    day_on_a_page: str
    has_spaced_punctuation: bool


WRITING: Final[Mapping[Language, Writing]] = {
    "fr": Writing(
        name="Français",
        thousands=NARROW_SPACE,
        decimal=",",
        before_percent=NARROW_SPACE,
        day="{day:%d/%m/%Y}",
        day_on_a_page="{day:%d/%m/%Y}",
        has_spaced_punctuation=True,
    ),
    "en": Writing(
        name="English",
        thousands=",",
        decimal=".",
        before_percent="",
        day="{day:%Y-%m-%d}",
        day_on_a_page="{day.day} {day:%B %Y}",
        has_spaced_punctuation=False,
    ),
}
"""One entry for each language; see docs/extending.md."""
if _without := [language for language in LANGUAGES if language not in WRITING]:
    raise TypeError(f"WRITING lacks the language {', '.join(_without)} (docs/extending.md: a language)")


def language_or_english(language: str | None) -> Language:
    """The language of a reader; English for null and for a language that Encours does not speak."""
    return next((known for known in LANGUAGES if known == language), "en")


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
        """The sentence for a reader; English for null, for an unknown language, and where it is not translated."""
        known = language_or_english(language)
        if known == "en":
            return str(self)
        catalogue = _catalogue(known)
        if self._plural is None or self._count is None:
            template = catalogue.gettext(self._template)
        else:
            template = catalogue.ngettext(self._template, self._plural, self._count)
        if WRITING[known].has_spaced_punctuation:
            template = with_french_spaces(template)
        return _filled(template, self._values, known)

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
    writing = WRITING[language_or_english(language)]
    signs: dict[str, str | int | None] = {
        ",": writing.thousands,
        ".": writing.decimal,
        "%": f"{writing.before_percent}%",
    }
    return format(number, spec).translate(str.maketrans(signs))


def with_french_spaces(text: str) -> str:
    """A French text whose blanks before `: ; ? !` and `%`, and inside guillemets, are narrow and do not break.

    >>> with_french_spaces("attendu : « 5 » !").count(NARROW_SPACE)
    4
    """
    return re.sub(r" (?=[:;?!%»])|(?<=«) ", NARROW_SPACE, text)


class _Filling(string.Formatter):
    """Puts values into a template as a reader of one language writes them."""

    def __init__(self, language: Language) -> None:
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
            return WRITING[self._language].day.format(day=value)
        if isinstance(value, (list, tuple)):
            return ", ".join(self.format_field(item, format_spec) for item in value)
        return "null" if value is None else str(value)


_FILLING: Final = {language: _Filling(language) for language in LANGUAGES}


def _filled(template: str, values: Mapping[str, Value], language: Language) -> str:
    return _FILLING[language].vformat(template, (), values)


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    """The sentences of a language; one that is not translated is in English."""
    try:
        return gettext.translation(DOMAIN, LOCALES, [language])
    except FileNotFoundError as missing:
        msg = f"language {language} has no catalogue {LOCALES.name}/{language}: run `make messages`"
        raise FileNotFoundError(msg) from missing
