"""Qualifiers: which mentions do not count (denied, supposed, over, somebody else's, another sense, a question)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from features.email.cues.cue_language import CUES_FOLDER, read_sections, translate_cue
from features.email.cues.searching import CueHit, CueSearcher, lay_out
from features.email.values import Mention
from features.signal_labels import SIGNAL_LABEL

_QUALIFIERS_FILE = CUES_FOLDER / "qualifiers.txt"
_NEGATION_REACH = 4
_NEGATION_REACH_VERB = 3


@dataclass(frozen=True, slots=True)
class QualifyingWords:
    """Expressions in a mail that may take mentions out of the count, by kind.

    Attributes:
        hits: for each kind (the sections of ``lists/qualifiers.txt``), the places found.
    """

    hits: dict[str, list[CueHit]]

    def in_sentence(self, kind: str, sentence: int) -> list[CueHit]:
        """Places of one kind in one sentence."""
        return [hit for hit in self.hits[kind] if hit.sentence == sentence]

    def count(self, kind: str) -> int:
        """How many places of one kind the mail contains."""
        return len(self.hits[kind])


@cache
def _expressions() -> tuple[CueSearcher, tuple[str, ...], frozenset[str]]:
    """Searcher of all qualifying expressions, the kind of each, and the words that deny."""
    listed = [(next(iter(section)), text) for section, text in read_sections(_QUALIFIERS_FILE)]
    expressions = [(kind, text) for kind, text in listed if kind != "negation"]
    searcher = CueSearcher([translate_cue(text, {}) for _, text in expressions])
    negations = frozenset(text for kind, text in listed if kind == "negation")
    return searcher, tuple(kind for kind, _ in expressions), negations


def find_qualifying_words(words: Sequence[str], sentences: Sequence[tuple[int, int]]) -> QualifyingWords:
    """Every qualifying expression of a mail, found in one pass."""
    searcher, kinds, _ = _expressions()
    hits: dict[str, list[CueHit]] = {kind: [] for kind in kinds}
    for hit in searcher.search(lay_out(words, sentences)):
        hits[kinds[hit.number]].append(hit)
    return QualifyingWords(hits)


def qualify_mentions(
    mentions: list[Mention],
    words: tuple[str, ...],
    sentences: tuple[tuple[int, int], ...],
    clause_starts: frozenset[int],
    found: QualifyingWords,
) -> None:
    """Writes on each mention why it does not count; a mention without a qualifier counts.

    Negation applies within the clause, before the words (or inside them for promises, payments and changes);
    supposition, the past and other companies apply within the sentence; another sense applies to the words it covers.
    An insolvency is another company's unless the sender is the last one named before it.
    """
    by_sentence: dict[int, list[Mention]] = {}
    for mention in mentions:
        by_sentence.setdefault(mention.sentence, []).append(mention)
    for number, group in by_sentence.items():
        first, end = sentences[number]
        negations = _negations(words, first, end, found.in_sentence("pseudo_negation", number))
        hypothetical = found.in_sentence("hypothetical", number)
        conditional = found.in_sentence("conditional_promise", number)
        past = found.in_sentence("past", number) or found.in_sentence("settled", number)
        third_party = found.in_sentence("third_party", number)
        another = found.in_sentence("another_company", number)
        own_subject = found.in_sentence("own_subject", number)
        other_sense = found.in_sentence("other_sense", number)
        is_question = "?" in words[max(first, end - 2) : end]
        for mention in group:
            if any(hit.start < mention.end and mention.start < hit.end for hit in other_sense):
                mention.qualifiers.append("other_sense")
            if is_question:
                mention.qualifiers.append("question")
            label = SIGNAL_LABEL[mention.label]
            if label.negation == "nowhere":
                continue
            if _is_negated(mention, negations, clause_starts):
                mention.qualifiers.append("negated")
            if hypothetical or (mention.label == "promise_to_pay" and conditional):
                mention.qualifiers.append("hypothetical")
            if past and label.can_be_over:
                mention.qualifiers.append("past")
            if mention.label == "insolvency":
                is_of_another = _is_of_another(
                    mention, [*third_party, *_beside(mention, another)], own_subject
                )
            else:
                is_of_another = bool(third_party)
            if is_of_another:
                mention.qualifiers.append("third_party")


def _beside(mention: Mention, another: list[CueHit]) -> list[CueHit]:
    """Other companies named before a mention, or right after it as its owner: "the liquidation of our customer"."""
    return [hit for hit in another if hit.start <= mention.end + 1]


def _is_of_another(mention: Mention, others: list[CueHit], own_subject: list[CueHit]) -> bool:
    """Whether a mention is another company's: one is named, and the sender is not the last subject before it.

    "Our customer failed and we went into administration" is the sender's own.
    """
    last_own = max((hit.end for hit in own_subject if hit.end <= mention.start + 1), default=-1)
    last_other = max((hit.end for hit in others if hit.end <= mention.start + 1), default=-1)
    return bool(others) and last_own <= last_other


def _negations(words: tuple[str, ...], first: int, end: int, pseudo: list[CueHit]) -> list[int]:
    _, _, denying = _expressions()
    return [
        index
        for index in range(first, end)
        if (
            words[index] in denying or (words[index] == "t" and index > first and words[index - 1][-1] == "n")
        )
        and not any(hit.start <= index < hit.end for hit in pseudo)
    ]


def _is_negated(mention: Mention, negations: list[int], clause_starts: frozenset[int]) -> bool:
    start, end = mention.start, mention.end
    if SIGNAL_LABEL[mention.label].negation == "inside":
        reach, stop = _NEGATION_REACH_VERB, end
    elif mention.is_negatable:
        reach, stop = _NEGATION_REACH, start
    else:
        return False
    return any(
        start - reach <= index < stop and not any(index < boundary <= start for boundary in clause_starts)
        for index in negations
    )
