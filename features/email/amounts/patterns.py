"""Currencies, magnitudes and number words (origin: French, British, Irish, Indian, Swiss and African usage)."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

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
