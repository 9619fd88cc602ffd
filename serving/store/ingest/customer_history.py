"""Storing the history of customers' attributes: what events state of a day, and what a change of a customer notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from features.errors import Fault
from features.messages import localized
from serving.store.facts import Fact, FactOutcome, FactsRefusedError, Outcome
from serving.store.ingest.attribute_history import (
    DATED_COLUMNS,
    NOTHING_KNOWN,
    Described,
    History,
    HistoryRow,
    dated,
    in_force,
    present_of,
    with_change,
    with_statement,
)
from serving.store.ingest.merging import NAMING_CUSTOMERS
from serving.store.tables import FACT_COLUMNS, FACTS, fact_key, in_chunks

CUSTOMER_HISTORY: Final = "customer_history"
_TABLE: Final = FACTS[CUSTOMER_HISTORY]
_CUSTOMERS: Final = FACTS["customers"]


def state_history(
    connection: Connection, facts: Sequence[tuple[int, Fact]], received_at: dt.datetime
) -> tuple[dict[int, FactOutcome], list[Fact]]:
    """Store what events state about the attributes of customers from a day on.

    Args:
        connection: inside a writing transaction.
        facts: statements with their places in the request, of customers by their known ids.
        received_at: instant of the request.

    Returns:
        What became of each statement by its place, and the customers as they are now where a statement says so: facts
        to be stored like those of a customer event.

    Raises:
        FactsRefusedError: a day has not come yet.
    """
    today = received_at.astimezone(dt.UTC).date()
    faults = [
        (
            place,
            Fault(
                localized(
                    "the attributes of {customer_id} cannot be known from a day to come",
                    customer_id=fact.values["customer_id"],
                ),
                "valid_from_on",
                localized("today (UTC) or earlier"),
                localized("send it on the day"),
            ),
        )
        for place, fact in facts
        if fact.values["valid_from_on"] > today
    ]
    if faults:
        raise FactsRefusedError(faults)
    ids = sorted({str(fact.values["customer_id"]) for _, fact in facts})
    stored, known = read_histories(connection, ids), known_customers(connection, ids)
    outcomes: dict[int, FactOutcome] = {}
    present: dict[str, dict[str, Any]] = {}
    for place, fact in facts:
        customer_id, day = str(fact.values["customer_id"]), fact.values["valid_from_on"]
        history, before = stored.get(customer_id, {}), known.get(customer_id)
        row = _stated(fact, history, before)
        outcome = Outcome.ACCEPTED if day not in history else Outcome.REPLACED
        if day in history and dict(history[day].attributes) == row:
            outcome = Outcome.ALREADY_KNOWN
        else:
            after = with_statement(history, before, row, day, "event")
            write_history(connection, customer_id, history, after, received_at)
            stored[customer_id] = after
            now = present_of(after, NOTHING_KNOWN if before is None else before.attributes)
            known[customer_id] = Described(now, today if before is None else before.since_on)
            present[customer_id] = now
        outcomes[place] = FactOutcome(fact.table, fact.key, outcome, customer_id)
    blank = dict.fromkeys(FACT_COLUMNS["customers"])
    return outcomes, [
        Fact("customers", {**blank, **values, "customer_id": customer_id}, frozenset(DATED_COLUMNS))
        for customer_id, values in sorted(present.items())
    ]


def note_changes(
    connection: Connection,
    described: Mapping[str, tuple[Mapping[str, Any] | None, Mapping[str, Any]]],
    received_at: dt.datetime,
) -> bool:
    """Note that attributes of customers became known to be others; return whether a row was written.

    Args:
        connection: inside a writing transaction that has stored the customers.
        described: row of each customer before and after; before is null when it was never described.
        received_at: instant of the change.
    """
    day = received_at.astimezone(dt.UTC).date()
    moved = {
        key: (None if before is None else dated(before), dated(after))
        for key, (before, after) in described.items()
        if before is None or dated(before) != dated(after)
    }
    if not moved:
        return False
    stored = read_histories(connection, moved)
    since = first_known_days(connection, [key for key, pair in moved.items() if pair[0] is not None])
    since |= first_named_days(connection, [key for key, pair in moved.items() if pair[0] is None])
    is_written = False
    for key, (before, after) in sorted(moved.items()):
        earlier = Described(before or NOTHING_KNOWN, since[key]) if key in since else None
        history = stored.get(key, {})
        noted = with_change(history, earlier, after, day)
        write_history(connection, key, history, noted, received_at)
        is_written |= noted != history
    return is_written


def known_customers(connection: Connection, ids: Iterable[str]) -> dict[str, Described]:
    """Return what is known of each of these customers: of one that is only named its id, of a stranger nothing."""
    wanted = sorted(ids)
    since = first_known_days(connection, wanted)
    found = {key: Described(dict(NOTHING_KNOWN), day) for key, day in since.items()}
    columns = [_CUSTOMERS.c.customer_id, *(_CUSTOMERS.c[name] for name in DATED_COLUMNS)]
    for chunk in in_chunks(wanted):
        statement = select(*columns).where(_CUSTOMERS.c.customer_id.in_(chunk))
        for row in connection.execute(statement).mappings():
            key = str(row["customer_id"])
            found[key] = Described(dated(dict(row)), since[key])
    return found


def first_known_days(connection: Connection, ids: Iterable[str]) -> dict[str, dt.date]:
    """Return the day on which each of these customers was first described, or else first named by a fact."""
    wanted = sorted(ids)
    found: dict[str, dt.date] = {}
    for chunk in in_chunks(wanted):
        statement = select(_CUSTOMERS.c.customer_id, _CUSTOMERS.c.received_at)
        rows = connection.execute(statement.where(_CUSTOMERS.c.customer_id.in_(chunk)))
        found |= {row[0]: row[1].date() for row in rows}
    return first_named_days(connection, [key for key in wanted if key not in found]) | found


def first_named_days(connection: Connection, ids: Sequence[str]) -> dict[str, dt.date]:
    """Return the day on which a fact first named each of these customers; one that none names is left out."""
    found: dict[str, dt.date] = {}
    for table in NAMING_CUSTOMERS:
        facts = FACTS[table]
        for chunk in in_chunks(ids):
            statement = select(facts.c.customer_id, func.min(facts.c.received_at))
            named = statement.where(facts.c.customer_id.in_(chunk)).group_by(facts.c.customer_id)
            for key, instant in connection.execute(named):
                found[key] = min(found.get(key, dt.date.max), instant.date())
    return found


def read_histories(connection: Connection, ids: Iterable[str]) -> dict[str, dict[dt.date, HistoryRow]]:
    """Return the history of each of these customers; one without rows is left out."""
    found: dict[str, dict[dt.date, HistoryRow]] = {}
    for chunk in in_chunks(sorted(ids)):
        for row in connection.execute(select(_TABLE).where(_TABLE.c.customer_id.in_(chunk))).mappings():
            stored = dict(row)
            made = HistoryRow(dated(stored), stored["origin"])
            found.setdefault(stored["customer_id"], {})[stored["valid_from_on"]] = made
    return found


def write_history(
    connection: Connection, customer_id: str, before: History, after: History, received_at: dt.datetime
) -> None:
    """Store a customer's history in place of the one before."""
    key = {"customer_id": customer_id}
    gone = [day for day, row in before.items() if after.get(day) != row]
    keys = [fact_key(CUSTOMER_HISTORY, {**key, "valid_from_on": day}) for day in gone]
    for chunk in in_chunks(keys):
        connection.execute(delete(_TABLE).where(_TABLE.c.fact_key.in_(chunk)))
    rows = []
    for day, row in sorted(after.items()):
        if before.get(day) != row:
            values = {**key, "valid_from_on": day, **row.attributes}
            made = {"fact_key": fact_key(CUSTOMER_HISTORY, values), "origin": row.origin}
            rows.append({**values, **made, "received_at": received_at})
    if rows:
        connection.execute(insert(_TABLE), rows)


def _stated(fact: Fact, history: History, before: Described | None) -> dict[str, Any]:
    """The attributes a statement gives: what it leaves out is as it is known of its day."""
    day, present = fact.values["valid_from_on"], NOTHING_KNOWN if before is None else before.attributes
    stored = history[day].attributes if day in history else in_force(history, present, day)
    is_stated = fact.stated is None
    return {
        name: fact.values[name] if is_stated or name in (fact.stated or ()) else stored[name]
        for name in DATED_COLUMNS
    }
