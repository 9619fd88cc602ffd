"""The reason group of each feature's contribution, and the name of the group."""

from __future__ import annotations

from functools import cache

from features.groups.catalogue import GROUPS_BY_NAME
from features.groups.columns import FeatureColumn
from features.messages import Text

TOLD_WITH: dict[str, str] = {
    "late_share_shrunk_365d": "payment_behaviour",
    "late_share_shrunk_all": "payment_behaviour",
    "sector_late_share_shrunk": "sector_context",
    "own_open_dispute_count": "disputes",
    "disputed_count": "disputes",
    "disputed_amount_sum": "disputes",
    "dispute_count_365d": "disputes",
    "own_reminder_count": "reminders",
    "reminder_count_90d": "reminders",
    "reminder_to_payment_days_mean_365d": "reminders",
    "reminder_to_payment_days_mean_all": "reminders",
    "oldest_overdue_days": "exposure",
    "bounce_count_365d": "incidents",
    "bounce_count_all": "incidents",
    "bounce_recency_days": "incidents",
    "written_off_count_all": "incidents",
    "unapplied_credit_sum": "credit",
    "cash_on_account_sum": "credit",
    "bureau_score": "solvency",
}
"""Features reported in another group than the one they are computed in, because a reader expects them there."""

EXTRA_LABELS: dict[str, Text] = {
    "disputes": Text("litiges", "disputes"),
    "reminders": Text("relances", "reminders"),
    "incidents": Text("incidents de paiement", "payment incidents"),
    "credit": Text("avoirs et acomptes", "credit and cash on account"),
    "solvency": Text("solvabilité", "creditworthiness"),
}
"""Labels of the groups that are not groups of the catalogue."""


def group_of(feature: FeatureColumn) -> str:
    """The reason group of a feature."""
    return TOLD_WITH.get(feature.name, feature.group)


@cache
def group_label(group: str) -> Text:
    """How a group is called."""
    if group in EXTRA_LABELS:
        return EXTRA_LABELS[group]
    return GROUPS_BY_NAME[group].label
