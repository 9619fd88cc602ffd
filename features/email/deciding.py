"""Applies the artefact: margins, calibrated probabilities, decided and unsure labels."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from features.email.artefact import SignalArtefact

TEXT_SCALE = 13.0
"""Weight of the text vector beside the mention counts, fixed by measurement (see docs/email_signals.md)."""
_CLIP = 30.0


class Decider:
    """The artefact in the form used at run time."""

    def __init__(self, artefact: SignalArtefact) -> None:
        self.artefact = artefact
        self._columns = {term: column for column, term in enumerate(artefact.terms)}
        self._idf = artefact.idf.tolist()

    def text_vector(self, terms: Counter[str]) -> tuple[list[int], list[float]]:
        """Columns and values of the text vector: damped counts times idf, brought to length ``TEXT_SCALE``."""
        columns: list[int] = []
        values: list[float] = []
        idf, column_of = self._idf, self._columns.get
        for term, count in terms.items():
            column = column_of(term)
            if column is not None:
                columns.append(column)
                values.append(idf[column] if count == 1 else (1.0 + math.log(count)) * idf[column])
        norm = math.sqrt(math.fsum(value * value for value in values))
        factor = TEXT_SCALE / norm if norm else 0.0
        return columns, [value * factor for value in values]

    def text_margins(self, terms: Counter[str]) -> NDArray[np.float32]:
        """Part of each label's margin that comes from the words."""
        columns, values = self.text_vector(terms)
        return _weighted_sum(values, self.artefact.text_weights[columns])

    def probabilities(self, terms: Counter[str], mention_values: list[float]) -> NDArray[np.float64]:
        """Calibrated probability of each label, in the order of ``LABELS``."""
        return calibrated(self.margins(terms, mention_values), self.artefact.calibration)

    def margins(self, terms: Counter[str], mention_values: list[float]) -> NDArray[np.float32]:
        """Raw margin of each label: words, mentions and intercept together."""
        art = self.artefact
        return self.text_margins(terms) + _weighted_sum(mention_values, art.mention_weights) + art.intercepts


def _weighted_sum(values: list[float], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values times rows of weights, summed; small enough that a threaded matrix product only costs time."""
    result: NDArray[np.float32] = (np.asarray(values, dtype=np.float32)[:, None] * weights).sum(axis=0)
    return result


def calibrated(margins: NDArray[np.floating], calibration: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities from raw margins: logistic curve of slope x margin + shift, one pair per label."""
    scores = np.clip(margins * calibration[0] + calibration[1], -_CLIP, _CLIP).astype(np.float64)
    result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-scores))
    return result
