"""Thresholds and folds: best for F1, stricter for grave labels, judged by fits that never saw the mail."""

from __future__ import annotations

import numpy as np
import pytest

from features.email_signals import GRAVE_LABELS, LABELS, read_corpus, read_known_mails, read_unread_mails
from features.email_signals.model import training
from features.email_signals.model.examples import build_examples
from features.email_signals.model.thresholds import GRAVE_SHARE, choose_thresholds
from features.email_signals.model.training import margins_without_group, train_signals
from features.errors import InvalidInputError


def _graded(seed: int, free: int = 400, telling: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Mails without signal and mails with one label each; probabilities overlap."""
    random = np.random.default_rng(seed)
    truth = np.zeros((free + telling, len(LABELS)), dtype=bool)
    truth[np.arange(free, free + telling), random.integers(0, len(LABELS), telling)] = True
    probability = np.where(truth, random.beta(4, 2, truth.shape), random.beta(1, 9, truth.shape))
    return probability, truth


def test_few_mails_without_signal_get_a_grave_label() -> None:
    probability, truth = _graded(1)
    decided = probability >= choose_thresholds(probability, truth)
    free = ~truth.any(axis=1)
    for column, label in enumerate(LABELS):
        if label in GRAVE_LABELS:
            assert decided[free, column].mean() <= GRAVE_SHARE + 1 / free.sum()


def test_other_labels_are_decided_near_the_best_level() -> None:
    probability, truth = _graded(2)
    thresholds = choose_thresholds(probability, truth)

    def f1(column: int, level: float) -> float:
        found = probability[:, column] >= level
        return 2 * (found & truth[:, column]).sum() / (found.sum() + truth[:, column].sum())

    for column, label in enumerate(LABELS):
        if label not in GRAVE_LABELS:
            best = max(f1(column, level) for level in np.linspace(0.05, 0.8, 76))
            assert f1(column, thresholds[column]) >= best - 0.08


def test_a_mail_is_judged_by_a_fit_without_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = build_examples(read_corpus()[::6], 3, 1.0)
    groups = [index % 3 for index in range(len(examples))]
    learnt: list[set[str]] = []
    real = training.fit_linear
    monkeypatch.setattr(
        training, "fit_linear", lambda used, truth: learnt.append({e.id for e in used}) or real(used, truth)
    )
    margins = margins_without_group(examples, groups, examples[:0])
    assert margins.shape == (len(examples), len(LABELS))
    for group, used in zip((0, 1, 2), learnt, strict=True):
        assert used == {e.id for e, own in zip(examples, groups, strict=True) if own != group}


def test_writers_are_apart_and_labelled_like_the_rest() -> None:
    known, unread = read_known_mails(), read_unread_mails()
    ids = [mail.mail.id for mail in known] + [m.mail.id for mails in unread.values() for m in mails]
    assert len(ids) == len(set(ids)) > 1500
    assert len(unread) >= 2
    for mails in unread.values():
        assert all(sum(label in mail.labels for mail in mails) >= 10 for label in LABELS)
        assert sum(not mail.labels for mail in mails) >= 50


def test_an_id_in_two_sets_is_refused() -> None:
    mails = list(read_corpus()[::6])
    with pytest.raises(InvalidInputError, match="the same id on several mails"):
        train_signals(mails, 3, writers={"a": mails[:5], "b": mails[5:9]})
