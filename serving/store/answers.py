"""What the service answered, stored in full and chained: scores, simulations, overrides, exports and erasures.

An answer's body can be erased on request; the line of the chain has its hash only, so that the chain stays
whole and still proves that what was not erased is unchanged.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, desc, insert, select, update
from sqlalchemy.exc import NoResultFound

from serving.store.audit import GENESIS_HASH, Chain, body_hash
from serving.store.tables import ANSWER_ID_LENGTH, ANSWERS, AUDIT, COUNTERS

SCORE: Final = "score"
SIMULATION: Final = "simulation"
OVERRIDE: Final = "override"
EXPORT: Final = "export"
ERASURE: Final = "erasure"


# Made once: for one answer, making a statement costs as much as running it.
_KNOWN: Final = select(AUDIT.c.answer_id).where(AUDIT.c.answer_id.in_(bindparam("ids", expanding=True)))
_END: Final = (
    select(COUNTERS.c.value, AUDIT.c.line_hash)
    .select_from(COUNTERS.outerjoin(AUDIT, AUDIT.c.position == COUNTERS.c.value))
    .where(COUNTERS.c.name == "audit")
)
_NEW_ANSWER: Final = insert(ANSWERS)
_NEW_LINE: Final = insert(AUDIT)
_COUNT: Final = update(COUNTERS).where(COUNTERS.c.name == "audit").values(value=bindparam("position"))


@dataclass(frozen=True)
class Answer:
    """One thing the service answered or did, ready to be stored.

    Attributes:
        answer_id: id under which it can be requested.
        kind: score, simulation, override, export or erasure.
        subject_id: the invoice of a score, nothing for a simulation, the score of an override; null for the others.
        customer_id: the customer concerned; null when there is none.
        created_at: UTC instant.
        caller: name of the caller's key.
        body: everything answered, with the inputs and versions; JSON values.
    """

    answer_id: str
    kind: str
    subject_id: str | None
    customer_id: str | None
    created_at: dt.datetime
    caller: str
    body: dict[str, Any]


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as it was stored; `body` is null once erased, `is_nightly` until a person decides on it."""

    answer_id: str
    kind: str
    subject_id: str | None
    customer_id: str | None
    created_at: dt.datetime
    body: dict[str, Any] | None
    erased_at: dt.datetime | None
    is_nightly: bool = False


def new_answer_id(kind: str) -> str:
    """Return a new id, such as `score-1b4e28ba2fa111ef9b600242ac120002`; ids are not guessable."""
    return f"{kind}-{uuid.uuid4().hex}"[:ANSWER_ID_LENGTH]


def canonical_json(body: dict[str, Any]) -> str:
    """Return the one text of a body: sorted keys, no blanks, no NaN."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def append_answers(connection: Connection, answers: Sequence[Answer], chain: Chain) -> int:
    """Store answers and chain them, inside a writing transaction; return the position of the last line.

    An answer already stored under its id is not stored twice (a spool may be replayed).
    """
    ids = [answer.answer_id for answer in answers]
    position, previous = _end_of_chain(connection)
    known = set(connection.execute(_KNOWN, {"ids": ids}).scalars())
    fresh = list({a.answer_id: a for a in answers if a.answer_id not in known}.values())
    if not fresh:
        return position
    rows, lines = [], []
    for answer in fresh:
        position += 1
        body = canonical_json(answer.body)
        line = chain.line(
            position,
            answer.created_at,
            answer.kind,
            answer.answer_id,
            answer.caller,
            body_hash(body),
            previous,
        )
        previous = line.line_hash
        lines.append(line.as_row())
        rows.append(
            {
                "answer_id": answer.answer_id,
                "kind": answer.kind,
                "subject_id": answer.subject_id,
                "customer_id": answer.customer_id,
                "created_at": answer.created_at,
                "body": body,
            }
        )
    connection.execute(_NEW_ANSWER, rows)
    connection.execute(_NEW_LINE, lines)
    connection.execute(_COUNT, {"position": position})
    return position


def _end_of_chain(connection: Connection) -> tuple[int, str]:
    """Position and hash of the last line; the write lock, which the transaction holds, keeps others from adding one."""
    position, line_hash = connection.execute(_END).one()
    if position and line_hash is None:
        raise NoResultFound("the last line of the audit chain is gone")
    return int(position), str(line_hash) if position else GENESIS_HASH


def read_answer(connection: Connection, answer_id: str) -> StoredAnswer | None:
    """Return one stored answer; null when the id is unknown."""
    row = connection.execute(select(ANSWERS).where(ANSWERS.c.answer_id == answer_id)).mappings().first()
    return None if row is None else _kept(row)


def read_answers(connection: Connection, kind: str, subject_id: str, newest: int = 100) -> list[StoredAnswer]:
    """Return the newest answers of one kind on one subject, newest first."""
    statement = (
        select(ANSWERS)
        .join(AUDIT, AUDIT.c.answer_id == ANSWERS.c.answer_id)
        .where(ANSWERS.c.kind == kind, ANSWERS.c.subject_id == subject_id)
        .order_by(desc(AUDIT.c.position))
        .limit(newest)
    )
    return [_kept(row) for row in connection.execute(statement).mappings()]


def _kept(row: RowMapping) -> StoredAnswer:
    body = row["body"]
    return StoredAnswer(
        answer_id=row["answer_id"],
        kind=row["kind"],
        subject_id=row["subject_id"],
        customer_id=row["customer_id"],
        created_at=row["created_at"],
        body=None if body is None else json.loads(body),
        erased_at=row["erased_at"],
    )
