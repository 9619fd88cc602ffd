"""What each feature group adds: `python -m benchmarks.feature_groups --ledger data_samples/ledger` prints JSON.

The model is trained and tested once with every column, once without each group, and once with the first feature set
only (sixteen plain columns). The split is by time: everything known before the cut-off is training, the invoices issued
from it on are the test. Differences are paired, invoice by invoice, with an interval from resampling customers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from features.asof import PaymentHistory, landmarks_at_issue
from features.groups.catalogue import CATALOGUE_VERSION, COLUMNS_BY_NAME, FEATURE_NAMES, GROUPS
from features.groups.compute import compute_features
from features.ledger import Ledger, last_known_on, read_ledger
from features.payers.rfm_scale import fit_rfm_scale
from models.bundle import ModelBundle, make_bundle
from models.evaluation.backtest import default_cutoffs
from models.evaluation.metrics import auc, brier, log_loss
from models.log_loss import log_losses
from models.score import score_frame
from models.target import Target, outcomes
from models.training.from_ledger import TrainingInput, training_input, usable_features
from models.training.train import train_model

FIRST_SET: Final = (
    "outcome_count_all",
    "late_share_all",
    "late_share_365d",
    "days_late_mean_all",
    "days_late_mean_365d",
    "days_late_last",
    "settled_recency_days",
    "open_amount_sum",
    "overdue_amount_sum",
    "overdue_count",
    "amount",
    "terms_days",
    "days_past_due",
    "days_since_issue",
    "due_month",
    "history_depth",
)
"""What a first version reads from a ledger: counts, shares and means, exposure, the invoice's own figures."""
RESAMPLES = 500
EVERYTHING = "every group"


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--ledger", type=Path, required=True, help="ledger folder")
    parser.add_argument("--cutoff", type=date.fromisoformat, help="day that divides training from test")
    parser.add_argument("--no-mails", action="store_true", help="leave the mails unread")
    parser.add_argument("--only", nargs="*", help="names of the groups to leave out; all by default")
    options = parser.parse_args(arguments)
    ledger = read_ledger(options.ledger)
    signals = None
    if ledger.emails is not None and ledger.emails.height and not options.no_mails:
        from features.email import load_pipeline, signals_frame

        signals = signals_frame(ledger.emails, load_pipeline())
    cutoff = options.cutoff or default_cutoffs(ledger)[0]
    print(json.dumps(measure(ledger, cutoff, signals, options.only), indent=2))


def measure(
    ledger: Ledger, cutoff: date, signals: pl.DataFrame | None, only: Sequence[str] | None = None
) -> dict[str, Any]:
    """Train and test with every group, without each, and with the first set; compare with every group."""
    end = last_known_on(ledger)
    if end is None:
        msg = "the ledger is empty"
        raise ValueError(msg)
    end += timedelta(days=1)
    history = PaymentHistory.from_ledger(ledger, signals=signals)
    given = training_input(ledger, history, cutoff)
    tested = landmarks_at_issue(ledger, cutoff, end).filter(pl.col("due_on") < end)
    features = compute_features(history, tested)
    target = Target()
    known = outcomes(tested, given.settlements, end)["days_late"]
    is_late = (known.is_null() | (known > target.grace_days)).to_numpy()
    known_columns = usable_features(given.features)
    dropped: dict[str, tuple[str, ...]] = {EVERYTHING: ()}
    for group in GROUPS:
        is_known = any(name in known_columns for name in (c.name for c in group.columns))
        if is_known and (only is None or group.name in only):
            dropped[f"without {group.name}"] = tuple(column.name for column in group.columns)
    dropped["first feature set only"] = tuple(name for name in FEATURE_NAMES if name not in FIRST_SET)

    predictions: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    for name, columns in dropped.items():
        started = time.perf_counter()
        bundle = _bundle_without(given, columns)
        scores = score_frame(bundle, features, tested, with_reasons=False)
        predictions[name] = scores["p_late"].to_numpy()
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return {
        "cutoff": cutoff.isoformat(),
        "training_invoices": given.landmarks["invoice_id"].n_unique(),
        "test_invoices": tested.height,
        "test_customers": tested["customer_id"].n_unique(),
        "late_share": round(float(is_late.mean()), 3),
        "rows": [
            _row(
                name,
                sum(n not in dropped[name] for n in known_columns),
                p,
                predictions[EVERYTHING],
                is_late,
                tested,
            )
            for name, p in predictions.items()
        ],
    }


def _bundle_without(given: TrainingInput, columns: Sequence[str]) -> ModelBundle:
    """A model trained as ever, without these columns."""
    names = [name for name in usable_features(given.features) if name not in columns]
    directions = [COLUMNS_BY_NAME[name].direction for name in names]
    trained = train_model(
        given.features,
        given.landmarks,
        given.settlements,
        given.known_before,
        names,
        target=Target.of(given.ledger_settings),
        directions=directions,
    )
    scale = fit_rfm_scale(given.features, given.landmarks["customer_id"])
    return make_bundle(
        trained.hazard,
        trained.calibration,
        given.ledger_settings,
        CATALOGUE_VERSION,
        given.known_before,
        {"data_fingerprint": given.data_fingerprint},
        scale,
    )


def _row(
    name: str,
    columns: int,
    probability: np.ndarray[tuple[int], np.dtype[np.float64]],
    everything: np.ndarray[tuple[int], np.dtype[np.float64]],
    is_late: np.ndarray[tuple[int], np.dtype[np.bool_]],
    tested: pl.DataFrame,
) -> dict[str, Any]:
    worse = log_losses(probability, is_late) - log_losses(everything, is_late)
    low, high = _interval(worse, tested["customer_id"])
    ranking = auc(probability, is_late)
    return {
        "features": name,
        "columns": columns,
        "auc": None if ranking is None else round(ranking, 4),
        "log_loss": round(log_loss(probability, is_late), 4),
        "brier": round(brier(probability, is_late), 4),
        "log_loss_more_than_every_group": round(float(worse.mean()), 4),
        "interval_90": [round(low, 4), round(high, 4)],
    }


def _interval(
    worse: np.ndarray[tuple[int], np.dtype[np.float64]], customers: pl.Series
) -> tuple[float, float]:
    """Interval of the mean difference that holds nine times in ten when customers are drawn again."""
    by_customer = (
        pl.DataFrame({"customer": customers, "worse": worse})
        .group_by("customer")
        .agg(pl.col("worse").sum(), pl.len())
        .sort("customer")
    )
    sums, counts = by_customer["worse"].to_numpy(), by_customer["len"].to_numpy()
    random = np.random.default_rng(7)
    drawn = random.integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(np.quantile(means, 0.05)), float(np.quantile(means, 0.95))


if __name__ == "__main__":
    main()
