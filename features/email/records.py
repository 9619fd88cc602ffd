"""Signals as they leave the reader: a table for the feature groups, a plain record for a file or an answer."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl

from features.email.pipeline import SignalPipeline, load_pipeline
from features.email.values import PROMISE_FIELDS, Mail, MailSignals
from features.errors import Fault, InvalidInputError
from features.ledger import Ledger
from features.messages import localized
from features.signal_labels import LABELS, signals_schema

_KEYS = ("email_id", "customer_id", "sent_at", "direction")
_NEEDED = (*_KEYS, "subject", "body")


def ledger_signals(ledger: Ledger, pipeline: SignalPipeline, quoting: bool = True) -> pl.DataFrame | None:
    """Signals of all e-mails of a ledger, each read with its customer's country; None when it has no e-mail table."""
    if ledger.emails is None:
        return None
    countries = ledger.customers.select("customer_id", "country")
    mails = ledger.emails.join(countries, on="customer_id", how="left", validate="m:1", maintain_order="left")
    return signals_frame(mails, pipeline, quoting)


def read_mails_of(ledger: Ledger) -> pl.DataFrame | None:
    """Signals of all e-mails of a ledger, read with the reader that comes with Encours; None without e-mail table."""
    return None if ledger.emails is None else ledger_signals(ledger, load_pipeline())


def signals_frame(emails: pl.DataFrame, pipeline: SignalPipeline, quoting: bool = True) -> pl.DataFrame:
    """One row per inbound e-mail with its signals, in the order of the input; outbound mails are left out.

    The text itself never enters the table. With quoting on, ``quotes`` is JSON text: a list of
    ``{"label": ..., "sentence": ...}``; with quoting off the column is absent.

    Args:
        emails: the ledger's e-mail table (``email_id, customer_id, sent_at, direction, subject, body``), with the
            customer's ``country`` where it is known: its days off then apply to the promised days.
        pipeline: the reader.
        quoting: whether the quoted sentences are stored.

    Raises:
        InvalidInputError: a column is missing.
    """
    missing = [name for name in _NEEDED if name not in emails.columns]
    if missing:
        fault = Fault(
            localized("columns missing"),
            "emails",
            expected=", ".join(_NEEDED),
            count=len(missing),
            examples=tuple(missing),
        )
        raise InvalidInputError(localized("the e-mail table cannot be read for signals"), [fault])
    inbound = emails.filter(pl.col("direction") == "inbound")
    rows = list(inbound.select(*_NEEDED, *_countries(inbound)).iter_rows(named=True))
    mails = (
        Mail(r["email_id"], _day(r["sent_at"]), r["subject"] or "", r["body"] or "", r.get("country"))
        for r in rows
    )
    records = [
        {**{key: row[key] for key in _KEYS}, **_record(signals, quoting)}
        for row, signals in zip(rows, pipeline.read_many(mails), strict=True)
    ]
    return pl.DataFrame(records, schema=signals_schema(quoting), orient="row")


def _countries(emails: pl.DataFrame) -> tuple[str, ...]:
    return ("country",) if "country" in emails.columns else ()


def _day(sent_at: dt.datetime | dt.date) -> dt.date:
    return sent_at.date() if isinstance(sent_at, dt.datetime) else sent_at


def _record(signals: MailSignals, quoting: bool) -> dict[str, Any]:
    record: dict[str, Any] = {"language": signals.language, "auto_reply": signals.auto_reply}
    for label in LABELS:
        record[f"{label}_probability"] = signals.probabilities[label]
        record[label] = label in signals.labels
        record[f"{label}_unsure"] = label in signals.unsure_labels
    record |= {name: getattr(signals, name) for name in (*PROMISE_FIELDS, "tone")}
    if quoting:
        quotes = [{"label": quote.label, "sentence": quote.sentence} for quote in signals.quotes]
        record["quotes"] = json.dumps(quotes, ensure_ascii=False)
    return record


def signals_record(signals: MailSignals, *, quoting: bool = True) -> dict[str, Any]:
    """What is written for one mail; sentences and words of the mail only when quoting is on.

    Args:
        signals: what the mail says.
        quoting: store the quoted sentences (``quotes``: list of sentences per label) and the cues.
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
