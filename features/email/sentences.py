"""Sentences and tokens of informal mails: line ends and stops count, abbreviations and soft-wrapped lines do not."""

from __future__ import annotations

import re

from spacy.tokens import Doc
from spacy.vocab import Vocab

from features.email.folding import fold
from features.email.time_expressions.patterns import ABBREVIATED_DAYS_AND_MONTHS

_ABBREVIATIONS = ABBREVIATED_DAYS_AND_MONTHS | {
    "m", "mr", "mrs", "ms", "mme", "mlle", "me", "dr", "st", "ste", "no", "n", "nos", "ref", "art",
    "tel", "fact", "inv", "approx", "env", "ex", "cf", "etc", "ltd", "inc", "co", "corp", "ets", "av",
    "bd", "mer", "jeu", "i.e", "e.g", "p.ex", "vs", "prof", "hon", "adv", "sr", "jr", "ag", "att",
    "attn", "resp", "incl", "excl", "rs", "sgd", "cdr", "gen", "pr", "bat", "bt", "vol", "chap", "p",
    "pp", "para",
}  # fmt: skip
"""Folded words after which a stop does not end the sentence."""
_BORDER = re.compile(r"\n+|(?<=[.!?…])[\"'»)\]]*\s+|;\s+|(?<=[a-zà-ÿ)][.!?])(?=[A-ZÀ-Ý][a-zà-ÿ])")
_LAST_WORD = re.compile(r"([^\W\d_][\w.]*)\.\s*$|(\b\w)\.\s*$")
_SOFT_WRAP_MINIMUM = 60


def split_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """First character and character after the last of each sentence; blanks belong to none.

    A single line break inside a long line is taken for a mail program's wrapping, not for a sentence end.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for border in _BORDER.finditer(text):
        if _is_inside_sentence(text, start, border):
            continue
        _append(spans, text, start, border.start())
        start = border.end()
    _append(spans, text, start, len(text))
    return tuple(spans)


def _is_inside_sentence(text: str, start: int, border: re.Match[str]) -> bool:
    before = text[max(start, border.start() - 24) : border.start()]
    if border.group().startswith("\n"):
        line_start = text.rfind("\n", 0, border.start()) + 1
        following = text[border.end() : border.end() + 1]
        return (
            border.group() == "\n"
            and border.start() - line_start >= _SOFT_WRAP_MINIMUM
            and following.islower()
            and before[-1:] not in ".!?:;"
        )
    if not before.endswith("."):
        return False
    last = _LAST_WORD.search(before)
    if last is None:
        return False
    word = fold(last.group(1) or last.group(2))
    return word in _ABBREVIATIONS or len(word) == 1


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))


_TOKEN = re.compile(r"\w+(?:[.,'’/@-]\w+)*|[^\w\s]|\s+")


class MailTokenizer:
    """Splits text into words and marks; every character belongs to a token or to the one space after it."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """Document of a text; ``doc.text`` is the text."""
        words: list[str] = []
        spaces: list[bool] = []
        for token in _TOKEN.findall(text):
            if token == " " and words and not spaces[-1]:
                spaces[-1] = True
            else:
                words.append(token)
                spaces.append(False)
        return Doc(self.vocab, words=words, spaces=spaces)
