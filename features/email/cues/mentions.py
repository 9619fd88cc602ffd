"""Mentions: the words of a mail that speak for a label, found by the cue lists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from features.email.cues.cue_language import CUES_FOLDER, LabelCue, read_all_cues
from features.email.cues.searching import CueSearcher, lay_out
from features.email.values import Mention


class MentionMatcher:
    """Finds the cues of the ten labels and leaves their meaning to the qualifiers.

    >>> found = load_matcher().find(("nous", "sommes", "en", "redressement", "judiciaire"), ((0, 5),))
    >>> {mention.label for mention in found if mention.is_strong}
    {'insolvency'}
    """

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
