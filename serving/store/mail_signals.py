"""What the e-mails of the history say: one row per mail that was read, or set aside; written by the one mail reader.

A mail is waiting until it has a row of the present reader. A mail that is corrected or erased loses its row
and is read anew or not at all. A *lease* says which process reads: it is valid for a while and is renewed, so that
another takes over when the process dies.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from features.signal_labels import signals_schema
from serving.store.frames import frame_of, value_of_json
from serving.store.tables import FACT_COLUMNS, FACTS, LEASES, MAIL_SIGNALS, in_chunks

_EMAILS: Final = FACTS["emails"]


@dataclass(frozen=True)
class MailRead:
    """One mail that was read, or that the reader failed on.

    Attributes:
        email_id: the mail.
        content: what `content_of` gave when it was read.
        signals: what `as_text` made of its row of the signal table; null when it was set aside.
        failure: why it was set aside, in the name of a failure; null when it was read.
    """

    email_id: str
    content: str
    signals: str | None
    failure: str | None = None


@dataclass(frozen=True)
class MailsWaiting:
    """How far the reader is.

    Attributes:
        count: inbound mails that the present reader has not read.
        oldest_at: instant the oldest of them was received; null when none waits.
        set_aside: mails the reader failed on.
    """

    count: int
    oldest_at: dt.datetime | None
    set_aside: int


def content_of(mail: Mapping[str, Any]) -> str:
    """Return the digest of what a mail says and when; it changes when a mail is corrected."""
    parts = [
        mail["customer_id"],
        mail["sent_at"].astimezone(dt.UTC).isoformat(),
        mail["subject"],
        mail["body"],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def as_text(signals: Mapping[str, Any]) -> str:
    """Return a row of the signal table as it is stored."""
    return json.dumps(dict(signals), default=lambda value: value.isoformat(), allow_nan=False)


def read_waiting_mails(connection: Connection, reader: str, at_most: int) -> pl.DataFrame:
    """Return mails that this reader has not read, the newest first: the columns of the ledger and the payer's country.

    Args:
        connection: of the store.
        reader: version of the reader.
        at_most: mails at most.
    """
    columns = [_EMAILS.c[name] for name in FACT_COLUMNS["emails"]]
    customers = FACTS["customers"]
    newest = (_EMAILS.c.sent_at.desc(), _EMAILS.c.email_id)
    rows = connection.execute(
        select(*columns, customers.c.country)
        .join(customers, customers.c.customer_id == _EMAILS.c.customer_id, isouter=True)
        .where(_waits(reader))
        .order_by(*newest)
        .limit(at_most)
    ).all()
    countries = pl.DataFrame(
        [(row.email_id, row.country) for row in rows],
        schema={"email_id": pl.String, "country": pl.String},
        orient="row",
    )
    mails = frame_of("emails", [tuple(row)[:-1] for row in rows])
    return mails.join(countries, on="email_id", how="left", validate="1:1").sort(
        "sent_at", "email_id", descending=[True, False]
    )


def count_waiting_mails(connection: Connection, reader: str) -> MailsWaiting:
    """Return how many mails wait for this reader, and since when."""
    waiting = select(func.count(), func.min(_EMAILS.c.received_at)).where(_waits(reader))
    count, oldest = connection.execute(waiting).one()
    aside = select(func.count()).select_from(MAIL_SIGNALS)
    is_aside = (MAIL_SIGNALS.c.reader == reader) & MAIL_SIGNALS.c.failure.is_not(None)
    set_aside = connection.execute(aside.where(is_aside)).scalar_one()
    return MailsWaiting(int(count), oldest, int(set_aside))


def store_signals(
    connection: Connection, reads: Sequence[MailRead], reader: str, now: dt.datetime
) -> set[str]:
    """Store what mails say, inside a writing transaction; return the customers concerned.

    A mail that was corrected or erased while it was being read is left waiting, or gone.
    """
    mails = _mails(connection, [read.email_id for read in reads])
    fresh = [
        read for read in reads if read.email_id in mails and content_of(mails[read.email_id]) == read.content
    ]
    forget_signals(connection, [read.email_id for read in fresh])
    rows = [
        {
            "email_id": read.email_id,
            "customer_id": mails[read.email_id]["customer_id"],
            "content": read.content,
            "reader": reader,
            "failure": read.failure,
            "body": read.signals,
            "read_at": now,
        }
        for read in fresh
    ]
    if rows:
        connection.execute(insert(MAIL_SIGNALS), rows)
    return {row["customer_id"] for row in rows}


def read_signals(connection: Connection, customer_ids: Sequence[str] | None = None) -> pl.DataFrame:
    """Return what the mails of all customers, or of the given ones, say, as far as they are read."""
    statement = (
        select(MAIL_SIGNALS.c.body).where(MAIL_SIGNALS.c.body.is_not(None)).order_by(MAIL_SIGNALS.c.email_id)
    )
    if customer_ids is None:
        bodies = list(connection.execute(statement).scalars())
    else:
        bodies = []
        for chunk in in_chunks(sorted(customer_ids)):
            is_theirs = MAIL_SIGNALS.c.customer_id.in_(chunk)
            bodies += connection.execute(statement.where(is_theirs)).scalars()
    return _frame(bodies).sort("email_id")


def forget_signals(connection: Connection, email_ids: Iterable[str]) -> None:
    """Remove what these mails say: they are gone, erased or read anew."""
    for chunk in in_chunks(sorted(email_ids)):
        connection.execute(delete(MAIL_SIGNALS).where(MAIL_SIGNALS.c.email_id.in_(chunk)))


def take_lease(connection: Connection, name: str, holder: str, now: dt.datetime, seconds: float) -> bool:
    """Take or renew a lease inside a writing transaction; return whether it is the holder's now."""
    row = connection.execute(
        select(LEASES.c.holder, LEASES.c.expires_at).where(LEASES.c.name == name)
    ).first()
    values = {"holder": holder, "expires_at": now + dt.timedelta(seconds=seconds)}
    if row is None:
        connection.execute(insert(LEASES).values(name=name, **values))
        return True
    if row[0] != holder and row[1] > now:
        return False
    connection.execute(update(LEASES).where(LEASES.c.name == name).values(**values))
    return True


