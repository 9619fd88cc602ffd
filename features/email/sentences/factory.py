"""spaCy component ``email_sentences``: sets sentence starts on the document."""

from __future__ import annotations

from spacy.language import Language
from spacy.tokens import Doc

from features.email.components import reading_of
from features.email.sentences.splitting import split_sentences

NAME = "email_sentences"


class SentenceComponent:
    """Marks where the sentences of an informal mail begin.

    Line ends count, abbreviations and soft-wrapped lines do not:

    >>> split_sentences("Bonjour M. Lenoir, rien reçu. Merci de renvoyer")
    ((0, 29), (30, 47))
    """

    def __call__(self, doc: Doc) -> Doc:
        """Fills the sentences of the reading and the sentence starts of the document."""
        reading = reading_of(doc)
        reading.sentences = split_sentences(reading.text)
        starts = {start for start, _ in reading.sentences}
        for token in doc:
            if token.idx in starts:
                token.is_sent_start = True
        return doc


@Language.factory(NAME)
def create_sentence_component(nlp: Language, name: str) -> SentenceComponent:
    """Component for a blank pipeline."""
    return SentenceComponent()
