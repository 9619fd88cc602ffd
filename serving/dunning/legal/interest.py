"""Late-payment interest between professionals (Code de commerce, L441-10 II)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from serving.dunning.decision import RatePeriod
from serving.dunning.legal.parameters import LegalParameters

CENT = Decimal("0.01")
DAYS_IN_YEAR = 365
"""Also in leap years, as the legal rate is computed."""


@dataclass(frozen=True)
class Principal:
    """A part of the invoice that stayed unpaid from the day after the due date to `until` (included)."""

    amount: Decimal
    until: date


def late_payment_rate(
    legal: LegalParameters, on: date, clause_percent: Decimal | None = None, *, has_clause: bool = True
) -> tuple[Decimal, str]:
    """Yearly rate of late-payment interest on a day, in percent, and what it rests on.

    Without a clause the rate is the ECB refinancing rate of the semester plus 10 points. A clause may say
    otherwise (or repeat that formula) but not go below three times the legal interest rate of the semester.

    Args:
        legal: dated values.
        on: the day.
        clause_percent: the rate of the clause; null when the clause repeats the formula of the article.
        has_clause: false when the terms of sale say nothing: the floor binds clauses only.

    Returns:
        The rate and its basis: `ecb_plus_margin`, `clause` or `floor`.

    Raises:
        LegalValueUnknownError: a value of that semester is not in the file.
    """
    formula = legal.value_on("ecb_refinancing_rate", on).value + legal.value_on("ecb_margin", on).value
    if not has_clause:
        return formula, "ecb_plus_margin"
    floor = (
        legal.value_on("clause_floor_multiple", on).value * legal.value_on("legal_interest_rate", on).value
    )
    agreed, basis = (formula, "ecb_plus_margin") if clause_percent is None else (clause_percent, "clause")
    return (agreed, basis) if agreed >= floor else (floor, "floor")


def late_payment_interest(
    legal: LegalParameters,
    due_on: date,
    principals: Sequence[Principal],
    clause_percent: Decimal | None = None,
    *,
    has_clause: bool = True,
) -> tuple[Decimal, tuple[RatePeriod, ...]]:
    """Interest accrued on each part of an invoice since the day after its due date, to the cent.

    Amount x rate x days / 365 for each semester, summed exactly and rounded once, half up. A part payment
    made late bears interest until the day it came in, the rest until the decision date.

    Raises:
        LegalValueUnknownError: a semester the interest ran through has no rate in the file.
    """
    exact = Decimal(0)
    periods = []
    for principal in principals:
        for begins_on, ends_on in _semesters(due_on + timedelta(days=1), principal.until):
            rate, basis = late_payment_rate(legal, begins_on, clause_percent, has_clause=has_clause)
            days = (ends_on - begins_on).days + 1
            exact += principal.amount * rate * days / (100 * DAYS_IN_YEAR)
            periods.append(RatePeriod(begins_on, ends_on, days, principal.amount, rate, basis))
    return exact.quantize(CENT, ROUND_HALF_UP), tuple(periods)


def _semesters(begins_on: date, ends_on: date) -> Iterator[tuple[date, date]]:
    """The spans of `begins_on..ends_on` (both included) that lie in one semester each."""
    while begins_on <= ends_on:
        last = date(begins_on.year, 6, 30) if begins_on.month <= 6 else date(begins_on.year, 12, 31)
        yield begins_on, min(last, ends_on)
        begins_on = last + timedelta(days=1)
