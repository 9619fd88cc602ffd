"""What training, scoring and explaining cost: `python -m benchmarks.scoring [--invoices N] [--out FILE]`.

Trains on a simulated ledger's shape with random features, so that sizes can be chosen freely, and writes
JSON: training, batch scoring, batch scoring with all reasons in one call (seconds, processor seconds, peak memory), one
score with reasons after its features as the service makes it (median and 99th percentile), how far the
contributions are from adding up, and the trade between tree size, number of trees, quality and cost. Figures hold for
the machine they were taken on; processor seconds stand beside wall seconds, because it may be busy with other work.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.groups.catalogue import CATALOGUE, FEATURE_NAMES
from features.settings import LedgerSettings
from models.bundle import ModelBundle, make_bundle
from models.explanation.contributions import explain_landmarks
from models.hazard.calibration import identity_calibration
from models.hazard.feature_matrix import FeatureMatrix, feature_table
from models.hazard.hazard import fit_hazard
from models.hazard.settings import HazardSettings
from models.hazard.training_set import days_past_due, training_rows
from models.intervals import intervals_for
from models.log_loss import log_losses
from models.score import score, score_frame

CUTOFF = date(2026, 1, 1)
PIECE = 20_000
"""Invoices made at a time."""
SIZES = ((4, 100), (7, 100), (15, 100), (15, 200), (31, 200))
"""Leaves and number of the trees that are compared; the first is what is shipped unless the ledger asks for more."""


@dataclass(frozen=True)
class Taken:
    """Wall and processor seconds."""

    seconds: float
    processor_seconds: float


class Clock:
    """Started when made."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def taken(self) -> Taken:
        """Seconds since."""
        return Taken(time.perf_counter() - self._wall, time.process_time() - self._processor)


def sample(count: int, seed: int, first: int = 0) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
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
    ids = [f"F{number:07d}" for number in range(first, first + count)]
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
    settlements = pl.DataFrame(
        {"invoice_id": ids, "episode": [1] * count, "settled_on": settled, "settlement_known_on": settled}
    ).with_columns(
        reopened_on=pl.lit(None, pl.Date), allocation_count=pl.lit(1, pl.Int64), closed_by=pl.lit("paid")
    )
    return landmarks, features, settlements


