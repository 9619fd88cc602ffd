"""The phases of an invoice's life: one table, read by the card and by the trees.

A habit says more about one phase than about another, so the card has slopes and the trees are grown by phase. Each of
the two takes neighbouring phases together where it was not worth while to tell them apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.intervals import Floats, Ints


class Phase(NamedTuple):
    """A stretch of days past due.

    Attributes:
        last_end: last interval end in it, in days past due; None for the last phase.
        slopes: number of the fit of the card that it shares with the phases of the same number.
        trees: name of the trees grown for it and for the phases of the same name.
    """

    last_end: int | None
    slopes: int
    trees: str


PHASES: tuple[Phase, ...] = (
    Phase(-4, 0, "to_due"),
    Phase(0, 0, "to_due"),
    Phase(7, 1, "to_30_days_late"),
    Phase(30, 2, "to_30_days_late"),
    Phase(None, 3, "later"),
)

TREE_NAMES: tuple[str, ...] = tuple(dict.fromkeys(phase.trees for phase in PHASES))
"""Names of the trees in the order of their phases."""

_LAST_ENDS = [phase.last_end for phase in PHASES if phase.last_end is not None]
_TREES = np.array([TREE_NAMES.index(phase.trees) for phase in PHASES], dtype=np.int64)


def phase_of(interval_end: Floats | Ints) -> Ints:
    """Place in `PHASES` of intervals that end so many days past due."""
    return np.searchsorted(_LAST_ENDS, interval_end, side="left").astype(np.int64)


def trees_of(interval_end: Floats | Ints) -> Ints:
    """Place in `TREE_NAMES` of the trees that read intervals ending so many days past due."""
    result: Ints = _TREES[phase_of(interval_end)]
    return result
