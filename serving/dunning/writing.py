"""Amounts and days as the reader writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

NARROW_SPACE = "\u202f"


def written_amount(amount: Decimal, language: str) -> str:
    """`1 234,50` in French, `1,234.50` in English, with two decimals."""
    text = f"{amount:,.2f}"
    return text.replace(",", NARROW_SPACE).replace(".", ",") if language == "fr" else text


def written_day(day: date, language: str) -> str:
    """`05/08/2025` in French, `5 August 2025` in English."""
    return f"{day:%d/%m/%Y}" if language == "fr" else f"{day.day} {day:%B %Y}"
