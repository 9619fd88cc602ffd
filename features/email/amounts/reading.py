"""Finds sums of money in folded text and gives their value, whatever the written form."""

from __future__ import annotations

import re

from features.email.amounts.patterns import (
    CURRENCY_SIGNS,
    CURRENCY_WORDS,
    ENGLISH_UNITS,
    FRENCH_UNITS,
    HUNDREDS,
    MAGNITUDES,
    NUMBER_JOINERS,
    THOUSANDS,
)
from features.email.time_expressions.patterns import MONTHS
from features.email.values import Amount

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
