"""Turns raw margins into probabilities and decisions, from mails judged by fits that never saw them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.email_signals.values import GRAVE_LABELS, LABELS

GRAVE_SHARE = 0.0075
"""Of the mails without signal, the share on which one grave label may be raised: four of them stay well below 5 %."""
_GRID = np.linspace(0.05, 0.80, 76)
_WINDOW = 11
_LEAST_SIGNAL_FREE = 50


def fit_calibration(margins: NDArray[np.float32], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Slope and shift per label (Platt), pulled towards the slope of all labels together."""
    from sklearn.linear_model import LogisticRegression

    pooled = LogisticRegression(C=1e3).fit(margins.reshape(-1, 1), truth.reshape(-1))
    slope, shift = float(pooled.coef_[0, 0]), float(pooled.intercept_[0])
    result = np.zeros((2, len(LABELS)))
    for column in range(len(LABELS)):
        own = LogisticRegression(C=1e3).fit(margins[:, [column]], truth[:, column])
        result[0, column] = (float(own.coef_[0, 0]) + slope) / 2
        result[1, column] = (float(own.intercept_[0]) + shift) / 2
    return result


def choose_thresholds(probabilities: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Probability from which each label is decided.

    Half-way between the level that is best (F1) for the label and the level that is best for all labels together,
    both smoothed; for grave labels never so low that more than ``GRAVE_SHARE`` of the mails without signal get one.
    """
    everywhere = _best_level([_f1(probabilities >= level, truth) for level in _GRID])
    thresholds = np.zeros(len(LABELS))
    free = ~truth.any(axis=1)
    for column, label in enumerate(LABELS):
        own = _best_level([_f1(probabilities[:, column] >= level, truth[:, column]) for level in _GRID])
        thresholds[column] = (own + everywhere) / 2
        if label in GRAVE_LABELS and free.sum() >= _LEAST_SIGNAL_FREE:
            guard = float(np.quantile(probabilities[free, column], 1 - GRAVE_SHARE))
            thresholds[column] = max(thresholds[column], min(guard, 0.8))
    return thresholds


def _best_level(scores: Sequence[float]) -> float:
    smoothed = np.convolve(
        np.pad(scores, _WINDOW // 2, mode="edge"), np.ones(_WINDOW) / _WINDOW, mode="valid"
    )
    return float(_GRID[int(np.argmax(smoothed))])


def _f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    hits = float(np.sum(predicted & truth))
    return 2 * hits / max(float(predicted.sum() + truth.sum()), 1.0)
