"""Handing the nightly ledger to the service, and asking it what people decided: the night's side of the store."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

import polars as pl

from features.ledger import Ledger
from serving.mails.background_reader import Reading, read_all
from serving.mails.reader import reader_version, reading_fault, shared_pipeline
from serving.operations.settings import ServiceSettings
from serving.store import Answer, HistoryStore, Overrides, TableLoad, is_store_there, open_store

#: Seconds between two looks at whether another process has read the mails.
_POLL_SECONDS: Final = 0.5
#: Makes the night's answers from what the e-mails say, those erased on request left out, and from the last change of
#: the store that the night's facts hold.
AnswersOfTheNight = Callable[[pl.DataFrame | None, int | None], Sequence[Answer]]


def load_into_service(ledger: Ledger, settings: ServiceSettings, now: dt.datetime) -> dict[str, TableLoad]:
    """Load a ledger into the history store; running workers take it over by themselves.

    New e-mails are read here too, unless a service that runs is reading.

    Args:
        ledger: the ledger of record.
        settings: of the installation.
        now: instant of the load.

    Returns:
        What changed, by table.
    """
    with closing(open_store(settings.store_url, settings.secret())) as store:
        report = store.load_ledger(ledger, now)
        _read_new_mails(store, settings)
        settings.old_mail_memory_path.unlink(missing_ok=True)
        return report


def facts_in_service(settings: ServiceSettings) -> Ledger:
    """Return everything the service knows: the ledger of record and the events it does not hold.

    The store notes up to which change it was: what becomes known later is not in the night's decisions.
    """
    with closing(open_store(settings.store_url, settings.secret())) as store:
        history = store.history()
        store.note_night_facts(history.moment.change)
        return history.ledger


def signals_in_service(settings: ServiceSettings) -> pl.DataFrame:
    """Return what all e-mails of the store say, one row per mail that could be read; those that wait are read first.

    A service that runs may be reading them: what it has not read when it stops getting on is read here.

    Raises:
        EncoursError: the reader of e-mails cannot be used, and mails wait.
    """
    version = reader_version(settings.is_quoting)
    with closing(open_store(settings.store_url, settings.secret())) as store:
        while store.mails_waiting(version).count:
            shared_pipeline()
            if not _read_new_mails(store, settings):
                time.sleep(_POLL_SECONDS)  # another process holds the lease: it reads, or its lease ends
        return store.signals()


def with_events(ledger: Ledger, settings: ServiceSettings, now: dt.datetime) -> Ledger:
    """Return a ledger merged with what events told the service, as a load would make it; nothing is loaded.

    Args:
        ledger: the ledger of record.
        settings: of the installation.
        now: the present instant.

    Raises:
        StoreUnavailableError: the database does not answer.
    """
    if not is_store_there(settings.store_url):
        return ledger
    with closing(open_store(settings.store_url, settings.secret())) as store:
        return store.merged_with(ledger, now)


def publish_night(
    settings: ServiceSettings, signals: pl.DataFrame | None, answers: AnswersOfTheNight
) -> None:
    """Hold the night's answers in place of the last night's.

    Args:
        settings: of the installation.
        signals: what the e-mails of the night say; those erased since are left out.
        answers: makes the answers from the signals.
    """
    with closing(open_store(settings.store_url, settings.secret())) as store:
        allowed = None
        if signals is not None:
            allowed = signals.filter(~pl.col("email_id").is_in(_erased_mails(store).implode()))
            if not settings.is_quoting:
                allowed = allowed.drop("quotes", strict=False)
        store.replace_nightly(answers(allowed, store.night_facts()))


def overrides_in_service(settings: ServiceSettings) -> Overrides:
    """Return the decisions of people that stand in the service's store; none when there is no store yet.

    Raises:
        StoreUnavailableError: the database does not answer. The night then ends, for it would propose again
            what people have refused.
    """
    if not is_store_there(settings.store_url):
        return {}
    with closing(open_store(settings.store_url, settings.secret())) as store:
        return store.overrides()


def _erased_mails(store: HistoryStore) -> pl.Series:
    return pl.Series(sorted(store.erased_ids("emails")), dtype=pl.String)


def _read_new_mails(store: HistoryStore, settings: ServiceSettings) -> int:
    """Read the mails that wait, unless another process is reading; return how many were dealt with."""
    version = reader_version(settings.is_quoting)
    if not store.mails_waiting(version).count or reading_fault() is not None:
        return 0
    reading = Reading(shared_pipeline(), version, settings.is_quoting, f"load-{uuid.uuid4().hex}")
    return read_all(store, reading, lambda: dt.datetime.now(dt.UTC))
