"""Cues: the words that speak for a label, and those that say why they do not count; plain data in ``lists/``."""

from features.email.cues.mentions import MentionMatcher, load_matcher
from features.email.cues.qualifiers import QualifyingWords, find_qualifying_words, qualify_mentions

__all__ = ["MentionMatcher", "QualifyingWords", "find_qualifying_words", "load_matcher", "qualify_mentions"]
