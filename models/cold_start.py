"""How much of an opinion rests on the customer's own past: the rung of the cold-start ladder."""

from __future__ import annotations

import numpy as np

from features.words import Rung
from models.hazard.feature_matrix import FeatureMatrix
from models.intervals import Ints

HISTORY_DEPTH_COLUMN = "history_depth"
SEGMENT_COLUMN = "sector_late_share_365d"
PORTFOLIO_COLUMN = "portfolio_late_share_365d"

OWN_HISTORY_FROM = 3
"""Settled invoices from which a customer's own past carries the opinion."""

NO_OPINION: Rung = "no_opinion"


def history_depths(features: FeatureMatrix) -> Ints:
    """Settled invoices known of each landmark's customer; 0 when none or when the feature is absent."""
    known = features.column(HISTORY_DEPTH_COLUMN)
    return np.where(np.isnan(known), 0.0, known).astype(np.int64)


def rungs(features: FeatureMatrix) -> Ints:
    """Place in `RUNGS` of what the score of each landmark rests on.

    `own_history` from three settled invoices on; `segment` when outcomes of others in the customer's sector are known;
    `portfolio` when outcomes of any other customer are; `no_opinion` when nothing is known.
    """
    portfolio = np.where(np.isnan(features.column(PORTFOLIO_COLUMN)), 3, 2)
    segment = np.where(np.isnan(features.column(SEGMENT_COLUMN)), portfolio, 1)
    result: Ints = np.where(features.column(HISTORY_DEPTH_COLUMN) >= OWN_HISTORY_FROM, 0, segment)
    return result
