"""The invoice itself: amount, terms, calendar of its due date, how it was delivered, what happened to it so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from features.asof.dates import Float64Array, days_of_month, days_to_month_end, months, weekdays
from features.asof.reader import known, ratio
from features.asof.view import LandmarkView
from features.columns import FeatureColumn, FeatureGroup, declare
from features.settings import CENTS

NAME = "invoice_terms"
_INVOICE = ("invoices",)
_ELECTRONIC = frozenset({"edi", "einvoice", "electronic", "peppol", "portal", "facturx", "pdp"})
_PAPER = frozenset({"paper", "post", "mail"})
_END_OF_MONTH = re.compile(r"fin\s+de\s+mois|\bfdm\b|end\s+of\s+month|\beom\b", re.IGNORECASE)

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "amount", unit="EUR", minimum=0, null="never null", sources=_INVOICE,
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
             label_fr="jour de semaine de l'échéance (0 lundi)", label_en="weekday of the due date (0 Monday)"),
    *declare(NAME, "due_day_of_month", unit="day of month", minimum=1, maximum=31, null="never null", sources=_INVOICE,
             label_fr="quantième de l'échéance", label_en="day of the month of the due date"),
    *declare(NAME, "due_month", unit="month", minimum=1, maximum=12, null="never null", sources=_INVOICE,
             label_fr="mois de l'échéance", label_en="month of the due date"),
    *declare(NAME, "due_days_to_month_end", unit="days", minimum=0, maximum=30, null="never null", sources=_INVOICE,
             label_fr="jours entre l'échéance et la fin du mois", label_en="days from the due date to the month end"),
    *declare(NAME, "is_end_of_month_terms", unit="flag", null="no terms known", sources=_INVOICE,
             label_fr="échéance fin de mois", label_en="end-of-month terms"),
    *declare(NAME, "has_terms", unit="flag", null="never null", sources=_INVOICE,
             label_fr="conditions de paiement connues", label_en="terms known"),
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
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """The invoice's own facts at each landmark."""
    marks, unknown = view.landmarks, np.full(len(view), np.nan)
    due = marks.due_on
    values = {
        "amount": marks.amount / CENTS,
        "terms_days": (due - marks.issued_on).astype(np.float64),
        "days_past_due": view.days_past_due.astype(np.float64),
        "days_since_issue": (marks.as_of - marks.issued_on).astype(np.float64),
        "working_days_to_due": view.working_days(marks.as_of, due).astype(np.float64),
        "due_weekday": weekdays(due).astype(np.float64),
        "due_day_of_month": days_of_month(due).astype(np.float64),
        "due_month": months(due).astype(np.float64),
        "due_days_to_month_end": days_to_month_end(due).astype(np.float64),
        "has_terms": marks.has_terms.astype(np.float64),
        "own_paid_share": ratio(view.invoice.total("allocated", "amount"), marks.amount),
        "own_open_dispute_count": unknown,
        "own_reminder_count": unknown,
        **_wording(view),
    }
    if "dispute_opened" in view.invoice:
        values["own_open_dispute_count"] = (
            view.invoice.size("dispute_opened") - view.invoice.size("dispute_closed")
        ).astype(np.float64)
    if "reminders" in view.invoice:
        values["own_reminder_count"] = view.invoice.size("reminders").astype(np.float64)
    return values


def _wording(view: LandmarkView) -> dict[str, Float64Array]:
    """What the invoice's texts say: end-of-month terms, delivery channel, purchase order."""
    terms, channel = _texts(view, "terms"), _texts(view, "delivery_channel")
    return {
        "is_end_of_month_terms": np.array([_says_end_of_month(text) for text in terms], dtype=np.float64),
        "has_purchase_order": _purchase_order(view),
        "is_delivered_electronically": np.array(
            [_is_one_of(text, _ELECTRONIC) for text in channel], dtype=np.float64
        ),
        "is_delivered_on_paper": np.array([_is_one_of(text, _PAPER) for text in channel], dtype=np.float64),
    }


@cache
def _says_end_of_month(terms: str | None) -> float:
    return float("nan") if terms is None else float(_END_OF_MONTH.search(terms) is not None)


def _is_one_of(channel: str | None, channels: frozenset[str]) -> float:
    return float("nan") if channel is None else float(channel.lower() in channels)


def _purchase_order(view: LandmarkView) -> Float64Array:
    """Present, or missing where the customer's earlier invoices had one; unknown where none ever had."""
    present = view.landmarks.has_purchase_order
    usual = view.customer.total("issued", "has_purchase_order") > 0
    return known(present.astype(np.int64), present | usual)


def _texts(view: LandmarkView, column: str) -> Sequence[str | None]:
    frame = view.landmarks.frame
    return frame[column].to_list() if column in frame else [None] * len(view)


GROUP = FeatureGroup(NAME, "facture et conditions", "invoice and terms", COLUMNS, compute)
