"""Days of warning before the due date: how early the score raises an alarm for invoices with a long delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from benchmarks.email_worlds import (
    PERFECT,
    READ,
    WITHOUT,
    Bools,
    Floats,
    Ints,
    drawn_again,
    positions,
    scores,
)
from features.asof import PaymentHistory
from features.email import LABELS
from features.settlement import still_open
from models.bundle import ModelBundle
from models.grades import LONG_DELAY_PROBABILITY
from models.target import outcomes
from models.training.from_ledger import TrainingInput

LONG_DELAY_DAYS = 30
FALSE_ALARM_SHARE = 0.10
GRID_STEP_DAYS = 2
GRID_DAYS = 60
MOST_OTHERS = 1500
"""Invoices without a long delay on which false alarms are counted, at most, per world."""


@dataclass(frozen=True)
class Warned:
    """Days of warning before the due date of the invoices of one world that ended more than 30 days late.

    Attributes:
        customer: position of each invoice's customer.
        has_mail: whether a mail with a signal came from the customer between issue and due date.
        days: days between first alarm and due date, 0 without an alarm; by rule and variant.
        false_alarms: share of the other invoices alarmed before due; by rule and variant.
    """

    customer: Ints
    has_mail: Bools
    days: dict[str, dict[str, Floats]]
    false_alarms: dict[str, dict[str, float]]


def warnings_before_due(
    tested: pl.DataFrame,
    given: TrainingInput,
    bundles: dict[str, ModelBundle],
    histories: dict[str, PaymentHistory],
    read: pl.DataFrame,
    end: date,
) -> Warned:
    """First alarms before the due date of invoices with a long delay, and how often others are alarmed."""
    observed = tested.filter(pl.col("due_on") + timedelta(days=LONG_DELAY_DAYS) < end)
    late = outcomes(observed, given.settlements, end)["days_late"]
    observed = observed.with_columns(is_long=late.is_null() | (late > LONG_DELAY_DAYS))
    others = observed.filter(~pl.col("is_long"))
    others = others.sample(min(MOST_OTHERS, others.height), seed=7)
    chosen = pl.concat([observed.filter("is_long"), others]).sort("invoice_id")
    grid = pl.concat(
        chosen.with_columns(as_of=pl.col("due_on") - timedelta(days=days))
        for days in range(GRID_STEP_DAYS, GRID_DAYS + 1, GRID_STEP_DAYS)
    )
    grid = still_open(grid.filter(pl.col("as_of") >= pl.col("issued_on")), given.settlements)
    landmarks = grid.drop("is_long")
    risk = {
        name: scores(bundles[name], histories[name], landmarks, name)["p_late_30"].to_numpy()
        for name in bundles
    }
    days: dict[str, dict[str, Floats]] = {}
    false_alarms: dict[str, dict[str, float]] = {}
    for rule in ("grade D or E", f"{FALSE_ALARM_SHARE:.0%} of the others alarmed"):
        days[rule], false_alarms[rule] = {}, {}
        for name, probability in risk.items():
            threshold = LONG_DELAY_PROBABILITY if rule.startswith("grade") else _level(grid, probability)
            first = first_alarms(grid, chosen, probability >= threshold)
            is_long = chosen["is_long"].to_numpy()
            days[rule][name] = first[is_long]
            false_alarms[rule][name] = float((first[~is_long] > 0).mean())
    long = chosen.filter("is_long")
    return Warned(positions(long["customer_id"]), _has_signal(long, read), days, false_alarms)


def _level(grid: pl.DataFrame, probability: Floats) -> float:
    """The level that the stated share of the invoices without a long delay reaches before it is due."""
    highest = (
        grid.with_columns(probability=probability)
        .filter(~pl.col("is_long"))
        .group_by("invoice_id")
        .agg(pl.col("probability").max())
    )
    return float(np.quantile(highest["probability"].to_numpy(), 1 - FALSE_ALARM_SHARE))


def first_alarms(grid: pl.DataFrame, chosen: pl.DataFrame, is_alarm: Bools) -> Floats:
    """Days between first alarm and due date for each chosen invoice; 0 without one."""
    first = grid.filter(is_alarm).group_by("invoice_id").agg(pl.col("as_of").min())
    joined = chosen.drop("as_of").join(first, on="invoice_id", how="left", maintain_order="left")
    warning = (pl.col("due_on") - pl.col("as_of")).dt.total_days().cast(pl.Float64)
    return joined.select(warning.fill_null(0.0)).to_series().to_numpy()


def _has_signal(invoices: pl.DataFrame, read: pl.DataFrame) -> Bools:
    """Whether a mail with a signal came from the customer between issue and due date."""
    telling = read.filter(pl.any_horizontal(LABELS)).select(
        "customer_id", sent_on=pl.col("sent_at").dt.date()
    )
    numbered = invoices.select("invoice_id", "customer_id", "issued_on", "due_on").with_row_index("row")
    rows = (
        numbered.join(telling, on="customer_id")
        .filter(pl.col("sent_on").is_between(pl.col("issued_on"), pl.col("due_on")))["row"]
        .unique()
        .to_numpy()
    )
    found = np.zeros(invoices.height, dtype=bool)
    found[rows] = True
    return found


def warning_gains(parts: Sequence[Warned], rule: str, resamples: int, *, only_mailed: bool) -> dict[str, Any]:
    """Mean days of warning by variant, share warned at all, false alarms, and the days gained with interval."""
    kept = [part.has_mail if only_mailed else np.ones(len(part.customer), dtype=bool) for part in parts]
    answer: dict[str, Any] = {"invoices": int(sum(rows.sum() for rows in kept))}
    days = {
        name: [part.days[rule][name][rows] for part, rows in zip(parts, kept, strict=True)]
        for name in (WITHOUT, READ, PERFECT)
    }
    for name, found in days.items():
        pooled = np.concatenate(found)
        answer[name] = {
            "mean_days": round(float(pooled.mean()), 2),
            "warned_share": round(float((pooled > 0).mean()), 3),
            "false_alarm_share": round(float(np.mean([p.false_alarms[rule][name] for p in parts])), 3),
        }
    random = np.random.default_rng(7)
    for name in (READ, PERFECT):
        differences = [a - b for a, b in zip(days[name], days[WITHOUT], strict=True)]
        means = []
        for _ in range(resamples):
            drawn = [
                difference[drawn_again(part.customer[rows], random)]
                for part, rows, difference in zip(parts, kept, differences, strict=True)
                if rows.any()
            ]
            means.append(float(np.concatenate(drawn).mean()))
        answer[name]["days_gained"] = round(float(np.concatenate(differences).mean()), 2)
        answer[name]["days_gained_interval_90"] = [
            round(float(q), 2) for q in np.quantile(means, [0.05, 0.95])
        ]
    return answer
