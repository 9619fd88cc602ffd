"""What is predicted: whether an invoice is still unpaid k days past due, and when such a label exists.

A label is observed at a cut-off c only if its day has ended before c (`due_on + k < c`), whether or not the invoice was
paid by then. Waiting for the day whatever the outcome is what keeps early payers from entering the training set
while their slower peers are still invisible. Payments count only if they were known strictly before c.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from features.errors import InvalidInputError
from features.settings import LedgerSettings, grace_faults

HORIZONS: tuple[int, ...] = (0, 7, 15, 30, 60, 90)
"""Days past due at which the probability of being still unpaid is given."""


@dataclass(frozen=True)
class Target:
    """When an invoice counts as late.

    Attributes:
        grace_days: days past due that are still on time; 0 to 30.
    """

    grace_days: int = 0

    def __post_init__(self) -> None:
        faults = grace_faults(self.grace_days)
        if faults:
            raise InvalidInputError("The lateness setting cannot be used.", faults)

    @classmethod
    def of(cls, settings: LedgerSettings) -> Target:
        """What late means under the settings of a ledger."""
        return cls(settings.grace_days)


def outcomes(invoices: pl.DataFrame, settlements: pl.DataFrame, known_before: date) -> pl.DataFrame:
    """Days late of every invoice as it was known just before a date.

    Args:
        invoices: at least `invoice_id, due_on`.
        settlements: `invoice_id, settled_on, settlement_known_on`, null when open.
        known_before: settlements known on or after this day are not seen.

    Returns:
        `invoice_id, due_on, settled_on, days_late`, one row per invoice in the order given; the last two are null for
        an invoice not known to be settled.
    """
    seen = settlements.select("invoice_id", "settled_on", "settlement_known_on").with_columns(
        settled_on=pl.when(pl.col("settlement_known_on") < known_before).then(pl.col("settled_on"))
    )
    return (
        invoices.select("invoice_id", "due_on")
        .join(
            seen.select("invoice_id", "settled_on"),
            on="invoice_id",
            how="left",
            validate="1:1",
            maintain_order="left",
        )
        .with_columns(days_late=(pl.col("settled_on") - pl.col("due_on")).dt.total_days().cast(pl.Int32))
    )


def is_label_observed(horizon: int, known_before: date, due_on: pl.Expr | None = None) -> pl.Expr:
    """Whether the label "unpaid at due + horizon" can be known: its day ended before the cut-off, paid or not."""
    due = pl.col("due_on") if due_on is None else due_on
    return due + pl.duration(days=horizon) < pl.lit(known_before)


def is_unpaid_at(horizon: int) -> pl.Expr:
    """Whether the invoice was still unpaid at the end of the day due + horizon; an open invoice is unpaid."""
    return pl.col("days_late").is_null() | (pl.col("days_late") > horizon)


def labels(outcome: pl.DataFrame, target: Target, known_before: date) -> pl.DataFrame:
    """The labels of every invoice at a cut-off, null where they are not observed yet.

    Args:
        outcome: the answer of `outcomes` for the same cut-off.
        target: what late means.
        known_before: the cut-off.

    Returns:
        `outcome` with `is_late` and `is_unpaid_<k>d` for every horizon; null means the day has not ended yet.
    """
    horizons = {"is_late": target.grace_days, **{f"is_unpaid_{k}d": k for k in HORIZONS}}
    return outcome.with_columns(
        **{
            name: pl.when(is_label_observed(k, known_before)).then(is_unpaid_at(k))
            for name, k in horizons.items()
        }
    )
