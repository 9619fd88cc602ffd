"""Thin history: the customer's figures pulled towards its peers', theirs towards the sector's and the portfolio's.

Peers are the customers of the same sector and size class. Partial pooling with fixed prior weights (Efron and Morris,
"Data analysis using Stein's estimator and its generalizations", 1975, in the beta-binomial form): a customer with n
outcomes counts n, its peers count `CUSTOMER_PRIOR` more. The number of outcomes stays beside it, so that nobody
mistakes a prior for a history.
"""

from __future__ import annotations

import numpy as np

from features.asof.dates import Float64Array
from features.asof.reader import ratio
from features.asof.view import LandmarkView
from features.groups.columns import FeatureColumn, FeatureGroup, column_name, declare
from features.messages import Text

NAME = "cold_start"
CUSTOMER_PRIOR = 5.0
"""Outcomes the peers count for in a customer's shrunk figures."""
PEERS_PRIOR = 50.0
"""Outcomes the sector counts for in the peers' figures."""
SECTOR_PRIOR = 100.0
"""Outcomes the portfolio counts for in a sector's figures."""
WINDOWS: tuple[int | None, ...] = (365, None)
_NOTHING = "no outcome known of anybody"
_NO_DAYS = "no settlement known of anybody"
_SOURCES = ("customers", "invoices", "payments")

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "history_depth", unit="count", minimum=0, null="never null",
             label_fr="factures payées connues du client", label_en="settled invoices known of the customer"),
    *declare(NAME, "late_share_shrunk", WINDOWS, unit="share", direction=1, null=_NOTHING, sources=_SOURCES,
             label_fr="part en retard, rapprochée des clients semblables si l'historique est court",
             label_en="share late, pulled towards similar customers where history is short"),
    *declare(NAME, "days_late_shrunk", WINDOWS, unit="days", direction=1, null=_NO_DAYS, sources=_SOURCES,
             label_fr="retard moyen, rapproché des clients semblables si l'historique est court",
             label_en="mean days late, pulled towards similar customers where history is short"),
    *declare(NAME, "effective_outcome_count", WINDOWS, unit="count", minimum=0, null="never null", sources=_SOURCES,
             label_fr="observations derrière la part rapprochée, propres et empruntées",
             label_en="observations behind the pulled share, own and borrowed"),
    *declare(NAME, "sector_late_share_shrunk", unit="share", direction=1, null=_NOTHING, sources=_SOURCES,
             label_fr="part en retard du secteur, rapprochée du portefeuille",
             label_en="share late of the sector, pulled towards the portfolio"),
    *declare(NAME, "own_history_weight", unit="share", null="never null",
             label_fr="poids de l'historique propre du client", label_en="weight of the customer's own history"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Shrunk late shares and days late with the number of observations behind them."""
    read = view.customer
    sector, peers = _priors(view, "outcome", "late")
    _, peers_days = _priors(view, "settlements", "days_late")
    outcomes = read.total("outcome", "count").astype(np.float64)
    borrowed = _borrowed(view)
    values = {
        "history_depth": read.size("settled").astype(np.float64),
        "sector_late_share_shrunk": sector,
        "own_history_weight": outcomes / (outcomes + CUSTOMER_PRIOR),
    }
    for window in WINDOWS:
        count = read.total("outcome", "count", window).astype(np.float64)
        late = np.maximum(read.total("outcome", "late", window), 0).astype(np.float64)
        settled = read.size("settled", window).astype(np.float64)
        days = read.total("settled", "days_late", window).astype(np.float64)
        values[column_name("late_share_shrunk", window)] = np.clip(_pulled(late, count, peers), 0.0, 1.0)
        values[column_name("days_late_shrunk", window)] = _pulled(days, settled, peers_days)
        values[column_name("effective_outcome_count", window)] = count + borrowed
    return values


def _priors(view: LandmarkView, stream: str, measure: str) -> tuple[Float64Array, Float64Array]:
    """Mean of a measure among the others of the sector and of the peers, each pulled towards the wider group.

    The wider group's mean is used where the narrower group is unknown or nothing is known of it.
    """
    wider = _mean_of_others(view, "portfolio", stream, measure)
    means = []
    for kind, prior in (("sector", SECTOR_PRIOR), ("peers", PEERS_PRIOR)):
        total, count = _others(view, kind, stream, measure)
        wider = (total + prior * wider) / (count + prior)
        means.append(wider)
    return means[0], means[1]


def _others(view: LandmarkView, kind: str, stream: str, measure: str) -> tuple[Float64Array, Float64Array]:
    total, count = view.others(kind, stream, measure, None), view.others(kind, stream, "count", None)
    if measure == "late":
        total = np.maximum(total, 0)
    return total.astype(np.float64), count.astype(np.float64)


def _mean_of_others(view: LandmarkView, kind: str, stream: str, measure: str) -> Float64Array:
    total, count = _others(view, kind, stream, measure)
    return ratio(total, count)


def _borrowed(view: LandmarkView) -> Float64Array:
    """Outcomes the prior lends: at most `CUSTOMER_PRIOR`, fewer where hardly anything is known of the others."""
    lent = np.zeros(len(view))
    priors = (("portfolio", SECTOR_PRIOR), ("sector", PEERS_PRIOR), ("peers", CUSTOMER_PRIOR))
    for kind, prior in priors:
        lent = np.minimum(prior, view.others(kind, "outcome", "count", None) + lent)
    return lent


def _pulled(total: Float64Array, count: Float64Array, prior: Float64Array) -> Float64Array:
    """Mean of the own figures pulled towards the prior; the own mean where there is no prior."""
    return np.where(
        np.isnan(prior), ratio(total, count), (total + CUSTOMER_PRIOR * prior) / (count + CUSTOMER_PRIOR)
    )


GROUP = FeatureGroup(NAME, Text("profondeur d'historique", "depth of history"), COLUMNS, compute)
