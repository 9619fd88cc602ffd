"""Applies the artefact: margins, calibrated probabilities, decided and unsure labels."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from features.email_signals.model.artefact import SignalArtefact

TEXT_SCALE = 10.0
"""Weight of the text vector beside the mention counts, fixed by measurement (see docs/email_signals.md)."""
_CLIP = 30.0


class Decider:
    """Holds the artefact in the form used at run time."""

    def __init__(self, artefact: SignalArtefact) -> None:
        self.artefact = artefact
        self._columns = {term: column for column, term in enumerate(artefact.terms)}
        self._idf = artefact.idf.tolist()

    def text_vector(self, terms: Counter[str]) -> tuple[list[int], list[float]]:
        """Columns and values of the text vector: damped counts times idf, brought to length ``TEXT_SCALE``."""
        columns: list[int] = []
        values: list[float] = []
        for term, count in terms.items():
            column = self._columns.get(term)
            if column is not None:
                columns.append(column)
                values.append((1.0 + math.log(count)) * self._idf[column])
        norm = math.sqrt(math.fsum(value * value for value in values))
        factor = TEXT_SCALE / norm if norm else 0.0
        return columns, [value * factor for value in values]

    def text_margins(self, terms: Counter[str]) -> NDArray[np.float32]:
        """Part of each label's margin that comes from the words."""
        columns, values = self.text_vector(terms)
        weights = self.artefact.text_weights
        if not columns:
            return np.zeros(weights.shape[1], dtype=np.float32)
        margins: NDArray[np.float32] = np.asarray(values, dtype=np.float32) @ weights[columns]
        return margins

    def probabilities(self, terms: Counter[str], mention_values: list[float]) -> NDArray[np.float64]:
        """Calibrated probability of each label, in the order of ``LABELS``."""
        art = self.artefact
        margins = (
            self.text_margins(terms)
            + np.asarray(mention_values, dtype=np.float32) @ art.mention_weights
            + art.intercepts
        )
        return calibrated(margins, art.calibration)


def calibrated(margins: NDArray[np.floating], calibration: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities from raw margins: logistic curve of slope x margin + shift, one pair per label."""
    scores = np.clip(margins * calibration[0] + calibration[1], -_CLIP, _CLIP).astype(np.float64)
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-scores))
    return result
