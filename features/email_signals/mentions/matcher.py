"""Finds the mentions in a mail, sentence by sentence."""

from __future__ import annotations

from bisect import bisect_right
from functools import cache
from pathlib import Path

from features.email_signals.mentions.cue_language import CuePattern, read_all_cues
from features.email_signals.values import Mention

CUES_FOLDER = Path(__file__).parent / "cues"


class MentionMatcher:
    """Holds the compiled cues; a string search discards most of them before any expression is tried."""

    def __init__(self, cues: tuple[CuePattern, ...]) -> None:
        self._cues = cues

    def find(self, words: tuple[str, ...], sentences: tuple[tuple[int, int], ...]) -> list[Mention]:
        """Mentions in reading order.

        Args:
            words: folded words of the mail.
            sentences: first word and word after the last, for each sentence.
        """
        whole = " " + " ".join(words) + " "
        candidates = [
            cue for cue in self._cues if not cue.needles or any(needle in whole for needle in cue.needles)
        ]
        found: list[Mention] = []
        for number, (first, end) in enumerate(sentences):
            line = " " + " ".join(words[first:end]) + " "
            offsets = _word_offsets(words[first:end])
            for cue in candidates:
                if cue.needles and not any(needle in line for needle in cue.needles):
                    continue
                match = cue.pattern.search(line)
                if match is not None:
                    start = first + bisect_right(offsets, match.start()) - 1
                    stop = first + bisect_right(offsets, match.end() - 2)
                    found.append(Mention(cue.label, start, stop, cue.is_strong, cue.is_negatable, number))
        found.sort(key=lambda mention: (mention.start, mention.end, mention.label, not mention.is_strong))
        return found


def _word_offsets(words: tuple[str, ...]) -> list[int]:
    offsets: list[int] = []
    position = 1
    for word in words:
        offsets.append(position)
        position += len(word) + 1
    return offsets


@cache
def load_matcher() -> MentionMatcher:
    """Matcher over the cue files that come with the package."""
    return MentionMatcher(read_all_cues(CUES_FOLDER))
