"""Thresholds and folds: best for F1, stricter for grave labels, judged by fits that never saw the mail."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from features.email import GRAVE_LABELS, LABELS
from features.errors import InvalidInputError
from models.email_reader import (
    read_calibration_mails,
    read_training_mails,
    read_training_sentences,
    thresholds,
    training,
)
from models.email_reader.examples import build_examples, label_matrix
from models.email_reader.thresholds import GRAVE_SHARE, choose_thresholds, mix_weights
from models.email_reader.training import margins_without_group, train_signals


def _graded(seed: int, free: int = 400, telling: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Mails without signal and mails with one label each; probabilities overlap."""
    random = np.random.default_rng(seed)
    truth = np.zeros((free + telling, len(LABELS)), dtype=bool)
    truth[np.arange(free, free + telling), random.integers(0, len(LABELS), telling)] = True
    probability = np.where(truth, random.beta(4, 2, truth.shape), random.beta(1, 9, truth.shape))
    return probability, truth


def _equal(truth: np.ndarray) -> np.ndarray:
    return np.ones(len(truth))


def _free_with_a_grave_label(decided: np.ndarray, truth: np.ndarray) -> np.ndarray:
    grave = [column for column, label in enumerate(LABELS) if label in GRAVE_LABELS]
    return decided[~truth.any(axis=1)][:, grave].any(axis=1)


def _many_false_alarms(seed: int) -> tuple[np.ndarray, np.ndarray]:
    probability, truth = _graded(seed)
    probability[: len(truth) // 2] += 0.3
    return probability, truth


@pytest.mark.parametrize("seed", range(5))
def test_few_mails_without_signal_get_any_grave_label(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    probability, truth = _many_false_alarms(seed)
    held_back = choose_thresholds(probability, truth, _equal(truth))
    assert _free_with_a_grave_label(probability >= held_back, truth).mean() <= GRAVE_SHARE
    monkeypatch.setattr(thresholds, "GRAVE_SHARE", 1.0)
    at_own_levels = choose_thresholds(probability, truth, _equal(truth))
    assert _free_with_a_grave_label(probability >= at_own_levels, truth).mean() > GRAVE_SHARE


def test_only_grave_labels_are_held_back_and_all_by_the_same_step(monkeypatch: pytest.MonkeyPatch) -> None:
    probability, truth = _many_false_alarms(1)
    held_back = choose_thresholds(probability, truth, _equal(truth))
    monkeypatch.setattr(thresholds, "GRAVE_SHARE", 1.0)
    raised = held_back - choose_thresholds(probability, truth, _equal(truth))
    grave = np.array([label in GRAVE_LABELS for label in LABELS])
    assert np.all(raised[~grave] == 0)
    assert raised[grave] == pytest.approx(np.full(grave.sum(), raised[grave].max()))
    assert raised[grave].min() > 0


def test_weights_bring_the_label_mix_to_the_wanted_one() -> None:
    random = np.random.default_rng(4)
    wanted = random.random((4000, len(LABELS))) < 0.10
    given = random.random((1500, len(LABELS))) < np.linspace(0.06, 0.16, len(LABELS))
    weights = mix_weights(given, wanted)
    before, after = given.mean(axis=0), np.average(given, axis=0, weights=weights)
    assert np.abs(before - wanted.mean(axis=0)).max() > 0.03
    assert np.abs(after - wanted.mean(axis=0)).max() < 0.01
    assert weights.mean() == pytest.approx(1.0)
    assert weights.max() <= 4 * weights.min() + 1e-9


def test_mails_of_the_wanted_mix_all_weigh_the_same() -> None:
    _, truth = _graded(5)
    assert mix_weights(truth, np.tile(truth, (3, 1))) == pytest.approx(np.ones(len(truth)))


def test_thresholds_do_not_follow_a_writer_who_was_asked_for_one_label() -> None:
    probability, truth = _graded(6, free=1200, telling=4000)
    asked = np.flatnonzero(truth[:, LABELS.index("extension_request")])
    rows = np.concatenate([np.arange(len(truth)), asked])
    plain = choose_thresholds(probability, truth, _equal(truth))
    weighted = choose_thresholds(probability[rows], truth[rows], mix_weights(truth[rows], truth))
    assert weighted == pytest.approx(plain, abs=0.01)


def test_other_labels_are_decided_near_the_best_level() -> None:
    probability, truth = _graded(2)
    levels = choose_thresholds(probability, truth, _equal(truth))

    def f1(column: int, level: float) -> float:
        found = probability[:, column] >= level
        return 2 * (found & truth[:, column]).sum() / (found.sum() + truth[:, column].sum())

    for column, label in enumerate(LABELS):
        if label not in GRAVE_LABELS:
            best = max(f1(column, level) for level in np.linspace(0.05, 0.8, 76))
            assert f1(column, levels[column]) >= best - 0.08


def test_a_mail_is_judged_by_a_fit_without_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = build_examples(read_training_sentences()[::6], 3, 1.0)
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
    known, unread = read_training_mails(), read_calibration_mails()
    ids = [mail.mail.id for mail in known] + [m.mail.id for mails in unread.values() for m in mails]
    assert len(ids) == len(set(ids)) > 1500
    assert len(unread) >= 6
    for mails in unread.values():
        assert all(sum(label in mail.labels for mail in mails) >= 8 for label in LABELS)
        assert sum(not mail.labels for mail in mails) >= 50


def test_an_id_in_two_sets_is_refused() -> None:
    mails = list(read_training_sentences()[::6])
    with pytest.raises(InvalidInputError, match="the same id on several mails"):
        train_signals(mails, 3, writers={"a": mails[:5], "b": mails[5:9]})


def test_weights_and_calibration_are_fitted_on_one_thread_so_that_bytes_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[set[int]] = []
    real = LogisticRegression.fit

    def recorded(model: LogisticRegression, *given: object, **named: object) -> LogisticRegression:
        used.append({pool["num_threads"] for pool in threadpool_info()})
        return real(model, *given, **named)

    monkeypatch.setattr(LogisticRegression, "fit", recorded)
    probability, truth = _graded(7)
    examples = build_examples(read_training_sentences()[::6], 3, 1.0)
    with threadpool_limits(2):
        training.fit_linear(examples, label_matrix(examples))
        thresholds.fit_calibration(np.log(probability).astype(np.float32), truth, _equal(truth))
    assert used == [{1}] * (2 * len(LABELS) + 1)
