"""Words of one meaning in French and English: what is learnt from one of them applies to the others."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

CONCEPTS_FILE = Path(__file__).with_name("concepts.txt")
_SHORTEST_STEM = 3
_REMEMBERED = 50_000


def read_concepts(path: Path = CONCEPTS_FILE) -> tuple[dict[str, str], dict[str, str]]:
    """Concept by whole word and by stem; a word named twice belongs to the line that names it first.

    Raises:
        ValueError: a line has no colon, or a stem is shorter than three letters.
    """
    words: dict[str, str] = {}
    stems: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, listed = line.partition(":")
        if not colon:
            raise ValueError(f"{path.name}, line {number}: expected a name, a colon and words")
        for word in listed.split():
            if not word.endswith("*"):
                words.setdefault(word, name)
            elif len(word) <= _SHORTEST_STEM:
                raise ValueError(f"{path.name}, line {number}: stem {word!r} is too short")
            else:
                stems.setdefault(word[:-1], name)
    return words, stems


@cache
def _lexicon() -> tuple[dict[str, str], dict[str, str]]:
    return read_concepts()


@lru_cache(maxsize=_REMEMBERED)
def concept_of(word: str) -> str | None:
    """Concept of a folded word; a mask is its own concept; null for a word that is not in the lexicon.

    >>> concept_of("tresorerie"), concept_of("funds"), concept_of("_money"), concept_of("giraffe")
    ('money', 'money', '_money', None)
    """
    if word.startswith("_"):
        return word
    words, stems = _lexicon()
    if word in words:
        return words[word]
    for length in range(len(word), _SHORTEST_STEM - 1, -1):
        if word[:length] in stems:
            return stems[word[:length]]
    return None
