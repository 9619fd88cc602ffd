"""Trains the artefact from labelled mails: linear weights on text and mentions, calibration and thresholds."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.email_signals.model.artefact import SignalArtefact
from features.email_signals.model.deciding import Decider, calibrated
from features.email_signals.model.vectors import mention_feature_names, mention_features, text_terms
from features.email_signals.reading import ReadMail, read_mails
from features.email_signals.values import GRAVE_LABELS, LABELS, LabelledMail
from features.errors import Fault, InvalidInputError

FOLDS = 5
REGULARISATION = 2.0
CORPUS_WEIGHT = 0.7
CUE_DROPOUT = 0.4
TERM_MINIMUM = 2
TERMS_KEPT = 16_000
UNSURE_WIDTH = 0.22
_LEAST_MAILS = 40


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled mail with its features, ready for training."""

    id: str
    terms: Counter[str]
    mentions: list[float]
    thinned: list[float]
    labels: frozenset[str]
    weight: float


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Weights of one fit, before calibration."""

    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    text_weights: NDArray[np.float32]
    mention_weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]


def train_signals(
    labelled: Sequence[LabelledMail],
    seed: int,
    exclude_ids: Collection[str] = (),
    corpus: Sequence[LabelledMail] = (),
) -> SignalArtefact:
    """Artefact learnt from labelled mails and invented sentences.

    Calibration and thresholds come from out-of-fold margins of the labelled mails; invented sentences help the
    weights only. Same input and seed, same artefact, whatever the order of the mails.

    Args:
        labelled: mails with their answers; ids unique.
        seed: decides folds and thinning.
        exclude_ids: mails left out (those a test world draws from, so that its gain is honest).
        corpus: invented sentences that only widen the vocabulary.

    Raises:
        InvalidInputError: too few mails are left, an id occurs twice, or a label has no example.
    """
    kept = sorted(
        (mail for mail in labelled if mail.mail.id not in set(exclude_ids)), key=lambda m: m.mail.id
    )
    _check(kept)
    examples = build_examples(kept, seed, 1.0)
    invented = build_examples(sorted(corpus, key=lambda m: m.mail.id), seed, CORPUS_WEIGHT)
    margins = out_of_fold_margins(examples, invented, seed)
    truth = label_matrix(examples)
    calibration = fit_calibration(margins, truth)
    probabilities = calibrated(margins, calibration)
    decide_at = choose_thresholds(probabilities, truth)
    fit = fit_linear([*examples, *invented], truth=label_matrix([*examples, *invented]))
    return SignalArtefact(
        fit.terms,
        fit.idf,
        fit.text_weights,
        fit.mention_weights,
        fit.intercepts,
        calibration.astype(np.float32),
        decide_at.astype(np.float32),
        np.maximum(decide_at - UNSURE_WIDTH, 0.12).astype(np.float32),
        {
            "mails": len(kept),
            "excluded": len(labelled) - len(kept),
            "invented_sentences": len(invented),
            "seed": seed,
            "folds": FOLDS,
            "mails_sha256": fingerprint(kept),
            "corpus_sha256": fingerprint(corpus),
        },
    )


def fingerprint(mails: Sequence[LabelledMail]) -> str:
    """SHA-256 of the ids and texts of mails, whatever their order: tells which set a figure belongs to."""
    lines = sorted(f"{m.mail.id}\x1f{m.mail.subject}\x1f{m.mail.body}" for m in mails)
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()


def build_examples(labelled: Sequence[LabelledMail], seed: int, weight: float) -> list[Example]:
    """Features of labelled mails, with a second set in which some cues were dropped at random.

    The cue lists were written with the labelled mails in view, so they hit these more often than unseen ones; the
    thinned copies keep the weights from leaning on the cues alone.
    """
    examples: list[Example] = []
    for answer, read in zip(labelled, read_mails([m.mail for m in labelled]), strict=True):
        full = _features(read)
        thin = random.Random(f"{seed}:{answer.mail.id}")
        read.reading.mentions = [m for m in read.reading.mentions if thin.random() >= CUE_DROPOUT]
        examples.append(
            Example(
                answer.mail.id, text_terms(read.reading.words), full, _features(read), answer.labels, weight
            )
        )
    return examples


def _features(read: ReadMail) -> list[float]:
    return mention_features(read.reading, auto_reply=read.auto_reply, has_own_subject=bool(read.own.subject))


def label_matrix(examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Mails x labels, true where the label was given."""
    return np.array([[label in example.labels for label in LABELS] for example in examples], dtype=bool)


