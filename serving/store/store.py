"""The history store on a database: facts, answers and the audit chain behind one interface."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import polars as pl
from sqlalchemy import Connection, select

from features.errors import EncoursError
from features.ledger import Ledger
from serving.store.answers import (
    OVERRIDE,
    SCORE,
    Answer,
    StoredAnswer,
    append_answers,
    read_answer,
    read_answers,
)
from serving.store.audit import Anchor, AuditLine, Chain, Evidence, Verification, verify_chain
from serving.store.database import BUSY_SECONDS, Database, set_counter, sqlite_file
from serving.store.facts import Fact, FactOutcome
from serving.store.ingest.customer_merges import with_merged
from serving.store.ingest.event_facts import read_erased, read_events
from serving.store.ingest.facts import ingest, mark_changed
from serving.store.ingest.merging import merge_facts
from serving.store.ingest.nightly_load import TableLoad, load_tables
from serving.store.ingest.nightly_scores import (
    NIGHT_FACTS,
    Part,
    nightly_of,
    nightly_on,
    nightly_parts,
    read_nightly,
    replace_nightly,
)
from serving.store.known_ids import meanings
from serving.store.mail_signals import (
    MailRead,
    MailsWaiting,
    count_waiting_mails,
    end_lease,
    lease_holder,
    read_signals,
    read_waiting_mails,
    store_signals,
    take_lease,
)
from serving.store.overrides import Overrides, read_overrides
from serving.store.reading import (
    FeedState,
    HistoryAtMoment,
    Moment,
    read_changed_since,
    read_feeds,
    read_ledger_tables,
    read_moment,
    read_pending,
    read_pending_of,
)
from serving.store.tables import ANSWERS, AUDIT, COUNTERS, ERASED_FACTS, FACT_TABLES


class SqlHistoryStore:
    """The history store on SQLite or PostgreSQL.

    Args:
        database: an open, prepared database.
        chain: the seal of the audit chain.
    """

    def __init__(self, database: Database, chain: Chain) -> None:
        self.database = database
        self.chain = chain

    def ingest(self, facts: Sequence[Fact], received_at: dt.datetime) -> tuple[FactOutcome, ...]:
        """Store facts durably, all or none; see `serving.store.ingest.facts`."""
        with self.database.writing() as connection:
            return ingest(connection, facts, received_at)

    def load_ledger(self, ledger: Ledger, loaded_at: dt.datetime) -> dict[str, TableLoad]:
        """Take over the ledger of the nightly batch; see `serving.store.ingest.nightly_load`."""
        with self.database.writing() as connection:
            return load_tables(connection, ledger, loaded_at)

    def history(self, *, with_mail_texts: bool = True) -> HistoryAtMoment:
        """Return the whole ledger and the moment it belongs to; without mail texts these are empty."""
        with self.database.reading() as connection:
            moment = read_moment(connection)
            overrides, signals = read_overrides(connection), read_signals(connection)
            ledger = read_ledger_tables(connection, with_mail_texts=with_mail_texts)
            return HistoryAtMoment(ledger, moment, overrides, signals)

    def signals(self) -> pl.DataFrame:
        """Return what all mails say, as far as they are read."""
        with self.database.reading() as connection:
            return read_signals(connection)

    def history_of(self, customer_ids: Sequence[str]) -> HistoryAtMoment:
        """Return the ledger of some customers and the moment it belongs to."""
        with self.database.reading() as connection:
            moment = read_moment(connection)
            return _history_of(connection, customer_ids, moment)

    def histories_of_payers(self, customer_ids: Sequence[str]) -> tuple[tuple[str, ...], HistoryAtMoment]:
        """Return some customers with all merged with them, and their histories without mail texts."""
        with self.database.reading() as connection:
            moment = read_moment(connection)
            ids = tuple(sorted(with_merged(connection, customer_ids)))
            return ids, _history_of(connection, ids, moment, with_mail_texts=False)

    def meanings(self, kind: str, ids: Collection[str]) -> dict[str, str | None]:
        """Return which known id each of these means; see `serving.store.known_ids`."""
        with self.database.reading() as connection:
            return meanings(connection, kind, ids)

    def changed_since(self, change: int) -> tuple[Moment, dict[str, int]]:
        """Return the present moment and the last change of each customer changed after `change`."""
        with self.database.reading() as connection:
            return read_moment(connection), read_changed_since(connection, change)

    def histories_since(self, change: int, at_most: int) -> tuple[tuple[str, ...], HistoryAtMoment | None]:
        """Return the customers changed after `change` and, unless too many, their histories without mail texts.

        Both belong to one moment: no change falls between them.
        """
        with self.database.reading() as connection:
            moment = read_moment(connection)
            customer_ids = tuple(read_changed_since(connection, change))
            if len(customer_ids) > at_most:
                return customer_ids, None
            return customer_ids, _history_of(connection, customer_ids, moment, with_mail_texts=False)

    @property
    def is_local(self) -> bool:
        """Say whether a question is answered from this machine, without a network to wait for."""
        return self.database.is_sqlite

    def moment(self) -> Moment:
        """Return the present moment of the store."""
        counters = self.database.peek_counters()
        return Moment(counters["change"], counters["context"], counters["generation"], counters["night"])

    def store_answers(self, answers: Sequence[Answer], wait_seconds: float = BUSY_SECONDS) -> int:
        """Store answers durably and chain them; return the position of the last line.

        An override is a change of its customer: every worker sees it at the next question.

        Args:
            answers: what to store.
            wait_seconds: how long to wait for another writer.
        """
        overridden = {answer.customer_id for answer in answers if answer.kind == OVERRIDE} - {None}
        with self.database.writing(wait_seconds) as connection:
            position = append_answers(connection, answers, self.chain)
            if overridden:
                mark_changed(connection, [key for key in overridden if key is not None], is_own=True)
            return position

    def overrides(self) -> Overrides:
        """Return the overrides in force."""
        with self.database.reading() as connection:
            return read_overrides(connection)

    def replace_nightly(self, answers: Sequence[Answer]) -> None:
        """Store these scores of open invoices in place of the last night's, durably, all or nothing."""
        with self.database.writing() as connection:
            replace_nightly(connection, answers)

    def answer(self, answer_id: str) -> StoredAnswer | None:
        """Return one stored answer or score of last night; null when the id is unknown."""
        with self.database.reading() as connection:
            return read_answer(connection, answer_id) or read_nightly(connection, answer_id)

    def answers_on(self, kind: str, subject_id: str) -> list[StoredAnswer]:
        """Return the newest answers of one kind on one subject, last night's score among them, newest first."""
        with self.database.reading() as connection:
            kept = read_answers(connection, kind, subject_id)
            nightly = nightly_on(connection, subject_id) if kind == SCORE else []
        ids = {answer.answer_id for answer in kept}
        found = [*kept, *(answer for answer in nightly if answer.answer_id not in ids)]
        return sorted(found, key=lambda answer: answer.created_at, reverse=True)

    def nightly_of(self, customer_ids: Sequence[str]) -> list[StoredAnswer]:
        """Return last night's scores of all open invoices of some customers, sorted by invoice."""
        with self.database.reading() as connection:
            return nightly_of(connection, customer_ids)

    def nightly_parts(self, decode: Callable[[Sequence[str]], Part]) -> tuple[dt.datetime | None, list[Part]]:
        """Return the instant of last night and what is made of its answers, some thousand at a time."""
        with self.database.reading() as connection:
            return nightly_parts(connection, decode)

    def note_night_facts(self, change: int) -> None:
        """Note the last change that the facts of the coming night hold."""
        with self.database.writing() as connection:
            set_counter(connection, NIGHT_FACTS, change)

    def night_facts(self) -> int | None:
        """Return the last change that the facts of the coming night hold; null before the first."""
        with self.database.reading() as connection:
            statement = select(COUNTERS.c.value).where(COUNTERS.c.name == NIGHT_FACTS)
            return connection.execute(statement).scalar_one_or_none()

    def erased_ids(self, table: str) -> frozenset[str]:
        """Return the ids of one kind of fact that were erased on request."""
        statement = select(ERASED_FACTS.c.fact_id).where(ERASED_FACTS.c.table_name == table)
        with self.database.reading() as connection:
            return frozenset(connection.execute(statement).scalars())

    def feeds(self) -> tuple[FeedState, ...]:
        """Return the freshness of each kind of fact."""
        with self.database.reading() as connection:
            return read_feeds(connection)

    def pending(self) -> dict[str, int]:
        """Return how many payments and disputes wait for their invoice."""
        with self.database.reading() as connection:
            return read_pending(connection)

    def waiting_mails(self, reader: str, at_most: int) -> pl.DataFrame:
        """Return mails that a reader of this version has not read, the newest first."""
        with self.database.reading() as connection:
            return read_waiting_mails(connection, reader, at_most)

    def mails_waiting(self, reader: str) -> MailsWaiting:
        """Return how many mails wait for a reader of this version, and since when."""
        with self.database.reading() as connection:
            return count_waiting_mails(connection, reader)

    def store_signals(
        self, reads: Sequence[MailRead], reader: str, now: dt.datetime, lease: tuple[str, str] | None = None
    ) -> bool:
        """Store what mails say, durably; every worker sees it at its next question.

        Args:
            reads: what was read, or set aside.
            reader: version of the reader.
            now: instant of the reading.
            lease: name and holder of the lease under which it was read; null for none.

        Returns:
            Whether it was stored: not when another holds the lease.
        """
        with self.database.writing() as connection:
            if lease is not None and lease_holder(connection, lease[0], now) != lease[1]:
                return False
            touched = store_signals(connection, reads, reader, now)
            if touched:
                mark_changed(connection, touched, is_own=True)
            return True

    def take_lease(self, name: str, holder: str, now: dt.datetime, seconds: float) -> bool:
        """Take or renew a lease; return whether it is the holder's now."""
        with self.database.reading() as connection:
            if lease_holder(connection, name, now) not in (None, holder):
                return False
        with self.database.writing() as connection:
            return take_lease(connection, name, holder, now, seconds)

    def end_lease(self, name: str, holder: str) -> None:
        """Give a lease back."""
        with self.database.writing() as connection:
            end_lease(connection, name, holder)

    def merged_with(self, ledger: Ledger, at: dt.datetime) -> Ledger:
        """Return a ledger of record merged with the facts of events, as a load would make it; nothing is written.

        Args:
            ledger: the ledger of record.
            at: instant of the load.
        """
        with self.database.reading() as connection:
            events = read_events(connection, ledger)
            erased = {table: read_erased(connection, table) for table in FACT_TABLES}
        return merge_facts(ledger, events, erased, at.astimezone(dt.UTC).date())[0]

    def pending_of(self, invoice_ids: Sequence[str]) -> dict[str, dict[str, pl.DataFrame]]:
        """Return the facts that wait for some invoices, by invoice and table."""
        with self.database.reading() as connection:
            return read_pending_of(connection, invoice_ids)

    def audit_head(self) -> Anchor | None:
        """Return the last position of the chain and its hash; null for an empty chain."""
        with self.database.reading() as connection:
            row = connection.execute(
                select(AUDIT.c.position, AUDIT.c.line_hash).order_by(AUDIT.c.position.desc()).limit(1)
            ).first()
        return None if row is None else Anchor(int(row[0]), str(row[1]))

    def verify_audit(self, anchors: Sequence[Anchor] = ()) -> Verification:
        """Check the whole chain against seals, order, stored answers and anchors."""
        with self.database.reading() as connection:
            counted = int(
                connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == "audit")).scalar_one()
            )
            stray = connection.execute(
                select(ANSWERS.c.answer_id).where(ANSWERS.c.answer_id.not_in(select(AUDIT.c.answer_id)))
            ).scalars()
            strays = list(stray)
            return verify_chain(self.chain, _lines(connection), anchors, counted, strays)

    def close(self) -> None:
        """Give back all connections."""
        self.database.close()

    @contextmanager
    def open_for_writing(self) -> Iterator[Connection]:
        """Hold the write lock for several pieces of work that belong together."""
        with self.database.writing() as connection:
            yield connection


