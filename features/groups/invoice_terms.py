"""The invoice itself: amount, terms, calendar of its due date, how it was delivered, what happened to it so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache

import numpy as np

from features.asof.dates import (
    Float64Array,
    day_number,
    day_of,
    days_of_month,
    days_to_month_end,
    months,
    weekdays,
)
from features.asof.landmarks import LandmarkArrays
from features.asof.reader import known, ratio
from features.asof.view import LandmarkView
from features.cents import CENTS
from features.groups.columns import FeatureColumn, FeatureGroup, declare
from features.messages import Text
from features.terms import EndOfMonthReading, Terms, due_date, parse_terms

NAME = "invoice_terms"
_INVOICE = ("invoices",)
_ELECTRONIC = frozenset({"edi", "einvoice", "electronic", "peppol", "portal", "facturx", "pdp"})
_PAPER = frozenset({"paper", "post", "mail"})
_UNREAD = "no terms known, or their wording is not understood"

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "amount", unit="EUR", minimum=0, sources=_INVOICE,
             null="in a currency without an exchange rate known before its issue",
             label_fr="montant de la facture", label_en="invoice amount"),
    *declare(NAME, "terms_days", unit="days", minimum=0, null="never null", sources=_INVOICE,
             label_fr="délai de paiement accordé", label_en="days granted"),
    *declare(NAME, "days_past_due", unit="days", null="never null", sources=_INVOICE,
             label_fr="jours de dépassement de l'échéance", label_en="days past due"),
    *declare(NAME, "days_since_issue", unit="days", minimum=0, null="never null", sources=_INVOICE,
             label_fr="jours depuis l'émission", label_en="days since issue"),
    *declare(NAME, "working_days_to_due", unit="working days", null="never null", sources=("invoices", "customers"),
             label_fr="jours ouvrés jusqu'à l'échéance", label_en="working days to the due date"),
    *declare(NAME, "due_weekday", unit="weekday", minimum=0, maximum=6, null="never null", sources=_INVOICE,
             label_fr="jour de semaine de l'échéance", label_en="weekday of the due date"),
    *declare(NAME, "due_day_of_month", unit="day of month", minimum=1, maximum=31, null="never null", sources=_INVOICE,
             label_fr="quantième de l'échéance", label_en="day of the month of the due date"),
    *declare(NAME, "due_month", unit="month", minimum=1, maximum=12, null="never null", sources=_INVOICE,
             label_fr="mois de l'échéance", label_en="month of the due date"),
    *declare(NAME, "due_days_to_month_end", unit="days", minimum=0, maximum=30, null="never null", sources=_INVOICE,
             label_fr="jours entre l'échéance et la fin du mois", label_en="days from the due date to the month end"),
    *declare(NAME, "is_due_on_day_off", unit="flag", null="never null", sources=("invoices", "customers"),
             label_fr="échéance un jour chômé dans le pays du client",
             label_en="due on a day off in the customer's country"),
    *declare(NAME, "has_terms", unit="flag", null="never null", sources=_INVOICE,
             label_fr="conditions de paiement connues", label_en="terms known"),
    *declare(NAME, "terms_stated_days", unit="days", minimum=0, null=_UNREAD, sources=_INVOICE,
             label_fr="jours nommés dans les conditions", label_en="days named in the terms"),
    *declare(NAME, "is_end_of_month_terms", unit="flag", null=_UNREAD, sources=_INVOICE,
             label_fr="échéance fin de mois", label_en="end-of-month terms"),
    *declare(NAME, "has_day_of_month_terms", unit="flag", null=_UNREAD, sources=_INVOICE,
             label_fr="échéance à quantième fixe", label_en="terms to a fixed day of the month"),
    *declare(NAME, "discount_share", unit="share", null=_UNREAD, sources=_INVOICE,
             label_fr="escompte offert pour paiement anticipé", label_en="discount offered for early payment"),
    *declare(NAME, "due_days_beyond_days_then_month_end", unit="days", null=_UNREAD, sources=_INVOICE,
             label_fr="échéance contre celle des conditions (jours, puis fin de mois)",
             label_en="due date against the terms' (days first, then month end)"),
    *declare(NAME, "due_days_beyond_month_end_then_days", unit="days", null=_UNREAD, sources=_INVOICE,
             label_fr="échéance contre celle des conditions (fin de mois, puis jours)",
             label_en="due date against the terms' (month end first, then days)"),
    *declare(NAME, "is_due_date_as_worded", unit="flag", null=_UNREAD, sources=_INVOICE,
             label_fr="échéance conforme à l'une des lectures des conditions",
             label_en="due date as one reading of the terms gives it"),
    *declare(NAME, "has_purchase_order", unit="flag", direction=-1,
             null="none here, and none on the customer's earlier invoices",
             sources=_INVOICE, label_fr="numéro de commande présent", label_en="purchase order present"),
    *declare(NAME, "is_delivered_electronically", unit="flag", null="delivery channel unknown", sources=_INVOICE,
             label_fr="facture transmise par voie électronique", label_en="invoice delivered electronically"),
    *declare(NAME, "is_delivered_on_paper", unit="flag", null="delivery channel unknown", sources=_INVOICE,
             label_fr="facture envoyée sur papier", label_en="invoice delivered on paper"),
    *declare(NAME, "own_paid_share", unit="ratio", null="never null", direction=-1,
             label_fr="part déjà réglée de la facture", label_en="part of the invoice already paid"),
    *declare(NAME, "own_open_dispute_count", unit="count", minimum=0, direction=1, null="no disputes table",
             sources=("disputes",), label_fr="litiges ouverts sur la facture", label_en="open disputes on the invoice"),
    *declare(NAME, "own_reminder_count", unit="count", minimum=0, null="no interactions table",
             sources=("interactions",), label_fr="relances sur la facture", label_en="reminders for the invoice"),
    *declare(NAME, "own_viewed_count", unit="count", minimum=0, null="no interactions table",
             sources=("interactions",), label_fr="consultations de la facture",
             label_en="times the invoice was viewed"),
    *declare(NAME, "is_own_taken_in_charge", unit="flag", null="no interactions table", sources=("interactions",),
             label_fr="facture prise en charge (statut 204)", label_en="invoice taken in charge (status 204)"),
    *declare(NAME, "is_own_approved", unit="flag", direction=-1, null="no interactions table",
             sources=("interactions",), label_fr="facture approuvée (statuts 205, 206)",
             label_en="invoice approved (statuses 205, 206)"),
    *declare(NAME, "is_own_contested", unit="flag", direction=1, null="no interactions table",
             sources=("interactions",), label_fr="facture en litige, suspendue ou refusée (statuts 207, 208, 210)",
             label_en="invoice disputed, suspended or refused (statuses 207, 208, 210)"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """The invoice's own facts at each landmark."""
    marks = view.landmarks
    due = marks.due_on
    return {
        "amount": known(marks.money / CENTS, marks.is_priced),
        "terms_days": (due - marks.issued_on).astype(np.float64),
        "days_past_due": view.days_past_due.astype(np.float64),
        "days_since_issue": (marks.as_of - marks.issued_on).astype(np.float64),
        "working_days_to_due": view.working_days(marks.as_of, due).astype(np.float64),
        "due_weekday": weekdays(due).astype(np.float64),
        "due_day_of_month": days_of_month(due).astype(np.float64),
        "due_month": months(due).astype(np.float64),
        "due_days_to_month_end": days_to_month_end(due).astype(np.float64),
        "is_due_on_day_off": 1.0 - view.working_days(due, due + 1).astype(np.float64),
        "has_purchase_order": _purchase_order(view),
        "is_delivered_electronically": marks.delivery_channel.read(lambda text: text.lower() in _ELECTRONIC),
        "is_delivered_on_paper": marks.delivery_channel.read(lambda text: text.lower() in _PAPER),
        "own_paid_share": ratio(view.invoice.total("allocated", "amount"), marks.amount),
        **_terms(marks),
        **_own_events(view),
    }


