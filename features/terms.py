"""Terms of payment as people write them, French or English, and the due date they lead to.

"45 jours fin de mois" has two lawful readings (DGCCRF, Code de commerce art. L441-10): the days first and
then the end of that month, or the end of the month of issue first and then the days. They never agree, so
the reading is an argument wherever the wording itself leaves it open. Wordings that are not understood
give None, never a guess.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
import unicodedata
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

import polars as pl

LONGEST_TERM_DAYS: Final = 730


class EndOfMonthReading(StrEnum):
    """Which lawful reading of "N days end of month" applies."""

    DAYS_THEN_MONTH_END = "days_then_month_end"
    MONTH_END_THEN_DAYS = "month_end_then_days"


@dataclass(frozen=True)
class Terms:
    """Terms of payment in figures.

    Attributes:
        days: days granted; 0 for cash and on receipt.
        is_end_of_month: the term also runs to the end of a month.
        day_of_month: the term then runs on to this day of the month (1 to 31, capped at the month's last
            day).
        months_ahead: whole months added before the end of month ("fin du mois suivant" is 1).
        reading: the reading where the wording itself decides it ("fin de mois + 45 jours"), else None.
        discount_share: discount for early payment, from 0 to 1, else None.
        discount_days: days within which the discount is granted, else None.
    """

    days: int
    is_end_of_month: bool = False
    day_of_month: int | None = None
    months_ahead: int = 0
    reading: EndOfMonthReading | None = None
    discount_share: Decimal | None = None
    discount_days: int | None = None


_DAYS = r"(?:jours?|jrs?|j|days?|d)"
_END_OF_MONTH = r"(?:fin (?:de |du |d )?mois|fdm|fin m|eom|end of (?:the )?month|month end)"
_NEXT_MONTH_END = r"(?:fin (?:de |du )?mois (?:suivant|prochain)|end of (?:the )?(?:next|following) month)"
_ON_DAY = r"(?:le (?P<day>\d{1,2})|on the (?P<day_en>\d{1,2})(?:st|nd|rd|th)?)"
_NEXT = r"(?:du mois suivant|du mois prochain|of (?:the )?(?:next|following) month)"
_CASH: Final = frozenset(
    {
        "comptant",
        "au comptant",
        "a reception",
        "reception",
        "a reception de facture",
        "a reception de la facture",
        "reception facture",
        "due on receipt",
        "on receipt",
        "upon receipt",
        "due upon receipt",
        "receipt",
        "cash",
        "cash on delivery",
        "cod",
        "immediate",
        "immediat",
        "due immediately",
        "immediately",
        "a la commande",
        "a la livraison",
    }
)
#: Words that name the means or the start of a term and change nothing in its length.
_NOISE: Final = re.compile(
    r"\b(?:paiement|reglement|payment|payable|par|virement(?: bancaire)?|lcr|traite|cheque|prelevement|sepa|"
    r"bank transfer|transfer|terms?|within|due in|a compter de la|a partir de la|de la|from|after|"
    r"date (?:de )?(?:la )?(?:facture|facturation|d emission|emission)|invoice date|date of invoice)\b"
)
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:net )?(?P<days>\d+) ?{_DAYS}?(?: net)? {_END_OF_MONTH}(?: {_ON_DAY}(?: {_NEXT})?)?",
        rf"{_END_OF_MONTH}(?: \+)? ?(?P<days_after>\d+) ?{_DAYS}?(?: net)?(?: {_ON_DAY})?",
        rf"(?P<days_following>\d+) ?{_DAYS} (?:apres|suivant)(?: la)? {_END_OF_MONTH}(?: {_ON_DAY})?",
        rf"(?P<next_end>{_NEXT_MONTH_END})",
        rf"(?P<month_end>{_END_OF_MONTH})(?: {_ON_DAY})?(?: {_NEXT})?",
        rf"(?:{_ON_DAY}|(?P<day_bare>\d{{1,2}})(?:st|nd|rd|th)) (?P<next_day>{_NEXT})",
        rf"(?:net|n) ?(?P<net>\d+)(?: ?{_DAYS})?",
        rf"(?P<plain>\d+) ?(?:{_DAYS}(?: (?:net|nets))?|net|nets)?(?: {_ON_DAY})?",
    )
)
_DISCOUNT: Final = re.compile(
    r"(?:escompte )?(?P<percent>\d+(?:[.,]\d+)?) ?(?:%|/|% ?/|% (?:a|sous|in))? ?(?P<within>\d+)"
    rf"(?: ?{_DAYS})?[ ,;]+(?P<rest>(?:net|n)[ /]?\d+.*|\d+ ?{_DAYS}.*|\d+ net.*)"
)


def parse_terms(text: str | None) -> Terms | None:
    """The terms a wording means; None when it is empty or not understood.

    Args:
        text: wording in French or English, any case, with or without accents, for example "45 jours fin de
            mois", "net 30", "2/10 net 30", "fin de mois le 15", "à réception".

    >>> terms = parse_terms("45 jours fin de mois le 10")
    >>> terms.days, terms.is_end_of_month, terms.day_of_month
    (45, True, 10)
    """
    if text is None:
        return None
    plain = _plain_words(text)
    discount = _DISCOUNT.fullmatch(plain)
    if discount is not None:
        rest = parse_terms(discount["rest"].replace("/", " "))
        if rest is None or rest.discount_share is not None:
            return None
        share = Decimal(discount["percent"].replace(",", ".")) / 100
        if share >= 1:
            return None
        values = asdict(rest) | {"discount_share": share, "discount_days": int(discount["within"])}
        return Terms(**values)
    words = " ".join(_NOISE.sub(" ", plain.replace(",", " ").replace(";", " ").replace("/", " ")).split())
    if words in _CASH or plain in _CASH:
        return Terms(days=0)
    words = re.sub(r"^(?:a|sous|in) (?=\d|net|n |fin)", "", words)
    for pattern in _PATTERNS:
        found = pattern.fullmatch(words)
        if found is not None:
            return _terms_from(found.groupdict())
    return None


def _plain_words(text: str) -> str:
    """Lower case, no accents, no dots or dashes, single blanks."""
    folded = unicodedata.normalize("NFKD", text.lower())
    letters = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^a-z0-9%/+,;. ]|(?<!\d)\.|\.(?!\d)", " ", letters).split())


def _terms_from(parts: dict[str, str | None]) -> Terms | None:
    """Terms from the named parts of a matched wording; None when a figure makes no sense."""
    day_text = parts.get("day") or parts.get("day_en") or parts.get("day_bare")
    day = int(day_text) if day_text else None
    month_end_first = parts.get("days_after") or parts.get("days_following")
    days_text = month_end_first or parts.get("days") or parts.get("net") or parts.get("plain") or "0"
    days = int(days_text)
    if days > LONGEST_TERM_DAYS or (day is not None and not 1 <= day <= 31):
        return None
    end_of_month = not (parts.get("net") or parts.get("plain"))
    return Terms(
        days=days,
        is_end_of_month=end_of_month,
        day_of_month=day,
        months_ahead=1 if parts.get("next_end") else 0,
        reading=EndOfMonthReading.MONTH_END_THEN_DAYS if month_end_first else None,
    )


def due_date(terms: Terms, issued_on: dt.date, reading: EndOfMonthReading) -> dt.date:
    """The last day on which an invoice under these terms is paid on time.

    "fin de mois le 15" is the 15th of the month after that end of month. With days counted from the end of
    the month ("45 jours fin de mois le 15", second reading), it is the first 15th on or after the last of
    those days; so is "30 jours le 15" without an end of month.

    Args:
        terms: the terms.
        issued_on: issue date of the invoice.
        reading: the reading that applies where the wording leaves it open.

    >>> due_date(Terms(45, is_end_of_month=True), dt.date(2024, 10, 5), EndOfMonthReading.DAYS_THEN_MONTH_END)
    datetime.date(2024, 11, 30)
    """
    span = dt.timedelta(terms.days)
    if not terms.is_end_of_month:
        reached = issued_on + span
        return reached if terms.day_of_month is None else _first_on_or_after(reached, terms.day_of_month)
    chosen = terms.reading or reading
    if chosen is EndOfMonthReading.MONTH_END_THEN_DAYS and terms.days > 0:
        reached = _month_end(issued_on, terms.months_ahead) + span
        return reached if terms.day_of_month is None else _first_on_or_after(reached, terms.day_of_month)
    reached = _month_end(issued_on + span, terms.months_ahead)
    if terms.day_of_month is None:
        return reached
    return _capped(reached.year, reached.month + 1, terms.day_of_month)


def _month_end(day: dt.date, months_ahead: int = 0) -> dt.date:
    return _capped(day.year, day.month + months_ahead, 31)


def _capped(year: int, month: int, day: int) -> dt.date:
    """A day of a month, or the month's last day if it is shorter; month 13 is January of the next year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return dt.date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _first_on_or_after(day: dt.date, day_of_month: int) -> dt.date:
    this_month = _capped(day.year, day.month, day_of_month)
    return this_month if this_month >= day else _capped(day.year, day.month + 1, day_of_month)


