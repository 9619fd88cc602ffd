"""How the hazard is fitted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HazardSettings:
    """How the hazard is fitted.

    Attributes:
        tree_count: boosting rounds.
        leaves: leaves of each tree.
        learning_rate: step of each tree.
        min_rows_per_leaf: fewest hazard rows in a leaf.
        l2: ridge penalty of the leaves.
        feature_share: share of the features each tree may use.
        card_penalty: pull of the card's slopes to zero, in observations.
        trust: weight of the card; the rest is the customer's own curve.
        card_rows: most hazard rows that a fit of the card learns from; an even sample above.
        is_monotone: constrain the trees to the direction the catalogue declares.
        threads: threads of training; the result does not depend on it.
        seed: of everything random.
    """

    tree_count: int = 100
    leaves: int = 4
    learning_rate: float = 0.05
    min_rows_per_leaf: int = 100
    l2: float = 10.0
    feature_share: float = 0.3
    card_penalty: float = 1000.0
    trust: float = 0.5
    card_rows: int = 25_000
    is_monotone: bool = False
    threads: int = 1
    seed: int = 7
