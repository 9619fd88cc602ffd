"""The quality gates: recorded out-of-fold figures, and one fold judged afresh."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.email_signals import QUALITY_FILE
from data_samples.generator.mail_bank import LABELLED_EMAILS
from features.email import LABELS, load_artefact
from features.email.deciding import calibrated
from models.email_reader import read_labelled_file, read_training_sentences
from models.email_reader.baselines import keyword_decisions
from models.email_reader.evaluation import calibration_error, scores
from models.email_reader.training import (
    CORPUS_WEIGHT,
    build_examples,
    fingerprint,
    fit_linear,
    fold_of,
    label_matrix,
    margins_of,
)


@pytest.fixture(scope="module")
def recorded():
    return json.loads(QUALITY_FILE.read_text(encoding="utf-8"))


def test_recorded_out_of_fold_quality_meets_every_gate(recorded):
    assert recorded["micro"]["f1"] >= 0.85
    assert {label: q["f1"] for label, q in recorded["labels"].items() if q["f1"] < 0.70} == {}
    assert recorded["no_grave_label_on_signal_free_share"] >= 0.95
    assert recorded["promises"]["date_exact_share"] >= 0.90
    assert recorded["language_accuracy"] >= 0.95
    assert recorded["auto_reply"]["f1"] >= 0.90
    assert recorded["calibration_error"] <= 0.05


def test_the_reader_beats_both_baselines_by_far(recorded):
    for baseline in recorded["baselines"].values():
        assert recorded["micro"]["f1"] > baseline["micro"]["f1"] + 0.15


def test_the_record_belongs_to_the_shipped_artefact(recorded):
    described = load_artefact().description
    assert recorded["mails_sha256"] == described["mails_sha256"]
    assert recorded["corpus_sha256"] == described["corpus_sha256"] == fingerprint(read_training_sentences())


def test_a_fold_judged_afresh_agrees_with_the_record(recorded):
    labelled = sorted(read_labelled_file(LABELLED_EMAILS), key=lambda m: m.mail.id)
    seed = recorded["seed"]
    judged = [m for m in labelled if fold_of(m.mail.id, seed) == 0]
    learnt = build_examples([m for m in labelled if fold_of(m.mail.id, seed) != 0], seed, 1.0)
    learnt += build_examples(read_training_sentences(), seed, CORPUS_WEIGHT)
    fit = fit_linear(learnt, label_matrix(learnt))
    examples = build_examples(judged, seed, 1.0)
    truth = label_matrix(examples)
    shipped = load_artefact()
    decided = calibrated(margins_of(fit, examples), shipped.calibration) >= shipped.decide_at
    fresh = scores(decided, truth)["micro"]["f1"]
    assert fresh >= 0.80
    assert abs(fresh - recorded["micro"]["f1"]) < 0.08
    assert fresh > scores(keyword_decisions(judged), truth)["micro"]["f1"] + 0.2


def test_scores_are_those_of_a_hand_count():
    truth = np.zeros((4, len(LABELS)), dtype=bool)
    decided = truth.copy()
    truth[0, 0] = truth[1, 0] = True
    decided[0, 0] = decided[2, 4] = True
    found = scores(decided, truth)
    assert found["labels"][LABELS[0]] == {"precision": 1.0, "recall": 0.5, "f1": 0.6667, "mails": 2}
    assert found["micro"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "mails": 2}
    assert found["no_grave_label_on_signal_free_share"] == 0.5
    assert found["signal_free_left_alone_share"] == 0.5


def test_calibration_error_is_zero_for_honest_and_large_for_boastful_probabilities():
    truth = np.array([[True], [False], [False], [False]] * 25)
    assert calibration_error(np.full((100, 1), 0.25), truth) == 0.0
    assert calibration_error(np.full((100, 1), 0.95), truth) == pytest.approx(0.70)
