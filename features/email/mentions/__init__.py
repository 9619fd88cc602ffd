"""Mentions: the words that speak for a label, found by cue lists kept as plain data in ``cues/``."""

from features.email.mentions.matcher import MentionMatcher, load_matcher

__all__ = ["MentionMatcher", "load_matcher"]
