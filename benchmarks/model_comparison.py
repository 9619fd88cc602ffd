"""Which model: `python -m benchmarks.model_comparison --out FILE.json` prints a Markdown table and writes the figures.

The hazard as shipped beside what it was chosen over: other shapes of model, of intervals and of trees, each trained on
what was known before a cut-off and judged on the invoices issued from it on. Ledgers: worlds simulated for the purpose
(`--seeds`), and any ledger folder given (`--ledger NAME=FOLDER`, repeatable). All figures are means over the ledgers;
the JSON holds each of them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.horizon_classifiers import (
    HorizonLabels,
    horizon_labels,
    rising_share,
    separate_classifiers,
    told_horizon_classifier,
)
from features.asof.history import PaymentHistory
from features.asof.landmarks import landmarks_at_issue
from features.groups.compute import compute_features
from features.ledger import last_known_on, read_ledger
from models.bundle import ModelBundle
from models.evaluation import metrics
from models.evaluation.backtest import default_cutoffs
from models.hazard.feature_matrix import feature_table
from models.intervals import Floats
from models.score import score_frame
from models.target import HORIZONS, outcomes
from models.training.from_ledger import TrainingInput, train_bundle, training_input, usable_features
from models.training.selection import TrainingSettings

CUSTOMERS, MONTHS = 300, 24
FINE_BOUNDS = (-30, -21, -15, -10, -7, -5, -3, -1, 0, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 365)
SHIPPED = TrainingSettings()


@dataclass(frozen=True)
class Question:
    """One ledger with a cut-off: what may be learnt, and what is asked.

    Attributes:
        given: landmarks and features known before the cut-off.
        names: features used.
        tested: invoices issued from the cut-off on.
        features: theirs, at issue.
        days_late: infinite for those open at the end.
        days_observed: from the due date to the end of the ledger.
    """

    given: TrainingInput
    names: tuple[str, ...]
    tested: pl.DataFrame
    features: pl.DataFrame
    days_late: Floats
    days_observed: Floats


Answer = tuple[Floats, pl.DataFrame | None]
"""P(unpaid) at every horizon, and the scores with payment dates where the model gives them."""


def question(folder: Path) -> Question:
    """The newest quarter of a ledger's observed invoices, asked with what was known before it."""
    ledger = read_ledger(folder)
    cutoff = default_cutoffs(ledger)[0]
    history = PaymentHistory.from_ledger(ledger)
    given = training_input(ledger, history, cutoff)
    end = last_known_on(ledger) or cutoff
    tested = landmarks_at_issue(ledger, cutoff, end).filter(pl.col("due_on") < end)
    known = outcomes(tested, given.settlements, date.max)
    observed = tested.select((pl.lit(end) - pl.col("due_on")).dt.total_days()).to_series()
    return Question(
        given=given,
        names=usable_features(given.features),
        tested=tested,
        features=compute_features(history, tested),
        days_late=known["days_late"].cast(pl.Float64).fill_null(float("inf")).to_numpy(),
        days_observed=observed.cast(pl.Float64).to_numpy(),
    )


def hazard(**changes: Any) -> Callable[[Question], Answer]:
    """The hazard with other settings; those of `HazardSettings` and of `TrainingSettings` by their names."""
    inner = {name: changes.pop(name) for name in list(changes) if hasattr(SHIPPED.hazard, name)}
    settings = replace(SHIPPED, hazard=replace(SHIPPED.hazard, **inner), **changes)

    def answer(asked: Question) -> Answer:
        bundle: ModelBundle = train_bundle(asked.given, settings=settings)[0]
        scores = score_frame(bundle, asked.features, asked.tested, with_reasons=False)
        return scores.select(f"unpaid_probability_{k}d" for k in HORIZONS).to_numpy(), scores

    return answer


def classifier(fit: Callable[[HorizonLabels, Floats], Floats]) -> Callable[[Question], Answer]:
    """One of the classifiers of `benchmarks.horizon_classifiers`."""

    def answer(asked: Question) -> Answer:
        known = horizon_labels(asked.given, asked.names)
        return fit(known, feature_table(asked.features, asked.names)), None

    return answer


