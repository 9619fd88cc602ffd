"""What training, scoring and explaining cost: `python -m benchmarks.scoring [--invoices N] [--out FILE]`.

Trains on a simulated ledger's shape with random features, so that sizes can be chosen freely, and writes
JSON: rows a second for training, batch scoring, batch scoring with all reasons, one score with reasons
(median and 99th percentile), and the trade between tree size, number of trees, quality and cost. Figures
hold for the machine they were taken on.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.catalogue import CATALOGUE, FEATURE_NAMES
from models.bundle import ModelBundle, make_bundle
from models.calibration import identity_calibration
from models.hazard import HazardSettings, fit_hazard
from models.intervals import intervals_for
from models.scoring import score_landmarks
from models.target import Target
from models.training import feature_table
from models.training_set import training_rows

CUTOFF = date(2026, 1, 1)


def sample(count: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Landmarks, features of the whole catalogue (a tenth unknown) and settlements that depend on a few of them."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(count, len(FEATURE_NAMES)))
    signal = table[:, :6] @ np.array([5.0, 4.0, 3.0, 2.0, 2.0, 1.0])
    for column, feature in enumerate(CATALOGUE):
        if feature.unit == "flag":
            table[:, column] = table[:, column] > 0
        elif feature.minimum is not None:
            table[:, column] = feature.minimum + np.abs(table[:, column])
    table[random.random(table.shape) < 0.1] = np.nan
    issued = np.datetime64(CUTOFF) - random.integers(60, 900, count).astype("timedelta64[D]")
    due = issued + np.timedelta64(30, "D")
    settled = due + np.round(signal + random.gumbel(0, 8, count)).clip(-29, 400).astype("timedelta64[D]")
    ids = [f"F{number:07d}" for number in range(count)]
    landmarks = pl.DataFrame(
        {
            "invoice_id": ids,
            "customer_id": [f"C{number % (count // 20 + 1):06d}" for number in range(count)],
            "as_of": issued,
            "issued_on": issued,
            "due_on": due,
            "amount": random.lognormal(7, 1, count),
            "currency": ["EUR"] * count,
        }
    )
    features = landmarks.select("invoice_id", "as_of").with_columns(
        pl.Series(name, table[:, column]).fill_nan(None) for column, name in enumerate(FEATURE_NAMES)
    )
    settlements = pl.DataFrame({"invoice_id": ids, "settled_on": settled, "settlement_known_on": settled})
    return landmarks, features, settlements


def fitted(count: int, settings: HazardSettings) -> tuple[ModelBundle, int, float]:
    """A bundle trained on so many invoices, its hazard rows, and the seconds it took."""
    landmarks, features, settlements = sample(count, 1)
    intervals = intervals_for(0)
    rows = training_rows(landmarks, settlements, intervals, CUTOFF, 0.2)
    table = feature_table(features, FEATURE_NAMES)
    start = time.perf_counter()
    hazard = fit_hazard(table, rows, FEATURE_NAMES, intervals, settings)
    seconds = time.perf_counter() - start
    calibration = identity_calibration(len(intervals.bounds))
    return make_bundle(hazard, calibration, Target(), "benchmark", CUTOFF, {}), len(rows), seconds


def log_loss(bundle: ModelBundle) -> float:
    """Log loss of p_late on invoices not learnt from."""
    landmarks, features, settlements = sample(8_000, 2)
    chance = (
        score_landmarks(bundle, features, landmarks, with_reasons=False)["p_late"]
        .to_numpy()
        .clip(1e-6, 1 - 1e-6)
    )
    event = (settlements["settled_on"] > landmarks["due_on"]).to_numpy()
    return float(-np.where(event, np.log(chance), np.log1p(-chance)).mean())


def single_score_seconds(bundle: ModelBundle, repeats: int = 200) -> list[float]:
    """Seconds of single scores with reasons, after the features."""
    landmarks, features, _ = sample(repeats, 3)
    taken = []
    for row in range(repeats):
        start = time.perf_counter()
        score_landmarks(bundle, features[row : row + 1], landmarks[row : row + 1])
        taken.append(time.perf_counter() - start)
    return taken


def measure(invoices: int, training_invoices: int, threads: int) -> dict[str, Any]:
    """All figures."""
    settings = HazardSettings(threads=threads)
    bundle, rows, seconds = fitted(training_invoices, settings)
    landmarks, features, _ = sample(invoices, 4)
    start = time.perf_counter()
    score_landmarks(bundle, features, landmarks, with_reasons=False)
    plain = time.perf_counter() - start
    start = time.perf_counter()
    score_landmarks(bundle, features, landmarks)
    explained = time.perf_counter() - start
    single = sorted(single_score_seconds(bundle))
    trade = []
    for leaves, trees in ((7, 100), (15, 100), (15, 200), (31, 200)):
        candidate, _, taken = fitted(
            min(training_invoices, 20_000), HazardSettings(threads=threads, leaves=leaves, tree_count=trees)
        )
        part = slice(0, 500)
        start = time.perf_counter()
        score_landmarks(candidate, features[part], landmarks[part])
        trade.append(
            {
                "leaves": leaves,
                "trees": trees,
                "training_seconds": taken,
                "log_loss": log_loss(candidate),
                "reasons_per_second": 500 / (time.perf_counter() - start),
                "single_median_ms": 1000 * statistics.median(single_score_seconds(candidate, 50)),
            }
        )
    return {
        "machine": {"cores": os.cpu_count(), "threads": threads, "load": os.getloadavg()[0]},
        "training": {"hazard_rows": rows, "seconds": seconds, "rows_per_second": rows / seconds},
        "batch": {
            "invoices": invoices,
            "scores_per_second": invoices / plain,
            "scores_with_reasons_per_second": invoices / explained,
            "million_with_reasons_minutes": explained / invoices * 1e6 / 60,
        },
        "single": {
            "median_ms": 1000 * statistics.median(single),
            "p99_ms": 1000 * single[int(0.99 * len(single))],
        },
        "trade": trade,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=20_000)
    parser.add_argument("--training-invoices", type=int, default=40_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    figures = measure(asked.invoices, asked.training_invoices, asked.threads)
    text = json.dumps(figures, indent=1)
    if asked.out:
        asked.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
