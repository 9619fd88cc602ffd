"""spaCy component ``email_mentions``: finds the words that speak for the ten labels."""

from __future__ import annotations

from spacy.language import Language
from spacy.tokens import Doc

from features.email.components import reading_of
from features.email.mentions.matcher import MentionMatcher, load_matcher

NAME = "email_mentions"


class MentionComponent:
    """Finds mentions and leaves their meaning to the qualifiers.

    >>> matcher = load_matcher()
    >>> found = matcher.find(("nous", "sommes", "en", "redressement", "judiciaire"), ((0, 5),))
    >>> {mention.label for mention in found if mention.is_strong}
    {'insolvency'}
    """

    def __init__(self, matcher: MentionMatcher) -> None:
        self._matcher = matcher

    def __call__(self, doc: Doc) -> Doc:
        """Fills the mentions of the reading."""
        reading = reading_of(doc)
        reading.mentions = self._matcher.find(reading.words, reading.sentence_words)
        return doc


@Language.factory(NAME)
def create_mention_component(nlp: Language, name: str) -> MentionComponent:
    """Component for a blank pipeline."""
    return MentionComponent(load_matcher())
