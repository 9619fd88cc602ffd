"""How the customer's sector, its country and the whole portfolio pay, without the customer itself."""

from __future__ import annotations

import numpy as np

from features.asof.context import INDICATOR_SCALE
from features.asof.dates import Float64Array
from features.asof.reader import known, ratio
from features.asof.view import LandmarkView
from features.columns import FeatureColumn, FeatureGroup, declare

NAME = "sector_context"
_NOBODY = "no outcome of anybody else there in the window"
_SOURCES = ("customers", "invoices", "payments")
_INDICATORS = ("customers", "indicators")

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "sector_late_share", (90, 365), unit="share", direction=1, null=_NOBODY, sources=_SOURCES,
             label_fr="part en retard du secteur", label_en="share late in the sector"),
    *declare(NAME, "country_late_share", (365,), unit="share", direction=1, null=_NOBODY, sources=_SOURCES,
             label_fr="part en retard du pays", label_en="share late in the country"),
    *declare(NAME, "portfolio_late_share", (90, 365), unit="share", direction=1, null=_NOBODY, sources=_SOURCES,
             label_fr="part en retard du portefeuille", label_en="share late in the portfolio"),
    *declare(NAME, "sector_indicator", unit="index", null="no figure published for the sector", sources=_INDICATORS,
             label_fr="indice du secteur", label_en="sector index"),
    *declare(NAME, "sector_indicator_change", unit="index", null="fewer than two figures published",
             sources=_INDICATORS, label_fr="variation de l'indice du secteur", label_en="change in the sector index"),
    *declare(NAME, "country_indicator", unit="index", null="no figure published for the country",
             sources=_INDICATORS, label_fr="indice du pays", label_en="country index"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Late shares of the others in the sector, country and portfolio, and the latest figures published."""
    values = {}
    for kind, windows in (("sector", (90, 365)), ("country", (365,)), ("portfolio", (90, 365))):
        for window in windows:
            values[f"{kind}_late_share_{window}d"] = others_late_share(view, kind, window)
    latest, change = _indicator(view, "sector")
    return {
        **values,
        "sector_indicator": latest,
        "sector_indicator_change": change,
        "country_indicator": _indicator(view, "country")[0],
    }


def others_late_share(view: LandmarkView, kind: str, window: int | None) -> Float64Array:
    """Share of invoices late among everybody else's outcomes in the window; NaN when there is none."""
    # Marks withdrawn in the window may outweigh the window's own marks, hence the floor.
    late = np.maximum(view.context_total(kind, "late", window), 0)
    return np.minimum(ratio(late, view.context_total(kind, "count", window)), 1.0)


def _indicator(view: LandmarkView, kind: str) -> tuple[Float64Array, Float64Array]:
    reader = view.indicator(kind)
    if reader is None:
        unknown = np.full(len(view), np.nan)
        return unknown, unknown
    latest, exists = reader.nth_last("indicator", "value", 1)
    previous, had = reader.nth_last("indicator", "value", 2)
    return known(latest / INDICATOR_SCALE, exists), known((latest - previous) / INDICATOR_SCALE, had)


GROUP = FeatureGroup(NAME, "secteur et conjoncture", "sector and economy", COLUMNS, compute)
