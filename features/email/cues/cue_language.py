"""The notation in which cues are written, and its translation to regular expressions.

A cue is a line of folded words: ``word`` exactly, ``stem*`` any ending, ``(a|b c|d*)`` one of these, ``(a)?`` or
``word?`` optional, ``.`` at most one word between, ``..`` at most three, ``<name>`` a family from ``macros.txt``.
Masks replace what changes from mail to mail: ``_money``, ``_when``, ``_day``, ``_today``, ``_past``, ``_num``.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from features.signal_labels import LABELS

CUES_FOLDER = Path(__file__).with_name("lists")
SENTENCE_BORDER = "|"
"""Separates sentences in the line that is searched; no cue reaches across it."""
_GAPS = {".": r"(?:[^ |]+ )?", "..": r"(?:[^ |]+ ){0,3}"}
_TOKEN = re.compile(r"\(|\)\?|\)|\||<\w+>|[^\s()|<>]+")
_NEEDLE_LIMIT = 14


@dataclass(frozen=True)
class CueExpression:
    """One cue ready to be searched; its expression is compiled when first needed, which makes the start short.

    Attributes:
        source: the cue as written.
        expression: to be searched in a line of folded words with a space on either side of each.
        needles: strings one of which must be in the line for the cue to match.
    """

    source: str
    expression: str
    needles: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self.expression)


@dataclass(frozen=True)
class LabelCue:
    """One cue of a label.

    Attributes:
        label: signal it speaks for.
        is_strong: true when the words alone nearly decide the signal.
        is_negatable: true when a negation beside the words cancels them.
        cue: the words.
    """

    label: str
    is_strong: bool
    is_negatable: bool
    cue: CueExpression

    @cached_property
    def key(self) -> str:
        """Short name of the cue, independent of its place in the file; it changes with the words."""
        return f"{self.label}:{zlib.crc32(self.cue.source.encode()):08x}"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A translated part: its expression, and the strings of which one is surely present (none when optional)."""

    expression: str
    needles: tuple[str, ...] | None


def read_macros(path: Path) -> dict[str, str]:
    """Word families by name."""
    macros: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, definition = line.split(None, 1)
            macros[name.strip("<>")] = definition.strip()
    return macros


def read_cues(path: Path, label: str, macros: dict[str, str]) -> list[LabelCue]:
    """Cues of one file; a section line ``[fr strong negatable]`` says how those that follow count."""
    return [
        LabelCue(label, "strong" in section, "negatable" in section, translate_cue(text, macros))
        for section, text in read_sections(path)
    ]


def read_sections(path: Path) -> list[tuple[frozenset[str], str]]:
    """Lines of a cue file in order, each with the words of the section line ``[...]`` above it."""
    found: list[tuple[frozenset[str], str]] = []
    section: frozenset[str] = frozenset()
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("["):
            section = frozenset(text.strip("[]").split())
        elif text and not text.startswith("#"):
            found.append((section, text))
    return found


def translate_cue(text: str, macros: dict[str, str]) -> CueExpression:
    """A cue ready to be searched.

    >>> cue = translate_cue("plus (de|un) rond*", {})
    >>> cue.expression, cue.needles
    ('(?<= )plus (?:de |un )rond[^ ]* ', (' plus ',))

    Raises:
        ValueError: the line is not a cue, or no word of it must be present.
    """
    pieces, rest = _sequence(_TOKEN.findall(text), macros)
    if rest:
        raise ValueError(f"cue not understood near {rest[0]!r}: {text}")
    needles = _best_needles(pieces)
    if needles is None:
        raise ValueError(f"cue without any word that must be present: {text}")
    return CueExpression(text, "(?<= )" + "".join(piece.expression for piece in pieces), needles)


def _sequence(tokens: list[str], macros: dict[str, str]) -> tuple[list[_Piece], list[str]]:
    pieces: list[_Piece] = []
    while tokens and tokens[0] not in (")", ")?", "|"):
        token, tokens = tokens[0], tokens[1:]
        if token == "(":
            piece, tokens = _alternation(tokens, macros)
        elif token.startswith("<"):
            inner, _ = _sequence(_TOKEN.findall(macros[token.strip("<>")]), macros)
            piece = _Piece("".join(p.expression for p in inner), _best_needles(inner))
        elif token in _GAPS:
            piece = _Piece(_GAPS[token], None)
        else:
            piece = _word(token)
        pieces.append(piece)
    return pieces, tokens


def _alternation(tokens: list[str], macros: dict[str, str]) -> tuple[_Piece, list[str]]:
    branches: list[list[_Piece]] = []
    while True:
        pieces, tokens = _sequence(tokens, macros)
        branches.append(pieces)
        if not tokens:
            raise ValueError("unclosed parenthesis in a cue")
        closing, tokens = tokens[0], tokens[1:]
        if closing != "|":
            break
    filled = [branch for branch in branches if branch]
    expression = "(?:" + "|".join("".join(p.expression for p in branch) for branch in filled) + ")"
    is_optional = closing == ")?" or len(filled) < len(branches)
    needles = [_best_needles(branch) for branch in filled]
    if is_optional or any(n is None for n in needles):
        return _Piece(expression + ("?" if is_optional else ""), None), tokens
    return _Piece(expression, tuple(sorted({x for n in needles if n for x in n}))), tokens


def _word(token: str) -> _Piece:
    if token.endswith("?") and len(token) > 1:
        return _Piece(f"(?:{re.escape(token[:-1])} )?", None)
    if token == "_num":
        return _Piece(r"\d[^ ]* ", tuple(f" {digit}" for digit in "0123456789"))
    if token.endswith("*"):
        stem = token[:-1]
        return _Piece(re.escape(stem).replace(r"\ ", " ") + "[^ ]* ", (" " + stem,))
    return _Piece(re.escape(token) + " ", (" " + token + " ",))


def _best_needles(pieces: list[_Piece]) -> tuple[str, ...] | None:
    """Of the parts that are always present, the one whose shortest string is longest and which has few strings."""
    sure = [piece.needles for piece in pieces if piece.needles]
    if not sure:
        return None
    return max(sure, key=lambda needles: min(map(len, needles)) - len(needles) / _NEEDLE_LIMIT * 2)


def read_all_cues(folder: Path) -> tuple[LabelCue, ...]:
    """Cues of the ten labels, one file each."""
    macros = read_macros(folder / "macros.txt")
    return tuple(cue for label in LABELS for cue in read_cues(folder / f"{label}.txt", label, macros))
