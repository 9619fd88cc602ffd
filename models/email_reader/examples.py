"""Labelled mails as training examples: the terms and mention counts of each, full and with cues dropped."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.email.reading import ReadMail, read_mails
from features.email.values import LabelledMail
from features.email.vectors import mail_terms, mention_features
from features.signal_labels import LABELS

CUE_DROPOUT = 0.4
FULL_WEIGHT = 1.0
CORPUS_WEIGHT = 0.7
"""Weight of an invented line beside a whole mail."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled mail with its features, ready for training.

    Attributes:
        id: of the mail.
        terms: terms of its text and cues, with how often each occurs.
        mentions: counts over its mentions.
        thinned: the same counts after some mentions were dropped at random.
        labels: the answers.
        weight: of the mail in training.
    """

    id: str
    terms: Counter[str]
    mentions: list[float]
    thinned: list[float]
    labels: frozenset[str]
    weight: float


def build_examples(labelled: Sequence[LabelledMail], seed: int, weight: float) -> list[Example]:
    """Features of labelled mails, with a second set in which some cues were dropped at random.

    The cue lists were written by people who had read mails, so they hit these more often than unseen ones; the
    thinned copies prevent the weights from depending on the cues alone.
    """
    examples: list[Example] = []
    for answer, read in zip(labelled, read_mails([m.mail for m in labelled]), strict=True):
        terms, full = mail_terms(read.reading), _features(read)
        thin = random.Random(f"{seed}:{answer.mail.id}")
        read.reading.mentions = [m for m in read.reading.mentions if thin.random() >= CUE_DROPOUT]
        examples.append(Example(answer.mail.id, terms, full, _features(read), answer.labels, weight))
    return examples


def _features(read: ReadMail) -> list[float]:
    return mention_features(read.reading, auto_reply=read.auto_reply, has_own_subject=bool(read.own.subject))


def label_matrix(examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Mails x labels, true where the label was given."""
    return np.array([[label in example.labels for label in LABELS] for example in examples], dtype=bool)