def fold_of(mail_id: str, seed: int, folds: int = FOLDS) -> int:
    """Fold of a mail, fixed by its id, so that order and company do not matter."""
    return int(hashlib.sha256(f"{seed}:{mail_id}".encode()).hexdigest(), 16) % folds


def out_of_fold_margins(
    examples: Sequence[Example], invented: Sequence[Example], seed: int
) -> NDArray[np.float32]:
    """Raw margins of each mail from a fit that never saw it."""
    margins = np.zeros((len(examples), len(LABELS)), dtype=np.float32)
    folds = np.array([fold_of(example.id, seed) for example in examples])
    for fold in range(FOLDS):
        learnt = [e for e, f in zip(examples, folds, strict=True) if f != fold] + list(invented)
        fit = fit_linear(learnt, label_matrix(learnt))
        inside = [int(index) for index in np.flatnonzero(folds == fold)]
        margins[inside] = margins_of(fit, [examples[index] for index in inside])
    return margins


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
    """Logistic weights per label; each labelled mail counts as it is and thinned, invented sentences thinned only."""
    from scipy.sparse import csr_matrix, hstack, vstack
    from sklearn.linear_model import LogisticRegression

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
    real = np.array([index for index, example in enumerate(examples) if example.weight == 1.0])
    full = hstack([text[real], csr_matrix(np.array([examples[index].mentions for index in real]))])
    thin = hstack([text, csr_matrix(np.array([e.thinned for e in examples]))])
    features = vstack([full, thin]).tocsr()
    shares = np.array([e.weight if e.weight != 1.0 else 0.5 for e in examples])
    weights = np.concatenate([np.full(len(real), 0.5), shares])
    coefficients, intercepts = [], []
    for column in range(len(LABELS)):
        target = np.concatenate([truth[real, column], truth[:, column]])
        model = LogisticRegression(
            C=REGULARISATION, solver="liblinear", intercept_scaling=4.0, max_iter=300, random_state=0
        )
        model.fit(features, target, sample_weight=weights * np.where(target, 2.0, 1.0))
        coefficients.append(model.coef_[0])
        intercepts.append(float(model.intercept_[0]))
    stacked = np.array(coefficients, dtype=np.float32).T
    return LinearFit(
        terms, idf, stacked[: len(terms)], stacked[len(terms) :], np.array(intercepts, dtype=np.float32)
    )


def choose_terms(examples: Sequence[Example]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Terms that occur in at least ``TERM_MINIMUM`` mails, the most frequent first, and their idf."""
    counts: Counter[str] = Counter()
    for example in examples:
        counts.update(example.terms.keys())
    frequent = [(count, term) for term, count in counts.items() if count >= TERM_MINIMUM]
    kept = sorted(term for _, term in sorted(frequent, key=lambda pair: (-pair[0], pair[1]))[:TERMS_KEPT])
    idf = np.log((1 + len(examples)) / (1 + np.array([counts[term] for term in kept], dtype=np.float64))) + 1
    return tuple(kept), idf.astype(np.float32)


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
    """Probability from which each label is decided: best F1 out of fold, smoothed, stricter for grave labels."""
    thresholds = np.zeros(len(LABELS))
    grid = np.linspace(0.25, 0.75, 51)
    for column, label in enumerate(LABELS):
        scores = np.array([_f1(probabilities[:, column] >= cut, truth[:, column]) for cut in grid])
        smoothed = np.convolve(np.pad(scores, 5, mode="edge"), np.ones(11) / 11, mode="valid")
        best = float(grid[int(np.argmax(smoothed))])
        floor = 0.45 if label in GRAVE_LABELS else 0.30
        thresholds[column] = max((best + 0.45) / 2, floor)
    return thresholds


def _f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    hits = float(np.sum(predicted & truth))
    return 2 * hits / max(float(predicted.sum() + truth.sum()), 1.0)


def _check(kept: Sequence[LabelledMail]) -> None:
    faults: list[Fault] = []
    if len(kept) < _LEAST_MAILS:
        faults.append(Fault("too few labelled mails", expected=f"at least {_LEAST_MAILS}", count=len(kept)))
    twice = [name for name, count in Counter(m.mail.id for m in kept).items() if count > 1]
    if twice:
        faults.append(
            Fault(
                "the same id on several mails", expected="unique ids", count=len(twice), examples=tuple(twice)
            )
        )
    for label in LABELS:
        if sum(label in mail.labels for mail in kept) < FOLDS:
            faults.append(
                Fault(
                    f"too few mails with label {label}",
                    expected=f"at least {FOLDS}",
                    remedy="add labelled mails",
                )
            )
    if faults:
        raise InvalidInputError("the e-mail signals cannot be trained", faults)
