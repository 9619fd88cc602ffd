"""Landmarks computed in blocks have the features they have alone."""

from __future__ import annotations

import datetime as dt

import pytest
from polars.testing import assert_frame_equal

import features.groups.compute as computing
from data_samples.generator.bare import generate_bare_ledger
from features.asof import PaymentHistory, landmarks_at_issue
from features.groups.compute import compute_features
from features.ledger.ledger import Ledger


def test_computing_in_blocks_changes_no_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(*generate_bare_ledger(60, 3_000, seed=4))
    landmarks = landmarks_at_issue(ledger, dt.date(2000, 1, 1), dt.date(2100, 1, 1))
    whole = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
    monkeypatch.setattr(computing, "_BLOCK", 64)
    in_blocks = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
    assert_frame_equal(whole, in_blocks, check_exact=True)


def test_no_landmarks_have_no_features_and_every_column() -> None:
    ledger = Ledger(*generate_bare_ledger(5, 50, seed=1))
    landmarks = landmarks_at_issue(ledger, dt.date(1999, 1, 1), dt.date(1999, 1, 2))
    answer = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
    assert answer.height == 0
    assert answer.width == 2 + len(computing.FEATURE_NAMES)
