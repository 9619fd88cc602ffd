"""Calendar words in French and English, folded (origin: ordinary usage; README of the labelled mails for the rules)."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

MONTHS = {
    "janvier": 1, "janv": 1, "january": 1, "jan": 1, "fevrier": 2, "fevr": 2, "fev": 2, "february": 2, "feb": 2, "mars": 3, "march": 3, "mar": 3,
    "avril": 4, "avr": 4, "april": 4, "apr": 4, "mai": 5, "may": 5, "juin": 6, "june": 6, "jun": 6, "juillet": 7, "juil": 7, "july": 7, "jul": 7,
    "aout": 8, "august": 8, "aug": 8, "septembre": 9, "september": 9, "sept": 9, "sep": 9, "octobre": 10, "october": 10, "oct": 10,
    "novembre": 11, "november": 11, "nov": 11, "decembre": 12, "december": 12, "dec": 12,
}  # fmt: skip
WEEKDAYS = {
    "lundi": 0, "monday": 0, "mon": 0, "lun": 0, "mardi": 1, "tuesday": 1, "tue": 1, "tues": 1, "mercredi": 2, "mercr": 2, "wednesday": 2,
    "wed": 2, "weds": 2, "jeudi": 3, "thursday": 3, "thu": 3, "thur": 3, "thurs": 3, "vendredi": 4, "vend": 4, "ven": 4, "friday": 4, "fri": 4,
    "vendr": 4, "samedi": 5, "sam": 5, "saturday": 5, "sat": 5, "dimanche": 6, "dim": 6, "sunday": 6, "sun": 6,
}  # fmt: skip
ABBREVIATED_DAYS_AND_MONTHS = frozenset(
    short
    for names in (MONTHS, WEEKDAYS)
    for short, number in names.items()
    if any(other == number and name != short and name.startswith(short) for name, other in names.items())
)
"""Month and weekday names written short ("janv", "fri"): those that begin a longer name of the same day or month."""
NUMBERS = {
    "un": 1, "une": 1, "a": 1, "an": 1, "one": 1, "deux": 2, "two": 2, "trois": 3, "three": 3, "quatre": 4, "four": 4, "cinq": 5, "five": 5,
    "six": 6, "sept": 7, "seven": 7, "huit": 8, "eight": 8, "neuf": 9, "nine": 9, "dix": 10, "ten": 10, "douze": 12, "twelve": 12,
    "quatorze": 14, "fourteen": 14, "quinze": 15, "fifteen": 15, "vingt": 20, "twenty": 20, "trente": 30, "thirty": 30, "couple of": 2,
    "a couple of": 2, "la": 1, "the": 1,
}  # fmt: skip
DAY_WORDS = {
    "premier": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9, "dix": 10, "onze": 11, "douze": 12,
    "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16, "dix-sept": 17, "dix-huit": 18, "dix-neuf": 19, "vingt": 20, "vingt-cinq": 25,
    "trente": 30, "trente et un": 31, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "twenty-first": 21, "twenty-fifth": 25, "thirtieth": 30,
    "thirty-first": 31,
}  # fmt: skip
"""Days of a month written in letters."""
UNIT_DAYS = {"jour": 1, "jours": 1, "j": 1, "day": 1, "days": 1, "semaine": 7, "semaines": 7, "sem": 7, "week": 7, "weeks": 7, "wk": 7, "wks": 7,
             "fortnight": 14, "fortnights": 14, "huitaine": 8, "quinzaine": 15, "dizaine": 10}  # fmt: skip
FIXED_FEASTS = {
    "noel": (12, 25),
    "christmas": (12, 25),
    "xmas": (12, 25),
    "nouvel an": (12, 31),
    "new year": (12, 31),
    "la saint-sylvestre": (12, 31),
    "la toussaint": (11, 1),
}
EASTER_FEASTS = {"paques": 0, "easter": 0, "ascension": 39, "pentecote": 49, "whitsun": 49}
"""Days after Easter Sunday."""
ORDINALS = {
    "1er": 1, "premier": 1, "premiere": 1, "1ere": 1, "first": 1, "1st": 1, "2e": 2, "2eme": 2, "deuxieme": 2, "seconde": 2, "second": 2,
    "2nd": 2, "3e": 3, "3eme": 3, "troisieme": 3, "third": 3, "3rd": 3, "4e": 4, "4eme": 4, "quatrieme": 4, "fourth": 4, "4th": 4,
    "dernier": -1, "derniere": -1, "last": -1,
}  # fmt: skip

VAGUE_FUTURE: tuple[str, ...] = (
    r"(?:prochaine?|future)s? (?:campagnes?|trains?|vagues?|lots?|sessions?|cycles?|runs?|bordereaux?|echeances?) (?:de |d')?(?:paiements?|virements?|reglements?|mandatements?)",
    r"(?:campagnes?|trains?|vagues?|lots?|cycles?) (?:de |d')?(?:paiements?|virements?|reglements?) (?:prochaine?|suivante?)s?",
    r"(?:prochaine?) (?:campagne|train|run|virement groupe|bordereau|echeance|paie)",
    r"(?:next|upcoming|following|coming|first available|the week's) (?:\w+ )?(?:\w+ )?(?:payment|pay|bacs|ach|cheque|check|supplier|weekly|monthly|payments|wire|eft|disbursement)[- ]?(?:run|batch|cycle|release|file)?s?",
    r"(?:next|upcoming|following|weekly|monthly) (?:weekly |monthly |scheduled |available )?(?:run|batch|cycle)",
    r"(?:tout )?(?:au )?(?:debut|premiers jours)(?: du| de)? (?:mois(?: prochain| de \w+)?|l'annee(?: prochaine)?|la semaine(?: prochaine)?|l'an prochain|du mois)",
    r"(?:the )?(?:start|beginning|first (?:few )?days|early part|first week|first half) of (?:the |next )?(?:month|year|new year|next month|next year|{months})",
    r"(?:tout )?(?:debut|courant premiere semaine de|premiere semaine de|premiere semaine d'|premiers jours d'|premiers jours de) (?:{months})(?: \d{{4}})?",
    r"(?:early|start of|beginning of) (?:in )?(?:{months})(?: \d{{4}})?",
    r"(?:the |la )?(?:first|1st|1ere) (?:week|semaine) (?:of |in |de |d')?(?:{months})(?: \d{{4}})?",
    r"(?:dans )?les (?:tout )?prochains jours|ces (?:prochains )?jours-ci|(?:in|over|within) the (?:next|coming) (?:few|couple of)? ?days|dans quelques jours|in a few days|(?:un de )?ces prochains jours",
    r"(?:on )?(?:payday|pay day)|jour de paie",
    r"(?:d'ici |dans |in |within |over )?(?:quelques semaines|a few weeks|the coming weeks|les prochaines semaines|several weeks|some weeks)",
)
"""Moments to come that give no single day: a promise for one counts, with a null date."""

PAST_WORDS: tuple[str, ...] = (
    r"hier(?: (?:matin|soir|apres-midi|midi))?",
    r"avant-hier",
    r"yesterday(?:'s)?(?: (?:morning|afternoon|evening))?",
    r"the day before yesterday",
    r"(?:la )?(?:semaine|annee) (?:derniere|passee|precedente)",
    r"(?:le )?mois (?:dernier|passe|precedent)",
    r"l'an (?:dernier|passe)",
    r"l'annee derniere",
    r"(?:last|past) (?:week|month|year|night|quarter|summer|winter|autumn|spring|fall)",
    r"(?:il y a|ca fait|voici|voila) (?:deja |environ |plus de |bien )?(?:\d+|\w+) (?:jours?|semaines?|mois|ans?|annees?|heures?)",
    r"(?:\d+|a|an|one|two|three|four|five|six|ten|a few|several|a couple of|couple of) (?:days?|weeks?|months?|years?|hours?|minutes?) (?:ago|back)",
    r"tout a l'heure|a l'instant|just now|this minute|l'autre jour|the other day|recemment|recently|dernierement",
    r"(?:last|this past) (?:{weekdays})",
    r"(?:{weekdays}) (?:dernier|passe)",
    r"(?:le )?\d{{1,2}} dernier",
    r"(?:en|in|depuis|since|back in|for) (?:19|20)[012]\d(?! ?[€£$])",
    r"(?:fin|en|in|since|depuis|debut) (?:{months}) dernier|last (?:{months})",
    r"(?:{months}) (?:dernier|passe)",
)
TODAY_WORDS: tuple[str, ...] = (
    r"aujourd[' ]?hui(?: meme)?",
    r"auj\b",
    r"ce jour(?! la)",
    r"ce (?:matin|midi|soir)",
    r"cet (?:apres-midi|aprem)",
    r"cette nuit",
    r"today(?:'s)?",
    r"this (?:morning|afternoon|evening)",
    r"tonight",
    r"dans la (?:journee|matinee|soiree|foulee)",
    r"sur-le-champ",
    r"by (?:close of (?:business|play)|cob|eod|end of (?:the )?day|the end of the day)(?: today)?",
    r"d'ici (?:a )?ce soir",
    r"avant ce soir",
    r"dans l'heure",
    r"immediatement|tout de suite|right away|straight away|right now|a l'instant meme",
)