def _own_events(view: LandmarkView) -> dict[str, Float64Array]:
    """Disputes, reminders and what the buyer's side reported of the invoice itself."""
    read, unknown = view.invoice, np.full(len(view), np.nan)

    def count(stream: str) -> Float64Array:
        return read.size(stream).astype(np.float64) if stream in read else unknown

    def happened(stream: str) -> Float64Array:
        return np.minimum(count(stream), 1.0)

    return {
        "own_open_dispute_count": count("dispute_opened") - count("dispute_closed"),
        "own_reminder_count": count("reminders"),
        "own_viewed_count": count("viewed"),
        "is_own_taken_in_charge": happened("taken_in_charge"),
        "is_own_approved": happened("approved"),
        "is_own_contested": happened("contested"),
    }


def _terms(marks: LandmarkArrays) -> dict[str, Float64Array]:
    """What the wording of the terms means, and how the due date lies against it in both lawful readings."""
    terms = marks.terms
    days_first, month_end_first = (
        marks.due_on - _recomputed(marks, reading) for reading in EndOfMonthReading
    )
    return {
        "has_terms": terms.is_known.astype(np.float64),
        "terms_stated_days": terms.read(lambda text: _figure(text, lambda known: known.days)),
        "is_end_of_month_terms": terms.read(lambda text: _figure(text, lambda known: known.is_end_of_month)),
        "has_day_of_month_terms": terms.read(
            lambda text: _figure(text, lambda known: known.day_of_month is not None)
        ),
        "discount_share": terms.read(lambda text: _figure(text, lambda known: known.discount_share or 0)),
        "due_days_beyond_days_then_month_end": days_first,
        "due_days_beyond_month_end_then_days": month_end_first,
        "is_due_date_as_worded": np.where(
            np.isnan(days_first), np.nan, (days_first == 0) | (month_end_first == 0)
        ),
    }


@cache
def _parsed(text: str) -> Terms | None:
    return parse_terms(text)


def _figure(text: str, figure: Callable[[Terms], float | Decimal]) -> float:
    parsed = _parsed(text)
    return math.nan if parsed is None else float(figure(parsed))


def _recomputed(marks: LandmarkArrays, reading: EndOfMonthReading) -> Float64Array:
    """Due date the terms give, as a day number; NaN where they are missing or not understood.

    Each different wording and issue date is computed once.
    """
    wordings = len(marks.terms.distinct) + 1
    pairs, places = np.unique(marks.issued_on * wordings + marks.terms.codes + 1, return_inverse=True)
    due = [
        math.nan if code == 0 else _due_day(marks.terms.distinct[code - 1], issued, reading)
        for issued, code in (divmod(pair, wordings) for pair in pairs.tolist())
    ]
    return np.array(due, dtype=np.float64)[places]


@lru_cache(maxsize=1 << 16)
def _due_day(text: str, issued: int, reading: EndOfMonthReading) -> float:
    parsed = _parsed(text)
    return math.nan if parsed is None else float(day_number(due_date(parsed, day_of(issued), reading)))


def _purchase_order(view: LandmarkView) -> Float64Array:
    """Present, or missing where the customer's earlier invoices had one; unknown where none ever had."""
    present = view.landmarks.has_purchase_order
    usual = view.customer.total("issued", "has_purchase_order") > 0
    return known(present.astype(np.int64), present | usual)


GROUP = FeatureGroup(NAME, Text("facture et conditions", "invoice and terms"), COLUMNS, compute)
