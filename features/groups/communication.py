"""What the customer's e-mails said before the as-of date: signals, promises and whether they were kept, tone."""

from __future__ import annotations

import numpy as np

from features.asof.dates import Float64Array
from features.asof.events import TONE_SCALE
from features.asof.reader import known, ratio
from features.asof.view import LandmarkView
from features.groups.columns import FeatureColumn, FeatureGroup, declare
from features.messages import Text
from features.signal_labels import LABELS, SIGNAL_LABELS

NAME = "communication"
_MAILS = ("emails",)
_UNREAD = "the ledger has no e-mails, or they have not been read"
WINDOWS = (90, 365)
RECENT_MAILS = 3

COLUMNS: tuple[FeatureColumn, ...] = (
    *(
        column
        for label in SIGNAL_LABELS
        for column in declare(
            NAME, f"mail_{label.name}_count", WINDOWS, unit="count", minimum=0, null=_UNREAD, sources=_MAILS,
            direction=1 if label.raises_risk else 0, label_fr=label.mails_fr, label_en=label.mails_en,
        )
    ),
    *(
        column
        for label in SIGNAL_LABELS
        for column in declare(
            NAME, f"mail_{label.name}_recency_days", unit="days", minimum=1, null=f"none so far; or {_UNREAD}",
            sources=_MAILS, label_fr=f"jours depuis : {label.mails_fr}", label_en=f"days since: {label.mails_en}",
        )
    ),
    *declare(NAME, "mail_count", WINDOWS, unit="count", minimum=0, null=_UNREAD, sources=_MAILS,
             label_fr="mails reçus", label_en="mails received"),
    *declare(NAME, "mail_count_change", unit="ratio", minimum=0, sources=_MAILS,
             null=f"no mail in the year before the last 90 days; or {_UNREAD}",
             label_fr="volume de mails, 90 jours contre l'année d'avant",
             label_en="volume of mails, 90 days against the year before"),
    *declare(NAME, "signal_recency_days", unit="days", minimum=1, null=f"no mail so far; or {_UNREAD}", sources=_MAILS,
             label_fr="jours depuis le dernier mail", label_en="days since the latest mail"),
    *declare(NAME, "tone_change", unit="tone", sources=_MAILS, null=f"fewer than four mails; or {_UNREAD}",
             label_fr="évolution du ton (3 derniers mails contre les précédents)",
             label_en="change of tone (last 3 mails against those before)"),
    *declare(NAME, "days_to_promise", unit="days", sources=_MAILS, null=f"no promise so far; or {_UNREAD}",
             label_fr="jours jusqu'à la dernière date promise", label_en="days to the last promised date"),
    *declare(NAME, "is_promise_running", unit="flag", sources=_MAILS, null=_UNREAD,
             label_fr="promesse en cours", label_en="promise running"),
    *declare(NAME, "promises_due_count", (365,), unit="count", minimum=0, sources=("emails", "payments"), null=_UNREAD,
             label_fr="promesses échues", label_en="promises come due"),
    *declare(NAME, "promises_kept_share", (365, None), unit="share", direction=-1, sources=("emails", "payments"),
             null=f"no promise come due; or {_UNREAD}",
             label_fr="part des promesses tenues", label_en="share of promises kept"),
    *declare(NAME, "is_last_promise_broken", unit="flag", direction=1, sources=("emails", "payments"),
             null=f"no promise come due; or {_UNREAD}",
             label_fr="dernière promesse échue non tenue", label_en="latest promise come due was broken"),
    *declare(NAME, "silent_days_after_reminder", unit="days", minimum=1, sources=("emails", "interactions"),
             null="no reminder without an answer since; or no mails or interactions table",
             label_fr="jours de silence après la dernière relance", label_en="days of silence after the last reminder"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Signals of the mails received strictly before each as-of date."""
    read = view.customer
    if "inbound_mails" not in read:
        return {column.name: np.full(len(view), np.nan) for column in COLUMNS}
    values: dict[str, Float64Array] = {}
    for label in LABELS:
        for window in WINDOWS:
            values[f"mail_{label}_count_{window}d"] = read.size(f"mails_{label}", window).astype(np.float64)
        latest, exists = read.last_day(f"mails_{label}")
        values[f"mail_{label}_recency_days"] = known(read.as_of - latest, exists)
    for window in WINDOWS:
        values[f"mail_count_{window}d"] = read.size("inbound_mails", window).astype(np.float64)
    latest, exists = read.last_day("inbound_mails")
    values["mail_count_change"] = ratio(
        read.size("inbound_mails", 90) * 365, read.size("inbound_mails", 455, 90) * 90
    )
    values["signal_recency_days"] = known(read.as_of - latest, exists)
    values["tone_change"] = _tone_change(view)
    values["silent_days_after_reminder"] = _silence(view)
    return {**values, **_promises(view)}


def _tone_change(view: LandmarkView) -> Float64Array:
    read = view.customer
    count, tone = read.size("inbound_mails"), read.total("inbound_mails", "tone")
    bounds = read.last_bounds("inbound_mails", RECENT_MAILS)
    recent, recent_count = read.total_between("inbound_mails", "tone", bounds), bounds[1] - bounds[0]
    return (ratio(recent, recent_count) - ratio(tone - recent, count - recent_count)) / TONE_SCALE


def _silence(view: LandmarkView) -> Float64Array:
    read = view.customer
    if "reminders" not in read:
        return np.full(len(view), np.nan)
    reminded, any_reminder = read.last_day("reminders")
    answered, any_mail = read.last_day("inbound_mails")
    return known(read.as_of - reminded, any_reminder & ~(any_mail & (answered >= reminded)))


def _promises(view: LandmarkView) -> dict[str, Float64Array]:
    read = view.customer
    promised, any_promise = read.nth_last("promises_made", "promised", 1)
    kept, any_due = read.nth_last("promises", "kept", 1)
    due = read.size("promises", 365)
    return {
        "days_to_promise": known(promised - read.as_of, any_promise),
        "is_promise_running": (any_promise & (promised >= read.as_of)).astype(np.float64),
        "promises_due_count_365d": due.astype(np.float64),
        "promises_kept_share_365d": ratio(read.total("promises", "kept", 365), due),
        "promises_kept_share_all": ratio(read.total("promises", "kept"), read.size("promises")),
        "is_last_promise_broken": known(1 - kept, any_due),
    }


GROUP = FeatureGroup(NAME, Text("échanges avec le client", "communication"), COLUMNS, compute)
