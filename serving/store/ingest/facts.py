"""Ingests facts, in any order and as often as they are sent: the writing half of the history store.

Every function works inside a writing transaction that its caller holds; either all of a request is stored or
nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from features.errors import Fault, InvalidInputError
from features.ledger.ledger import KNOWN_TIMES
from features.messages import localized
from serving.store.database import advance_counter
from serving.store.facts import (
    REPLACED_BY_NEWER,
    Conflict,
    ConflictError,
    Fact,
    FactOutcome,
    Outcome,
    differing_columns,
    is_completion,
    is_older_version,
)
from serving.store.frames import readable
from serving.store.ingest.customer_history import CUSTOMER_HISTORY, note_changes, state_history
from serving.store.ingest.customer_merges import CUSTOMER_MERGES, refuse_merges, with_merged
from serving.store.ingest.instalments import INSTALMENTS, refuse_receivable_ids, replace_instalments
from serving.store.ingest.merging import fillable_columns
from serving.store.known_ids import attach_pending, note_facts, with_known_ids
from serving.store.tables import (
    BLANKED,
    CHANGES,
    ERASED_FACTS,
    FACT_COLUMNS,
    FACTS,
    FEEDS,
    FOLLOWS_INVOICE,
    IDENTIFYING,
    STATEMENTS,
    fact_key,
    in_chunks,
    key_column,
    owner_of,
)

#: Tables that features of other customers do not read: sector, country and portfolio are computed from payments.
OWN_TABLES: Final = frozenset({"disputes", "emails", "interactions"})
#: Name under which statements about a table are offered beside facts.
FEED_STATEMENTS: Final = "feeds"

_NO_PLACE: Final = -1
_WRITING: Final = (Outcome.ACCEPTED, Outcome.REPLACED, Outcome.PENDING)
_Known = dict[tuple[str, str], Mapping[str, Any]]


def ingest(
    connection: Connection, facts: Sequence[Fact], received_at: dt.datetime, origin: str = "event"
) -> tuple[FactOutcome, ...]:
    """Store facts and return what became of each, in the order offered.

    A fact sent again with the same content is accepted and changes nothing. Of a customer described in part, what is
    not stated stays as it is known, and what changes of its dated attributes is noted in its history. A payment,
    dispute or table of instalments whose invoice is unknown is stored and counts from the moment the invoice arrives,
    also when both are in this request, in any order.

    Raises:
        ConflictError: when an id is known with another content; nothing of the request is stored then.
        AmbiguousIdError: when a reference may mean several known ids; nothing is stored then.
        FactsRefusedError: when a fact contradicts what is known; nothing is stored then.
    """
    offered = list(enumerate(with_known_ids(connection, facts)))
    feed_outcomes = {
        place: _declared_complete(connection, fact, received_at)
        for place, fact in offered
        if fact.table == FEED_STATEMENTS
    }
    of_days = [(place, fact) for place, fact in offered if fact.table == CUSTOMER_HISTORY]
    in_parts = [(place, fact) for place, fact in offered if fact.parts is not None]
    dated_outcomes, described = state_history(connection, of_days, received_at)
    apart = {*feed_outcomes, *dated_outcomes, *(place for place, _ in in_parts)}
    places = [place for place, _ in offered if place not in apart]
    facts = [*described, *(offered[place][1] for place in places)]
    places = [*(_NO_PLACE for _ in described), *places]
    known = _known_facts(connection, facts)
    erased = _erased_keys(connection, facts)
    facts = [_blanked(fact) if (fact.table, fact.key) in erased else fact for fact in facts]
    erased = {at for at in erased if at[0] != BLANKED}
    conflicts: list[Conflict] = []
    verdicts: list[Outcome] = []
    fresh: _Known = {}
    changed: _Known = {}
    for position, fact in zip(places, facts, strict=True):
        at = (fact.table, fact.key)
        before = fresh.get(at) or changed.get(at) or known.get(at)
        fact = fact.completed_by(before)
        verdict = Outcome.ERASED if at in erased else _verdict(fact, before)
        if verdict is None:
            columns = differing_columns(fact.table, before or {}, fact.values)
            conflicts.append(
                Conflict(
                    position,
                    fact.table,
                    fact.key,
                    readable({column: (before or {})[column] for column in columns}),
                    readable({column: fact.values[column] for column in columns}),
                )
            )
            continue
        verdicts.append(verdict)
        if verdict is Outcome.ACCEPTED or (verdict is not Outcome.ALREADY_KNOWN and at in fresh):
            fresh[at] = fact.values
        elif verdict in {Outcome.COMPLETED, Outcome.REPLACED}:
            changed[at] = fact.values
    if conflicts:
        raise ConflictError(tuple(conflicts))
    customers = _customers_of_invoices(connection, [*facts, *(fact for _, fact in in_parts)])
    _write(connection, fresh, changed, customers, received_at, origin)
    note_facts(connection, (Fact(table, values) for (table, _), values in fresh.items()), customers)
    part_outcomes = replace_instalments(connection, in_parts, customers, received_at)
    note_facts(connection, (fact for _, fact in in_parts if fact.parts), customers)
    own = list(zip(places, facts, strict=True))
    refuse_merges(connection, [(place, fact) for place, fact in own if fact.table == CUSTOMER_MERGES])
    refuse_receivable_ids(connection, [(place, fact) for place, fact in own if fact.table == "invoices"])
    arrived = {key: customers[key] for table, key in fresh if table == "invoices"}
    touched = attach_pending(connection, arrived, customers) if arrived else set()
    outcomes = {**feed_outcomes, **dated_outcomes, **part_outcomes}
    for place, fact, verdict in zip(places, facts, verdicts, strict=True):
        if place != _NO_PLACE:
            outcomes[place] = _outcome(fact, verdict, customers)
    written = {(table, key) for table, key in (*fresh, *changed)}
    touched |= {
        done.customer_id
        for place, done in outcomes.items()
        if done.customer_id
        and ((done.table, done.key) in written or (place in apart and done.outcome in _WRITING))
    }
    people = {key: values for (table, key), values in {**fresh, **changed}.items() if table == "customers"}
    is_noted = note_changes(
        connection,
        {key: (known.get(("customers", key)), values) for key, values in people.items()},
        received_at,
    )
    touched |= set(people)
    if touched:
        is_own = {table for table, _ in written} <= OWN_TABLES and not (people or apart or arrived)
        mark_changed(connection, touched, is_own=is_own)
    newest = _newest_days({**fresh, **changed}, received_at.date())
    days = [fact.values["valid_from_on"] for _, fact in of_days] + [received_at.date()] * is_noted
    if days:
        newest[CUSTOMER_HISTORY] = max(days)
    if part_outcomes:
        newest[INSTALMENTS] = None
    note_feeds(connection, newest, received_at)
    return tuple(outcomes[place] for place in sorted(outcomes))


def _newest_days(facts: _Known, received_on: dt.date) -> dict[str, dt.date | None]:
    """Return the last day on which a fact of each table became known; none is newer than the day it came."""
    newest: dict[str, dt.date | None] = {}
    for (table, _), values in facts.items():
        found = (values.get(column) for column in KNOWN_TIMES[table])
        days = [day.date() if isinstance(day, dt.datetime) else day for day in found if day is not None]
        newest[table] = max(
            (min(day, received_on) for day in [*days, newest.get(table)] if day is not None), default=None
        )
    return newest


def note_statements(connection: Connection, table: str, stated: Iterable[tuple[str, str, Any]]) -> None:
    """Record values that events gave for facts of the batch: key, column and value; null withdraws a value."""
    for key, column, value in stated:
        is_it = (
            (STATEMENTS.c.table_name == table)
            & (STATEMENTS.c.fact_id == key)
            & (STATEMENTS.c.column_name == column)
        )
        connection.execute(delete(STATEMENTS).where(is_it))
        if value is not None:
            text = json.dumps(value, default=lambda day: day.isoformat())
            connection.execute(
                insert(STATEMENTS).values(table_name=table, fact_id=key, column_name=column, value=text)
            )


def mark_changed(connection: Connection, customer_ids: Iterable[str], *, is_own: bool = False) -> int:
    """Record that these customers' histories changed, and return the number of this change.

    Those that are one payer with one of them changed too.

    Args:
        connection: inside a writing transaction.
        customer_ids: the customers.
        is_own: nothing changed that features of other customers are made of (`OWN_TABLES`).
    """
    change = advance_counter(connection, "change")
    if not is_own:
        advance_counter(connection, "context")
    ids = sorted(with_merged(connection, customer_ids))
    for chunk in in_chunks(ids):
        connection.execute(delete(CHANGES).where(CHANGES.c.customer_id.in_(chunk)))
    if ids:
        connection.execute(insert(CHANGES), [{"customer_id": key, "change": change} for key in ids])
    return change


def note_feeds(
    connection: Connection, newest: Mapping[str, dt.date | None], received_at: dt.datetime
) -> None:
    """Record that facts of these tables arrived, and the newest day on which one became known."""
    for table, day in sorted(newest.items()):
        known_on = connection.execute(select(FEEDS.c.known_on).where(FEEDS.c.name == table)).scalar()
        known_on = max((each for each in (known_on, day) if each is not None), default=None)
        values = {"is_provided": True, "received_at": received_at, "known_on": known_on}
        done = connection.execute(update(FEEDS).where(FEEDS.c.name == table).values(**values))
        if done.rowcount == 0:
            connection.execute(insert(FEEDS).values(name=table, **values))


def _declared_complete(connection: Connection, fact: Fact, received_at: dt.datetime) -> FactOutcome:
    """Record the day through which the source declares a table complete; it never moves back.

    Raises:
        InvalidInputError: the day has not come yet.
    """
    name, day = str(fact.values["name"]), fact.values["complete_through_on"]
    if day > received_at.astimezone(dt.UTC).date():
        raise InvalidInputError(
            localized("A feed is not complete through a day to come; nothing was stored."),
            [
                Fault(
                    localized("{name}: the day lies in the future", name=name),
                    "complete_through_on",
                    localized("today (UTC) or earlier"),
                )
            ],
        )
    before = connection.execute(select(FEEDS.c.declared_through_on).where(FEEDS.c.name == name)).first()
    outcome = Outcome.ACCEPTED
    if before is None:
        connection.execute(insert(FEEDS).values(name=name, is_provided=False, declared_through_on=day))
    elif before[0] is not None and before[0] >= day:
        outcome = Outcome.ALREADY_KNOWN
    else:
        outcome = Outcome.ACCEPTED if before[0] is None else Outcome.REPLACED
        connection.execute(update(FEEDS).where(FEEDS.c.name == name).values(declared_through_on=day))
    return FactOutcome(fact.table, name, outcome, None)


def _blanked(fact: Fact) -> Fact:
    """Return a customer without what was erased on request; any other fact unchanged."""
    if fact.table != BLANKED:
        return fact
    return replace(fact, values={**fact.values, **dict.fromkeys(IDENTIFYING)})


def _verdict(fact: Fact, before: Mapping[str, Any] | None) -> Outcome | None:
    """Compare an offered fact with the one known under its id; None is a conflict."""
    if before is None:
        return Outcome.ACCEPTED
    if not differing_columns(fact.table, before, fact.values):
        return Outcome.ALREADY_KNOWN
    if fact.table in REPLACED_BY_NEWER:
        return Outcome.REPLACED
    if is_completion(fact.table, before, fact.values):
        return Outcome.COMPLETED
    if is_older_version(fact.table, before, fact.values):
        return Outcome.ALREADY_KNOWN
    return None


def _outcome(fact: Fact, verdict: Outcome, customers: Mapping[str, str]) -> FactOutcome:
    customer = owner_of(fact.table, fact.values, customers)
    if customer is None and verdict is Outcome.ACCEPTED:
        verdict = Outcome.PENDING
    return FactOutcome(fact.table, fact.key, verdict, customer)


def _keys_by_table(facts: Sequence[Fact]) -> dict[str, list[str]]:
    keys: dict[str, set[str]] = {}
    for fact in facts:
        keys.setdefault(fact.table, set()).add(fact.key)
    return {table: sorted(found) for table, found in keys.items()}


def _known_facts(connection: Connection, facts: Sequence[Fact]) -> _Known:
    found: _Known = {}
    for table, keys in _keys_by_table(facts).items():
        columns = [FACTS[table].c[name] for name in FACT_COLUMNS[table]]
        key = FACTS[table].c[key_column(table)]
        for chunk in in_chunks(keys):
            for row in connection.execute(select(*columns).where(key.in_(chunk))).mappings():
                found[table, fact_key(table, dict(row))] = dict(row)
    return found


def _erased_keys(connection: Connection, facts: Sequence[Fact]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for table, keys in _keys_by_table(facts).items():
        for chunk in in_chunks(keys):
            statement = select(ERASED_FACTS.c.fact_id).where(
                ERASED_FACTS.c.table_name == table, ERASED_FACTS.c.fact_id.in_(chunk)
            )
            found |= {(table, key) for key in connection.execute(statement).scalars()}
    return found


def _customers_of_invoices(connection: Connection, facts: Sequence[Fact]) -> dict[str, str]:
    """Return who owes each invoice that the facts name, as far as it is known now."""
    customers = {fact.key: str(fact.values["customer_id"]) for fact in facts if fact.table == "invoices"}
    named = (fact.values["invoice_id"] for fact in facts if fact.table in FOLLOWS_INVOICE)
    wanted = {str(invoice_id) for invoice_id in named if invoice_id is not None}
    invoices = FACTS["invoices"]
    for chunk in in_chunks(sorted(wanted - set(customers))):
        statement = select(invoices.c.invoice_id, invoices.c.customer_id).where(
            invoices.c.invoice_id.in_(chunk)
        )
        customers.update((row[0], row[1]) for row in connection.execute(statement))
    return customers


def _write(
    connection: Connection,
    fresh: _Known,
    changed: _Known,
    customers: Mapping[str, str],
    received_at: dt.datetime,
    origin: str,
) -> None:
    added: dict[str, list[dict[str, Any]]] = {}
    for (table, key), values in fresh.items():
        row = {**values, "origin": origin, "received_at": received_at, key_column(table): key}
        if table in FOLLOWS_INVOICE:
            row["customer_id"] = owner_of(table, values, customers)
        added.setdefault(table, []).append(row)
    for table, rows in added.items():
        connection.execute(insert(FACTS[table]), rows)
    for (table, key), values in changed.items():
        is_it = FACTS[table].c[key_column(table)] == key
        before = connection.execute(select(FACTS[table]).where(is_it)).mappings().one()
        # A customer was received when it was first described, whatever becomes known of it later.
        since = before["received_at"] if table in REPLACED_BY_NEWER else received_at
        connection.execute(update(FACTS[table]).where(is_it).values(**values, received_at=since))
        if before["origin"] == "batch":
            stated = [column for column in fillable_columns(table) if values[column] != before[column]]
            note_statements(connection, table, [(key, column, values[column]) for column in stated])