def open_store(url: str, key: bytes) -> SqlHistoryStore:
    """Open a history store, creating its tables where they are missing.

    Args:
        url: address of the database.
        key: secret of the installation that seals the audit chain.
    """
    database = Database(url)
    try:
        database.prepare()
    except EncoursError:
        database.close()
        raise
    return SqlHistoryStore(database, Chain(key))


def is_store_there(url: str) -> bool:
    """Say whether there can be a store at an address; a SQLite file that was never created contains none.

    Args:
        url: address of the database.
    """
    path = sqlite_file(url)
    return path is None or path.exists()


def _history_of(
    connection: Connection, customer_ids: Sequence[str], moment: Moment, *, with_mail_texts: bool = True
) -> HistoryAtMoment:
    ledger = read_ledger_tables(connection, customer_ids, with_mail_texts=with_mail_texts)
    overrides, signals = read_overrides(connection, customer_ids), read_signals(connection, customer_ids)
    return HistoryAtMoment(ledger, moment, overrides, signals)


def _lines(connection: Connection) -> Iterator[tuple[AuditLine, Evidence]]:
    names = [column.name for column in AUDIT.columns]
    statement = (
        select(AUDIT, ANSWERS.c.answer_id.label("found"), ANSWERS.c.body, ANSWERS.c.erased_at)
        .join(ANSWERS, ANSWERS.c.answer_id == AUDIT.c.answer_id, isouter=True)
        .order_by(AUDIT.c.position)
    )
    for row in connection.execution_options(yield_per=1000).execute(statement).mappings():
        line = AuditLine(**{name: row[name] for name in names})
        yield line, Evidence(row["found"] is not None, row["body"], row["erased_at"])
