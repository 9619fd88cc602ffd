"""What an e-mail says on request, and which sentences are shown with a score. Everything is read on this machine.

The mails of the histories are read by `serving.mails.background_reader`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from features.errors import EncoursError
from features.messages import localized
from features.signal_labels import signals_schema
from serving.messages.answers import EmailAnswer, EmailCue, EmailSignal, EvidenceAnswer
from serving.messages.requests import EmailRequest

if TYPE_CHECKING:
    from features.email import SignalPipeline

_LOG: Final = logging.getLogger("encours.emails")
#: Days for which a quoted sentence is shown beside a score.
EVIDENCE_DAYS: Final = 120
#: Quoted sentences shown beside a score at most, the newest first.
EVIDENCE_QUOTES: Final = 5


@cache
def shared_pipeline() -> SignalPipeline:
    """Return the reader of this process; made once, it takes a second or two."""
    from features.email import load_pipeline

    return load_pipeline()


@cache
def reader_version(quoting: bool = True) -> str:
    """Return what changes whenever mails have to be read anew: the artefact, what is stored of a mail, and quoting.

    Args:
        quoting: store the sentences a signal rests on; without them no word of a mail is stored or shown.
    """
    from features.email.artefact import DEFAULT_FOLDER

    digest = hashlib.sha256(",".join(signals_schema()).encode())
    for path in sorted(DEFAULT_FOLDER.iterdir()):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()[:16]}-{'quoting' if quoting else 'silent'}"


def reading_fault() -> str | None:
    """Return why e-mails cannot be read, in words for health; null when they can."""
    try:
        shared_pipeline()
    except EncoursError as refusal:
        _LOG.error("e-mails cannot be read: %s", refusal.args[0] if refusal.args else type(refusal).__name__)
        return localized(
            "e-mails cannot be read: what they say is unknown to the scores (`encours` must be repaired)"
        )
    return None


def read_email(message: EmailRequest) -> EmailAnswer:
    """Return what one e-mail says, with the sentences behind it."""
    from features.email import Mail

    sent_on = message.sent_at.date()  # the civil day of the sender: relative days are meant from it
    found = shared_pipeline().read(Mail("1", sent_on, message.subject, message.body))
    labels = [*((label, True) for label in found.labels), *((label, False) for label in found.unsure_labels)]
    return EmailAnswer(
        language=found.language,
        is_auto_reply=found.auto_reply,
        promise_status=found.promise_status,
        promise_doubt=found.promise_doubt,
        promise_said_on=found.promise_said_on,
        promise_on=found.promise_date,
        promise_payable_on=found.promise_payable_on,
        promise_amount=found.promise_amount,
        tone=max(-1.0, min(1.0, found.tone)),
        signals=[
            EmailSignal(
                label=label,
                is_decided=is_decided,
                probability=found.probabilities[label],
                quotes=[quote.sentence for quote in found.quotes if quote.label == label],
                cues=[
                    EmailCue(text=cue.text, qualifiers=list(cue.qualifiers))
                    for cue in found.cues
                    if cue.label == label
                ],
            )
            for label, is_decided in labels
        ],
    )


def evidence_of(signals: pl.DataFrame | None, as_of: dt.date) -> list[EvidenceAnswer]:
    """Return the newest quoted sentences of a customer's mails, as known strictly before the as-of date.

    Args:
        signals: signals of the customer's mails, with quotes; null when they are not read.
        as_of: the as-of date.
    """
    if signals is None or "quotes" not in signals.columns:
        return []
    since = as_of - dt.timedelta(days=EVIDENCE_DAYS)
    recent = signals.filter(
        (pl.col("sent_at").dt.date() < as_of) & (pl.col("sent_at").dt.date() >= since) & ~pl.col("auto_reply")
    ).sort("sent_at", "email_id", descending=True)
    found: list[EvidenceAnswer] = []
    for row in recent.iter_rows(named=True):
        quotes: Sequence[dict[str, Any]] = json.loads(row["quotes"] or "[]")
        found += [
            EvidenceAnswer(
                email_id=row["email_id"],
                sent_at=row["sent_at"],
                label=quote["label"],
                is_decided=bool(row[quote["label"]]),
                quote=quote["sentence"],
            )
            for quote in quotes
        ]
        if len(found) >= EVIDENCE_QUOTES:
            break
    return found[:EVIDENCE_QUOTES]
