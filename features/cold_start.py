"""Thin history: the customer's figures pulled towards its sector's, and the sector's towards the portfolio's.

Partial pooling with fixed prior weights (Efron and Morris, "Data analysis using Stein's estimator and its
generalizations", 1975, in the beta-binomial form): a customer with n outcomes counts n, its sector counts
`CUSTOMER_PRIOR` more. The number of outcomes stays beside it, so that nobody mistakes a prior for a history.
"""

from __future__ import annotations

import numpy as np

from features.asof.dates import Float64Array
from features.asof.reader import ratio
from features.asof.view import LandmarkView
from features.columns import FeatureColumn, FeatureGroup, declare

NAME = "cold_start"
CUSTOMER_PRIOR = 5.0
"""Outcomes the sector counts for in a customer's shrunk share."""
SECTOR_PRIOR = 100.0
"""Outcomes the portfolio counts for in a sector's shrunk share."""
_NOTHING = "no outcome known of anybody"

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "history_depth", unit="count", minimum=0, null="never null",
             label_fr="factures payées connues du client", label_en="settled invoices known of the customer"),
    *declare(NAME, "late_share_shrunk", (365, None), unit="share", direction=1, null=_NOTHING,
             sources=("customers", "invoices", "payments"),
             label_fr="part en retard, rapprochée du secteur si l'historique est court",
             label_en="share late, pulled towards the sector where history is short"),
    *declare(NAME, "sector_late_share_shrunk", unit="share", direction=1, null=_NOTHING,
             sources=("customers", "invoices", "payments"),
             label_fr="part en retard du secteur, rapprochée du portefeuille",
             label_en="share late of the sector, pulled towards the portfolio"),
    *declare(NAME, "own_history_weight", unit="share", null="never null",
             label_fr="poids de l'historique propre du client", label_en="weight of the customer's own history"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Shrunk late shares with the number of observations behind them."""
    read = view.customer
    sector = _sector_share(view)
    outcomes = read.total("outcome", "count").astype(np.float64)
    return {
        "history_depth": read.size("settled").astype(np.float64),
        "late_share_shrunk_365d": _pulled(view, 365, sector),
        "late_share_shrunk_all": _pulled(view, None, sector),
        "sector_late_share_shrunk": sector,
        "own_history_weight": outcomes / (outcomes + CUSTOMER_PRIOR),
    }


def _sector_share(view: LandmarkView) -> Float64Array:
    """Late share of the others in the sector pulled towards the portfolio's; the portfolio's where it is unknown."""
    late_all, count_all = _others(view, "portfolio")
    late, count = _others(view, "sector")
    return np.asarray((late + SECTOR_PRIOR * ratio(late_all, count_all)) / (count + SECTOR_PRIOR))


def _others(view: LandmarkView, kind: str) -> tuple[Float64Array, Float64Array]:
    late = np.maximum(view.context_total(kind, "late", None), 0)
    return late.astype(np.float64), view.context_total(kind, "count", None).astype(np.float64)


def _pulled(view: LandmarkView, window: int | None, sector: Float64Array) -> Float64Array:
    read = view.customer
    late = np.maximum(read.total("outcome", "late", window), 0).astype(np.float64)
    count = read.total("outcome", "count", window).astype(np.float64)
    return np.where(
        np.isnan(sector), ratio(late, count), (late + CUSTOMER_PRIOR * sector) / (count + CUSTOMER_PRIOR)
    )


GROUP = FeatureGroup(NAME, "profondeur d'historique", "depth of history", COLUMNS, compute)
