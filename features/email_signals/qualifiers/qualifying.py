"""Decides which mentions do not count, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from features.email_signals.mentions.cue_language import translate_cue
from features.email_signals.qualifiers import patterns
from features.email_signals.values import Mention

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


@dataclass(frozen=True, slots=True)
class _Cues:
    """Compiled expressions of one qualifier, with the strings that must be present."""

    alternatives: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]

    def spans(self, line: str) -> list[tuple[int, int]]:
        return [
            match.span()
            for pattern, needles in self.alternatives
            if not needles or any(needle in line for needle in needles)
            for match in pattern.finditer(line)
        ]


@cache
def _cues(name: str) -> _Cues:
    compiled = []
    for text in getattr(patterns, name):
        expression, needles = translate_cue(text, {})
        compiled.append((re.compile(expression), needles))
    return _Cues(tuple(compiled))


def qualify_mentions(
    mentions: list[Mention],
    words: tuple[str, ...],
    sentences: tuple[tuple[int, int], ...],
    clause_starts: frozenset[int],
) -> None:
    """Writes on each mention why it does not count; a mention without a qualifier counts.

    Negation holds within the clause, before the words (or inside them for promises, payments and changes);
    supposition, the past and other companies hold within the sentence; another sense holds for the words it covers.
    """
    by_sentence: dict[int, list[Mention]] = {}
    for mention in mentions:
        by_sentence.setdefault(mention.sentence, []).append(mention)
    for number, group in by_sentence.items():
        first, end = sentences[number]
        _qualify_sentence(group, words[first:end], first, clause_starts)


def _qualify_sentence(
    mentions: list[Mention], words: tuple[str, ...], first: int, clause_starts: frozenset[int]
) -> None:
    line = " " + " ".join(words) + " "
    offsets = [1]
    for word in words:
        offsets.append(offsets[-1] + len(word) + 1)
    hypothetical = _cues("HYPOTHETICAL").spans(line)
    conditional = _cues("CONDITIONAL_PROMISE").spans(line)
    past = _cues("PAST_OR_SETTLED").spans(line)
    third_party = _cues("THIRD_PARTY").spans(line)
    other_sense = _cues("OTHER_SENSE").spans(line)
    pseudo = _cues("PSEUDO_NEGATIONS").spans(line)
    negations = [
        index
        for index, word in enumerate(words)
        if (word in patterns.NEGATIONS or (word == "t" and index and words[index - 1].endswith("n")))
        and not any(start <= offsets[index] < stop for start, stop in pseudo)
    ]
    is_question = "?" in words[-2:]
    for mention in mentions:
        begin, stop = offsets[mention.start - first], offsets[mention.end - first]
        if _overlaps(other_sense, begin, stop):
            mention.qualifiers.append(OTHER_SENSE)
        if is_question:
            mention.qualifiers.append(QUESTION)
        if mention.label in _UNQUALIFIED_LABELS:
            continue
        if _is_negated(mention, negations, first, clause_starts):
            mention.qualifiers.append(NEGATED)
        if hypothetical or (mention.label == "promise_to_pay" and conditional):
            mention.qualifiers.append(HYPOTHETICAL)
        if past and mention.label not in ("payment_sent", "promise_to_pay"):
            mention.qualifiers.append(PAST)
        if third_party:
            mention.qualifiers.append(THIRD_PARTY)


def _overlaps(spans: Sequence[tuple[int, int]], begin: int, stop: int) -> bool:
    return any(start < stop and begin < end for start, end in spans)


def _is_negated(mention: Mention, negations: list[int], first: int, clause_starts: frozenset[int]) -> bool:
    start, end = mention.start - first, mention.end - first
    if mention.label in _INNER_NEGATION_LABELS:
        reach, stop = _NEGATION_REACH_VERB, end
    elif mention.is_negatable:
        reach, stop = _NEGATION_REACH, start
    else:
        return False
    for index in negations:
        if start - reach <= index < stop and not any(
            index < boundary - first <= start for boundary in clause_starts
        ):
            return True
    return False


def count_settling_words(words: tuple[str, ...]) -> int:
    """How many expressions in the whole mail say that a matter is over ("all good now", "oubliez ma réclamation")."""
    return len(_cues("RESOLUTION_WITHIN_MAIL").spans(" " + " ".join(words) + " "))


def count_qualifying_words(words: tuple[str, ...], name: str) -> int:
    """How many expressions of one qualifier the mail holds, mentions or not."""
    return len(_cues(name).spans(" " + " ".join(words) + " "))
