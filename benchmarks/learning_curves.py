"""Small ledgers: `python -m benchmarks.learning_curves --out FILE.json` prints a Markdown table and writes the figures.

A ledger is cut after its first 50, 100, … 5,000 invoices; the model and the baselines learn from what was known then,
are left as they are, and are judged on the invoices issued afterwards. Worlds are simulated with many and with few
invoices per customer (`--seeds`); any ledger folder can be added (`--ledger NAME=FOLDER`, repeatable). Differences are
log losses minus that of the customer's own late share, with 95 % intervals over customers drawn again.
"""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data_samples.generator import WorldSettings, simulate_world
from features.asof.history import PaymentHistory
from features.asof.landmarks import landmarks_at_issue
from features.errors import InvalidInputError
from features.groups.compute import compute_features
from features.ledger import Ledger, last_known_on, read_ledger
from features.ledger.receivables import receivables
from features.settings import LedgerSettings
from models.evaluation import metrics
from models.evaluation.backtest import labelled
from models.evaluation.backtest_summary import customer_draws
from models.evaluation.baselines import BASELINES, Prediction
from models.evaluation.evidence import mean_with_interval
from models.hazard.training_set import known_outcomes
from models.intervals import Floats
from models.log_loss import log_losses
from models.score import score_frame
from models.target import Target
from models.training.from_ledger import TrainingInput, train_bundle, training_input, usable_features

SIZES: tuple[int, ...] = (50, 100, 250, 500, 1_000, 2_000, 5_000)
WORLDS: dict[str, dict[str, Any]] = {
    "many": {"customers": 180, "months": 30},
    "few": {"customers": 3_000, "months": 30, "invoices_per_month": 0.07},
}
"""Invoices per customer, and the settings of the simulation: some forty, and most with one or two."""
RIVALS: tuple[str, ...] = ("own_late_share", "constant", "scorecard", "hist_gradient_boosting")
REFERENCE = "own_late_share"
MODEL = "encours"
MOST_JUDGED = 6_000
RESAMPLES = 200
_FIRST_DAY = date(1900, 1, 1)
_SEED = 5


def simulated(kind: str, seed: int) -> Ledger:
    """A simulated ledger."""
    return simulate_world(WorldSettings(seed=seed, **WORLDS[kind])).ledger


def curve(ledger: Ledger) -> dict[int, dict[str, Any]]:
    """Figures of every model after each number of invoices that leaves a fifth of the ledger to judge on."""
    ledger = receivables(ledger)
    end = (last_known_on(ledger) or _FIRST_DAY) + timedelta(days=1)
    settings = LedgerSettings().with_reporting_currency(ledger.invoices, end)
    history = PaymentHistory.from_ledger(ledger, settings)
    issued = landmarks_at_issue(ledger, _FIRST_DAY, end).sort("issued_on", "invoice_id")
    features = compute_features(history, issued)
    found = {}
    for size in SIZES:
        if size > 0.8 * issued.height:
            break
        cutoff = issued["issued_on"][size]
        later = (issued["issued_on"] >= cutoff).to_numpy()
        found[size] = _judged(ledger, history, cutoff, end, issued.filter(later), features.filter(later))
    return found


def _judged(
    ledger: Ledger,
    history: PaymentHistory,
    cutoff: date,
    end: date,
    issued: pl.DataFrame,
    features: pl.DataFrame,
) -> dict[str, Any]:
    """What each model trained at a cut-off says of the invoices issued from it on."""
    given = training_input(ledger, history, cutoff)
    known = known_outcomes(issued, given.settlements, end)
    places = np.flatnonzero(known.days_until_cutoff > 0)
    if places.size > MOST_JUDGED:
        places = np.sort(np.random.default_rng(_SEED).choice(places, MOST_JUDGED, replace=False))
    issued, features = issued[places], features[places]
    watched, days_late = known.days_until_cutoff[places], known.days_late[places]
    predictions = _predictions(given, issued, features)
    draws = customer_draws(issued["customer_id"], RESAMPLES, _SEED)
    figures: dict[str, Any] = {"cutoff": cutoff.isoformat(), "judged": int(places.size)}
    for name, horizon in (("p_late", 0), ("p_late_30", 30)):
        rows = watched > horizon
        event = days_late[rows] > horizon
        chances = {model: getattr(told, name)[rows] for model, told in predictions.items()}
        figures[name] = {
            model: _figures(chance, chances[REFERENCE], event, [draw[rows] for draw in draws])
            for model, chance in chances.items()
        }
    return figures


def _predictions(given: TrainingInput, issued: pl.DataFrame, features: pl.DataFrame) -> dict[str, Prediction]:
    known, names = labelled(given, Target()), usable_features(given.features)
    told = {}
    try:
        scores = score_frame(train_bundle(given)[0], features, issued, with_reasons=False)
        told[MODEL] = Prediction(scores["p_late"].to_numpy(), scores["p_late_30"].to_numpy())
    except InvalidInputError as refusal:
        print(f"  {refusal}", flush=True)
    for name in RIVALS:
        try:
            told[name] = BASELINES[name](known, features, names)
        except ValueError as refusal:
            print(f"  {name}: {refusal}", flush=True)
    return told


def _figures(chance: Floats, reference: Floats, event: metrics.Bools, draws: list[Floats]) -> dict[str, Any]:
    gap = log_losses(chance, event) - log_losses(reference, event)
    difference = mean_with_interval(gap, draws)
    return {
        "auc": metrics.auc(chance, event),
        "log_loss": metrics.log_loss(chance, event),
        "minus_own_late_share": difference.mean,
        "interval": [difference.lower, difference.upper],
    }


def table(results: dict[str, dict[int, dict[str, Any]]]) -> str:
    """One row per ledger and size: AUC and log loss of each model, and the difference from own late share."""
    lines = []
    for name in ("p_late", "p_late_30"):
        lines += [
            f"\n{name}\n",
            f"| ledger | invoices | {' | '.join((MODEL, *RIVALS))} | {MODEL} minus own late share |",
            f"|{'---|' * (len(RIVALS) + 4)}",
        ]
        for ledger, sizes in results.items():
            for size, figures in sizes.items():
                told = figures[name]
                cells = [
                    f"{told[model]['auc'] or float('nan'):.3f} / {told[model]['log_loss']:.4f}"
                    if model in told
                    else ""
                    for model in (MODEL, *RIVALS)
                ]
                own = told.get(MODEL)
                gap = (
                    f"{own['minus_own_late_share']:+.4f} ({own['interval'][0]:+.4f} to {own['interval'][1]:+.4f})"
                    if own
                    else "too few are settled"
                )
                lines.append(f"| {ledger} | {size:,} | {' | '.join(cells)} | {gap} |")
    return "\n".join(lines)


def main() -> None:
    """Draw the curves and print their table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--seeds", type=int, nargs="*", default=[701, 702], help="worlds to simulate of each kind"
    )
    parser.add_argument("--ledger", action="append", default=[], help="NAME=FOLDER of a further ledger")
    asked = parser.parse_args()
    results: dict[str, dict[int, dict[str, Any]]] = {}
    for name, _, folder in (each.partition("=") for each in asked.ledger):
        results[name] = curve(read_ledger(Path(folder)))
    for kind in WORLDS:
        for seed in asked.seeds:
            print(f"{kind} {seed}", flush=True)
            results[f"{kind} {seed}"] = curve(simulated(kind, seed))
    asked.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
