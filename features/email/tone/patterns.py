"""Words that warm or chill a mail, folded (origin: courtesy formulas and complaints of ordinary correspondence)."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

WARM = (
    r"\b(?:merci|thanks|thank you|thx|cheers|appreciate\w*|reconnaissan\w*|grateful|please|svp|s'il vous plait|desole\w*|sorry|excuses|apolog\w*|amicalement|amities|bises|bisous|bonne journee|bonne semaine|bon week|"
    r"belle journee|excellente|have a (?:good|great|nice|lovely)|kind regards|best wishes|bien a vous|cordialement|parfait|super|great|lovely|perfect|top|bravo a|avec plaisir|happy to|no worries|pas de souci|comprehension|patience|enchante\w*|heureux|glad|pleasure)\b|:-?\)|;-?\)"
)
COLD = (
    r"\b(?:exige\w*|inadmissible|inacceptable|unacceptable|scandal\w*|honte\w*|ridicul\w*|lamentable|minable\w*|incompeten\w*|incapable\w*|menac\w*|threat\w*|harcel\w*|harass\w*|avocat|lawyer|solicitors?|tribunal|court|plainte|"
    r"furieu\w*|furious|colere|angry|marre|fed up|ras le bol|clowns?|idiot\w*|escroc\w*|voleurs?|voyous?|vautours?|vultures?|joke|disgrace\w*|appalling|pathetic|how dare|osez|culot|nerve|insult\w*|mepris\w*|shame\w*|useless|stop|arretez|cessez|jamais|refus\w*|mauvaise foi|"
    r"derniere fois|last time|again|encore|enough|assez|disappoint\w*|decu\w*|inexcusable|frustrat\w*)\b"
)
