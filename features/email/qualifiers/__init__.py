"""Qualifiers: why a mention does not count (denied, supposed, over, somebody else's, another sense, only asked)."""

from features.email.qualifiers.qualifying import (
    QualifyingWords,
    find_qualifying_words,
    qualify_mentions,
)

__all__ = ["QualifyingWords", "find_qualifying_words", "qualify_mentions"]
