"""A tokenizer for informal mails: words, numbers with their separators, single marks; the same in both languages."""

from __future__ import annotations

import re

from spacy.tokens import Doc
from spacy.vocab import Vocab

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
