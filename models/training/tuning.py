"""Other settings of the trees and the wide card, tried by Optuna on the time slices of the training window.

Off unless asked for (`TrainingSettings.tuning_trials`): what it gained on ledgers nobody had looked at stands in
docs/models.md. The shipped settings are the first trial; another one replaces them only if its log loss is lower by
more than chance would make it with so few landmarks. Nothing of a test period is seen, and the same ledger, seed and
number of trials give the same settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from models.hazard.hazard import DiscreteTimeHazard, HazardSettings, fit_floor
from models.intervals import Floats, Intervals
from models.training.selection import LARGE_ROWS, TrainingSettings, Trial, leaf_rows, tree_counts, usual_trust
from models.training.validation import TimeSlice, judge_growth

LEAST_JUDGES = 3_000
"""Landmarks in all slices together below which nothing is tuned: the best of many trials would be the luckiest."""

WIDE_PENALTIES: tuple[float, ...] = (300.0, 1000.0, 3000.0)
LEAVES: tuple[int, ...] = (4, 8, 16)
FEATURE_SHARES: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5)
LEARNING_RATES = (0.02, 0.1)
L2 = (1.0, 100.0)
_CHANCE_LANDMARKS = 2.0
"""Log loss, over all judged landmarks together, that the best of the trials may owe to chance."""


def tuned(
    table: Floats,
    slices: Sequence[TimeSlice],
    feature_names: Sequence[str],
    intervals: Intervals,
    settings: TrainingSettings,
    directions: Sequence[int],
    row_count: int,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[TrainingSettings, tuple[Trial, ...]]:
    """The settings to choose with, and every trial with its log loss.

    Args:
        table: features per landmark.
        slices: of the same landmarks.
        feature_names: of the table.
        intervals: of the model.
        settings: the shipped ones, with the number of trials.
        directions: per feature; trials may hold the trees to them.
        row_count: hazard rows of the whole window.
        progress: told what is being done.

    Returns:
        The settings given, when nothing better was found or the ledger is too small; else those of the best trial.
    """
    judges = sum(part.landmarks.size for part in slices)
    if settings.tuning_trials == 0 or judges < LEAST_JUDGES:
        return settings, ()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    counts = tree_counts(settings)
    shipped = replace(
        settings.hazard,
        min_rows_per_leaf=leaf_rows(row_count),
        tree_count=counts[-1],
        trust=usual_trust(judges),
    )
    sizes = settings.large_leaves if row_count >= LARGE_ROWS else settings.leaves
    starts_of: dict[float, list[DiscreteTimeHazard]] = {}
    trials: list[Trial] = []

    def loss(trial: Any) -> float:
        progress(f"tuning: trial {trial.number + 1} of {settings.tuning_trials}")
        asked = _asked(trial, shipped)
        penalty = asked.wide_penalty
        if penalty not in starts_of:
            starts_of[penalty] = [
                fit_floor(table, part.fit, feature_names, intervals, asked).hazard(asked.trust)
                for part in slices
            ]
        grown = judge_growth(table, slices, starts_of[penalty], asked, directions, counts)
        trials.append(
            Trial(replace(asked, tree_count=counts[int(grown.losses.argmin())]), float(grown.losses.min()))
        )
        return trials[-1].log_loss

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=8))
    for leaves in sizes:
        study.enqueue_trial(_shipped_values(replace(shipped, leaves=leaves)), skip_if_exists=True)
    study.optimize(loss, n_trials=max(settings.tuning_trials, len(sizes)))
    usual = min(trials[: len(sizes)], key=lambda each: each.log_loss)
    best = min(trials, key=lambda each: each.log_loss)
    if best.log_loss > usual.log_loss - _CHANCE_LANDMARKS / judges:
        return settings, tuple(trials)
    found = best.settings
    return (
        replace(settings, hazard=found, leaves=(found.leaves,), large_leaves=(found.leaves,)),
        tuple(trials),
    )


def _asked(trial: Any, shipped: HazardSettings) -> HazardSettings:
    return replace(
        shipped,
        leaves=trial.suggest_categorical("leaves", LEAVES),
        learning_rate=trial.suggest_float("learning_rate", *LEARNING_RATES, log=True),
        feature_share=trial.suggest_categorical("feature_share", FEATURE_SHARES),
        l2=trial.suggest_float("l2", *L2, log=True),
        wide_penalty=trial.suggest_categorical("wide_penalty", WIDE_PENALTIES),
        is_monotone=trial.suggest_categorical("is_monotone", (False, True)),
    )


def _shipped_values(shipped: HazardSettings) -> dict[str, Any]:
    names = ("leaves", "learning_rate", "feature_share", "l2", "wide_penalty", "is_monotone")
    return {name: getattr(shipped, name) for name in names}
