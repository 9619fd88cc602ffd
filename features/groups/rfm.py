"""RFM on payments: how recently, how often and how much a customer pays; cut points and segments beside it."""

from __future__ import annotations

import numpy as np

from features.asof.dates import Float64Array
from features.asof.reader import known, ratio
from features.asof.view import LandmarkView
from features.cents import CENTS
from features.groups.columns import FeatureColumn, FeatureGroup, declare
from features.messages import Text

NAME = "rfm"
_NO_PAYMENT = "no payment known yet"

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "payment_recency_days", unit="days", minimum=1, null=_NO_PAYMENT,
             label_fr="jours depuis le dernier paiement", label_en="days since the latest payment"),
    *declare(NAME, "payment_frequency", (90, 365), unit="count", minimum=0, null="never null",
             label_fr="nombre de jours de paiement", label_en="number of payment days"),
    *declare(NAME, "payment_amount_sum", (90, 365), unit="EUR", minimum=0, null="never null",
             label_fr="montant payé", label_en="amount paid"),
    *declare(NAME, "payment_amount_mean", (365,), unit="EUR", minimum=0,
             null="no payment in the window, or none that a rate converts",
             label_fr="montant moyen par jour de paiement", label_en="mean amount per payment day"),
    *declare(NAME, "payment_frequency_change", unit="ratio", minimum=0,
             null="no payment in the year before the last 90 days",
             label_fr="rythme des paiements, 90 jours contre l'année d'avant",
             label_en="pace of payments, 90 days against the year before"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Recency, frequency and amount of the payments known strictly before each as-of date."""
    read = view.customer
    latest, exists = read.last_day("paydays")
    quarter, year = read.size("paydays", 90), read.size("paydays", 365)
    amount = read.total("paydays", "amount", 365)
    return {
        "payment_recency_days": known(read.as_of - latest, exists),
        "payment_frequency_90d": quarter.astype(np.float64),
        "payment_frequency_365d": year.astype(np.float64),
        "payment_amount_sum_90d": read.total("paydays", "amount", 90) / CENTS,
        "payment_amount_sum_365d": amount / CENTS,
        "payment_amount_mean_365d": ratio(amount, read.priced("paydays", 365) * CENTS),
        "payment_frequency_change": ratio(quarter * 365, read.size("paydays", 455, 90) * 90),
    }


GROUP = FeatureGroup(
    NAME,
    Text("rythme et volume des paiements", "recency, frequency and amount of payments"),
    COLUMNS,
    compute,
)
