"""Finds the mentions in a mail, sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from features.email.mentions.cue_language import LabelCue, read_all_cues
from features.email.mentions.searching import CueSearcher, lay_out
from features.email.values import Mention

CUES_FOLDER = Path(__file__).parent / "cues"


class MentionMatcher:
    """Holds the cues of the ten labels."""

    def __init__(self, cues: Sequence[LabelCue]) -> None:
        self._cues = tuple(cues)
        self._searcher = CueSearcher([cue.cue for cue in cues])

    def find(self, words: tuple[str, ...], sentences: tuple[tuple[int, int], ...]) -> list[Mention]:
        """Mentions in reading order, each cue at most once a sentence.

        Args:
            words: folded words of the mail.
            sentences: first word and word after the last, for each sentence.
        """
        found: dict[tuple[int, int], Mention] = {}
        for hit in self._searcher.search(lay_out(words, sentences)):
            cue = self._cues[hit.number]
            found.setdefault(
                (hit.number, hit.sentence),
                Mention(
                    cue.label, hit.start, hit.end, cue.is_strong, cue.is_negatable, hit.sentence, cue.key
                ),
            )
        return sorted(found.values(), key=lambda m: (m.start, m.end, m.label, not m.is_strong))


@cache
def load_matcher() -> MentionMatcher:
    """Matcher over the cue files that come with the package."""
    return MentionMatcher(read_all_cues(CUES_FOLDER))