def due_dates(terms: pl.Series, issued_on: pl.Series, reading: EndOfMonthReading) -> pl.Series:
    """`due_date` for whole columns (Date); null where the wording is missing or not understood.

    Each different wording is parsed once, each different (wording, issue date) pair is computed once.

    Args:
        terms: wordings, String.
        issued_on: issue dates, Date.
        reading: the reading that applies where a wording leaves it open.
    """
    frame = pl.DataFrame(
        {"terms": terms, "issued_on": issued_on}, schema={"terms": pl.String, "issued_on": pl.Date}
    )
    pairs = frame.unique().drop_nulls()
    parsed = {text: parse_terms(text) for text in pairs["terms"].unique()}
    due = [
        None if (known := parsed[text]) is None else due_date(known, issued, reading)
        for text, issued in pairs.iter_rows()
    ]
    table = pairs.with_columns(pl.Series("due", due, dtype=pl.Date))
    joined = frame.with_row_index().join(table, on=["terms", "issued_on"], how="left", validate="m:1")
    return joined.sort("index")["due"]


@dataclass(frozen=True)
class DueDateReport:
    """How the due dates of the invoices agree with those recomputed from their terms.

    Attributes:
        invoices: invoices compared (credit notes are left out).
        without_terms: those with no terms.
        unreadable: those whose terms are not understood.
        agreeing: those whose due date is the recomputed one, in the given reading.
        differing: those whose due date is another.
        by_terms: one row per wording: invoices, how many agree under each reading, both or neither, and
            whether it was understood. A wording that fits the other reading shows which reading the source
            used.
    """

    invoices: int
    without_terms: int
    unreadable: int
    agreeing: int
    differing: int
    by_terms: pl.DataFrame


