"""Folded text: lower case, no accents, plain quotes, same length as the original so that places stay the same."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from features.email.values import Amount, TimeExpression

_EXPLICIT = {
    "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‑": "-", "−": "-",
    "œ": "o", "Œ": "o", "æ": "a", "Æ": "a", "ß": "s", "\u00a0": " ", "\u202f": " ", "…": ".",
}  # fmt: skip


def _fold_character(character: str) -> str:
    if character in _EXPLICIT:
        return _EXPLICIT[character]
    base = unicodedata.normalize("NFD", character)[0].lower()
    return base if len(base) == 1 else character


class _FoldingTable(dict[int, str]):
    """Fills itself on demand, so that any text folds with one table look-up per character."""

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        self[code] = folded
        return folded


_TABLE = _FoldingTable()


def fold(text: str) -> str:
    """Text in lower case without accents, one character out for each character in."""
    return text.translate(_TABLE)


WHEN, PAST, TODAY, OPEN_DAY, MONEY = "_when", "_past", "_today", "_day", "_money"
_TENSE_WORD = {"future": WHEN, "past": PAST, "today": TODAY, "open": OPEN_DAY}
_WORD = re.compile(r"[a-z0-9_]+|[?!]|[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class FoldedWords:
    """The words of a text, folded, with moments and sums of money replaced by one word each.

    Attributes:
        words: folded words; ``_when`` a moment to come, ``_past`` one gone by, ``_today``, ``_day`` a day that only
            the verb can place, ``_money`` a sum.
        starts: first character of each word in the text.
        ends: character after the last, for each word.
    """

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def line(self) -> str:
        """All words on one line, one space on either side of each."""
        return " " + " ".join(self.words) + " "


def fold_words(
    folded: str, moments: tuple[TimeExpression, ...] = (), amounts: tuple[Amount, ...] = ()
) -> FoldedWords:
    """Words of a folded text; a place already taken by a moment or a sum gives that one word."""
    masks = [(m.start, m.end, _TENSE_WORD[m.tense]) for m in moments]
    taken = [(start, end) for start, end, _ in masks]
    masks += [
        (a.start, a.end, MONEY)
        for a in amounts
        if not any(a.start < end and start < a.end for start, end in taken)
    ]
    masks.sort()
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for start, end, mask in [*masks, (len(folded), len(folded), "")]:
        for found in _WORD.finditer(folded, position, max(position, start)):
            words.append(found.group())
            starts.append(found.start())
            ends.append(found.end())
        if mask and start >= position:
            words.append(mask)
            starts.append(start)
            ends.append(end)
        position = max(position, end)
    return FoldedWords(tuple(words), tuple(starts), tuple(ends))
