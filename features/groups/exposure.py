"""What a customer owes at the as-of date, apart from the invoice being scored: open, overdue, disputed, credit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from features.asof.dates import Float64Array, Int64Array
from features.asof.events import AGEING_STARTS
from features.asof.payers import UNKNOWN
from features.asof.reader import known, ratio
from features.asof.view import LandmarkView
from features.cents import CENTS
from features.groups.columns import FeatureColumn, FeatureGroup, declare
from features.messages import Text

NAME = "exposure"
_DISPUTES = ("invoices", "disputes")

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "open_amount_sum", unit="EUR", null="never null",
             label_fr="encours ouvert hors cette facture", label_en="open amount of the other invoices"),
    *declare(NAME, "open_count", unit="count", minimum=0, null="never null",
             label_fr="autres factures ouvertes", label_en="other open invoices"),
    *declare(NAME, "overdue_amount_sum", unit="EUR", direction=1, null="never null",
             label_fr="montant échu hors cette facture", label_en="overdue amount of the other invoices"),
    *declare(NAME, "overdue_count", unit="count", minimum=0, direction=1, null="never null",
             label_fr="autres factures échues", label_en="other overdue invoices"),
    *declare(NAME, "overdue_amount_share", unit="share", direction=1, null="nothing else is open",
             label_fr="part échue de l'encours", label_en="overdue part of the open amount"),
    *declare(NAME, "others_oldest_overdue_days", unit="days", minimum=1, direction=1,
             null="no other invoice is overdue",
             label_fr="ancienneté de la plus vieille échéance dépassée hors cette facture",
             label_en="age of the oldest of the other overdue invoices"),
    *declare(NAME, "overdue_amount_1_30d", unit="EUR", null="never null",
             label_fr="montant échu de 1 à 30 jours", label_en="amount overdue 1 to 30 days"),
    *declare(NAME, "overdue_amount_31_60d", unit="EUR", null="never null",
             label_fr="montant échu de 31 à 60 jours", label_en="amount overdue 31 to 60 days"),
    *declare(NAME, "overdue_amount_61_90d", unit="EUR", null="never null",
             label_fr="montant échu de 61 à 90 jours", label_en="amount overdue 61 to 90 days"),
    *declare(NAME, "overdue_amount_over_90d", unit="EUR", direction=1, null="never null",
             label_fr="montant échu de plus de 90 jours", label_en="amount overdue more than 90 days"),
    *declare(NAME, "credit_limit_used_share", unit="ratio", null="no credit limit known, or a limit of zero",
             sources=("customers", "invoices", "payments"),
             label_fr="part utilisée du plafond de crédit", label_en="used part of the credit limit"),
    *declare(NAME, "bureau_score", unit="score", direction=-1, null="no score of a credit bureau known",
             sources=("customers",),
             label_fr="score de l'agence de renseignement", label_en="score of the credit bureau"),
    *declare(NAME, "disputed_count", unit="count", minimum=0, direction=1, null="no disputes table", sources=_DISPUTES,
             label_fr="litiges ouverts", label_en="open disputes"),
    *declare(NAME, "disputed_amount_sum", unit="EUR", minimum=0, null="no disputes table", sources=_DISPUTES,
             label_fr="montant en litige", label_en="amount in dispute"),
    *declare(NAME, "dispute_count", (365,), unit="count", minimum=0, null="no disputes table", sources=_DISPUTES,
             label_fr="litiges ouverts", label_en="disputes opened"),
    *declare(NAME, "unapplied_credit_sum", unit="EUR", null="never null",
             label_fr="avoirs non imputés", label_en="unapplied credit"),
    *declare(NAME, "cash_on_account_sum", unit="EUR", null="never null",
             label_fr="acomptes non imputés", label_en="cash on account"),
    *declare(NAME, "open_amount_change", (30, 90), unit="EUR", null="never null",
             label_fr="variation de l'encours total", label_en="change in the whole open amount"),
    *declare(NAME, "overdue_amount_change", (30, 90), unit="EUR", direction=1, null="never null",
             label_fr="variation du montant échu total", label_en="change in the whole overdue amount"),
    *declare(NAME, "other_currency_open_count", unit="count", minimum=0, null="never null",
             label_fr="autres factures ouvertes dans une devise sans taux de change",
             label_en="other open invoices in a currency without an exchange rate"),
    *declare(NAME, "other_currency_count", (None,), unit="count", minimum=0, null="never null",
             label_fr="factures, avoirs et acomptes dans une devise sans taux de change",
             label_en="invoices, credit notes and payments on account in a currency without an exchange rate"),
    *declare(NAME, "reminder_count", (90,), unit="count", minimum=0, null="no interactions table",
             sources=("interactions",), label_fr="relances envoyées", label_en="reminders sent"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Exposure on each landmark's customer, from what was known strictly before its as-of date."""
    return {**_owed(view), **_ageing(view), **_contested(view), **_other_currencies(view)}


def open_amount(view: LandmarkView, days_ago: int = 0) -> Int64Array:
    """Cents open at `as_of - days_ago`, the scored invoice included once it is known."""
    read = view.customer
    issued = read.total("issued", "amount", None, days_ago)
    return issued - read.total("allocated", "amount", None, days_ago)


