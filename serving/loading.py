"""Handing the nightly ledger to the service, and asking it what people decided: the night's side of the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import polars as pl

from features.ledger import Ledger
from serving.email_reading import remember_signals, usable_reader
from serving.settings import ServiceSettings
from serving.store import Answer, Overrides, TableLoad, is_store_there, open_store

#: Makes the night's answers from what the e-mails say, those erased on request left out.
AnswersOfTheNight = Callable[[pl.DataFrame | None], Sequence[Answer]]


def load_into_service(
    ledger: Ledger,
    settings: ServiceSettings,
    now: dt.datetime,
    signals: pl.DataFrame | None = None,
    tonight: AnswersOfTheNight | None = None,
) -> dict[str, TableLoad]:
    """Load a ledger into the history store; running workers take it over by themselves.

    The e-mails are read (or their signals taken over) first, so that no worker has to read them while it
    starts. Mails erased on request are not remembered again.

    Args:
        ledger: the ledger of record.
        settings: of the installation.
        now: instant of the load.
        signals: what the e-mails say, when the nightly run has read them already; null reads the new ones
            here.
        tonight: gives the night's scores, held in place of the last night's; null leaves those as they are.

    Returns:
        What changed, by table.
    """
    store = open_store(settings.store_url, settings.secret())
    try:
        erased = pl.Series(sorted(store.erased_ids("emails")), dtype=pl.String)
        allowed = None if signals is None else signals.filter(~pl.col("email_id").is_in(erased.implode()))
        if allowed is not None and not settings.is_quoting:
            allowed = allowed.drop("quotes", strict=False)
        if ledger.emails is not None:
            emails = ledger.emails.filter(~pl.col("email_id").is_in(erased.implode()))
            _remember(emails, settings, allowed)
        report = store.load_ledger(ledger, now)
        if tonight is not None:
            store.replace_nightly(tonight(allowed))
        return report
    finally:
        store.close()


def overrides_in_service(settings: ServiceSettings) -> Overrides:
    """Return the decisions of people that stand in the service's store; none when there is no store yet.

    Raises:
        StoreUnavailableError: the database does not answer. The night then ends, for it would propose again
            what people have refused.
    """
    if not is_store_there(settings.store_url):
        return {}
    store = open_store(settings.store_url, settings.secret())
    try:
        return store.overrides()
    finally:
        store.close()


def _remember(emails: pl.DataFrame, settings: ServiceSettings, signals: pl.DataFrame | None) -> None:
    if signals is not None:
        remember_signals(settings.mail_memory_path, emails, signals)
        return
    reader, _ = usable_reader(settings.mail_memory_path, settings.is_quoting)
    if reader is not None:
        reader(emails)
