"""Measures tone from courteous and harsh words, capital letters and exclamation marks."""

from __future__ import annotations

import re

from features.email.folding import fold
from features.email.tone.patterns import COLD, WARM

_WARM = re.compile(WARM)
_COLD = re.compile(COLD)
_SHOUTED = re.compile(r"\b[A-ZÀ-Ý]{4,}\b")


def measure_tone(text: str, hostile_probability: float) -> float:
    """Tone from -1 (hostile) to 1 (warm); 0 when the words carry none.

    Args:
        text: sender's own text.
        hostile_probability: calibrated probability that the mail is hostile; weighs as three harsh words.
    """
    folded = fold(text)
    warm = len(_WARM.findall(folded))
    cold = len(_COLD.findall(folded)) + 0.5 * len(_SHOUTED.findall(text)) + 0.5 * max(text.count("!") - 1, 0)
    cold += 3.0 * hostile_probability
    return round((warm - cold) / (warm + cold + 2.0), 4)
