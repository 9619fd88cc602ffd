"""Templates, and how numbers, money and days are written in them for a French or an English reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

from features.messages import LANGUAGES, WRITING, Language, Message, Text
from features.signal_labels import SIGNAL_LABEL
from features.words import SEGMENT_WORDS
from models.explanation.wording import days, number, percent
from serving.dunning.writing import written_amount, written_day
from serving.messages.language import accepted_language
from serving.messages.refusals import RefusalError

STATIC: Final = Path(__file__).parent / "static"
UNKNOWN: Final = "—"
#: Only this site's own style sheet and images, no script, and forms that post to this site only.
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "content-type": "text/html; charset=utf-8",
    "referrer-policy": "same-origin",  # with none at all, browsers hide where a form comes from
    "vary": "Cookie, Accept-Language",
}


def render(template: str, language: Language, values: Mapping[str, Any], status: int = 200) -> Response:
    """One page.

    Args:
        template: file name of the template.
        language: of the reader.
        values: what the template shows.
        status: HTTP status.
    """
    text = _environment(language).get_template(template).render(**values, language=language)
    return Response(text, status, headers=HEADERS)


def render_refusal(
    refusal: RefusalError,
    language: Language,
    reader: object,
    path: str,
    navigation: Sequence[tuple[str, Message]] = (),
) -> Response:
    """A refusal as a page.

    Args:
        refusal: what was refused.
        language: of the reader.
        reader: who has signed in; null for nobody.
        path: of the address requested.
        navigation: address and title of the pages shown to a reader who has signed in.
    """
    values = {
        "reader": reader,
        "path": path,
        "navigation": navigation,
        "other_language": "/tonight?",
        "refusal": refusal.answer(language).error,
        "status": refusal.status,
    }
    response = render("refusal.html", language, values, refusal.status)
    response.headers.update(refusal.headers)
    return response


def language_of(asked: str | None, cookie: str | None, accepted: str) -> Language:
    """The language of a page: as requested, else as chosen before, else as the browser prefers.

    Args:
        asked: language in the address.
        cookie: what was chosen before.
        accepted: the browser's `Accept-Language`.
    """
    for candidate in (asked, cookie):
        for language in LANGUAGES:
            if candidate == language:
                return language
    return accepted_language(accepted)


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("serving.pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def amount(value: Decimal | None, currency: str) -> str:
        return UNKNOWN if value is None else f"{written_amount(value, language)}\u00a0{currency}"

    def day(value: dt.date | None) -> str:
        return UNKNOWN if value is None else written_day(value, language)

    def chance(value: float | None) -> str:
        return UNKNOWN if value is None else percent(value, language)

    def signal(name: str) -> str:
        label = SIGNAL_LABEL.get(name)
        return name if label is None else Text(label.shown_fr, label.shown_en).in_language(language)

    def text(value: Text | None) -> str:
        return "" if value is None else value.in_language(language)

    segments: dict[str, str] = {name: text.in_language(language) for name, text in SEGMENT_WORDS.items()}
    environment.globals.update(
        languages=WRITING,
        _=lambda template, **values: Message(template, None, None, values).in_language(language),
        plural=lambda one, many, count: Message(one, many, count, {"count": count}).in_language(language),
    )
    environment.filters.update(
        amount=amount,
        day=day,
        chance=chance,
        written_day=lambda text: day(dt.date.fromisoformat(text[:10])),
        points=lambda value: number(100.0 * value, language),
        text=text,
        signal=signal,
        value=lambda value: day(value) if isinstance(value, dt.date) else value,
        days=lambda value: UNKNOWN if value is None else days(value, language),
        segment=lambda name: segments.get(name, name or UNKNOWN),
        path=lambda text: quote(str(text), safe="/"),
    )
    return environment
