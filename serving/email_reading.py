"""What e-mails say, for one mail on request and for the histories of customers. Everything is read on this machine."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from features.errors import EncoursError
from serving.answer_messages import EmailAnswer, EmailCue, EmailSignal, EvidenceAnswer
from serving.messages import EmailRequest

if TYPE_CHECKING:
    from features.email_signals import SignalPipeline

_LOG: Final = logging.getLogger("encours.emails")
#: Days for which a quoted sentence is shown beside a score.
EVIDENCE_DAYS: Final = 120
#: Mails read at once from which on the result is worth a file.
WORTH_KEEPING: Final = 50
#: Quoted sentences shown beside a score at most, the newest first.
EVIDENCE_QUOTES: Final = 5


@cache
def shared_pipeline() -> SignalPipeline:
    """Return the reader of this process; made once, it takes a second or two."""
    from features.email_signals import load_pipeline

    return load_pipeline()


class EmailReader:
    """Reads the e-mails of histories into signals, each mail once.

    Args:
        pipeline: gives the reader when it is first needed.
        memory_path: file in which what was read survives a restart; null keeps it in memory only. It holds
            quoted
            sentences: only its owner can read it, and an erasure deletes it.
        quoting: keep the sentences a signal rests on; without them no word of a mail is kept or shown.
    """

    def __init__(
        self,
        pipeline: Callable[[], SignalPipeline] = shared_pipeline,
        memory_path: Path | None = None,
        quoting: bool = True,
    ) -> None:
        self._quoting = quoting
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._memory_path = memory_path
        self._read = None if memory_path is None else _read_memory(memory_path, quoting)

    def __call__(self, emails: pl.DataFrame) -> pl.DataFrame:
        """Return one row of signals per inbound mail, in the order given; what was read before is not read again.

        A mail is known again by id and content, so that a corrected mail is read anew.
        """
        from features.email_signals import signals_frame

        inbound = _with_content(emails)
        keys = inbound.select("email_id", "content")
        with self._lock:
            known = self._read
            if known is not None:
                is_new = keys.join(
                    known.select("email_id", "content"), on=["email_id", "content"], how="anti"
                )
                fresh = inbound.join(is_new, on="email_id", how="semi", maintain_order="left")
            else:
                fresh = inbound
            if known is None or fresh.height:
                made = signals_frame(fresh, self._pipeline(), self._quoting).with_columns(fresh["content"])
                known = made if known is None else pl.concat([known, made]).unique("email_id", keep="last")
                self._read = known
                if self._memory_path is not None and fresh.height >= WORTH_KEEPING:
                    self._persist(self._memory_path, known.join(keys, on=["email_id", "content"], how="semi"))
        return keys.join(
            known, on=["email_id", "content"], how="left", maintain_order="left", validate="1:1"
        ).drop("content")

    def _persist(self, path: Path, signals: pl.DataFrame) -> None:
        """Write what was read; a disk that does not take it costs a second reading after a restart, no score."""
        try:
            _write_memory(path, signals)
        except (OSError, pl.exceptions.PolarsError) as failure:
            _LOG.warning("what the e-mails say was not written: %s", type(failure).__name__)


def remember_signals(path: Path, emails: pl.DataFrame, signals: pl.DataFrame) -> None:
    """Keep signals that the nightly run has read already, so that workers need not read the mails again.

    Args:
        path: the reader's memory file.
        emails: the ledger's e-mails.
        signals: what they say, with quotes; signals in another shape are left aside.
    """
    from features.email_signals import signals_schema

    if dict(signals.schema) not in (signals_schema(), signals_schema(quoting=False)):
        return
    contents = _with_content(emails).select("email_id", "content")
    _write_memory(path, signals.join(contents, on="email_id", how="inner", validate="1:1"))


def _with_content(emails: pl.DataFrame) -> pl.DataFrame:
    """Return the inbound mails with a number that changes when their content does."""
    return emails.filter(pl.col("direction") == "inbound").with_columns(
        content=pl.struct("sent_at", "subject", "body", "customer_id").hash(0)
    )


def usable_reader(memory_path: Path, quoting: bool = True) -> tuple[EmailReader | None, str | None]:
    """Return a reader of e-mails, or null and why e-mails cannot be read: scores are then made without them."""
    try:
        shared_pipeline()
    except EncoursError as refusal:
        _LOG.error("e-mails cannot be read: %s", refusal.args[0] if refusal.args else type(refusal).__name__)
        return (
            None,
            "e-mails cannot be read: what they say is unknown to the scores (`encours` must be repaired)",
        )
    return EmailReader(memory_path=memory_path, quoting=quoting), None


def _read_memory(path: Path, quoting: bool) -> pl.DataFrame | None:
    from features.email_signals import signals_schema

    try:
        held = pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError):
        return None  # nothing yet, or not usable: the mails are read again
    expected = pl.Schema({**signals_schema(quoting), "content": pl.UInt64})
    return held if held.schema == expected else None


def _write_memory(path: Path, signals: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    signals.write_parquet(aside)
    aside.chmod(0o600)
    aside.replace(path)


def read_email(message: EmailRequest) -> EmailAnswer:
    """Return what one e-mail says, with the sentences behind it."""
    from features.email_signals import Mail

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
