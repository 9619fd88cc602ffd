"""Turns raw margins into probabilities and decisions, from mails judged by fits that never saw them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.signal_labels import GRAVE_LABELS, LABELS

GRAVE_SHARE = 0.05
"""Of the mails without signal, the most on which a grave label may be raised, all grave labels together."""
_GRID = np.linspace(0.05, 0.80, 76)
_WINDOW = 11
_LEAST_SIGNAL_FREE = 50
_STEP = 0.005
_HIGHEST = 0.9
_MOST_WEIGHT = 2.0
_ROUNDS = 100


def mix_weights(truth: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weight of each mail that brings the labels of ``truth`` to the shares they have in ``wanted``.

    Writers are commissioned to write hard labels, so their mails have more of some than mail does; calibration and
    thresholds would follow. Shares are matched one after another, mails without signal included, round after round
    (raking); no mail weighs more than twice the average or less than half of it. The mean weight is 1.
    """
    groups = np.column_stack([truth, ~truth.any(axis=1)])
    shares = np.column_stack([wanted, ~wanted.any(axis=1)]).mean(axis=0)
    weights: NDArray[np.float64] = np.ones(len(truth))
    for _ in range(_ROUNDS):
        for group, share in zip(groups.T, shares, strict=True):
            now = float(weights[group].sum() / weights.sum())
            if 0 < now < 1 and 0 < share < 1:
                weights = np.where(group, weights * (share * (1 - now) / (now * (1 - share))), weights)
        weights = np.clip(weights / weights.mean(), 1 / _MOST_WEIGHT, _MOST_WEIGHT)
    result: NDArray[np.float64] = weights / weights.mean()
    return result


def fit_calibration(
    margins: NDArray[np.float32], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Slope and shift per label (Platt), pulled towards those of all labels together; on one thread, as fits."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    def fitted(
        column: NDArray[np.float32], given: NDArray[np.bool_], weight: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        model = LogisticRegression(C=1e3).fit(column.reshape(-1, 1), given, sample_weight=weight)
        return np.array([float(model.coef_[0, 0]), float(model.intercept_[0])])

    with threadpool_limits(1):
        pooled = fitted(margins.reshape(-1), truth.reshape(-1), np.repeat(weights, len(LABELS)))
        own = [fitted(margins[:, column], truth[:, column], weights) for column in range(len(LABELS))]
    return np.column_stack([(each + pooled) / 2 for each in own])


def choose_thresholds(
    probabilities: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability from which each label is decided.

    Half-way between the level that is best (F1) for the label and the level that is best for all labels together,
    both smoothed. The levels of the grave labels are then raised together until at most ``GRAVE_SHARE`` of the mails
    without signal get any of them.
    """
    everywhere = _best_level([_f1(probabilities >= level, truth, weights[:, None]) for level in _GRID])
    thresholds = np.zeros(len(LABELS))
    for column in range(len(LABELS)):
        own = _best_level(
            [_f1(probabilities[:, column] >= level, truth[:, column], weights) for level in _GRID]
        )
        thresholds[column] = (own + everywhere) / 2
    free = ~truth.any(axis=1)
    if free.sum() >= _LEAST_SIGNAL_FREE:
        grave = [column for column, label in enumerate(LABELS) if label in GRAVE_LABELS]
        thresholds[grave] = _held_back(probabilities[free][:, grave], weights[free], thresholds[grave])
    return thresholds


def _held_back(
    probabilities: NDArray[np.float64], weights: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Levels raised in equal steps until few enough of these mails reach any, or none can rise further."""
    raised = levels
    for step in range(int(_HIGHEST / _STEP) + 1):
        raised = np.maximum(levels, np.minimum(levels + step * _STEP, _HIGHEST))
        if weights[(probabilities >= raised).any(axis=1)].sum() <= GRAVE_SHARE * weights.sum():
            break
    return raised


def _best_level(scores: Sequence[float]) -> float:
    smoothed = np.convolve(
        np.pad(scores, _WINDOW // 2, mode="edge"), np.ones(_WINDOW) / _WINDOW, mode="valid"
    )
    return float(_GRID[int(np.argmax(smoothed))])


def _f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    hits = float(np.sum(weights * (predicted & truth)))
    return 2 * hits / max(float(np.sum(weights * predicted) + np.sum(weights * truth)), 1.0)
