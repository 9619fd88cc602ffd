"""Turns a reading into features: masked words and letter groups for the text, counts for the mentions.

Pure Python and the same code in training and at use, so that both see the same numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise

from features.email.concepts import concept_of
from features.email.cues import find_qualifying_words
from features.email.reading import Reading
from features.email.values import Mention
from features.signal_labels import LABELS, SIGNAL_LABEL

_MASKED_NUMBER = "_num"
_LETTERS = (4, 5, 6)
_STEM = 5
_LONG_STEM = 6
_REACH = 4
_REMEMBERED = 50_000
_DENIAL = "negation"
_SHORT = 16
_STOP = frozenset(["le", "la", "les", "de", "du", "des", "d", "l", "un", "une", "the", "a", "an", "of"])


def masked_words(words: Sequence[str]) -> list[str]:
    """Words with references and plain numbers masked, so that no invoice number is ever learnt."""
    return [_MASKED_NUMBER if any(c.isdigit() for c in word) else word for word in words]


def text_terms(words: Sequence[str], sentences: Sequence[tuple[int, int]]) -> Counter[str]:
    """Words, neighbours, stems, letter groups, pairs of stems and of concepts in a sentence; how often each occurs.

    Args:
        words: folded and masked words of the text.
        sentences: first word and word after the last of each sentence.
    """
    masked = masked_words(words)
    terms: Counter[str] = Counter(masked)
    terms.update(f"{a} {b}" for a, b in pairwise(masked))
    content = [word for word in masked if word not in _STOP]
    terms.update(f"{a}+{b}" for a, b in zip(content, content[2:], strict=False))
    stems = [word[:_STEM] for word in content]
    terms.update("^" + stem for stem in stems)
    terms.update(f"^{a} {b}" for a, b in pairwise(stems))
    for first, end in sentences:
        inside = [word[:_LONG_STEM] for word in masked[first:end] if word not in _STOP]
        for position, stem in enumerate(inside):
            terms.update(f"~{stem} {other}" for other in inside[position + 2 : position + _REACH + 1])
        terms.update(_concept_terms(masked[first:end]))
    for word in masked:
        terms.update(_letter_groups(word))
    return terms


@lru_cache(maxsize=_REMEMBERED)
def _letter_groups(word: str) -> tuple[str, ...]:
    """Groups of letters of a word, its ends marked; none for a mask or a word of one or two letters."""
    if word.startswith("_") or len(word) < 3:
        return ()
    padded = f"<{word}>"
    return tuple(
        "#" + padded[i : i + size]
        for size in _LETTERS
        if len(padded) > size
        for i in range(len(padded) - size + 1)
    )


def _concept_terms(words: Sequence[str]) -> Iterator[str]:
    """Concepts of one sentence, neighbours and pairs; where something is denied, all of it again as denied."""
    found = [concept for word in words if (concept := concept_of(word))]
    distinct = sorted(set(found))
    pairs = [f"{a} {b}" for a, b in combinations(distinct, 2)]
    yield from ("=" + concept for concept in found)
    yield from (f"={a} {b}" for a, b in pairwise(found))
    yield from ("=&" + pair for pair in pairs)
    if _DENIAL in distinct:
        yield from ("=!" + concept for concept in distinct)
        yield from ("=!" + pair for pair in pairs)


def cue_terms(mentions: Iterable[Mention]) -> list[str]:
    """One term for each cue that was found, marked when the mention does not count; in an order that never changes."""
    return sorted({f"cue:{m.cue}{'!' if _is_blocked(m) else ''}" for m in mentions})


def mail_terms(reading: Reading) -> Counter[str]:
    """All terms of a mail: those of its words and one for each cue."""
    terms = text_terms(reading.words, reading.sentence_words)
    terms.update(cue_terms(reading.mentions))
    return terms


def mention_feature_names() -> tuple[str, ...]:
    """Names of the mention features, in order."""
    names = [f"{label}:{kind}" for label in LABELS for kind in ("strong", "strong2", "weak", "qualified")]
    return (
        *names,
        "length",
        "question",
        "future",
        "past",
        "open_day",
        "money",
        "settling",
        "hypothetical",
        "third_party",
        "other_sense",
        "own_subject",
        "auto_reply",
        "french",
        "shouting",
        "digits",
        "short",
        "short_and_dated",
        "short_and_gone",
    )


def mention_features(reading: Reading, *, auto_reply: bool, has_own_subject: bool) -> list[float]:
    """Counts over the mentions and the mail, in the order of ``mention_feature_names``."""
    values: list[float] = []
    for label in LABELS:
        own = [m for m in reading.mentions if m.label == label]
        blocked = [_is_blocked(m) for m in own]
        strong = sum(m.is_strong and not b for m, b in zip(own, blocked, strict=True))
        weak = sum(not m.is_strong and not b for m, b in zip(own, blocked, strict=True))
        qualified = sum(blocked)
        values += [
            float(strong > 0),
            min(math.log1p(strong), 2.0),
            float(weak > 0),
            min(math.log1p(qualified), 1.5),
        ]
    found = reading.qualifying or find_qualifying_words(reading.words, reading.sentence_words)
    tenses = Counter(m.tense for m in reading.moments)
    letters = [c for c in reading.text if c.isalpha()]
    is_short = len(reading.words) <= _SHORT
    values += [
        math.log1p(len(reading.words)) / 4,
        float("?" in reading.words),
        float(tenses["future"] > 0),
        float(tenses["past"] + tenses["today"] > 0),
        float(tenses["open"] > 0),
        float(bool(reading.amounts)),
        min(found.count("settled"), 3) / 2,
        min(found.count("hypothetical"), 2) / 2,
        min(found.count("third_party"), 3) / 2,
        min(found.count("other_sense"), 2) / 2,
        float(has_own_subject),
        float(auto_reply),
        float(reading.language == "fr"),
        float(sum(c.isupper() for c in letters) > 0.25 * max(len(letters), 20)),
        min(sum(any(c.isdigit() for c in w) for w in reading.words), 6) / 4,
        float(is_short),
        float(is_short and tenses["future"] + tenses["open"] > 0 and "?" not in reading.words),
        float(is_short and tenses["past"] > 0),
    ]
    return values


def _is_blocked(mention: Mention) -> bool:
    """Whether a qualifier takes the mention out of the count of its label."""
    return not SIGNAL_LABEL[mention.label].blocked_by.isdisjoint(mention.qualifiers)
