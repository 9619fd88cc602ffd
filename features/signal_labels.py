"""The ten signals an e-mail can carry: decided by the reader, counted by the communication features."""

from __future__ import annotations

from typing import Final

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

DATED: Final = "dated"
UNDATED: Final = "undated"
IMPLAUSIBLE: Final = "implausible"
PROMISE_STATUSES: Final[tuple[str, ...]] = (DATED, UNDATED, IMPLAUSIBLE)
"""What is known of a promised day: one that can be used; none is named; one is named that a person must look at."""

GONE_BY: Final = "gone_by"
BEYOND_HORIZON: Final = "beyond_horizon"
WEEKDAY_DIFFERS: Final = "weekday_differs"
NO_SUCH_DAY: Final = "no_such_day"
PROMISE_DOUBTS: Final[tuple[str, ...]] = (GONE_BY, BEYOND_HORIZON, WEEKDAY_DIFFERS, NO_SUCH_DAY)
"""Why a promised day is implausible: it lies before the mail; it lies too far ahead; the weekday named with it is
another; the calendar has no such day."""
