"""spaCy component ``email_qualifiers``: says which mentions do not count, and why."""

from __future__ import annotations

from spacy.language import Language
from spacy.tokens import Doc

from features.email_signals.components import reading_of
from features.email_signals.qualifiers.qualifying import qualify_mentions

NAME = "email_qualifiers"


class QualifierComponent:
    """Marks denied, supposed, settled, foreign, figurative and merely asked mentions.

    "Aucun litige sur cette facture" holds a mention of a dispute, negated; "la liquidation de la dépense" holds one
    of insolvency, in another sense. Such mentions are kept with their reason, so that a person can see why.
    """

    def __call__(self, doc: Doc) -> Doc:
        """Fills the qualifiers of every mention of the reading."""
        reading = reading_of(doc)
        qualify_mentions(reading.mentions, reading.words, reading.sentence_words, reading.clause_starts)
        return doc


@Language.factory(NAME)
def create_qualifier_component(nlp: Language, name: str) -> QualifierComponent:
    """Component for a blank pipeline."""
    return QualifierComponent()
