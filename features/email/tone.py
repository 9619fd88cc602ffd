"""Tone of a mail from courteous and harsh words, capitals and exclamation marks: compare with the same customer only."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

import re

from features.email.folding import fold

WARM = (
    r"\b(?:merci|thanks|thank you|thx|cheers|appreciate\w*|reconnaissan\w*|grateful|please|svp|s'il vous plait|desole\w*|sorry|excuses|apolog\w*|amicalement|amities|bises|bisous|bonne journee|bonne semaine|bon week|"
    r"belle journee|excellente|have a (?:good|great|nice|lovely)|kind regards|best wishes|bien a vous|cordialement|parfait|super|great|lovely|perfect|top|bravo a|avec plaisir|happy to|no worries|pas de souci|comprehension|patience|enchante\w*|heureux|glad|pleasure)\b|:-?\)|;-?\)"
)
COLD = (
    r"\b(?:exige\w*|inadmissible|inacceptable|unacceptable|scandal\w*|honte\w*|ridicul\w*|lamentable|minable\w*|incompeten\w*|incapable\w*|menac\w*|threat\w*|harcel\w*|harass\w*|avocat|lawyer|solicitors?|tribunal|court|plainte|"
    r"furieu\w*|furious|colere|angry|marre|fed up|ras le bol|clowns?|idiot\w*|escroc\w*|voleurs?|voyous?|vautours?|vultures?|joke|disgrace\w*|appalling|pathetic|how dare|osez|culot|nerve|insult\w*|mepris\w*|shame\w*|useless|stop|arretez|cessez|jamais|refus\w*|mauvaise foi|"
    r"derniere fois|last time|again|encore|enough|assez|disappoint\w*|decu\w*|inexcusable|frustrat\w*)\b"
)

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
