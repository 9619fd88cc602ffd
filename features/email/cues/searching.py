"""Searches many cues in a mail at once, within sentence borders."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.email.cues.cue_language import SENTENCE_BORDER, CueExpression

_KEY = 3


@dataclass(frozen=True, slots=True)
class SentenceLine:
    """The folded words of a mail on one line, a border after each sentence, and the way back to the words.

    Attributes:
        line: words and borders, one space on either side of each.
        offsets: first character of each word and border in the line.
        positions: index of the word at each offset; a border has that of the word after it.
        numbers: sentence of each offset.
        keys: first letters of the words.
    """

    line: str
    offsets: tuple[int, ...]
    positions: tuple[int, ...]
    numbers: tuple[int, ...]
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class CueHit:
    """One cue found: its number in the list searched, first word, word after the last, sentence."""

    number: int
    start: int
    end: int
    sentence: int


def lay_out(words: Sequence[str], sentences: Sequence[tuple[int, int]]) -> SentenceLine:
    """Line of a mail from its folded words and the word spans of its sentences."""
    parts: list[str] = []
    positions: list[int] = []
    numbers: list[int] = []
    for number, (first, end) in enumerate(sentences):
        parts += words[first:end]
        parts.append(SENTENCE_BORDER)
        positions += range(first, end + 1)
        numbers += [number] * (end + 1 - first)
    offsets: list[int] = []
    place = 1
    for part in parts:
        offsets.append(place)
        place += len(part) + 1
    keys = frozenset(part[:_KEY] for part in parts)
    return SentenceLine(" " + " ".join(parts) + " ", tuple(offsets), tuple(positions), tuple(numbers), keys)


class CueSearcher:
    """Cues, indexed by the first letters of a string that must be present for each to match.

    Most cues are discarded by looking up the first letters of the mail's words, most of the others by a string
    search; an expression is compiled and tried only when its string is there.
    """

    def __init__(self, cues: Sequence[CueExpression]) -> None:
        self._cues = tuple(cues)
        self._unfiled: list[tuple[tuple[str, ...], int]] = []
        self._index: dict[str, list[tuple[str, int]]] = {}
        for number, cue in enumerate(self._cues):
            keys = [_key(needle) for needle in cue.needles]
            if any(key is None for key in keys):
                self._unfiled.append((cue.needles, number))
                continue
            for needle, key in zip(cue.needles, keys, strict=True):
                self._index.setdefault(key or "", []).append((needle, number))

    def search(self, line: SentenceLine) -> Iterator[CueHit]:
        """Every match of a cue within one sentence, cue by cue."""
        for number in self._candidates(line):
            for match in self._cues[number].pattern.finditer(line.line):
                first = bisect_right(line.offsets, match.start()) - 1
                last = bisect_right(line.offsets, match.end() - 2) - 1
                yield CueHit(number, line.positions[first], line.positions[last] + 1, line.numbers[first])

    def _candidates(self, line: SentenceLine) -> list[int]:
        text = line.line
        possible = {number for needles, number in self._unfiled if any(needle in text for needle in needles)}
        for key in line.keys:
            for needle, number in self._index.get(key, ()):
                if number not in possible and needle in text:
                    possible.add(number)
        return sorted(possible)


def _key(needle: str) -> str | None:
    """First letters by which a needle is filed; null for a stem too short to be filed."""
    word, space, _ = needle[1:].partition(" ")
    if len(word) >= _KEY:
        return word[:_KEY]
    return word if space else None
