"""What the service, the night and requests for personal data ask of a history store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import polars as pl
from sqlalchemy import Connection

from features.ledger import Ledger
from serving.store.answers import Answer, StoredAnswer
from serving.store.audit import Chain
from serving.store.database import BUSY_SECONDS
from serving.store.facts import Fact, FactOutcome
from serving.store.ingest.nightly_load import TableLoad
from serving.store.mail_signals import MailRead, MailsWaiting
from serving.store.overrides import Overrides
from serving.store.reading import FeedState, HistoryAtMoment, Moment


class HistoryStore(Protocol):
    """What the service asks of a store; durable means on disk when the call returns."""

    def ingest(self, facts: Sequence[Fact], received_at: dt.datetime) -> tuple[FactOutcome, ...]:
        """Store facts durably, all or none."""
        ...

    def load_ledger(self, ledger: Ledger, loaded_at: dt.datetime) -> dict[str, TableLoad]:
        """Take over the ledger of the nightly batch, durably, all or nothing."""
        ...

    def history(self, *, with_mail_texts: bool = True) -> HistoryAtMoment:
        """Return the whole ledger and the moment it belongs to; without mail texts these are empty."""
        ...

    def history_of(self, customer_ids: Sequence[str]) -> HistoryAtMoment:
        """Return the ledger of some customers and the moment it belongs to."""
        ...

    def histories_of_payers(self, customer_ids: Sequence[str]) -> tuple[tuple[str, ...], HistoryAtMoment]:
        """Return some customers with all merged with them, and their histories without mail texts."""
        ...

    def meanings(self, kind: str, ids: Collection[str]) -> dict[str, str | None]:
        """Return which known id each of these means; null where several may be meant."""
        ...

    def changed_since(self, change: int) -> tuple[Moment, dict[str, int]]:
        """Return the present moment and the last change of each customer changed after `change`."""
        ...

    def histories_since(self, change: int, at_most: int) -> tuple[tuple[str, ...], HistoryAtMoment | None]:
        """Return the customers changed after `change` and, unless too many, their histories without mail texts."""
        ...

    @property
    def is_local(self) -> bool:
        """Say whether a question is answered from this machine, without a network to wait for."""
        ...

    def moment(self) -> Moment:
        """Return the present moment; cheap enough to ask before every score."""
        ...

    def store_answers(self, answers: Sequence[Answer], wait_seconds: float = BUSY_SECONDS) -> int:
        """Store answers durably and chain them; return the position of the last line."""
        ...

    def answer(self, answer_id: str) -> StoredAnswer | None:
        """Return one stored answer; null when the id is unknown."""
        ...

    def answers_on(self, kind: str, subject_id: str) -> list[StoredAnswer]:
        """Return the newest answers of one kind on one subject, newest first."""
        ...

    def nightly_of(self, customer_ids: Sequence[str]) -> list[StoredAnswer]:
        """Return last night's scores of all open invoices of some customers, sorted by invoice."""
        ...

    def note_night_facts(self, change: int) -> None:
        """Note the last change that the facts of the coming night hold."""
        ...

    def night_facts(self) -> int | None:
        """Return the last change that the facts of the coming night hold; null before the first."""
        ...

    def feeds(self) -> tuple[FeedState, ...]:
        """Return the freshness of each kind of fact."""
        ...

    def pending_of(self, invoice_ids: Sequence[str]) -> dict[str, dict[str, pl.DataFrame]]:
        """Return the facts that wait for some invoices, by invoice and table."""
        ...

    def pending(self) -> dict[str, int]:
        """Return how many payments and disputes wait for their invoice."""
        ...

    def replace_nightly(self, answers: Sequence[Answer]) -> None:
        """Replace the scores of last night by these, durably, all or nothing."""
        ...

    def overrides(self) -> Overrides:
        """Return the overrides in force."""
        ...

    def merged_with(self, ledger: Ledger, at: dt.datetime) -> Ledger:
        """Return a ledger of record merged with the facts of events, as a load would make it; nothing is written."""
        ...

    def signals(self) -> pl.DataFrame:
        """Return the signals of all mails that were read."""
        ...

    def waiting_mails(self, reader: str, at_most: int) -> pl.DataFrame:
        """Return the newest mails that this version of the reader has not read."""
        ...

    def mails_waiting(self, reader: str) -> MailsWaiting:
        """Return how many mails wait for this version of the reader, and since when."""
        ...

    def store_signals(
        self, reads: Sequence[MailRead], reader: str, now: dt.datetime, lease: tuple[str, str] | None = None
    ) -> bool:
        """Store the signals of mails durably; false when another process holds the lease."""
        ...

    def take_lease(self, name: str, holder: str, now: dt.datetime, seconds: float) -> bool:
        """Take or renew a lease; false when another process holds it."""
        ...

    def end_lease(self, name: str, holder: str) -> None:
        """Give a lease back."""
        ...

    def erased_ids(self, table: str) -> frozenset[str]:
        """Return the ids of a table that were erased on request."""
        ...

    @property
    def chain(self) -> Chain:
        """Return the seal of the audit chain."""
        ...

    def open_for_writing(self) -> AbstractContextManager[Connection]:
        """Hold the write lock for several pieces of work that belong together."""
        ...
