"""Decides which mentions do not count, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from features.email.mentions.cue_language import translate_cue
from features.email.mentions.searching import CueHit, CueSearcher, lay_out
from features.email.qualifiers import patterns
from features.email.values import Mention

NEGATED, HYPOTHETICAL, PAST, THIRD_PARTY, OTHER_SENSE, QUESTION = (
    "negated",
    "hypothetical",
    "past",
    "third_party",
    "other_sense",
    "question",
)
_INNER_NEGATION_LABELS = frozenset({"promise_to_pay", "payment_sent", "organisational_change"})
_UNQUALIFIED_LABELS = frozenset({"hostile_tone"})
_NEGATION_REACH = 4
_NEGATION_REACH_VERB = 3


_NAMES = (
    "PSEUDO_NEGATIONS",
    "HYPOTHETICAL",
    "CONDITIONAL_PROMISE",
    "PAST_OR_SETTLED",
    "THIRD_PARTY",
    "ANOTHER_COMPANY",
    "OWN_SUBJECT",
    "OTHER_SENSE",
)
_SETTLING = frozenset(patterns.RESOLUTION_WITHIN_MAIL)


@dataclass(frozen=True, slots=True)
class QualifyingWords:
    """Expressions in a mail that may take mentions out of the count, by kind.

    Attributes:
        hits: for each kind, the places found.
        settling: how many say that a matter is over ("all good now", "oubliez ma réclamation").
    """

    hits: dict[str, list[CueHit]]
    settling: int

    def in_sentence(self, kind: str, sentence: int) -> list[CueHit]:
        """Places of one kind in one sentence."""
        return [hit for hit in self.hits[kind] if hit.sentence == sentence]

    def count(self, kind: str) -> int:
        """How many places of one kind the mail holds."""
        return len(self.hits[kind])


@cache
def _searcher() -> tuple[CueSearcher, tuple[tuple[str, bool], ...]]:
    entries = [(name, text) for name in _NAMES for text in getattr(patterns, name)]
    searcher = CueSearcher([translate_cue(text, {}) for _, text in entries])
    return searcher, tuple((name, text in _SETTLING) for name, text in entries)


def find_qualifying_words(words: Sequence[str], sentences: Sequence[tuple[int, int]]) -> QualifyingWords:
    """Every qualifying expression of a mail, found in one pass."""
    searcher, kinds = _searcher()
    hits: dict[str, list[CueHit]] = {name: [] for name in _NAMES}
    settling = 0
    for hit in searcher.search(lay_out(words, sentences)):
        name, is_settling = kinds[hit.number]
        hits[name].append(hit)
        settling += is_settling
    return QualifyingWords(hits, settling)


def qualify_mentions(
    mentions: list[Mention],
    words: tuple[str, ...],
    sentences: tuple[tuple[int, int], ...],
    clause_starts: frozenset[int],
    found: QualifyingWords,
) -> None:
    """Writes on each mention why it does not count; a mention without a qualifier counts.

    Negation holds within the clause, before the words (or inside them for promises, payments and changes);
    supposition, the past and other companies hold within the sentence; another sense holds for the words it covers.
    An insolvency is another company's unless the sender is the last one named before it.
    """
    by_sentence: dict[int, list[Mention]] = {}
    for mention in mentions:
        by_sentence.setdefault(mention.sentence, []).append(mention)
    for number, group in by_sentence.items():
        first, end = sentences[number]
        negations = _negations(words, first, end, found.in_sentence("PSEUDO_NEGATIONS", number))
        hypothetical = found.in_sentence("HYPOTHETICAL", number)
        conditional = found.in_sentence("CONDITIONAL_PROMISE", number)
        past = found.in_sentence("PAST_OR_SETTLED", number)
        third_party = found.in_sentence("THIRD_PARTY", number)
        another = found.in_sentence("ANOTHER_COMPANY", number)
        own_subject = found.in_sentence("OWN_SUBJECT", number)
        other_sense = found.in_sentence("OTHER_SENSE", number)
        is_question = "?" in words[max(first, end - 2) : end]
        for mention in group:
            if any(hit.start < mention.end and mention.start < hit.end for hit in other_sense):
                mention.qualifiers.append(OTHER_SENSE)
            if is_question:
                mention.qualifiers.append(QUESTION)
            if mention.label in _UNQUALIFIED_LABELS:
                continue
            if _is_negated(mention, negations, clause_starts):
                mention.qualifiers.append(NEGATED)
            if hypothetical or (mention.label == "promise_to_pay" and conditional):
                mention.qualifiers.append(HYPOTHETICAL)
            if past and mention.label not in ("payment_sent", "promise_to_pay"):
                mention.qualifiers.append(PAST)
            if mention.label == "insolvency":
                is_of_another = _is_of_another(
                    mention, [*third_party, *_beside(mention, another)], own_subject
                )
            else:
                is_of_another = bool(third_party)
            if is_of_another:
                mention.qualifiers.append(THIRD_PARTY)


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
    return [
        index
        for index in range(first, end)
        if (
            words[index] in patterns.NEGATIONS
            or (words[index] == "t" and index > first and words[index - 1][-1] == "n")
        )
        and not any(hit.start <= index < hit.end for hit in pseudo)
    ]


def _is_negated(mention: Mention, negations: list[int], clause_starts: frozenset[int]) -> bool:
    start, end = mention.start, mention.end
    if mention.label in _INNER_NEGATION_LABELS:
        reach, stop = _NEGATION_REACH_VERB, end
    elif mention.is_negatable:
        reach, stop = _NEGATION_REACH, start
    else:
        return False
    return any(
        start - reach <= index < stop and not any(index < boundary <= start for boundary in clause_starts)
        for index in negations
    )
