"""What the model learns from: invoices at issue and while open, each with the intervals whose end has been observed.

A hazard row says: still unpaid when the interval began; was it settled in it? It enters only if the interval
ended before the cut-off, so early payers never enter ahead of their unpaid peers. Open invoices teach
through every interval they have already outlived.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from features.settlement import still_open
from models.intervals import Floats, HazardRows, Intervals, Ints, hazard_rows
from models.target import outcomes

OPEN_STAGES: tuple[tuple[int, int], ...] = ((-10, -4), (1, 7), (8, 21), (22, 50), (51, 120))
"""Stretches of days past due in each of which an invoice still open has one landmark, on a day drawn for it."""


@dataclass(frozen=True)
class TrainingRows:
    """The training table of the hazard.

    Attributes:
        rows: landmark, interval and days at risk of each row.
        is_settled: 1.0 when the invoice was settled in the interval, 0.0 when it outlived it.
        weight: weight of each row.
        issued: days past due at issue of every invoice known, whether or not any of its intervals has been observed.
    """

    rows: HazardRows
    is_settled: Floats
    weight: Floats
    issued: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Ints) -> TrainingRows:
        """The chosen rows."""
        return replace(
            self, rows=self.rows.take(chosen), is_settled=self.is_settled[chosen], weight=self.weight[chosen]
        )

    def thinned(self, most: int, seed: int) -> TrainingRows:
        """An even sample of at most so many rows, in their order."""
        if len(self) <= most:
            return self
        return self.take(np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False)))


def open_landmarks_for_training(
    at_issue: pl.DataFrame, settlements: pl.DataFrame, known_before: date, seed: int
) -> pl.DataFrame:
    """Past views of invoices while they were open, at most one per stage of their life.

    The day inside each stage is drawn from the invoice's id and the seed, so the same ledger gives the same days in
    whatever order it is read.

    Args:
        at_issue: landmarks at issue (one per invoice).
        settlements: the answer of `settlement_episodes`.
        known_before: only views strictly before this day.
        seed: changes the days drawn.

    Returns:
        Landmarks with the columns of `at_issue`; only views on which the invoice was known to be open: not settled, or
        open again.
    """
    views = [
        at_issue.with_columns(
            as_of=pl.col("due_on")
            + pl.duration(
                days=pl.lit(first)
                + (pl.col("invoice_id").hash(seed + stage) % (last - first + 1)).cast(pl.Int64)
            )
        )
        for stage, (first, last) in enumerate(OPEN_STAGES)
    ]
    seen = pl.concat(views).filter((pl.col("as_of") > pl.col("issued_on")) & (pl.col("as_of") < known_before))
    return still_open(seen, settlements)


def training_landmarks(
    at_issue: pl.DataFrame, settlements: pl.DataFrame, known_before: date, seed: int, max_invoices: int
) -> pl.DataFrame:
    """Landmarks at issue and while open known before a cut-off, the newest invoices first when there are too many.

    Args:
        at_issue: landmarks at issue.
        settlements: the answer of `settlement_episodes`.
        known_before: the cut-off.
        seed: of the days drawn while open.
        max_invoices: above it an even sample drawn by invoice id is used.

    Returns:
        Landmarks sorted by as-of date and invoice.
    """
    known = at_issue.filter(pl.col("as_of") < known_before)
    if known.height > max_invoices:
        known = known.sort(pl.col("invoice_id").hash(seed), "invoice_id").head(max_invoices)
    open_views = open_landmarks_for_training(known, settlements, known_before, seed)
    return pl.concat([known, open_views]).sort("as_of", "invoice_id")


def days_past_due(landmarks: pl.DataFrame) -> Ints:
    """Days past due of each landmark on its as-of date (negative before the due date)."""
    past_due = landmarks["as_of"].to_numpy() - landmarks["due_on"].to_numpy()
    result: Ints = past_due.astype("timedelta64[D]").astype(np.int64)
    return result


@dataclass(frozen=True)
class KnownOutcomes:
    """What became of each landmark's invoice, as known just before a cut-off.

    Attributes:
        days_late: infinite where it is not known to be paid.
        days_until_cutoff: days from the due date to the end of what was watched: the cut-off, or the cancellation.
    """

    days_late: Floats
    days_until_cutoff: Ints


def known_outcomes(landmarks: pl.DataFrame, settlements: pl.DataFrame, known_before: date) -> KnownOutcomes:
    """What became of each landmark's invoice by a cut-off.

    Args:
        landmarks: the landmarks.
        settlements: the answer of `settlement_episodes`.
        known_before: the cut-off.
    """
    unique = landmarks.select("invoice_id", "due_on").unique("invoice_id", keep="first", maintain_order=True)
    known = outcomes(unique, settlements, known_before)
    joined = landmarks.select("invoice_id", "due_on").join(
        known.select("invoice_id", "days_late", "observed_before"),
        on="invoice_id",
        how="left",
        validate="m:1",
        maintain_order="left",
    )
    watched = joined.select((pl.col("observed_before") - pl.col("due_on")).dt.total_days()).to_series()
    return KnownOutcomes(
        joined["days_late"].cast(pl.Float64).fill_null(float("inf")).to_numpy(),
        watched.to_numpy().astype(np.int64),
    )


def training_rows(
    landmarks: pl.DataFrame,
    settlements: pl.DataFrame,
    intervals: Intervals,
    known_before: date,
    open_weight: float,
) -> TrainingRows:
    """The hazard rows of landmarks whose intervals ended before a cut-off.

    Args:
        landmarks: landmarks known before the cut-off.
        settlements: the answer of `settlement_episodes`.
        intervals: the intervals of the model.
        known_before: an interval counts only if `due_on` + its end is before this day.
        open_weight: weight of a landmark seen while open (one at issue weighs 1).

    Returns:
        One row per landmark and observed interval it had not been settled before.
    """
    dpd = days_past_due(landmarks)
    known = known_outcomes(landmarks, settlements, known_before)
    late = np.maximum(known.days_late, dpd.astype(np.float64))
    within = np.flatnonzero(dpd <= intervals.bounds[-1])
    rows = hazard_rows(dpd[within], intervals)
    rows = HazardRows(within[rows.landmark], rows.interval, rows.days_at_risk, rows.days_past_due)
    ends = intervals.array
    is_observed = ends[rows.interval] < known.days_until_cutoff[rows.landmark]
    previous_end = np.where(rows.interval == 0, -np.inf, ends[np.maximum(rows.interval - 1, 0)])
    is_at_risk = late[rows.landmark] > previous_end
    kept = rows.take(is_observed & is_at_risk)
    is_at_issue = landmarks.select(pl.col("as_of") == pl.col("issued_on")).to_series().to_numpy()
    return TrainingRows(
        rows=kept,
        is_settled=(late[kept.landmark] <= ends[kept.interval]).astype(np.float64),
        weight=np.where(is_at_issue[kept.landmark], 1.0, open_weight),
        issued=dpd[is_at_issue],
    )
