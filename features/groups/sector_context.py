"""How the customer's sector, its country and the whole portfolio pay, without the customer itself."""

from __future__ import annotations

import numpy as np

from features.asof.dates import Float64Array, Int64Array
from features.asof.reader import ratio
from features.asof.view import LandmarkView
from features.groups.columns import FeatureColumn, FeatureGroup, declare
from features.messages import Text

NAME = "sector_context"
_NOBODY = "no outcome of anybody else there in the window"
_SOURCES = ("customers", "invoices", "payments")
_INDICATORS = ("customers", "indicators")

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "peers_late_share", (365,), unit="share", direction=1, null=_NOBODY, sources=_SOURCES,
             label_fr="part en retard des clients de même secteur et de même taille",
             label_en="share late among customers of the same sector and size"),
    *declare(NAME, "sector_late_share", (90, 365), unit="share", direction=1, null=_NOBODY, sources=_SOURCES,
             label_fr="part en retard du secteur", label_en="share late in the sector"),
    *declare(NAME, "sector_late_share_change", unit="ratio", minimum=-1, maximum=1, direction=1,
             null="no outcome of anybody else in the sector in the last 90 days, or in the year before them",
             sources=_SOURCES, label_fr="évolution de la part en retard du secteur (90 jours contre l'année d'avant)",
             label_en="change in the share late in the sector (90 days against the year before)"),
    *declare(NAME, "country_late_share", (365,), unit="share", direction=1, null=_NOBODY, sources=_SOURCES,
             label_fr="part en retard du pays", label_en="share late in the country"),
    *declare(NAME, "portfolio_late_share", (90, 365), unit="share", direction=1, null=_NOBODY, sources=_SOURCES,
             label_fr="part en retard du portefeuille", label_en="share late in the portfolio"),
    *declare(NAME, "portfolio_outcome_count", (365,), unit="count", minimum=0, null="never null", sources=_SOURCES,
             label_fr="factures des autres clients dont l'issue est connue",
             label_en="invoices of other customers with a known outcome"),
    *declare(NAME, "portfolio_late_unpaid_30d_share", (365,), unit="share", direction=1, sources=_SOURCES,
             null="no invoice of anybody else known to be late and then unpaid or paid 30 days past due in the window",
             label_fr="part des factures en retard du portefeuille encore impayées 30 jours après l'échéance",
             label_en="share of the portfolio's late invoices still unpaid 30 days past due"),
    *declare(NAME, "portfolio_late_outcome_30d_count", (365,), unit="count", minimum=0, null="never null",
             sources=_SOURCES,
             label_fr="factures en retard d'autres clients dont l'état 30 jours après l'échéance est connu",
             label_en="late invoices of other customers known to be unpaid or paid 30 days past due"),
    *declare(NAME, "sector_indicator", unit="index", null="no figure published for the sector", sources=_INDICATORS,
             label_fr="indice du secteur", label_en="sector index"),
    *declare(NAME, "sector_indicator_change", unit="index", null="figures of fewer than two periods published",
             sources=_INDICATORS, label_fr="variation de l'indice du secteur", label_en="change in the sector index"),
    *declare(NAME, "country_indicator", unit="index", null="no figure published for the country",
             sources=_INDICATORS, label_fr="indice du pays", label_en="country index"),
    *declare(NAME, "country_indicator_change", unit="index", null="figures of fewer than two periods published",
             sources=_INDICATORS, label_fr="variation de l'indice du pays", label_en="change in the country index"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Late shares of the others in the sector, country and portfolio, and the latest figures published."""
    values = {}
    windows = {"peers": (365,), "sector": (90, 365), "country": (365,), "portfolio": (90, 365)}
    for kind, days in windows.items():
        for window in days:
            values[f"{kind}_late_share_{window}d"] = others_late_share(view, kind, window)
    unpaid, late = (
        view.others("portfolio", "outcome_30d", measure, 365) for measure in ("late", "late_before")
    )
    late = np.maximum(late, 0)
    values["portfolio_late_unpaid_30d_share_365d"] = _share(unpaid, late)
    values["portfolio_late_outcome_30d_count_365d"] = late.astype(np.float64)
    values["portfolio_outcome_count_365d"] = view.others("portfolio", "outcome", "count", 365).astype(
        np.float64
    )
    recent, recent_late = _recent(view, "count"), _recent(view, "late")
    before = view.others("sector", "outcome", "count", 455) - recent
    before_late = view.others("sector", "outcome", "late", 455) - recent_late
    values["sector_late_share_change"] = _share(recent_late, recent) - _share(before_late, before)
    for kind in ("sector", "country"):
        values[f"{kind}_indicator"], values[f"{kind}_indicator_change"] = view.indicator(kind)
    return values


def others_late_share(view: LandmarkView, kind: str, window: int | None) -> Float64Array:
    """Share of invoices late among everybody else's outcomes in the window; NaN when there is none."""
    return _share(view.others(kind, "outcome", "late", window), view.others(kind, "outcome", "count", window))


def _recent(view: LandmarkView, measure: str) -> Int64Array:
    return view.others("sector", "outcome", measure, 90)


def _share(late: Int64Array, count: Int64Array) -> Float64Array:
    """Late over all; marks withdrawn in a window may outweigh the window's own marks, hence the bounds."""
    return np.clip(ratio(late, count), 0.0, 1.0)


GROUP = FeatureGroup(NAME, Text("secteur et conjoncture", "sector and economy"), COLUMNS, compute)
