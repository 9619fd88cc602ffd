"""Finds sums of money in folded text and gives their value, whatever the written form."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

import re

from features.email.time_expressions.patterns import MONTHS
from features.email.values import Amount

CURRENCY_SIGNS = (
    r"€|£|\$|us\$|ca\$|a\$|usd|eur|gbp|chf|cad|aud|nzd|inr|mad|xof|rs\.?|₹|fr\.|sfr\.?|r(?=\s?\d)"
)
CURRENCY_WORDS = (
    r"€|£|\$|euros?|eur|e(?![a-z0-9])|balles|boules|livres? sterling|pounds?|sterling|quid|gbp|dollars?|bucks|usd|cad|aud|nzd|chf|francs?(?: suisses?| cfa)?"
    r"|fcfa|f cfa|xof|xaf|cfa|dirhams?|dhs?\b|mad|dinars?|da\b|rupees?|rs\b|inr|roupies?|rands?|zar|naira|ngn|shillings?|ksh|kes"
    r"|ht\b|ttc\b|piastres"
)
MAGNITUDES = {
    "k": 1e3, "ke": 1e3, "grand": 1e3, "mille": 1e3, "thousand": 1e3, "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "crore": 1e7, "crores": 1e7,
    "m": 1e6, "million": 1e6, "millions": 1e6,
}  # fmt: skip
FRENCH_UNITS = {
    "zero": 0, "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
    "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16, "vingt": 20, "vingts": 20, "trente": 30,
    "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70, "huitante": 80, "octante": 80, "nonante": 90,
}  # fmt: skip
ENGLISH_UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30,
    "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
HUNDREDS = {"cent": 100, "cents": 100, "hundred": 100}
THOUSANDS = {
    "mille": 1_000,
    "mil": 1_000,
    "thousand": 1_000,
    "grand": 1_000,
    "lakh": 100_000,
    "lakhs": 100_000,
    "million": 1_000_000,
    "millions": 1_000_000,
}
NUMBER_JOINERS = frozenset({"et", "and", "de"})

_UNITS = {**ENGLISH_UNITS, **FRENCH_UNITS}
_NUMBER = r"\d+(?:[ .,'](?=\d)\d+)*"
_MAGNITUDE = (
    r"(?:\s?(?:k|m)(?=\s?(?:€|£|\$|e\b|eur|euros?|chf|usd|gbp|\b))"
    r"|\s(?:grand|thousand|mille|lakhs?|lac|crores?|millions?)\b)"
)
_SIGNED = re.compile(rf"(?<![\w])(?:{CURRENCY_SIGNS})\s?({_NUMBER})({_MAGNITUDE})?(?:[.,]?-+)?")
_NAMED = re.compile(
    rf"(?<![\w.,'-])({_NUMBER})({_MAGNITUDE})?(?:[.,]?-+)?\s?(?:{CURRENCY_WORDS})(?![a-z])(?:\s?(\d\d)(?!\d))?"
)
_MAGNIFIED = re.compile(rf"(?<![\w.,'-])({_NUMBER})\s?(k|grand|lakhs?|crores?)(?![a-z0-9])")
_BARE = re.compile(
    r"(?<![\w.,'/#°-])(\d{1,3}(?:[ ,.']\d{3})+(?:[.,]\d{2})?|\d{3,6}[.,]\d{2})(?![\w%/]|[.,-]\d)"
)
_VERBAL = re.compile(
    r"\b(?:pay|paying|send|sending|transfer|put|vire|virer|verse|verser|mets|met|mettre|regler|regle|paie|paye|donner|envoie|envoyer|wire|do)"
    r"\s(?:you\s|vous\s|te\s|over\s|through\s|a\s|in\s)?(\d{2,6})(?![\w%:/]|[.,-]\d|\s(?:invoices?|factures?|days?|jours?|fois|times|x|weeks?|semaines?|%|"
    rf"{'|'.join(sorted(MONTHS, key=len, reverse=True))}))"
)
_ROUND = re.compile(r"(?<![\w.,'/#°-])(\d{2,6}) (?:tout rond|tt rond|tout pile|pile poil)(?!\w)")
_WORDS_SPAN = re.compile(
    r"\b(?:(?:"
    + "|".join(sorted({*_UNITS, *HUNDREDS, *THOUSANDS}, key=len, reverse=True))
    + r"|et|and|a)[\s-]+)*"
    r"(?:" + "|".join(sorted({*_UNITS, *HUNDREDS, *THOUSANDS}, key=len, reverse=True)) + r")\b"
)
_CURRENCY_AFTER = re.compile(rf"\s(?:d'|de )?(?:{CURRENCY_WORDS})(?![a-z])")
_ORDINAL = re.compile(r"\d{1,2}e")
"""French "3e" is the third, not three euros."""
_LONGEST_SUM = 14
_SUM_WORDS = frozenset({"hundred", "thousand", "grand", "cent", "cents", "mille"})


def find_amounts(folded: str) -> tuple[Amount, ...]:
    """Sums of money of a folded text, in reading order.

    A number counts when a currency, a magnitude (``18 k``, ``38 grand``), thousands or cents written as money, or a
    verb of payment goes with it. Invoice numbers, quantities and dates are left alone.

    >>> [a.value for a in find_amounts("18 k€ puis rs 1,25,000 et mille deux cents euros")]
    [18000.0, 125000.0, 1200.0]
    """
    found: list[Amount] = []
    if any(character.isdigit() for character in folded):
        for match in _SIGNED.finditer(folded):
            _add(found, match.start(), match.end(), _value(match.group(1), match.group(2)))
        for match in _NAMED.finditer(folded):
            if _ORDINAL.fullmatch(match.group()):
                continue
            cents = int(match.group(3)) / 100 if match.group(3) else 0.0
            _add(found, match.start(), match.end(), _value(match.group(1), match.group(2)) + cents)
        for match in _MAGNIFIED.finditer(folded):
            _add(found, match.start(), match.end(), _value(match.group(1), match.group(2)))
        for match in _BARE.finditer(folded):
            _add(found, match.start(), match.end(), _value(match.group(1), None))
        for match in _ROUND.finditer(folded):
            _add(found, match.start(), match.end(), _value(match.group(1), None))
        for match in _VERBAL.finditer(folded):
            _add(found, match.start(1), match.end(1), _value(match.group(1), None))
    for match in _WORDS_SPAN.finditer(folded):
        words = re.split(r"[\s-]+", match.group())
        if len(words) > _LONGEST_SUM:
            continue
        currency = _CURRENCY_AFTER.match(folded, match.end())
        if currency or (len(words) > 1 and _SUM_WORDS & set(words)):
            _add(found, match.start(), currency.end() if currency else match.end(), _value_of_words(words))
    return tuple(sorted((a for a in found if a.value > 0), key=lambda amount: amount.start))


def _add(found: list[Amount], start: int, end: int, value: float) -> None:
    if not any(start < other.end and other.start < end for other in found):
        found.append(Amount(start, end, round(value, 2)))


def _value(digits: str, magnitude: str | None) -> float:
    return _plain_number(digits) * (MAGNITUDES.get(magnitude.strip(), 1.0) if magnitude else 1.0)


def _plain_number(digits: str) -> float:
    """Value of a written number; the last separator is decimal unless three digits follow it."""
    compact = digits.replace(" ", "").replace("'", "")
    last = max(compact.rfind("."), compact.rfind(","))
    if last < 0:
        return float(compact)
    whole, decimals = re.sub(r"[.,]", "", compact[:last]), compact[last + 1 :]
    is_grouping = len(decimals) == 3 and (compact[last] == "," or compact.count(".") != 1 or len(whole) <= 3)
    return float(whole + decimals) if is_grouping else float(f"{whole}.{decimals}")


def _value_of_words(words: list[str]) -> float:
    total, current, previous = 0, 0, 0
    for word in words:
        if word in NUMBER_JOINERS or word == "a":
            continue
        if word in HUNDREDS:
            current = max(current, 1) * 100
        elif word in THOUSANDS:
            total += max(current, 1) * THOUSANDS[word]
            current = 0
        elif word in ("vingt", "vingts") and previous == 4:
            current += 76
        else:
            current += _UNITS[word]
        previous = _UNITS.get(word, 0)
    return float(total + current)
