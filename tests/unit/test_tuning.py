"""Tuning: inside the window, deterministic, and never worse on the slices than what is shipped."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

import models.training.tuning as tuning
from models.hazard.feature_matrix import feature_table
from models.intervals import intervals_for
from models.training.selection import TrainingSettings, Trial, time_slices
from models.training.validation import TimeSlice
from tests.model_samples import CUTOFF, FEATURES, SMALL, portfolio

INTERVALS = intervals_for(0)
ASKED = replace(SMALL, tuning_trials=4)


@cache
def _slices() -> list[TimeSlice]:
    known = portfolio()
    return time_slices(known.landmarks, known.settlements, INTERVALS, CUTOFF, SMALL)


def _tuned(settings: TrainingSettings) -> tuple[TrainingSettings, tuple[Trial, ...]]:
    table = feature_table(portfolio().features, FEATURES)
    return tuning.tuned(table, _slices(), FEATURES, INTERVALS, settings, [0] * len(FEATURES), 3_000)


def test_nothing_is_tuned_unless_asked_for_nor_on_a_small_ledger() -> None:
    assert _tuned(SMALL) == (SMALL, ())
    assert _tuned(ASKED) == (ASKED, ())


def test_the_same_seed_tries_the_same_settings_and_the_shipped_ones_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tuning, "LEAST_JUDGES", 0)
    found, trials = _tuned(replace(ASKED, leaves=(4,)))
    assert (found, trials) == _tuned(replace(ASKED, leaves=(4,)))
    assert len(trials) == 4
    first = trials[0].settings
    assert (first.leaves, first.learning_rate, first.wide_penalty) == (4, 0.05, 1000.0)


@pytest.mark.parametrize("chance", [0.0, 1e9])
def test_shipped_settings_are_left_only_for_more_than_chance(
    monkeypatch: pytest.MonkeyPatch, chance: float
) -> None:
    monkeypatch.setattr(tuning, "LEAST_JUDGES", 0)
    monkeypatch.setattr(tuning, "_CHANCE_LANDMARKS", chance)
    settings = replace(ASKED, leaves=(4,))
    found, trials = _tuned(settings)
    best = min(trials, key=lambda each: each.log_loss)
    if chance or best is trials[0]:
        assert found == settings
    else:
        assert found.hazard == best.settings
        assert found.leaves == found.large_leaves == (best.settings.leaves,)
