"""From a mail to its reading: isolation, language, machine or person, then the spaCy components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

import spacy
from spacy.language import Language

import features.email.mentions.factory
import features.email.qualifiers.factory
import features.email.sentences.factory
import features.email.time_expressions.factory  # noqa: F401
from features.email.auto_reply import is_auto_reply
from features.email.components import EXTENSION, Reading
from features.email.language import detect_language
from features.email.own_text import OwnText, isolate_own_text
from features.email.sentences.tokenizer import MailTokenizer
from features.email.values import Mail

COMPONENTS = ("email_sentences", "email_moments", "email_mentions", "email_qualifiers")
LONGEST_TEXT = 20_000
"""Characters of own text that are read; a longer mail is a pasted document and its head decides."""
_BATCH = 512


@dataclass(slots=True)
class ReadMail:
    """A mail with its reading: everything the decision needs, free of spaCy objects."""

    mail: Mail
    own: OwnText
    reading: Reading
    auto_reply: bool


@cache
def mail_pipeline() -> Language:
    """The blank pipeline with the e-mail components, one for both languages.

    It starts from spaCy's language-neutral class: the French one compiles tokenizer exceptions for longer than
    everything else here takes to start, and mails have a tokenizer of their own. The language of each mail is told
    by its own words and travels in the reading.
    """
    nlp = spacy.blank("xx")
    nlp.max_length = LONGEST_TEXT + 1
    nlp.tokenizer = MailTokenizer(nlp.vocab)
    for component in COMPONENTS:
        nlp.add_pipe(component)
    return nlp


def read_mails(mails: Iterable[Mail]) -> Iterator[ReadMail]:
    """Readings of mails, in their order; memory stays flat whatever their number."""
    nlp = mail_pipeline()
    remaining = iter(mails)
    while batch := list(islice(remaining, _BATCH)):
        with nlp.memory_zone():
            done = [_read_one(mail, nlp) for mail in batch]
        yield from done


def _read_one(mail: Mail, nlp: Language) -> ReadMail:
    own = isolate_own_text(mail.subject, mail.body)
    text = f"{own.subject}\n{own.text}" if own.subject and own.text else own.text or own.subject
    text = text[:LONGEST_TEXT]
    language = detect_language(own.text, own.full_subject)
    reading = Reading(text, mail.sent_at, language, mail.calendar_country(language))
    doc = nlp.make_doc(text)
    doc._.set(EXTENSION, reading)
    for _, component in nlp.pipeline:
        doc = component(doc)
    return ReadMail(mail, own, reading, is_auto_reply(own.full_subject, own.text))
