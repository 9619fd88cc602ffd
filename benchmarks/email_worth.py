"""What reading the mails is worth to the late-payment model: `python -m benchmarks.email_worth` prints JSON.

Each world draws its mails from a fixed half of the labelled set; the reader is trained without that half. The model is
trained three times on what was known before the cut-off: without the communication features, with what the reader says,
and with what the mails truly say (a reader without fault: the most that reading can be worth). Tested are the invoices
issued from the cut-off on, at issue and on fixed days around the due date while they are open. Differences are paired,
and their intervals come from drawing customers again within each world.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks.email_warning import LONG_DELAY_DAYS, Warned, warning_gains, warnings_before_due
from benchmarks.email_worlds import (
    PERFECT,
    READ,
    WITHOUT,
    Bools,
    Floats,
    Ints,
    World,
    agreement,
    drawn_again,
    held_back_reader,
    positions,
    sample_world,
    scores,
    simulated,
    told_truly,
    unread,
)
from features.asof import PaymentHistory, landmarks_at_issue
from features.email import SignalPipeline, signals_frame
from features.ledger import last_known_on
from features.settlement import still_open
from models.evaluation.backtest import default_cutoffs
from models.evaluation.metrics import auc, log_loss
from models.target import outcomes
from models.training.from_ledger import TrainingInput, train_bundle, training_input

MOMENTS: Final[tuple[tuple[str, int | None], ...]] = (
    ("at issue", None),
    ("10 days before due", -10),
    ("on the due date", 0),
    ("10 days past due", 10),
)
RESAMPLES = 300


@dataclass(frozen=True)
class Seen:
    """Predictions of one world at one moment for one outcome.

    Attributes:
        customer: position of each row's customer.
        is_event: whether it came true.
        probability: of each row, by variant.
    """

    customer: Ints
    is_event: Bools
    probability: dict[str, Floats]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--ledger", type=Path, default=Path("data_samples/ledger"), help="simulated ledger")
    parser.add_argument("--seeds", type=int, nargs="*", default=[11, 12], help="further worlds to simulate")
    parser.add_argument("--customers", type=int, default=600, help="customers of each further world")
    parser.add_argument("--months", type=int, default=30, help="months of each further world")
    options = parser.parse_args(arguments)
    worlds = [sample_world(options.ledger)]
    worlds += [simulated(seed, options.customers, options.months) for seed in options.seeds]
    print(json.dumps(measure(worlds, held_back_reader()), indent=1))


def measure(worlds: Sequence[World], reader: SignalPipeline) -> dict[str, Any]:
    """Gain of reading the mails: per world, and over all worlds with intervals."""
    seen: dict[str, list[Seen]] = {}
    warned: list[Warned] = []
    sizes = []
    for world in worlds:
        started = time.perf_counter()
        found, warnings, size = _play(world, reader)
        for name, part in found.items():
            seen.setdefault(name, []).append(part)
        warned.append(warnings)
        sizes.append({"world": world.name, **size})
        print(f"{world.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return {
        "worlds": sizes,
        "resamples": RESAMPLES,
        "gain": {name: _gains(parts) for name, parts in seen.items()},
        "days_of_warning": {
            rule: {
                "every invoice more than 30 days late": warning_gains(
                    warned, rule, RESAMPLES, only_mailed=False
                ),
                "those with a signal between issue and due date": warning_gains(
                    warned, rule, RESAMPLES, only_mailed=True
                ),
            }
            for rule in warned[0].days
        },
    }


def _play(world: World, reader: SignalPipeline) -> tuple[dict[str, Seen], Warned, dict[str, Any]]:
    """Train the three variants on one world and look at its tested invoices."""
    ledger = world.ledger
    last = last_known_on(ledger)
    if last is None or ledger.emails is None:
        msg = f"{world.name}: no dated fact or no mails"
        raise ValueError(msg)
    end, cutoff = last + timedelta(days=1), default_cutoffs(ledger)[0]
    read = signals_frame(ledger.emails, reader, quoting=False)
    histories = {
        READ: PaymentHistory.from_ledger(ledger, signals=read),
        PERFECT: PaymentHistory.from_ledger(ledger, signals=told_truly(read, world.mails_truth)),
    }
    given = {name: training_input(ledger, history, cutoff) for name, history in histories.items()}
    given[WITHOUT] = replace(given[READ], features=unread(given[READ].features))
    histories[WITHOUT] = histories[READ]
    bundles = {name: train_bundle(given[name])[0] for name in (WITHOUT, READ, PERFECT)}
    tested = landmarks_at_issue(ledger, cutoff, end)
    seen: dict[str, Seen] = {}
    for moment, days in MOMENTS:
        rows = _open_at(tested, given[READ], days)
        for outcome, late in (("p_late", 0), ("p_late_30", LONG_DELAY_DAYS)):
            if days is not None and days > late:
                continue
            observed = rows.filter(pl.col("due_on") + timedelta(days=late) < end)
            known = outcomes(observed, given[READ].settlements, end)["days_late"]
            is_event = (known.is_null() | (known > late)).to_numpy()
            probability = {
                name: scores(bundles[name], histories[name], observed, name)[outcome].to_numpy()
                for name in bundles
            }
            seen[f"{outcome}, {moment}"] = Seen(positions(observed["customer_id"]), is_event, probability)
    size = {
        "cutoff": cutoff.isoformat(),
        "training_invoices": given[READ].landmarks["invoice_id"].n_unique(),
        "test_invoices": tested.height,
        "inbound_mails": read.height,
        "reader_micro_f1_on_its_mails": agreement(read, world.mails_truth),
    }
    return seen, warnings_before_due(tested, given[READ], bundles, histories, read, end), size


def _open_at(tested: pl.DataFrame, given: TrainingInput, days_past_due: int | None) -> pl.DataFrame:
    """The tested invoices at issue, or on a day counted from the due date if issued and not known settled by then."""
    if days_past_due is None:
        return tested
    moved = tested.with_columns(as_of=pl.col("due_on") + timedelta(days=days_past_due))
    return still_open(moved.filter(pl.col("as_of") >= pl.col("issued_on")), given.settlements)


def _gains(parts: Sequence[Seen]) -> dict[str, Any]:
    """AUC and log loss of every variant, mean over worlds, and what each reading adds to no reading."""
    answer: dict[str, Any] = {
        "rows": sum(len(part.is_event) for part in parts),
        "event_share": round(float(np.concatenate([part.is_event for part in parts]).mean()), 4),
    }
    for name in (WITHOUT, READ, PERFECT):
        figures = np.array([_figures(part, name, None) for part in parts]).mean(axis=0)
        answer[name] = {"auc": round(float(figures[0]), 4), "log_loss": round(float(figures[1]), 4)}
    random = np.random.default_rng(7)
    draws: dict[str, list[Floats]] = {READ: [], PERFECT: []}
    for _ in range(RESAMPLES):
        rows = [drawn_again(part.customer, random) for part in parts]
        plain = [_figures(part, WITHOUT, row) for part, row in zip(parts, rows, strict=True)]
        for name, found in draws.items():
            other = [_figures(part, name, row) for part, row in zip(parts, rows, strict=True)]
            found.append((np.array(other) - np.array(plain)).mean(axis=0))
    for name, found in draws.items():
        low, high = np.quantile(np.array(found), [0.05, 0.95], axis=0)
        for column, figure in enumerate(("auc", "log_loss")):
            answer[name][f"{figure}_gain"] = round(answer[name][figure] - answer[WITHOUT][figure], 4)
            answer[name][f"{figure}_gain_interval_90"] = [
                round(float(low[column]), 4),
                round(float(high[column]), 4),
            ]
    return answer


def _figures(part: Seen, name: str, rows: Ints | None) -> tuple[float, float]:
    probability, is_event = part.probability[name], part.is_event
    if rows is not None:
        probability, is_event = probability[rows], is_event[rows]
    ranking = auc(probability, is_event)
    return (0.5 if ranking is None else ranking), log_loss(probability, is_event)


if __name__ == "__main__":
    main()
