"""How many late labels rest on the due date as received: the due-date report carried through to the labels.

The two lawful readings of an end-of-month wording lie two weeks apart, so the same ledger is late or on time depending
on the tool that wrote its due dates. Before a label is made, this report recomputes each due date from its wording in
both readings and says how many invoices would change from late to on time or back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import polars as pl

from features.ledger.as_known import as_known_before
from features.ledger.ledger import Ledger
from features.settings import LedgerSettings
from features.settlement import settlement_at, settlement_episodes
from features.terms import DueDateReport, EndOfMonthReading, due_date_report, due_dates


@dataclass(frozen=True)
class LabelChange:
    """What recomputing the due dates in one reading would do to the labels.

    Attributes:
        reading: the reading.
        compared: invoices whose wording is understood and whose label is decided both ways at the as-of date.
        due_dates_changed: of all invoices with an understood wording, those whose due date would be another.
        late_to_on_time, on_time_to_late: labels that would change.
        undecided: invoices whose label is not decided yet under one of the due dates.
        largest_shift_days: largest distance between a due date as received and recomputed.
    """

    reading: EndOfMonthReading
    compared: int
    due_dates_changed: int
    late_to_on_time: int
    on_time_to_late: int
    undecided: int
    largest_shift_days: int

    @property
    def labels_changed(self) -> int:
        """Labels that would change one way or the other."""
        return self.late_to_on_time + self.on_time_to_late

    def sentence(self, language: str = "fr") -> str:
        """The change in one sentence, French or English."""
        if language == "fr":
            words = {
                EndOfMonthReading.DAYS_THEN_MONTH_END: "jours, puis fin de mois",
                EndOfMonthReading.MONTH_END_THEN_DAYS: "fin de mois, puis jours",
            }
            return (
                f"Lecture « {words[self.reading]} », échéances différentes : {self.due_dates_changed} (écart maximal "
                f"en jours : {self.largest_shift_days}) ; étiquettes changées : {self.labels_changed} sur "
                f"{self.compared} jugées, dont {self.late_to_on_time} de « en retard » à « à l'heure » et "
                f"{self.on_time_to_late} dans l'autre sens ; pas encore jugées : {self.undecided}."
            )
        words = {
            EndOfMonthReading.DAYS_THEN_MONTH_END: "days, then month end",
            EndOfMonthReading.MONTH_END_THEN_DAYS: "month end, then days",
        }
        return (
            f'Reading "{words[self.reading]}", due dates that differ: {self.due_dates_changed} (largest distance in '
            f"days: {self.largest_shift_days}); labels that change: {self.labels_changed} of {self.compared} decided, "
            f"{self.late_to_on_time} of them from late to on time and {self.on_time_to_late} the other way; not "
            f"decided yet: {self.undecided}."
        )


@dataclass(frozen=True)
class DueDateLabels:
    """The due-date report with what it means for the labels.

    Attributes:
        due_dates: how due dates agree with their wordings, by wording.
        changes: what each reading would change.
        by_terms: one row per understood wording: `terms`, `invoices`, and per reading the labels that would change.
    """

    due_dates: DueDateReport
    changes: tuple[LabelChange, ...]
    by_terms: pl.DataFrame


def due_date_labels(
    ledger: Ledger, as_of: dt.date, reading: EndOfMonthReading, settings: LedgerSettings | None = None
) -> DueDateLabels:
    """Recompute every due date from its wording and count the labels that would change.

    A label is decided at the as-of date when the invoice was paid by then, or when its grace has passed; an open
    invoice past its grace is late. Cancelled invoices and those with instalments, whose due dates no wording gives, are
    left out.

    Args:
        ledger: the checked ledger.
        as_of: what was known strictly before this day is used.
        reading: the reading the company says it uses.
        settings: grace days and tolerance.
    """
    settings = settings or LedgerSettings()
    known = as_known_before(ledger, as_of)
    invoices = known.invoices.filter((pl.col("kind") == "invoice") & pl.col("cancelled_on").is_null())
    if known.instalments is not None:
        invoices = invoices.join(known.instalments, on="invoice_id", how="anti", maintain_order="left")
    settled = settlement_at(settlement_episodes(replace(known, instalments=None), settings), as_of)
    stated = invoices.select("invoice_id", "terms", "issued_on", due=pl.coalesce("source_due_on", "due_on"))
    compared = stated.join(settled, on="invoice_id", validate="1:1", maintain_order="left").with_columns(
        due_dates(stated["terms"], stated["issued_on"], r).alias(r.value) for r in EndOfMonthReading
    )
    labels = compared.with_columns(
        _is_late("due", as_of, settings).alias("late"),
        *(_is_late(r.value, as_of, settings).alias(f"late_{r.value}") for r in EndOfMonthReading),
    ).filter(pl.col(EndOfMonthReading.DAYS_THEN_MONTH_END.value).is_not_null())
    by_terms = (
        labels.group_by("terms")
        .agg(
            invoices=pl.len(),
            **{
                f"labels_changed_{r.value}": (pl.col("late") != pl.col(f"late_{r.value}")).sum()
                for r in EndOfMonthReading
            },
        )
        .sort("invoices", "terms", descending=[True, False])
    )
    changes = tuple(_change(labels, r) for r in EndOfMonthReading)
    return DueDateLabels(due_date_report(invoices, reading), changes, by_terms)


def _is_late(due: str, as_of: dt.date, settings: LedgerSettings) -> pl.Expr:
    """Late, on time, or null while open within its grace."""
    grace_end = pl.col(due) + pl.duration(days=settings.grace_days)
    return (
        pl.when(pl.col("settled_on").is_not_null())
        .then(pl.col("settled_on") > grace_end)
        .when(grace_end < as_of)
        .then(statement=True)
    )


def _change(labels: pl.DataFrame, reading: EndOfMonthReading) -> LabelChange:
    now, then = pl.col("late"), pl.col(f"late_{reading.value}")
    decided = now.is_not_null() & then.is_not_null()
    shift = (pl.col("due") - pl.col(reading.value)).dt.total_days().abs()
    row = labels.select(
        compared=decided.sum(),
        due_dates_changed=(shift > 0).sum(),
        late_to_on_time=(now & ~then).sum(),
        on_time_to_late=(~now & then).sum(),
        undecided=(~decided).sum(),
        largest_shift_days=shift.max().fill_null(0),
    ).row(0, named=True)
    return LabelChange(reading, **{name: int(count) for name, count in row.items()})
