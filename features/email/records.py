"""Signals of one mail as a plain record, the form in which they leave the program."""

from __future__ import annotations

import datetime as dt
from typing import Any

from features.email.values import PROMISE_FIELDS, MailSignals


def signals_record(signals: MailSignals, *, quoting: bool = True) -> dict[str, Any]:
    """What is written for one mail; sentences and words of the mail only when quoting is on.

    Args:
        signals: what the mail says.
        quoting: keep the quoted sentences (``quotes``: list of sentences per label) and the cues.
    """
    record: dict[str, Any] = {
        "id": signals.id,
        "language": signals.language,
        "auto_reply": signals.auto_reply,
        "labels": list(signals.labels),
        "unsure_labels": list(signals.unsure_labels),
        "probabilities": dict(signals.probabilities),
        **{name: _plain(getattr(signals, name)) for name in PROMISE_FIELDS},
        "tone": signals.tone,
    }
    if quoting:
        quotes: dict[str, list[str]] = {}
        for quote in signals.quotes:
            quotes.setdefault(quote.label, []).append(quote.sentence)
        record["quotes"] = quotes
        shown = {quote.label for quote in signals.quotes}
        record["cues"] = [
            {
                "label": cue.label,
                "text": cue.text,
                "counts": not cue.qualifiers,
                "qualifiers": list(cue.qualifiers),
            }
            for cue in signals.cues
            if cue.label in shown
        ]
    return record


def _plain(value: dt.date | float | str | None) -> float | str | None:
    return value.isoformat() if isinstance(value, dt.date) else value
