"""The ten signals an e-mail can carry: decided by the reader, counted by the communication features."""

from __future__ import annotations

from typing import Final, Literal

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
