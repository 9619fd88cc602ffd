"""Checks of amounts, days and words that every fact given to a decision has to pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from features.errors import Fault
from features.messages import localized
from serving.dunning.decision import NOTHING

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2150, 12, 31)
"""Days outside these are typing errors of a source system, not receivables."""

LARGEST_AMOUNT = Decimal("1e15")
"""Beyond this an amount is a typing error, and cents would no longer be exact."""

Named = tuple[str, date | None]


def word_faults(*named: tuple[str, str | None, Sequence[str]]) -> list[Fault]:
    """A fault for each word that is not in its closed list; null is allowed."""
    return [
        Fault(
            localized("{word!r} is not known", word=word),
            where=name,
            expected=localized("one of {known}, or null", known=known),
        )
        for name, word, known in named
        if word is not None and word not in known
    ]


def day_faults(named: Iterable[Named]) -> list[Fault]:
    """A fault for each day outside the days known; null is allowed."""
    return [
        Fault(
            localized("{day} is outside the days known", day=day),
            where=name,
            expected=localized("{first_day} to {last_day}", first_day=FIRST_DAY, last_day=LAST_DAY),
        )
        for name, day in named
        if day is not None and not FIRST_DAY <= day <= LAST_DAY
    ]


def amount_faults(named: Iterable[tuple[str, Decimal | None]]) -> list[Fault]:
    """A fault for each amount that is not a number below the largest amount; null is allowed."""
    return [
        Fault(
            localized("{amount} is not an amount", amount=amount),
            where=name,
            expected=localized("a number below {largest:f}", largest=LARGEST_AMOUNT),
        )
        for name, amount in named
        if amount is not None and not (amount.is_finite() and abs(amount) < LARGEST_AMOUNT)
    ]


def sign_faults(named: Iterable[tuple[str, Decimal | None]], least: Decimal = NOTHING) -> list[Fault]:
    """A fault for each amount below the least one allowed; null is allowed."""
    return [
        Fault(
            localized("{amount} is negative", amount=amount),
            where=name,
            expected=localized("{least} or more", least=least),
        )
        for name, amount in named
        if amount is not None and amount.is_finite() and amount < least
    ]


def currency_faults(named: Iterable[tuple[str, str]]) -> list[Fault]:
    """A fault for each code that does not have the form of an ISO 4217 code."""
    return [
        Fault(
            localized("{code!r} is no currency", code=code),
            where=name,
            expected=localized("an ISO 4217 code such as EUR"),
        )
        for name, code in named
        if not (len(code) == 3 and code.isalpha() and code.isupper())
    ]
