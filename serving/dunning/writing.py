"""Amounts and days as the reader writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from features.messages import WRITING, language_or_english, written_number


def written_amount(amount: Decimal, language: str) -> str:
    """`1 234,50` in French, `1,234.50` in English, with two decimals."""
    return written_number(amount, language, ",.2f")


def written_day(day: date, language: str) -> str:
    """`05/08/2025` in French, `5 August 2025` in English."""
    return WRITING[language_or_english(language)].day_on_a_page.format(day=day)


def written_amounts(amounts: Sequence[tuple[str, Decimal]], language: str) -> str:
    """`100.00 EUR + 20.00 USD`: amounts of several currencies side by side, never added."""
    return " + ".join(f"{written_amount(amount, language)} {currency}" for currency, amount in amounts)
