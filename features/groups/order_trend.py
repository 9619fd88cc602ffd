"""How much is being invoiced to a customer against its own past and season: a drop often precedes trouble."""

from __future__ import annotations

import numpy as np

from features.asof.dates import NEVER, Float64Array
from features.asof.events import LOG_SCALE
from features.asof.reader import deviation, known, ratio
from features.asof.view import LandmarkView
from features.cents import CENTS
from features.groups.columns import FeatureColumn, FeatureGroup, declare
from features.messages import Text

NAME = "order_trend"
_SOURCES = ("invoices",)
_NONE_BEFORE = "no earlier invoice"
_NOT_COMPARABLE = "no earlier invoice, or no exchange rate for this one or any of those"
SEASON_WINDOW = 730
_SEASON_MONTHS = 3
_DEVIATION_INVOICES = 3
_SEASON_INVOICES = 4
"""Invoices a year, in each of the two years, from which a season can be distinguished from chance."""

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "invoiced_count", (30, 90, 365), unit="count", minimum=0, null="never null", sources=_SOURCES,
             label_fr="factures émises", label_en="invoices issued"),
    *declare(NAME, "invoiced_amount_sum", (90, 365), unit="EUR", minimum=0, null="never null", sources=_SOURCES,
             label_fr="montant facturé", label_en="amount invoiced"),
    *declare(NAME, "invoiced_count_change", unit="ratio", minimum=0, sources=_SOURCES,
             null="nothing invoiced in the year before the last 90 days",
             label_fr="nombre de factures, 90 jours contre l'année d'avant",
             label_en="number of invoices, 90 days against the year before"),
    *declare(NAME, "invoiced_amount_change", unit="ratio", minimum=0, sources=_SOURCES,
             null="nothing invoiced in the year before the last 90 days",
             label_fr="facturation, 90 jours contre l'année d'avant",
             label_en="invoicing, 90 days against the year before"),
    *declare(NAME, "invoiced_amount_change_same_season", unit="ratio", minimum=0, sources=_SOURCES,
             null="nothing invoiced in the same 90 days a year earlier",
             label_fr="facturation, 90 jours contre la même saison l'an passé",
             label_en="invoicing, 90 days against the same season last year"),
    *declare(NAME, "season_share", (SEASON_WINDOW,), unit="share", sources=_SOURCES,
             null="fewer than four invoices in one of the last two years",
             label_fr="part des factures dans les trois mois les plus chargés",
             label_en="share of invoices in the busiest three months of the year"),
    *declare(NAME, "invoiced_recency_days", unit="days", minimum=1, null=_NONE_BEFORE, sources=_SOURCES,
             label_fr="jours depuis la dernière facture", label_en="days since the latest invoice"),
    *declare(NAME, "invoice_gap_ratio", unit="ratio", minimum=0, sources=_SOURCES,
             null="fewer than two earlier invoices, or all on one day",
             label_fr="dernier intervalle entre factures contre l'habitude",
             label_en="latest gap between invoices against the usual"),
    *declare(NAME, "tenure_days", unit="days", minimum=0, null="no earlier invoice and no known start",
             sources=("invoices", "customers"), label_fr="ancienneté du client", label_en="customer tenure"),
    *declare(NAME, "amount_to_mean_ratio", unit="ratio", minimum=0, null=_NOT_COMPARABLE, sources=_SOURCES,
             label_fr="montant de la facture contre la moyenne du client",
             label_en="invoice amount against the customer's mean"),
    *declare(NAME, "amount_to_max_ratio", unit="ratio", minimum=0, null=_NOT_COMPARABLE, sources=_SOURCES,
             label_fr="montant de la facture contre la plus grosse d'avant",
             label_en="invoice amount against the customer's largest before"),
    *declare(NAME, "amount_deviation", unit="spreads", sources=_SOURCES,
             null="fewer than three earlier invoices that are comparable, or all of one amount",
             label_fr="montant de la facture contre l'habitude, en écarts types (échelle logarithmique)",
             label_en="invoice amount against the usual, in standard deviations (logarithmic scale)"),
    *declare(NAME, "terms_days_change", unit="days", null=_NONE_BEFORE, sources=_SOURCES,
             label_fr="délai accordé contre la moyenne du client",
             label_en="days granted against the customer's mean"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Invoicing of each landmark's customer known before the as-of date, the scored invoice against those before it.

    Volumes and gaps count every invoice known, the scored one too once its issue lies in the past.
    """
    read = view.customer
    quarter, quarter_count = read.total("issued", "amount", 90), read.size("issued", 90)
    first, any_issued = read.first_day("issued")
    latest, _ = read.last_day("issued")
    start = np.minimum(np.where(any_issued, first, NEVER), view.customer_since)
    values = {
        f"invoiced_count_{days}d": read.size("issued", days).astype(np.float64) for days in (30, 90, 365)
    }
    gaps = (read.as_of - latest) * (read.size("issued") - 1)
    return {
        **values,
        **_against_earlier(view),
        "invoiced_amount_sum_90d": quarter / CENTS,
        "invoiced_amount_sum_365d": read.total("issued", "amount", 365) / CENTS,
        "invoiced_count_change": ratio(quarter_count * 365, read.size("issued", 455, 90) * 90),
        "invoiced_amount_change": ratio(quarter * 365, read.total("issued", "amount", 455, 90) * 90),
        "invoiced_amount_change_same_season": ratio(quarter, read.total("issued", "amount", 455, 365)),
        f"season_share_{SEASON_WINDOW}d": _season_share(view),
        "invoiced_recency_days": known(read.as_of - latest, any_issued),
        "invoice_gap_ratio": ratio(gaps, np.where(any_issued, latest - first, 0)),
        "tenure_days": known(read.as_of - start, start <= read.as_of),
    }


def _against_earlier(view: LandmarkView) -> dict[str, Float64Array]:
    """Amount and terms of the scored invoice against the customer's invoices issued on earlier days."""
    read, marks = view.customer, view.landmarks
    earlier = read.bounds_before("issued", marks.issued_on)
    count, priced = earlier[1] - earlier[0], read.priced_between("issued", earlier)
    largest, exists = read.maximum("issued", "amount", earlier)
    logs = read.total_between("issued", "log_amount", earlier)
    spread = deviation(priced, logs, read.total_between("issued", "log_amount_squared", earlier))
    own_log = np.rint(np.log(np.maximum(marks.money, 1)) * LOG_SCALE)
    return {
        "amount_to_mean_ratio": known(
            ratio(marks.money * priced, read.total_between("issued", "amount", earlier)), marks.is_priced
        ),
        "amount_to_max_ratio": known(ratio(marks.money, largest), exists & marks.is_priced),
        "amount_deviation": known(
            ratio(own_log - ratio(logs, priced), np.where(priced >= _DEVIATION_INVOICES, spread, 0.0)),
            marks.is_priced,
        ),
        "terms_days_change": (marks.due_on - marks.issued_on)
        - ratio(read.total_between("issued", "terms_days", earlier), count),
    }


def _season_share(view: LandmarkView) -> Float64Array:
    """Share of two years' invoices issued in the three consecutive calendar months that gather the most."""
    read = view.customer
    count, recent = read.size("issued", SEASON_WINDOW), read.size("issued", SEASON_WINDOW // 2)
    by_month = read.counts("issued", "month", SEASON_WINDOW)
    months = (by_month, *(np.roll(by_month, shift, axis=1) for shift in range(1, _SEASON_MONTHS)))
    in_season = np.sum(months, axis=0).max(axis=1)
    return known(ratio(in_season, count), np.minimum(recent, count - recent) >= _SEASON_INVOICES)


GROUP = FeatureGroup(NAME, Text("évolution de la facturation", "order trend"), COLUMNS, compute)
