"""Signals in client e-mails: mail in, dated, quoted and explained signals out.

>>> import datetime
>>> pipeline = load_pipeline()
>>> mail = Mail("m1", datetime.date(2026, 1, 15), "Re: relance", "Bonjour, le virement de 260 € partira lundi.")
>>> signals = pipeline.read(mail)
>>> signals.labels, signals.promise_date, signals.promise_amount
(('promise_to_pay',), datetime.date(2026, 1, 19), 260.0)
"""

from features.email.artefact import ArtefactError, SignalArtefact, load_artefact, save_artefact
from features.email.pipeline import SignalPipeline, load_pipeline
from features.email.records import ledger_signals, read_mails_of, signals_frame, signals_record
from features.email.values import LANGUAGES, Cue, LabelledMail, Mail, MailSignals, Quote
from features.signal_labels import GRAVE_LABELS, LABELS, signals_schema

__all__ = [
    "GRAVE_LABELS",
    "LABELS",
    "LANGUAGES",
    "ArtefactError",
    "Cue",
    "LabelledMail",
    "Mail",
    "MailSignals",
    "Quote",
    "SignalArtefact",
    "SignalPipeline",
    "ledger_signals",
    "load_artefact",
    "load_pipeline",
    "read_mails_of",
    "save_artefact",
    "signals_frame",
    "signals_record",
    "signals_schema",
]
