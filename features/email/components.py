"""What the spaCy components share: one reading per document, filled step by step."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from spacy.tokens import Doc

from features.email.qualifiers.qualifying import QualifyingWords
from features.email.values import Amount, Mention, TimeExpression

EXTENSION = "email_reading"


@dataclass(slots=True)
class Reading:
    """What is known about one mail while it passes through the components.

    Attributes:
        text: sender's own text, its own subject line first when it wrote one.
        sent_on: day the mail was sent.
        language: ``fr``, ``en`` or ``mixed``.
        country: whose days off hold for the days it names (ISO 3166 alpha-2); null: weekends only.
        sentences: character spans of the sentences.
        folded: text folded, same length.
        moments: moments named, in reading order.
        amounts: sums named, in reading order.
        words: folded words with moments and sums masked.
        word_starts: first character of each word.
        word_ends: character after the last of each word.
        sentence_words: first word and word after the last of each sentence.
        clause_starts: words that open a clause (after a comma, a colon, a bracket or "mais", "but").
        mentions: mentions found and qualified.
        qualifying: expressions that may take mentions out of the count.
    """

    text: str
    sent_on: dt.date
    language: str
    country: str | None = None
    sentences: tuple[tuple[int, int], ...] = ()
    folded: str = ""
    moments: tuple[TimeExpression, ...] = ()
    amounts: tuple[Amount, ...] = ()
    words: tuple[str, ...] = ()
    word_starts: tuple[int, ...] = ()
    word_ends: tuple[int, ...] = ()
    sentence_words: tuple[tuple[int, int], ...] = ()
    clause_starts: frozenset[int] = frozenset()
    mentions: list[Mention] = field(default_factory=list)
    qualifying: QualifyingWords | None = None


def reading_of(doc: Doc) -> Reading:
    """The reading attached to a document.

    Raises:
        ValueError: the document did not come from the signal pipeline.
    """
    reading = doc._.get(EXTENSION)
    if not isinstance(reading, Reading):
        raise ValueError("the document carries no mail: build it with SignalPipeline")
    return reading


if not Doc.has_extension(EXTENSION):
    Doc.set_extension(EXTENSION, default=None)