def due_date_report(invoices: pl.DataFrame, reading: EndOfMonthReading) -> DueDateReport:
    """Compare each invoice's due date with the one its terms give.

    Args:
        invoices: the ledger's invoices; `source_due_on` is compared where it is known, otherwise `due_on`.
        reading: the reading the company says it uses.
    """
    first, second = EndOfMonthReading
    stated = invoices.filter(pl.col("kind") == "invoice").select(
        "terms", "issued_on", due=pl.coalesce("source_due_on", "due_on")
    )
    compared = stated.with_columns(
        due_dates(stated["terms"], stated["issued_on"], first).alias(first.value),
        due_dates(stated["terms"], stated["issued_on"], second).alias(second.value),
    )
    by_terms = (
        compared.filter(pl.col("terms").is_not_null())
        .group_by("terms")
        .agg(
            invoices=pl.len(),
            is_understood=pl.col(first.value).is_not_null().any(),
            **{f"agree_{r.value}": (pl.col("due") == pl.col(r.value)).sum() for r in EndOfMonthReading},
            agree_both=(
                (pl.col("due") == pl.col(first.value)) & (pl.col("due") == pl.col(second.value))
            ).sum(),
            agree_neither=(
                (pl.col("due") != pl.col(first.value)) & (pl.col("due") != pl.col(second.value))
            ).sum(),
        )
        .sort("invoices", "terms", descending=[True, False])
    )
    without = compared["terms"].null_count()
    unreadable = compared[reading.value].null_count() - without
    agreeing = compared.filter(pl.col("due") == pl.col(reading.value)).height
    return DueDateReport(
        invoices=compared.height,
        without_terms=without,
        unreadable=unreadable,
        agreeing=agreeing,
        differing=compared.height - without - unreadable - agreeing,
        by_terms=by_terms,
    )