MODELS: dict[str, Callable[[Question], Answer]] = {
    "hazard as shipped (13 intervals)": hazard(),
    "one classifier per horizon": classifier(separate_classifiers),
    "one classifier, horizon as falling input": classifier(told_horizon_classifier),
    "hazard, 6 intervals": hazard(bounds=HORIZONS),
    f"hazard, {len(FINE_BOUNDS)} intervals": hazard(bounds=FINE_BOUNDS),
    "hazard, the customer's curve only": hazard(trusts=(0.0,), least_judges=10**9),
    "hazard, no trees": hazard(least_judges=10**9),
    "hazard, trees of 4 leaves": hazard(leaves=(4,), large_leaves=(4,)),
    "hazard, trees of 16 leaves": hazard(leaves=(16,), large_leaves=(16,)),
    "hazard, trees of 31 leaves": hazard(leaves=(31,), large_leaves=(31,)),
    "hazard, at most 60 trees": hazard(max_trees=60),
    "hazard, at most 500 trees": hazard(max_trees=500),
    "hazard, trees held to the catalogue's directions": hazard(is_monotone=True),
}


def figures(asked: Question, curves: Floats, scores: pl.DataFrame | None, seconds: float) -> dict[str, Any]:
    """What one model answered to one question."""
    told: dict[str, Any] = {"fit_seconds": seconds, "rising_share": rising_share(curves)}
    for name, horizon in (("p_late", 0), ("p_late_30", 30)):
        rows = asked.days_observed > horizon
        chance, event = curves[rows, HORIZONS.index(horizon)], asked.days_late[rows] > horizon
        told[name] = {
            "n": int(rows.sum()),
            "auc": metrics.auc(chance, event),
            "log_loss": metrics.log_loss(chance, event),
            "ece": metrics.expected_calibration_error(chance, event),
        }
    rows = asked.days_observed > 90
    if scores is not None and rows.any():
        early, middle, late = (
            (scores[f"payment_date_{name}"] - asked.tested["due_on"])
            .dt.total_days()
            .cast(pl.Float64)
            .to_numpy()
            for name in ("p10", "p50", "p90")
        )
        errors = metrics.date_errors(early[rows], middle[rows], late[rows], asked.days_late[rows])
        if errors is not None:
            told["date"] = {
                "mean_absolute_days": errors.mean_absolute_days,
                "pinball_days": errors.pinball_days,
                "coverage": errors.coverage,
            }
    return told


def table(results: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Means over the ledgers, one row per model."""
    lines = [
        "| model | p_late AUC / log loss | p_late_30 AUC / log loss | pinball, days | median fit, s | rising |",
        "|---|---|---|---|---|---|",
    ]
    for name, of_ledger in results.items():
        each = list(of_ledger.values())
        dates = [one["date"]["pinball_days"] for one in each if "date" in one]
        cells = [
            f"{_mean(each, 'p_late', 'auc'):.4f} / {_mean(each, 'p_late', 'log_loss'):.4f}",
            f"{_mean(each, 'p_late_30', 'auc'):.4f} / {_mean(each, 'p_late_30', 'log_loss'):.4f}",
            f"{np.mean(dates):.2f}" if dates else "",
            f"{np.median([one['fit_seconds'] for one in each]):.0f}",
            f"{100 * np.mean([one['rising_share'] for one in each]):.1f} %",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(each: list[dict[str, Any]], horizon: str, figure: str) -> float:
    return float(np.mean([one[horizon][figure] for one in each if one[horizon][figure] is not None]))


def _simulated(seed: int, folder: Path) -> Path:
    from data_samples.generator import WorldSettings, simulate_world, write_world

    settings = WorldSettings(CUSTOMERS, MONTHS, seed)
    write_world(simulate_world(settings), folder, f"seed {seed}")
    return folder


def main() -> None:
    """Run the comparison and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--seeds", type=int, nargs="*", default=[91, 92, 93], help="worlds to simulate")
    parser.add_argument("--ledger", action="append", default=[], help="NAME=FOLDER of a further ledger")
    asked = parser.parse_args()
    results: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in MODELS}
    with tempfile.TemporaryDirectory() as scratch:
        ledgers = {f"world {seed}": _simulated(seed, Path(scratch) / str(seed)) for seed in asked.seeds}
        ledgers |= {name: Path(folder) for name, _, folder in (each.partition("=") for each in asked.ledger)}
        for ledger, folder in ledgers.items():
            posed = question(folder)
            for name, model in MODELS.items():
                started = time.perf_counter()
                curves, scores = model(posed)
                results[name][ledger] = figures(posed, curves, scores, time.perf_counter() - started)
                print(f"{ledger}: {name}: {results[name][ledger]}", flush=True)
    asked.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(f"\nMeans over {', '.join(ledgers)}\n\n{table(results)}")


if __name__ == "__main__":
    main()
