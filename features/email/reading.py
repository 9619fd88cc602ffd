"""From a mail to its reading: own text, language, machine or person, then a spaCy pipeline of four components."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from features.email.amounts import find_amounts
from features.email.auto_reply import is_auto_reply
from features.email.cues import QualifyingWords, find_qualifying_words, load_matcher, qualify_mentions
from features.email.folding import fold, fold_words
from features.email.language import detect_language
from features.email.own_text import OwnText, isolate_own_text
from features.email.sentences import MailTokenizer, split_sentences
from features.email.time_expressions import find_time_expressions
from features.email.values import Amount, Mail, Mention, TimeExpression

COMPONENTS = ("email_sentences", "email_moments", "email_mentions", "email_qualifiers")
LONGEST_TEXT = 20_000
"""Characters of own text that are read; a longer mail is a pasted document and its head decides."""
_BATCH = 512
_EXTENSION = "email_reading"
_CLAUSE_WORDS = frozenset(
    "mais but however cependant toutefois par because although whereas donc car and et".split()  # noqa: SIM905
)
_CLAUSE_MARK = re.compile(r"[,;:()\-]\s|\n")


@dataclass(slots=True)
class Reading:
    """What is known about one mail while it passes through the components.

    Attributes:
        text: sender's own text, its own subject line first when it wrote one.
        sent_on: day the mail was sent.
        language: ``fr``, ``en`` or ``mixed``.
        country: whose days off apply to the days it names (ISO 3166 alpha-2); null: weekends only.
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


@dataclass(slots=True)
class ReadMail:
    """A mail with its reading: everything the decision needs, free of spaCy objects."""

    mail: Mail
    own: OwnText
    reading: Reading
    auto_reply: bool


if not Doc.has_extension(_EXTENSION):
    Doc.set_extension(_EXTENSION, default=None)


def reading_of(doc: Doc) -> Reading:
    """The reading attached to a document.

    Raises:
        ValueError: the document did not come from ``read_mails``.
    """
    reading = doc._.get(_EXTENSION)
    if not isinstance(reading, Reading):
        raise ValueError("the document carries no mail: read mails with read_mails")
    return reading


@Language.component("email_sentences", assigns=["token.is_sent_start"])
def mark_sentences(doc: Doc) -> Doc:
    """Fills the sentences of the reading and the sentence starts of the document."""
    reading = reading_of(doc)
    reading.sentences = split_sentences(reading.text)
    starts = {start for start, _ in reading.sentences}
    for token in doc:
        if token.idx in starts:
            token.is_sent_start = True
    return doc


@Language.component("email_moments")
def mark_moments(doc: Doc) -> Doc:
    """Fills moments, sums, folded words (both masked in them), sentence words and clause starts of the reading."""
    reading = reading_of(doc)
    reading.folded = fold(reading.text)
    reading.moments = find_time_expressions(
        reading.folded, reading.sent_on, reading.language, reading.country
    )
    reading.amounts = find_amounts(_without_moments(reading))
    folded = fold_words(reading.folded, reading.moments, reading.amounts)
    reading.words, reading.word_starts, reading.word_ends = folded.words, folded.starts, folded.ends
    reading.sentence_words = tuple(
        (bisect_left(folded.starts, start), bisect_left(folded.starts, end))
        for start, end in reading.sentences
    )
    reading.clause_starts = frozenset(
        index
        for index in range(1, len(folded.words))
        if folded.words[index] in _CLAUSE_WORDS
        or _CLAUSE_MARK.search(reading.folded[folded.ends[index - 1] : folded.starts[index]] + " ")
    )
    return doc


def _without_moments(reading: Reading) -> str:
    """Folded text with the moments blanked, so that a year is never read as money; places stay the same."""
    text = reading.folded
    for moment in reading.moments:
        text = text[: moment.start] + "\x1f" * (moment.end - moment.start) + text[moment.end :]
    return text


@Language.component("email_mentions")
def mark_mentions(doc: Doc) -> Doc:
    """Fills the mentions of the reading: the words that speak for a label."""
    reading = reading_of(doc)
    reading.mentions = load_matcher().find(reading.words, reading.sentence_words)
    return doc


@Language.component("email_qualifiers")
def mark_qualifiers(doc: Doc) -> Doc:
    """Fills the qualifying words of the reading and the qualifiers of every mention.

    "Aucun litige sur cette facture" contains a mention of a dispute, negated; "la liquidation de la dépense" contains
    one of insolvency, in another sense. Such mentions are stored with their reason, so that a person can see why.
    """
    reading = reading_of(doc)
    reading.qualifying = find_qualifying_words(reading.words, reading.sentence_words)
    qualify_mentions(
        reading.mentions, reading.words, reading.sentence_words, reading.clause_starts, reading.qualifying
    )
    return doc


@cache
def mail_pipeline() -> Language:
    """The blank pipeline with the e-mail components, one for both languages.

    It starts from spaCy's language-neutral class: the French one compiles tokenizer exceptions for longer than
    everything else here takes to start, and mails have a tokenizer of their own. The language of each mail is detected
    from its own words and travels in the reading.
    """
    nlp = spacy.blank("xx")
    nlp.max_length = LONGEST_TEXT + 1
    nlp.tokenizer = MailTokenizer(nlp.vocab)
    for component in COMPONENTS:
        nlp.add_pipe(component)
    load_matcher()
    return nlp


def read_mails(mails: Iterable[Mail]) -> Iterator[ReadMail]:
    """Readings of mails, in their order; memory stays flat whatever their number."""
    nlp = mail_pipeline()
    remaining = iter(mails)
    while batch := list(islice(remaining, _BATCH)):
        done = [_isolated(mail) for mail in batch]
        with nlp.memory_zone():
            for _ in nlp.pipe(_document(nlp, read.reading) for read in done):
                pass
        yield from done


def _isolated(mail: Mail) -> ReadMail:
    """A mail with its own text and language, before the pipeline has read it."""
    own = isolate_own_text(mail.subject, mail.body)
    text = f"{own.subject}\n{own.text}" if own.subject and own.text else own.text or own.subject
    language = detect_language(own.text, own.full_subject)
    reading = Reading(text[:LONGEST_TEXT], mail.sent_at, language, mail.calendar_country(language))
    return ReadMail(mail, own, reading, is_auto_reply(own.full_subject, own.text))


def _document(nlp: Language, reading: Reading) -> Doc:
    doc = nlp.make_doc(reading.text)
    doc._.set(_EXTENSION, reading)
    return doc
