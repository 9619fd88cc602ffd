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
