"""spaCy component ``email_moments``: moments, sums of money and folded words of the sender's own text."""

from __future__ import annotations

import re
from bisect import bisect_left

from spacy.language import Language
from spacy.tokens import Doc

from features.email.amounts import find_amounts
from features.email.components import Reading, reading_of
from features.email.folding import fold, fold_words
from features.email.time_expressions.finding import find_time_expressions

NAME = "email_moments"
_CLAUSE_WORDS = frozenset(
    {
        "mais",
        "but",
        "however",
        "cependant",
        "toutefois",
        "par",
        "because",
        "although",
        "whereas",
        "donc",
        "car",
        "and",
        "et",
    }
)
_CLAUSE_MARK = re.compile(r"[,;:()\-]\s|\n")


class MomentComponent:
    """Finds what is dated and what is money, and replaces both by masks in the folded words.

    Dates are resolved from the day the mail was sent (5 January 2026 is a Monday):

    >>> import datetime
    >>> [m.on.isoformat() for m in find_time_expressions("lundi en quinze", datetime.date(2026, 1, 5), "fr")]
    ['2026-01-26']
    """

    def __call__(self, doc: Doc) -> Doc:
        """Fills moments, sums, folded words, sentence words and clause starts of the reading."""
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


@Language.factory(NAME)
def create_moment_component(nlp: Language, name: str) -> MomentComponent:
    """Component for a blank pipeline."""
    return MomentComponent()
