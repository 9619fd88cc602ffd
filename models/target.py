"""What is predicted: whether an invoice is still unpaid k days past due, and when such a label exists.

A label is observed at a cut-off c only if its day has ended before c (`due_on + k < c`), whether or not the invoice was
paid by then. Waiting for the day whatever the outcome is what keeps early payers from entering the training set
while their slower peers are still invisible. Payments count only if they were known strictly before c.

What was paid and bounced since is unpaid, what was written off is unpaid at every horizon. An invoice that was
cancelled is watched until its cancellation: no label exists whose day ends after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from features.errors import InvalidInputError
from features.messages import localized
from features.settings import LedgerSettings, grace_faults
from features.settlement import settlement_at
from features.words import HORIZONS as HORIZONS


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
            raise InvalidInputError(localized("The lateness setting cannot be used."), faults)

    @classmethod
    def of(cls, settings: LedgerSettings) -> Target:
        """What late means under the settings of a ledger."""
        return cls(settings.grace_days)


def outcomes(invoices: pl.DataFrame, settlements: pl.DataFrame, known_before: date) -> pl.DataFrame:
    """Days late of every invoice as it was known just before a date.

    Args:
        invoices: at least `invoice_id, due_on`.
        settlements: the answer of `settlement_episodes`.
        known_before: what became known on or after this day is not seen.

    Returns:
        `invoice_id, due_on, settled_on, days_late, observed_before`, one row per invoice in the order given.
        `settled_on` and `days_late` are null for an invoice that is not known to be paid. The last is the day before
        which a label's day must have ended: the cut-off, or the cancellation of the invoice.
    """
    cancelled = (pl.col("closed_by") == "cancelled").fill_null(value=False)
    paid = settlement_at(settlements.filter(~cancelled), known_before).select("invoice_id", "settled_on")
    ended = settlements.filter(cancelled & (pl.col("settlement_known_on") < known_before)).select(
        "invoice_id", observed_before="settlement_known_on"
    )
    found = invoices.select("invoice_id", "due_on")
    for known in (paid, ended):
        found = found.join(known, on="invoice_id", how="left", validate="1:1", maintain_order="left")
    return found.with_columns(
        days_late=(pl.col("settled_on") - pl.col("due_on")).dt.total_days().cast(pl.Int32),
        observed_before=pl.col("observed_before").fill_null(known_before),
    ).select("invoice_id", "due_on", "settled_on", "days_late", "observed_before")


def is_label_observed(horizon: int) -> pl.Expr:
    """Whether the label "unpaid at due + horizon" can be known: its day ended while the invoice was watched."""
    return pl.col("due_on") + pl.duration(days=horizon) < pl.col("observed_before")


def is_unpaid_at(horizon: int) -> pl.Expr:
    """Whether the invoice was still unpaid at the end of the day due + horizon; an open invoice is unpaid."""
    return pl.col("days_late").is_null() | (pl.col("days_late") > horizon)


def labels(outcome: pl.DataFrame, target: Target) -> pl.DataFrame:
    """The labels of every invoice at a cut-off, null where they are not observed.

    Args:
        outcome: the answer of `outcomes` for the cut-off.
        target: what late means.

    Returns:
        `outcome` with `is_late` and `is_unpaid_<k>d` for every horizon; null means the day had not ended by the
        cut-off, or by the cancellation.
    """
    horizons = {"is_late": target.grace_days, **{f"is_unpaid_{k}d": k for k in HORIZONS}}
    return outcome.with_columns(
        **{name: pl.when(is_label_observed(k)).then(is_unpaid_at(k)) for name, k in horizons.items()}
    )
