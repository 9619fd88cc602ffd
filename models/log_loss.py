"""The loss of a probability: the one place that clips probabilities from 0 and 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.intervals import Floats

PROBABILITY_FLOOR = 1e-6
"""Probabilities are clipped this far from 0 and 1, for every model alike."""


def log_losses(probability: Floats, is_event: npt.NDArray[np.bool_]) -> Floats:
    """Negative log-likelihood of each prediction, in nats."""
    held = np.clip(probability, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
    losses: Floats = -np.where(is_event, np.log(held), np.log1p(-held))
    return losses
