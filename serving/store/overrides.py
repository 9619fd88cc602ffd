"""The overrides in force: the newest of each invoice, read from the stored answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, literal_column, select

from serving.dunning.deciding.facts import PersonOverride
from serving.store.tables import ANSWERS, AUDIT, in_chunks

Overrides = Mapping[str, Mapping[str, PersonOverride]]
"""Customer -> invoice -> the newest decision a person took about it; only those in force."""

_SCORES: Final = ANSWERS.alias("scores")
# The invoice is that of the score decided on: the body of an override may have been erased. The kind is written into
# the statement, for the databases use the index on overrides only where they can see that it applies.
_IN_ORDER: Final = (
    select(
        ANSWERS.c.answer_id, ANSWERS.c.customer_id, _SCORES.c.subject_id.label("invoice_id"), ANSWERS.c.body
    )
    .join(AUDIT, AUDIT.c.answer_id == ANSWERS.c.answer_id)
    .join(_SCORES, _SCORES.c.answer_id == ANSWERS.c.subject_id)
    .where(ANSWERS.c.kind == literal_column("'override'"), ANSWERS.c.customer_id.is_not(None))
    .order_by(AUDIT.c.position)
)


def read_overrides(connection: Connection, customer_ids: Sequence[str] | None = None) -> Overrides:
    """Return the overrides in force of all customers, or of the given ones; customers without one are left out.

    The newest override of an invoice is in force, in the order of the audit chain. One whose text was erased on
    request is not, and no older one replaces it.
    """
    if customer_ids is None:
        return _in_force(connection.execute(_IN_ORDER).mappings().all())
    found: dict[str, Mapping[str, PersonOverride]] = {}
    for chunk in in_chunks(customer_ids):
        statement = _IN_ORDER.where(ANSWERS.c.customer_id.in_(chunk))
        found |= _in_force(connection.execute(statement).mappings().all())
    return found


def _in_force(rows: Sequence[Mapping[Any, Any]]) -> dict[str, Mapping[str, PersonOverride]]:
    newest = {(row["customer_id"], row["invoice_id"]): row for row in rows if row["invoice_id"] is not None}
    found: dict[str, dict[str, PersonOverride]] = {}
    for (customer_id, invoice_id), row in newest.items():
        if row["body"] is not None:
            found.setdefault(customer_id, {})[invoice_id] = _override(row["answer_id"], row["body"])
    return dict(found)


def _override(override_id: str, text: str) -> PersonOverride:
    body = json.loads(text)
    hold_until = body["hold_until"]
    return PersonOverride(
        override_id=override_id,
        sequence_id=body["sequence_id"],
        decided_by=body["decided_by"],
        decided_on=dt.datetime.fromisoformat(body["created_at"]).astimezone(dt.UTC).date(),
        hold_until=None if hold_until is None else dt.date.fromisoformat(hold_until),
    )
