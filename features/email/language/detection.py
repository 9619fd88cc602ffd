"""Counts telling words per clause; two languages count only when both carry content."""

from __future__ import annotations

import re

from features.email.folding import fold
from features.email.language.patterns import ENGLISH, FRENCH

_CLAUSE = re.compile(r"[.!?;:,\n()/\-–—]+")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_ONLY_FRENCH, _ONLY_ENGLISH = FRENCH - ENGLISH, ENGLISH - FRENCH
_ACCENTED = re.compile(r"[éèêàùçôîûœ]", re.I)
MINOR_WORDS = 4
MINOR_SHARE = 0.17
_GREETING = frozenset(
    [
        "hello",
        "hi",
        "dear",
        "bonjour",
        "merci",
        "thanks",
        "thank",
        "regards",
        "cordialement",
        "cheers",
        "best",
        "kind",
        "bises",
        "you",
        "vous",
        "sorry",
    ]
)


def detect_language(text: str, subject: str = "") -> str:
    """``fr``, ``en`` or ``mixed`` for the sender's own text; the subject decides when the text says nothing.

    ``mixed`` needs whole clauses in each language: a greeting or one foreign word does not count.
    """
    french, english, french_content, english_content = _counts(text)
    if french + english == 0:
        french, english, _, _ = _counts(subject)
        return "en" if english > french else "fr"
    minor = min(french_content, english_content)
    if minor >= MINOR_WORDS and minor / max(french_content + english_content, 1) >= MINOR_SHARE:
        return "mixed"
    return "fr" if french > english or (french == english and _ACCENTED.search(text)) else "en"


def _counts(text: str) -> tuple[int, int, int, int]:
    """Telling words of each language, and words in clauses that belong to each language."""
    french = english = french_content = english_content = 0
    for clause in _CLAUSE.split(fold(text)):
        words = [
            part
            for word in _WORD.findall(clause)
            for part in ((word,) if word in ENGLISH else word.split("'"))
        ]
        in_french = sum(word in _ONLY_FRENCH for word in words)
        in_english = sum(word in _ONLY_ENGLISH for word in words)
        french += in_french
        english += in_english
        content = [word for word in words if word not in _GREETING]
        if in_french > in_english and len(content) >= 2:
            french_content += len(content)
        elif in_english > in_french and len(content) >= 2:
            english_content += len(content)
    return french, english, french_content, english_content
