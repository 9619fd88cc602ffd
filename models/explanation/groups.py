"""Which business group each feature's contribution is told in."""

from __future__ import annotations

from models.explanation.contributions import STAGE
from models.explanation.phrases import Texts

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
}
"""Features told with another group than the one they are computed in, because a reader looks for them there."""

EXTRA_LABELS: dict[str, Texts] = {
    STAGE: Texts("stade de la facture", "stage of the invoice"),
    "disputes": Texts("litiges", "disputes"),
    "reminders": Texts("relances", "reminders"),
    "calibration": Texts("ajustement aux résultats récents", "adjustment to recent results"),
}
"""Labels of the groups that are not groups of the catalogue."""


def group_of(name: str, catalogue_group: str) -> str:
    """The group a feature is told in."""
    if name == STAGE:
        return STAGE
    return TOLD_WITH.get(name, catalogue_group)
