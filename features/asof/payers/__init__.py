"""Payers as they were at a date: dated attributes, groups they belonged to, and customers that were merged."""

from features.asof.payers.attributes import UNKNOWN, CustomerAttributes
from features.asof.payers.group_parts import (
    FIRST_KNOWN,
    KINDS,
    MEASURES,
    GroupParts,
    daily_totals,
    group_days,
    measured,
)

__all__ = [
    "FIRST_KNOWN",
    "KINDS",
    "MEASURES",
    "UNKNOWN",
    "CustomerAttributes",
    "GroupParts",
    "daily_totals",
    "group_days",
    "measured",
]
