"""The ten signals an e-mail can carry, and the table of what mails say; usable without the reader."""

from __future__ import annotations

from typing import Any, Final, Literal

import polars as pl

LABELS: Final[tuple[str, ...]] = (
    "financial_difficulty",
    "insolvency",
    "payment_plan_request",
    "extension_request",
    "dispute",
    "admin_block",
    "promise_to_pay",
    "payment_sent",
    "organisational_change",
    "hostile_tone",
)
"""The ten signals, in the order used everywhere; columns of the signals frame. Defined in data_samples/emails."""

PromiseStatus = Literal["dated", "undated", "implausible"]
"""What is known of a promised day: one that can be used; none is named; one is named that a person must look at."""

PromiseDoubt = Literal["gone_by", "beyond_horizon", "weekday_differs", "no_such_day"]
"""Why a promised day is implausible: it lies before the mail; it lies too far ahead; the weekday named with it is
another; the calendar has no such day."""


def signals_schema(quoting: bool = True) -> dict[str, Any]:
    """Columns and types of the signal table."""
    schema: dict[str, Any] = {
        "email_id": pl.String,
        "customer_id": pl.String,
        "sent_at": pl.Datetime("us", "UTC"),
        "direction": pl.String,
        "language": pl.String,
        "auto_reply": pl.Boolean,
    }
    for label in LABELS:
        schema[f"{label}_probability"] = pl.Float64
        schema[label] = pl.Boolean
        schema[f"{label}_unsure"] = pl.Boolean
    schema |= {
        "promise_status": pl.String,
        "promise_doubt": pl.String,
        "promise_said_on": pl.Date,
        "promise_date": pl.Date,
        "promise_payable_on": pl.Date,
        "promise_amount": pl.Float64,
        "tone": pl.Float64,
    }
    if quoting:
        schema["quotes"] = pl.String
    return schema
