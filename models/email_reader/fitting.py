"""Fits the linear weights of every label on terms and mention counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.email.artefact import SignalArtefact
from features.email.deciding import Decider
from features.email.vectors import mention_feature_names
from features.signal_labels import LABELS
from models.email_reader.examples import FULL_WEIGHT, Example

REGULARISATION = 2.0
MENTION_SCALE = 0.8
"""Size of the mention counts beside the text vector: smaller means that the weights lean on them less."""
TERM_MINIMUM = 2
TERMS_KEPT = 100_000


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Weights of one fit, before calibration."""

    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    text_weights: NDArray[np.float32]
    mention_weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]


def margins_of(fit: LinearFit, examples: Sequence[Example]) -> NDArray[np.float32]:
    """Raw margins of several mails."""
    decider = Decider(_uncalibrated(fit))
    margins = [decider.margins(example.terms, example.mentions) for example in examples]
    return np.array(margins, dtype=np.float32)


def _uncalibrated(fit: LinearFit) -> SignalArtefact:
    one = np.ones(len(LABELS), dtype=np.float32)
    return SignalArtefact(
        fit.terms,
        fit.idf,
        fit.text_weights,
        fit.mention_weights,
        fit.intercepts,
        np.stack([one, one * 0]),
        one,
        one,
        {},
    )


def fit_linear(examples: Sequence[Example], truth: NDArray[np.bool_]) -> LinearFit:
    """Logistic weights per label; each labelled mail counts as it is and thinned, invented lines thinned only.

    Runs on one thread: with more, sums are rounded differently and the same mails would not give the same bytes.
    """
    from scipy.sparse import csr_matrix, hstack, vstack
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    terms, idf = choose_terms(examples)
    empty = np.zeros((len(terms), len(LABELS)), dtype=np.float32)
    frame = np.zeros((len(mention_feature_names()), len(LABELS)), dtype=np.float32)
    nothing = np.zeros(len(LABELS), dtype=np.float32)
    decider = Decider(_uncalibrated(LinearFit(terms, idf, empty, frame, nothing)))
    pointers, columns, values = [0], [], []
    for example in examples:
        mail_columns, mail_values = decider.text_vector(example.terms)
        columns += mail_columns
        values += mail_values
        pointers.append(len(columns))
    text = csr_matrix((values, columns, pointers), shape=(len(examples), len(terms)), dtype=np.float64)
    real = np.array([index for index, example in enumerate(examples) if example.weight == FULL_WEIGHT])
    counts = MENTION_SCALE * np.array([examples[index].mentions for index in real])
    thinned = MENTION_SCALE * np.array([e.thinned for e in examples])
    full, thin = hstack([text[real], csr_matrix(counts)]), hstack([text, csr_matrix(thinned)])
    features = vstack([full, thin]).tocsr()
    shares = np.array([e.weight if e.weight != FULL_WEIGHT else 0.5 for e in examples])
    weights = np.concatenate([np.full(len(real), 0.5), shares])
    coefficients, intercepts = [], []
    for column in range(len(LABELS)):
        target = np.concatenate([truth[real, column], truth[:, column]])
        model = LogisticRegression(
            C=REGULARISATION, solver="liblinear", intercept_scaling=4.0, max_iter=300, random_state=0
        )
        with threadpool_limits(1):
            model.fit(features, target, sample_weight=weights * np.where(target, 2.0, 1.0))
        coefficients.append(model.coef_[0])
        intercepts.append(float(model.intercept_[0]))
    stacked = np.array(coefficients, dtype=np.float32).T
    of_mentions = stacked[len(terms) :] * np.float32(MENTION_SCALE)
    return LinearFit(terms, idf, stacked[: len(terms)], of_mentions, np.array(intercepts, dtype=np.float32))


def choose_terms(examples: Sequence[Example]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Terms that occur in at least ``TERM_MINIMUM`` mails, the most frequent first, and their idf."""
    counts: Counter[str] = Counter()
    for example in examples:
        counts.update(example.terms.keys())
    frequent = [(count, term) for term, count in counts.items() if count >= TERM_MINIMUM]
    kept = sorted(term for _, term in sorted(frequent, key=lambda pair: (-pair[0], pair[1]))[:TERMS_KEPT])
    idf = np.log((1 + len(examples)) / (1 + np.array([counts[term] for term in kept], dtype=np.float64))) + 1
    return tuple(kept), idf.astype(np.float32)