def overdue_amount(view: LandmarkView, more_than: int = 0, days_ago: int = 0) -> Int64Array:
    """Cents more than `more_than` days past due at `as_of - days_ago`, the scored invoice included."""
    read = view.customer
    due = read.total("due", "amount", None, days_ago + more_than)
    return due - read.total(f"overdue_allocated_{more_than}", "amount", None, days_ago)


def _own_overdue_amount(view: LandmarkView, more_than: int) -> Int64Array:
    return np.where(view.own_is_visible & (view.days_past_due > more_than), view.own_open_amount, 0)


def _owed(view: LandmarkView) -> dict[str, Float64Array]:
    read = view.customer
    own_open = np.where(view.own_is_visible, view.own_open_amount, 0)
    amount = open_amount(view) - own_open
    overdue = overdue_amount(view) - _own_overdue_amount(view, 0)
    count = read.size("issued") - read.size("settled") - read.count("closed_unpaid") - view.own_is_open
    overdue_count = (
        read.size("due") - read.count("overdue_closed") - (view.own_is_open & (view.days_past_due > 0))
    )
    limit = view.credit_limit
    return {
        "open_amount_sum": amount / CENTS,
        "open_count": count.astype(np.float64),
        "overdue_amount_sum": overdue / CENTS,
        "overdue_count": overdue_count.astype(np.float64),
        # Overpayments may leave less open than overdue, or nothing; cents within tolerance are not an open invoice.
        "overdue_amount_share": np.clip(
            ratio(overdue, np.where(count > 0, np.maximum(amount, 0), 0)), 0.0, 1.0
        ),
        "others_oldest_overdue_days": _others_oldest_overdue_days(view),
        "credit_limit_used_share": ratio(amount, np.where(limit == UNKNOWN, 0, limit)),
        "bureau_score": view.bureau_score,
        "open_amount_change_30d": (open_amount(view) - open_amount(view, 30)) / CENTS,
        "open_amount_change_90d": (open_amount(view) - open_amount(view, 90)) / CENTS,
        "overdue_amount_change_30d": (overdue_amount(view) - overdue_amount(view, 0, 30)) / CENTS,
        "overdue_amount_change_90d": (overdue_amount(view) - overdue_amount(view, 0, 90)) / CENTS,
    }


def _others_oldest_overdue_days(view: LandmarkView) -> Float64Array:
    """Days past due of the oldest overdue invoice but the scored one; NaN where no other is overdue.

    Where the scored invoice is the oldest it is the second one; which of several due that day it is does not matter.
    """
    read = view.customer
    oldest, exists = read.first_reaching("due_states", "closed_known", read.as_of)
    second, exists_second = read.first_reaching("due_states", "closed_known", read.as_of, nth=2)
    is_own = view.own_is_open & (view.days_past_due > 0) & exists & (oldest >= view.landmarks.due_on)
    return known(read.as_of - np.where(is_own, second, oldest), np.where(is_own, exists_second, exists))


def _ageing(view: LandmarkView) -> dict[str, Float64Array]:
    names = (
        "overdue_amount_1_30d",
        "overdue_amount_31_60d",
        "overdue_amount_61_90d",
        "overdue_amount_over_90d",
    )
    beyond = [overdue_amount(view, start) - _own_overdue_amount(view, start) for start in AGEING_STARTS]
    buckets = [now - later for now, later in pairwise(beyond)] + [beyond[-1]]
    return {name: bucket / CENTS for name, bucket in zip(names, buckets, strict=True)}


def _contested(view: LandmarkView) -> dict[str, Float64Array]:
    read, unknown = view.customer, np.full(len(view), np.nan)
    values = {
        "unapplied_credit_sum": read.total("credit_notes", "amount") / CENTS,
        "cash_on_account_sum": read.total("on_account", "amount") / CENTS,
        "disputed_count": unknown,
        "disputed_amount_sum": unknown,
        "dispute_count_365d": unknown,
        "reminder_count_90d": unknown,
    }  # fmt: skip
    if "dispute_opened" in read:
        values["disputed_count"] = (read.size("dispute_opened") - read.size("dispute_closed")).astype(
            np.float64
        )
        opened, closed = read.total("dispute_opened", "amount"), read.total("dispute_closed", "amount")
        values["disputed_amount_sum"] = (opened - closed) / CENTS
        values["dispute_count_365d"] = read.size("dispute_opened", 365).astype(np.float64)
    if "reminders" in read:
        values["reminder_count_90d"] = read.size("reminders", 90).astype(np.float64)
    return values


def _other_currencies(view: LandmarkView) -> dict[str, Float64Array]:
    """What is part of no amount because no rate known before its own day converts it."""
    read, nothing = view.customer, np.zeros(len(view))
    values = {"other_currency_open_count": nothing, "other_currency_count_all": nothing}
    if "unpriced" in read:
        still_open = read.total("unpriced_open", "count") - view.invoice.total("unpriced_open", "count")
        values["other_currency_open_count"] = still_open.astype(np.float64)
        values["other_currency_count_all"] = read.size("unpriced").astype(np.float64)
    return values


GROUP = FeatureGroup(NAME, Text("encours et échus", "exposure"), COLUMNS, compute)
