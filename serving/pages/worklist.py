"""Last night's answers as one table: a row for each open receivable, as the pages list, filter and add up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

_MONEY: Final = pl.Decimal(18, 2)
_REASON: Final = pl.Struct({"fr": pl.String, "en": pl.String})
_STEP: Final = pl.Struct(
    {
        "step_id": pl.String,
        "on": pl.String,
        "channel": pl.String,
        "label_fr": pl.String,
        "label_en": pl.String,
        "is_automatic": pl.Boolean,
    }
)
_DECISION: Final = pl.Struct(
    {
        "sequence_id": pl.String,
        "gate_id": pl.String,
        "next_step": _STEP,
        "why": pl.List(_REASON),
        "hold_until": pl.String,
        "requires_approval": pl.Boolean,
        "approval_level": pl.String,
        "balance_amount": pl.String,
        "currency": pl.String,
        "segment": pl.String,
        "state": pl.String,
        "benefit": pl.Struct({"net_amount": pl.String}),
    }
)
_ANSWER: Final = pl.Struct(
    {
        "score_id": pl.String,
        "invoice_id": pl.String,
        "customer_id": pl.String,
        "as_of": pl.String,
        "due_on": pl.String,
        "p_late": pl.Float64,
        "p_late_30": pl.Float64,
        "payment_date_p10": pl.String,
        "payment_date_p50": pl.String,
        "payment_date_p90": pl.String,
        "grade": pl.String,
        "explanation": pl.Struct({"reasons": pl.List(_REASON)}),
        "decision": _DECISION,
    }
)
_DAYS: Final = (
    "as_of",
    "due_on",
    "payment_date_p10",
    "payment_date_p50",
    "payment_date_p90",
    "step_on",
    "hold_until",
)
COLUMNS: Final = (
    "score_id", "invoice_id", "customer_id", "name", "as_of", "due_on", "days_past_due", "balance", "currency",
    "grade", "p_late", "p_late_30", "payment_date_p10", "payment_date_p50", "payment_date_p90",
    "reason_fr", "reason_en",
    "sequence_id", "gate_id", "why_fr", "why_en", "step_id", "step_fr", "step_en", "step_on", "channel", "is_automatic",
    "decider", "hold_until", "segment", "state", "benefit", "change",
)  # fmt: skip
AUTOMATIC: Final = "automatic"
"""Who decides on a step that no person has to approve."""
ANYONE: Final = "anyone"
"""Who decides where a person acts but no level of approval is required."""
NO_STEP: Final = "no_step"


@dataclass(frozen=True)
class Worklist:
    """What last night proposed.

    Attributes:
        night: number of the night in the store; it changes whenever another night replaces this one.
        computed_at: instant of the night; null when nothing is there yet.
        has_names: whether the customers' names were known when it was read.
        rows: one row per open receivable, columns `COLUMNS`. `change` is the last change of the store that the night
            held, null in answers of an earlier version. `balance` is open net of credits in `currency`; `benefit`
            is what the next step is expected to bring, net of its cost, in the policy's currency, null where
            unknown; `due_on` and `days_past_due` are null in answers stored by an earlier version.
    """

    night: int
    computed_at: dt.datetime | None
    has_names: bool
    rows: pl.DataFrame

    @property
    def as_of(self) -> dt.date | None:
        """The as-of date of the night; null when nothing was open."""
        day = self.rows["as_of"].max()
        return day if isinstance(day, dt.date) else None

    def seen_by(self, accounts: Collection[str] | None) -> pl.DataFrame:
        """The rows of the customers that a reader may see; null accounts see all."""
        if accounts is None:
            return self.rows
        return self.rows.filter(pl.col("customer_id").is_in(list(accounts)))


def decoded(bodies: Sequence[str]) -> pl.DataFrame:
    """Some stored answers of a night as columns: `change`, and the fields of the answer that pages need.

    Args:
        bodies: the stored answers as JSON text, one per open receivable.
    """
    body = pl.Struct({"answer": _ANSWER, "change": pl.Int64})
    found = pl.Series("body", bodies, dtype=pl.String).str.json_decode(body).struct.unnest()
    step = pl.col("decision").struct.field("next_step")
    reasons = pl.col("explanation").struct.field("reasons").list.first()
    decision = pl.col("decision").struct
    why = decision.field("why").list.first()
    return (
        found.unnest("answer")
        .with_columns(
            decision.field("sequence_id", "gate_id", "hold_until", "currency", "segment", "state"),
            decision.field("balance_amount").cast(_MONEY).alias("balance"),
            decision.field("benefit").struct.field("net_amount").cast(_MONEY).alias("benefit"),
            step.struct.field("step_id", "channel", "is_automatic"),
            step.struct.field("on").alias("step_on"),
            *(step.struct.field(f"label_{language}").alias(f"step_{language}") for language in ("fr", "en")),
            *(reasons.struct.field(language).alias(f"reason_{language}") for language in ("fr", "en")),
            *(why.struct.field(language).alias(f"why_{language}") for language in ("fr", "en")),
            pl.when(step.struct.field("step_id").is_null())
            .then(pl.lit(NO_STEP))
            .when(step.struct.field("is_automatic"))
            .then(pl.lit(AUTOMATIC))
            .otherwise(decision.field("approval_level").fill_null(ANYONE))
            .alias("decider"),
        )
        .with_columns(pl.col(name).str.to_date("%Y-%m-%d") for name in _DAYS)
        .with_columns((pl.col("as_of") - pl.col("due_on")).dt.total_days().alias("days_past_due"))
        .filter(pl.col("currency").is_not_null())
        .select(name for name in COLUMNS if name != "name")
    )


def worklist_of(
    night: int, computed_at: dt.datetime | None, parts: Sequence[pl.DataFrame], names: pl.DataFrame | None
) -> Worklist:
    """The worklist of one night, the receivable whose next step brings most first.

    Args:
        night: number of the night in the store.
        computed_at: instant of the night; null when there is none.
        parts: the answers of the night, as `decoded` gives them.
        names: `customer_id, name` of every customer, unique by id; null when they are not known.
    """
    known = pl.DataFrame(schema={"customer_id": pl.String, "name": pl.String}) if names is None else names
    rows = (
        pl.concat(parts or [decoded(())])
        .join(known, on="customer_id", how="left", validate="m:1")
        .select(COLUMNS)
        .sort("benefit", "p_late_30", "invoice_id", descending=[True, True, False], nulls_last=True)
    )
    return Worklist(night, computed_at, names is not None, rows)
