"""What clients' e-mails said, as dated events: signals by label, promises made, promises come due."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.cents import CENTS
from features.settings import LedgerSettings
from features.signal_labels import LABELS

TONE_SCALE = 1_000
_KEPT_SHARE_PERCENT = 95


def communication_events(signals: pl.DataFrame, customer_codes: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Inbound mails written by a person, with their decided signals and tone; and promises as they were made.

    Automatic replies are left out: a machine's mail says nothing of the payer's mood or intent.
    """
    personal = (
        signals.filter((pl.col("direction") == "inbound") & ~pl.col("auto_reply"))
        .join(customer_codes, on="customer_id", validate="m:1")
        .with_columns(day=_day_of("sent_at"))
        .sort("entity", "day", "email_id")
    )
    return {
        "inbound_mails": personal.select(
            "entity",
            "day",
            *(pl.col(label).fill_null(value=False).cast(pl.Int64) for label in LABELS),
            tone=(pl.col("tone").fill_null(0.0) * TONE_SCALE).round().cast(pl.Int64),
        ),
        "promises_made": personal.filter(pl.col("promise_date").is_not_null()).select(
            "entity", "day", promised=_day_of("promise_date")
        ),
        **{f"mails_{label}": personal.filter(pl.col(label)).select("entity", "day") for label in LABELS},
    }


def promise_events(
    signals: pl.DataFrame, allocations: pl.DataFrame, customer_codes: pl.DataFrame, settings: LedgerSettings
) -> pl.DataFrame:
    """Promises come due, per customer: known on the promised day plus the grace for booking, with `kept` 0 or 1.

    A promise is kept when cash received from the day it was made, and booked by the end of the grace, covers at
    least 95 % of the promised amount; where no amount was promised, when any cash came. Cash that has bounced by then
    keeps no promise; what bounces later leaves the judgement of that day as it is. A mail does not state its currency:
    of cash in several currencies, that of any one of them must cover the promise.
    """
    currency = ["currency"] if "currency" in allocations.columns else []
    promises = (
        signals.lazy()
        .filter(
            (pl.col("direction") == "inbound") & ~pl.col("auto_reply") & pl.col("promise_date").is_not_null()
        )
        .join(customer_codes.lazy(), on="customer_id", validate="m:1")
        .select(
            "email_id",
            "entity",
            made=_day_of("sent_at"),
            day=pl.max_horizontal(_day_of("promise_date"), _day_of("sent_at")) + settings.promise_grace_days,
            promised=(pl.col("promise_amount") * CENTS).round().cast(pl.Int64),
        )
    )
    cash = (
        allocations.lazy()
        .filter(pl.col("cash") | pl.col("bounce"))
        .select("entity", "value", "known", "cents", *currency)
    )
    promise = ("email_id", "entity", "day", "promised")
    received = (
        promises.join(cash, on="entity", how="left", validate="m:m")
        .with_columns(counts=(pl.col("value") >= pl.col("made")) & (pl.col("known") <= pl.col("day")))
        .group_by(*promise, *currency)
        .agg((pl.col("cents") * pl.col("counts").fill_null(value=False)).sum().alias("received"))
    )
    if currency:
        received = received.group_by(*promise).agg(pl.col("received").max())
    return (
        received.with_columns(
            kept=pl.when(pl.col("promised").is_null())
            .then(pl.col("received") > 0)
            .otherwise(100 * pl.col("received") >= _KEPT_SHARE_PERCENT * pl.col("promised"))
            .cast(pl.Int64)
        )
        .sort("entity", "day", "email_id")
        .select("entity", "day", "kept")
        .collect(engine="in-memory")
    )


def _day_of(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Date).cast(pl.Int32).cast(pl.Int64)
