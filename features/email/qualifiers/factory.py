"""spaCy component ``email_qualifiers``: says which mentions do not count, and why."""

from __future__ import annotations

from spacy.language import Language
from spacy.tokens import Doc

from features.email.components import reading_of
from features.email.qualifiers.qualifying import find_qualifying_words, qualify_mentions

NAME = "email_qualifiers"


class QualifierComponent:
    """Marks denied, supposed, settled, foreign, figurative and merely asked mentions.

    "Aucun litige sur cette facture" holds a mention of a dispute, negated; "la liquidation de la dépense" holds one
    of insolvency, in another sense. Such mentions are kept with their reason, so that a person can see why.
    """

    def __call__(self, doc: Doc) -> Doc:
        """Fills the qualifying words of the reading and the qualifiers of every mention."""
        reading = reading_of(doc)
        reading.qualifying = find_qualifying_words(reading.words, reading.sentence_words)
        qualify_mentions(
            reading.mentions, reading.words, reading.sentence_words, reading.clause_starts, reading.qualifying
        )
        return doc


@Language.factory(NAME)
def create_qualifier_component(nlp: Language, name: str) -> QualifierComponent:
    """Component for a blank pipeline."""
    return QualifierComponent()