def lease_holder(connection: Connection, name: str, now: dt.datetime) -> str | None:
    """Return who holds a lease now; null when nobody does."""
    row = connection.execute(
        select(LEASES.c.holder, LEASES.c.expires_at).where(LEASES.c.name == name)
    ).first()
    return None if row is None or row[1] <= now else str(row[0])


def end_lease(connection: Connection, name: str, holder: str) -> None:
    """Give a lease back, so that another can take it at once."""
    connection.execute(delete(LEASES).where(LEASES.c.name == name, LEASES.c.holder == holder))


def _waits(reader: str) -> ColumnElement[bool]:
    is_read = select(MAIL_SIGNALS.c.email_id).where(
        MAIL_SIGNALS.c.email_id == _EMAILS.c.email_id, MAIL_SIGNALS.c.reader == reader
    )
    return and_(_EMAILS.c.direction == "inbound", ~is_read.exists())


def _mails(connection: Connection, email_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    columns = [_EMAILS.c[name] for name in ("email_id", "customer_id", "sent_at", "subject", "body")]
    found: dict[str, dict[str, Any]] = {}
    for chunk in in_chunks(sorted(email_ids)):
        rows = connection.execute(select(*columns).where(_EMAILS.c.email_id.in_(chunk))).mappings()
        found.update({row["email_id"]: dict(row) for row in rows})
    return found


_NO_SIGNALS: Final = pl.DataFrame(schema=signals_schema())


def _frame(bodies: Iterable[str]) -> pl.DataFrame:
    schema = _NO_SIGNALS.schema
    rows = []
    for body in bodies:
        row = json.loads(body)
        rows.append([value_of_json(row.get(name), dtype) for name, dtype in schema.items()])
    return pl.DataFrame(rows, schema=schema, orient="row") if rows else _NO_SIGNALS
