"""What last night's job answered on each open invoice: found by invoice or by id, replaced every night."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection, RowMapping, delete, insert, select

from serving.store.answers import SCORE, Answer, StoredAnswer, canonical_json
from serving.store.database import advance_counter
from serving.store.tables import NIGHTLY, in_chunks

Part = TypeVar("Part")
#: Counter of the last change that the facts of the coming night hold.
NIGHT_FACTS: Final = "night_facts"
#: Answers that are decoded together.
PART_ROWS: Final = 5_000


def replace_nightly(connection: Connection, answers: Sequence[Answer]) -> None:
    """Store these scores in place of the last night's, inside a writing transaction.

    Args:
        connection: inside a writing transaction.
        answers: one score per open invoice, each of a known invoice and customer.
    """
    advance_counter(connection, "night")
    connection.execute(delete(NIGHTLY))
    for chunk in in_chunks(answers):
        rows = [
            {
                "answer_id": answer.answer_id,
                "subject_id": answer.subject_id,
                "customer_id": answer.customer_id,
                "created_at": answer.created_at,
                "body": canonical_json(answer.body),
            }
            for answer in chunk
        ]
        connection.execute(insert(NIGHTLY), rows)


def read_nightly(connection: Connection, answer_id: str) -> StoredAnswer | None:
    """Return one score of last night; null when the id is none of them."""
    row = connection.execute(select(NIGHTLY).where(NIGHTLY.c.answer_id == answer_id)).mappings().first()
    return None if row is None else _kept(row)


def nightly_on(connection: Connection, invoice_id: str) -> list[StoredAnswer]:
    """Return last night's score of an invoice; nothing when it was not open."""
    statement = select(NIGHTLY).where(NIGHTLY.c.subject_id == invoice_id)
    return [_kept(row) for row in connection.execute(statement).mappings()]


def nightly_of(connection: Connection, customer_ids: Sequence[str]) -> list[StoredAnswer]:
    """Return last night's scores of all open invoices of some customers, sorted by invoice."""
    found: list[StoredAnswer] = []
    for chunk in in_chunks(customer_ids):
        statement = select(NIGHTLY).where(NIGHTLY.c.customer_id.in_(chunk))
        found += [_kept(row) for row in connection.execute(statement).mappings()]
    return sorted(found, key=lambda kept: str(kept.subject_id))


def nightly_parts(
    connection: Connection, decode: Callable[[Sequence[str]], Part]
) -> tuple[dt.datetime | None, list[Part]]:
    """Return the instant of last night, and its answers in parts of `PART_ROWS`, sorted by invoice.

    Args:
        connection: inside a transaction.
        decode: what is made of the bodies of a part, as JSON text; the texts are not held together.
    """
    statement = select(NIGHTLY.c.created_at, NIGHTLY.c.body).order_by(NIGHTLY.c.subject_id)
    computed_at: dt.datetime | None = None
    parts = []
    for rows in connection.execution_options(yield_per=PART_ROWS).execute(statement).partitions():
        computed_at = rows[0][0]
        parts.append(decode([str(row[1]) for row in rows]))
    return computed_at, parts


def _kept(row: RowMapping) -> StoredAnswer:
    return StoredAnswer(
        answer_id=row["answer_id"],
        kind=SCORE,
        subject_id=row["subject_id"],
        customer_id=row["customer_id"],
        created_at=row["created_at"],
        body=json.loads(row["body"]),
        erased_at=None,
        is_nightly=True,
    )