def many(count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Landmarks and features of so many invoices, made piece by piece so that no more is held than they take."""
    pieces = [
        sample(min(PIECE, count - first), 4 + first // PIECE, first)[:2] for first in range(0, count, PIECE)
    ]
    landmarks = pl.concat([piece[0] for piece in pieces])
    return landmarks, pl.concat([piece[1] for piece in pieces], rechunk=False)


def fitted(count: int, settings: HazardSettings) -> tuple[ModelBundle, int, Taken]:
    """A bundle trained on so many invoices, its hazard rows, and what it took."""
    landmarks, features, settlements = sample(count, 1)
    intervals = intervals_for(0)
    rows = training_rows(landmarks, settlements, intervals, CUTOFF, 0.2)
    table = feature_table(features, FEATURE_NAMES)
    del features
    clock = Clock()
    hazard = fit_hazard(table, rows, FEATURE_NAMES, intervals, settings)
    taken = clock.taken()
    calibration = identity_calibration(len(intervals.bounds))
    return make_bundle(hazard, calibration, LedgerSettings(), "benchmark", CUTOFF, {}), len(rows), taken


def log_loss(bundle: ModelBundle) -> float:
    """Log loss of p_late on invoices not learnt from."""
    landmarks, features, settlements = sample(8_000, 2)
    chance = score(bundle, features, landmarks, with_reasons=False).p_late
    event = (settlements["settled_on"] > landmarks["due_on"]).to_numpy()
    return float(log_losses(chance, event).mean())


def single_score_seconds(bundle: ModelBundle, repeats: int = 200) -> list[float]:
    """Seconds of single scores with reasons as the service makes them, after the features."""
    landmarks, features, _ = sample(repeats, 3)
    landmarks = landmarks.with_columns(country=pl.lit("FR"))
    matrix = feature_table(features, FEATURE_NAMES).T
    taken = []
    for row in range(repeats):
        landmark, column = landmarks[row : row + 1], np.ascontiguousarray(matrix[:, row : row + 1])
        start = time.perf_counter()
        known = FeatureMatrix(FEATURE_NAMES, column)
        score(bundle, known, landmark).rows()
        known.rows()
        taken.append(time.perf_counter() - start)
    return taken


def off_the_score(bundle: ModelBundle) -> float:
    """Largest distance between a probability and what its contributions add up to."""
    landmarks, features, _ = sample(5_000, 6)
    found = explain_landmarks(bundle, feature_table(features, FEATURE_NAMES), days_past_due(landmarks))
    told = found.base + found.values.sum(axis=1) + found.calibration
    return float(np.abs(told - found.probability).max())


def trade_of(leaves: int, trees: int, training_invoices: int, threads: int) -> dict[str, Any]:
    """What a size of the trees costs and gains."""
    settings = HazardSettings(threads=threads, leaves=leaves, tree_count=trees)
    bundle, _, taken = fitted(training_invoices, settings)
    landmarks, features, _ = sample(2_000, 4)
    clock = Clock()
    score_frame(bundle, features, landmarks)
    scored = clock.taken()
    return {
        "leaves": leaves,
        "trees": trees,
        "training_seconds": round(taken.seconds, 2),
        "log_loss": round(log_loss(bundle), 5),
        "reasons_per_processor_second": round(landmarks.height / scored.processor_seconds),
        "single_median_ms": round(1000 * statistics.median(single_score_seconds(bundle, 50)), 3),
        "off_the_score": off_the_score(bundle),
    }


def measure(invoices: int, training_invoices: int, threads: int) -> dict[str, Any]:
    """All figures."""
    load = os.getloadavg()[0]
    _forget_peak()
    bundle, rows, training = fitted(training_invoices, HazardSettings(threads=threads))
    training_peak = _peak_mib()
    single = sorted(single_score_seconds(bundle, 500))
    landmarks, features = many(invoices)
    some = slice(0, 100_000)
    clock = Clock()
    score_frame(bundle, features[some], landmarks[some], with_reasons=False)
    plain = clock.taken()
    _forget_peak()
    clock = Clock()
    scored = score_frame(bundle, features, landmarks)
    explained = clock.taken()
    result = {
        "machine": {"cores": os.cpu_count(), "threads": threads, "load_before": round(load, 2)},
        "training": {
            "invoices": training_invoices,
            "hazard_rows": rows,
            "seconds": round(training.seconds, 1),
            "processor_seconds": round(training.processor_seconds, 1),
            "peak_memory_mib": round(training_peak),
        },
        "batch": {
            "invoices": invoices,
            "scores_per_second": round(landmarks[some].height / plain.seconds),
            "with_reasons_seconds": round(explained.seconds, 1),
            "with_reasons_processor_seconds": round(explained.processor_seconds, 1),
            "minutes_a_million": round(explained.seconds / invoices * 1e6 / 60, 2),
            "processor_minutes_a_million": round(explained.processor_seconds / invoices * 1e6 / 60, 2),
            "features_mib": round(features.estimated_size("mb")),
            "answer_mib": round(scored.estimated_size("mb")),
            "peak_memory_mib": round(_peak_mib()),
            "load_after": round(os.getloadavg()[0], 2),
        },
        "single": {
            "median_ms": round(1000 * statistics.median(single), 3),
            "p99_ms": round(1000 * single[int(0.99 * len(single))], 3),
        },
        "off_the_score": off_the_score(bundle),
    }
    del features, scored
    few = min(training_invoices, 20_000)
    result["trade"] = [trade_of(leaves, trees, few, threads) for leaves, trees in SIZES]
    return result


def _forget_peak() -> None:
    """Begin to look for the peak of memory anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    """Most memory held since `_forget_peak`, in MiB."""
    status = Path("/proc/self/status").read_text()
    held = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(held.split()[1]) / 1024


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--invoices", type=int, default=20_000, help="scored with reasons in one call")
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
