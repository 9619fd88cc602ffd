"""Up to which day late-payment interest can be computed, and what is missing after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from features.words import Text
from serving.dunning.legal.interest import late_payment_rate
from serving.dunning.legal.parameters import LegalParameters, LegalValue, LegalValueUnknownError

NOTICE_DAYS = 21
"""Days before the end of the last semester known from which it is time to look for the next: the order that fixes the
legal rate is published in the last days of a semester."""
SEMESTER_RATES = ("ecb_refinancing_rate", "legal_interest_rate")


@dataclass(frozen=True)
class Semester:
    """The rates of one semester, in percent a year.

    Attributes:
        begins_on: first day.
        ends_on: last day.
        ecb: refinancing rate of the European Central Bank on the first day; null when not usable.
        legal: legal interest rate between professionals; null when not usable.
        without_clause: rate of late-payment interest when the terms say nothing; null when not usable.
        floor: least rate of a clause; null when not usable.
        sources: where the two rates were read, in the order of `SEMESTER_RATES`.
    """

    begins_on: date
    ends_on: date
    ecb: Decimal | None
    legal: Decimal | None
    without_clause: Decimal | None
    floor: Decimal | None
    sources: tuple[str | None, ...]

    @property
    def is_complete(self) -> bool:
        """Whether interest can be computed with and without a clause."""
        return self.without_clause is not None and self.floor is not None


def semesters(legal: LegalParameters, until: date) -> tuple[Semester, ...]:
    """Every semester from the first one written to the one of a day, and the later ones written, in order.

    Args:
        legal: dated values.
        until: the day; its semester is included even when nothing is written for it.
    """
    written = [value for name in SEMESTER_RATES for value in legal.parameters[name].values]
    begins_on, ends_on = semester_of(min(value.begins_on for value in written))
    last = max([until, *(value.until for value in written if value.until is not None)])
    found = []
    while begins_on <= last:
        found.append(_semester(legal, begins_on, ends_on))
        begins_on, ends_on = semester_of(ends_on + timedelta(days=1))
    return tuple(found)


def covered_until(legal: LegalParameters, on: date) -> date | None:
    """Last day up to which every semester from the first one is complete; null when the first is not.

    Args:
        legal: dated values.
        on: any day; semesters written after it count too.
    """
    last: date | None = None
    for semester in semesters(legal, on):
        if not semester.is_complete:
            break
        last = semester.ends_on
    return last


def coverage_warning(legal: LegalParameters, on: date) -> Text | None:
    """What a person must do about the rates, in both languages; null while nothing is due."""
    last = covered_until(legal, on)
    if last is not None and last - on >= timedelta(days=NOTICE_DAYS):
        return None
    known = Text("aucun semestre connu", "no semester is known") if last is None else None
    known = known or Text(f"taux connus jusqu'au {last:%d/%m/%Y}", f"rates are known until {last}")
    if last is None or on > last:
        return Text(
            f"Pénalités de retard : {known.fr} ; depuis, aucun montant n'est calculé ni réclamé. À faire : ajouter les "
            "deux taux du semestre au fichier légal (`encours policy legal` montre les lignes).",
            f"Late-payment interest: {known.en}; since then no amount is reckoned or claimed. To do: add the two rates "
            "of the semester to the legal file (`encours policy legal` shows the lines).",
        )
    return Text(
        f"Pénalités de retard : {known.fr}. À faire avant : ajouter les deux taux du semestre suivant au fichier légal "
        "(`encours policy legal` montre les lignes).",
        f"Late-payment interest: {known.en}. To do before: add the two rates of the next semester to the legal file "
        "(`encours policy legal` shows the lines).",
    )


def lines_to_add(legal: LegalParameters, on: date) -> tuple[tuple[str, str], ...]:
    """The lines of the first incomplete semester, ready to be filled in: name of the parameter, and its line."""
    known = semesters(legal, on)
    missing = next((semester for semester in known if not semester.is_complete), None)
    if missing is None:
        begins_on, ends_on = semester_of(known[-1].ends_on + timedelta(days=1))
        missing = _semester(legal, begins_on, ends_on)
    rates = zip(SEMESTER_RATES, (missing.ecb, missing.legal), strict=True)
    return tuple(
        (
            name,
            f'- {{from: {missing.begins_on}, until: {missing.ends_on}, value: "?", verified: false, source: "?"}}',
        )
        for name, rate in rates
        if rate is None
    )


def semester_of(day: date) -> tuple[date, date]:
    """First and last day of the semester of a day."""
    if day.month <= 6:
        return date(day.year, 1, 1), date(day.year, 6, 30)
    return date(day.year, 7, 1), date(day.year, 12, 31)


def _semester(legal: LegalParameters, begins_on: date, ends_on: date) -> Semester:
    values = [_usable(legal, name, begins_on) for name in SEMESTER_RATES]
    multiple = _usable(legal, "clause_floor_multiple", begins_on)
    try:
        without_clause, _ = late_payment_rate(legal, begins_on, has_clause=False)
    except LegalValueUnknownError:
        without_clause = None
    ecb, rate = values
    return Semester(
        begins_on,
        ends_on,
        None if ecb is None else ecb.value,
        None if rate is None else rate.value,
        without_clause,
        None if rate is None or multiple is None else rate.value * multiple.value,
        tuple(None if value is None else value.source for value in values),
    )


def _usable(legal: LegalParameters, name: str, on: date) -> LegalValue | None:
    try:
        return legal.value_on(name, on)
    except LegalValueUnknownError:
        return None
