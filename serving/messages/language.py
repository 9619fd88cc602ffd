"""The language of an answer: French or English, as the caller's `Accept-Language` prefers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from features.messages import LANGUAGES, Language

#: An answer in one of several languages names its own, and what it depends on.
LANGUAGE_HEADER: Final = "accept-language"


def accepted_language(header: str) -> Language:
    """The language a caller prefers, by the weights of RFC 9110 (12.5.4); English where neither is named.

    >>> accepted_language("de, fr-FR;q=0.8, en;q=0.5")
    'fr'
    """
    preferred: dict[Language, float] = {}
    for part in header.split(","):
        tag, _, parameters = part.partition(";")
        for language in LANGUAGES:
            if tag.strip().lower().split("-")[0] == language:
                preferred[language] = max(_weight(parameters), preferred.get(language, 0.0))
    wanted = {language: weight for language, weight in preferred.items() if weight > 0.0}
    return max(wanted, key=lambda language: wanted[language], default="en")


def language_of_request(headers: Iterable[tuple[bytes, bytes]]) -> Language:
    """The language that the raw headers of a request prefer; several headers count as one list."""
    given = [value.decode("latin-1") for name, value in headers if name.lower() == LANGUAGE_HEADER.encode()]
    return accepted_language(",".join(given))


def language_headers(language: Language) -> dict[str, str]:
    """The headers of an answer whose sentences are in one language of two."""
    return {"content-language": language, "vary": "Accept-Language"}


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
