"""Handing the nightly ledger to the service: its history store, and what the e-mails say."""

from __future__ import annotations

import datetime as dt

import polars as pl

from features.ledger import Ledger
from serving.email_reading import remember_signals, usable_reader
from serving.settings import ServiceSettings
from serving.store import TableLoad, open_store


def load_into_service(
    ledger: Ledger, settings: ServiceSettings, now: dt.datetime, signals: pl.DataFrame | None = None
) -> dict[str, TableLoad]:
    """Load a ledger into the history store; running workers take it over by themselves.

    The e-mails are read (or their signals taken over) first, so that no worker has to read them while it
    starts.

    Args:
        ledger: the ledger of record.
        settings: of the installation.
        now: instant of the load.
        signals: what the e-mails say, when the nightly run has read them already; null reads the new ones
            here.

    Returns:
        What changed, by table.
    """
    if ledger.emails is not None:
        if signals is not None:
            remember_signals(settings.mail_memory_path, ledger.emails, signals)
        else:
            reader, _ = usable_reader(settings.mail_memory_path)
            if reader is not None:
                reader(ledger.emails)
    store = open_store(settings.store_url, settings.secret())
    try:
        return store.load_ledger(ledger, now)
    finally:
        store.close()
