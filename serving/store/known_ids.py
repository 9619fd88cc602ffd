"""Ids by which facts name invoices and customers, brought to the ids that are known: ` f001 ` means F001.

The rule is `features.ids`: an id is met exactly, else by its match key when exactly one known id has that key; where
several have it the id is ambiguous, and the fact is refused. The store contains the match key of every known
invoice and customer, and of every invoice that facts wait for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, delete, insert, select, union, update

from features.errors import EncoursError
from features.ids import match_key, match_keys, resolved_ids
from features.ledger import KEYS
from features.ledger.references import REFERENCES
from serving.store.facts import Fact
from serving.store.tables import (
    FACTS,
    FOLLOWS_INVOICE,
    KNOWN_IDS,
    fact_key,
    in_chunks,
    key_column,
    store_column,
)

INVOICES: Final = "invoices"
CUSTOMERS: Final = "customers"
#: Invoices that are not known and for which facts wait.
AWAITED: Final = "awaited"
_OWN: Final = {INVOICES: {"invoice_id": INVOICES}, CUSTOMERS: {"customer_id": CUSTOMERS}}
_NAMED: Final = {
    table: {
        store_column(table, column): target
        for column, target in {**_OWN.get(table, {}), **REFERENCES.get(table, {})}.items()
    }
    for table in FACTS
}
_NAMING_CUSTOMERS: Final = (CUSTOMERS, INVOICES, "payments", "emails", "interactions")


@dataclass(frozen=True)
class AmbiguousId:
    """A reference that several known ids may mean.

    Attributes:
        position: place of the fact in the request, from 0.
        field: the ledger column that names it.
    """

    position: int
    field: str


class AmbiguousIdError(EncoursError):
    """Facts name something by an id that several known ids differ from in spelling only."""

    def __init__(self, found: tuple[AmbiguousId, ...]) -> None:
        self.found = found
        super().__init__(
            f"{len(found)} reference(s) may mean several known ids, first: {found[0].field} of fact "
            f"{found[0].position}; nothing was stored. To do: write the id exactly as it is known."
        )


def meanings(connection: Connection, kind: str, ids: Collection[str]) -> dict[str, str | None]:
    """Return which known id each of these means; null where several may be meant, itself where none is known.

    Args:
        connection: of the store.
        kind: `invoices` or `customers`.
        ids: ids in normal form.
    """
    return _resolved(ids, _candidates(connection, kind, ids))


def with_known_ids(connection: Connection, facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts with every invoice and customer named by its known id; those of the same request are known too.

    Raises:
        AmbiguousIdError: a reference may mean several known ids.
    """
    meant = {kind: _meanings_in_request(connection, kind, facts) for kind in (INVOICES, CUSTOMERS)}
    ambiguous: list[AmbiguousId] = []
    found: list[Fact] = []
    for position, fact in enumerate(facts):
        changed: dict[str, Any] = {}
        for column, kind in _NAMED.get(fact.table, {}).items():
            value = fact.values[column]
            known = value if value is None else meant[kind][value]
            if known is None and value is not None:
                ambiguous.append(AmbiguousId(position, column.removeprefix("stated_")))
            elif known != value:
                changed[column] = known
        found.append(replace(fact, values={**fact.values, **changed}) if changed else fact)
    if ambiguous:
        raise AmbiguousIdError(tuple(ambiguous))
    return found


def note_ids(connection: Connection, kind: str, ids: Iterable[str]) -> None:
    """Record ids that are known from now on, or awaited."""
    wanted = set(ids)
    if not wanted:
        return
    stored: set[str] = set()
    for chunk in in_chunks(sorted(wanted)):
        is_it = (KNOWN_IDS.c.kind == kind) & KNOWN_IDS.c.id.in_(chunk)
        stored |= set(connection.execute(select(KNOWN_IDS.c.id).where(is_it)).scalars())
    _insert(connection, kind, wanted - stored)


def forget_ids(connection: Connection, kind: str, ids: Iterable[str]) -> None:
    """Record ids that are known, or awaited, no more."""
    for chunk in in_chunks(sorted(ids)):
        connection.execute(delete(KNOWN_IDS).where(KNOWN_IDS.c.kind == kind, KNOWN_IDS.c.id.in_(chunk)))


def note_facts(connection: Connection, written: Iterable[Fact], owners: Mapping[str, str]) -> None:
    """Record the ids that newly written facts make known, and the invoices they wait for.

    Args:
        connection: inside a writing transaction.
        written: the facts.
        owners: who owes each known invoice that they name.
    """
    known: dict[str, set[str]] = {INVOICES: set(), CUSTOMERS: set(), AWAITED: set()}
    for fact in written:
        if fact.table == INVOICES:
            known[INVOICES].add(fact.key)
        for column, kind in _NAMED.get(fact.table, {}).items():
            value = fact.values[column]
            if value is not None and kind == CUSTOMERS and fact.table in _NAMING_CUSTOMERS:
                known[CUSTOMERS].add(value)
            elif value is not None and fact.table in FOLLOWS_INVOICE and value not in owners:
                known[AWAITED].add(value)
    for kind, ids in known.items():
        note_ids(connection, kind, ids)


def rebuild_known_ids(connection: Connection) -> None:
    """Rebuild the known ids from the stored facts, as after a load."""
    invoices = FACTS[INVOICES].c.invoice_id
    waiting = union(
        *(
            select(FACTS[name].c.invoice_id).where(FACTS[name].c.customer_id.is_(None))
            for name in FOLLOWS_INVOICE
        )
    )
    naming = union(*(select(FACTS[name].c.customer_id) for name in _NAMING_CUSTOMERS))
    for kind, statement in ((INVOICES, select(invoices)), (CUSTOMERS, naming), (AWAITED, waiting)):
        present = set(connection.execute(statement).scalars()) - {None}
        stored = set(connection.execute(select(KNOWN_IDS.c.id).where(KNOWN_IDS.c.kind == kind)).scalars())
        forget_ids(connection, kind, stored - present)
        _insert(connection, kind, present - stored)


def attach_pending(
    connection: Connection, arrived: Mapping[str, str] | None, owners: Mapping[str, str]
) -> set[str]:
    """Attach pending facts to the invoices they mean, which have become known; return the customers concerned.

    Args:
        connection: inside a writing transaction; the invoices are among the known ids.
        arrived: customer of each invoice that became known; null checks everything that waits.
        owners: customer of every invoice that may be meant.
    """
    awaited = select(KNOWN_IDS.c.id).where(KNOWN_IDS.c.kind == AWAITED)
    if arrived is None:
        waiting = set(connection.execute(awaited).scalars())
    else:
        waiting = set()
        for chunk in in_chunks(sorted({match_key(invoice_id) for invoice_id in arrived})):
            waiting |= set(connection.execute(awaited.where(KNOWN_IDS.c.match_key.in_(chunk))).scalars())
    meant = {
        name: known
        for name, known in meanings(connection, INVOICES, waiting).items()
        if known is not None and known in owners
    }
    for name, known in sorted(meant.items(), key=lambda pair: (pair[0] != pair[1], pair[0])):
        for table in FOLLOWS_INVOICE:
            _attach(connection, table, name, known, owners[known])
    forget_ids(connection, AWAITED, meant)
    return {owners[known] for known in meant.values()}


def has_pending(connection: Connection) -> bool:
    """Return whether facts wait for an invoice."""
    statement = select(KNOWN_IDS.c.id).where(KNOWN_IDS.c.kind == AWAITED).limit(1)
    return connection.execute(statement).first() is not None


def _attach(connection: Connection, table: str, name: str, known: str, owner: str) -> None:
    facts = FACTS[table]
    is_it = (facts.c.invoice_id == name) & facts.c.customer_id.is_(None)
    values = {"invoice_id": known, "customer_id": owner}
    if name == known or "invoice_id" not in KEYS[table]:
        connection.execute(update(facts).where(is_it).values(**values))
        return
    owned = select(facts.c.invoice_id).where(facts.c.invoice_id == known, facts.c.customer_id.is_not(None))
    if connection.execute(owned.limit(1)).first() is not None:  # the invoice has a table of its own already
        connection.execute(delete(facts).where(is_it))
        return
    for row in (
        connection.execute(select(facts).where(is_it)).mappings().all()
    ):  # its key contains the id of the invoice
        renamed = {**values, key_column(table): fact_key(table, {**row, **values})}
        connection.execute(
            update(facts).where(facts.c[key_column(table)] == row[key_column(table)]).values(**renamed)
        )


def _meanings_in_request(connection: Connection, kind: str, facts: Sequence[Fact]) -> dict[str, str | None]:
    named = {
        fact.values[column]
        for fact in facts
        for column, target in _NAMED.get(fact.table, {}).items()
        if target == kind and fact.values[column] is not None
    }
    stored = _candidates(connection, kind, named)
    own = _resolved({fact.key for fact in facts if fact.table == kind}, stored)
    known = stored | {meant for meant in own.values() if meant is not None}
    return {**_resolved(named - set(own), known), **own}


def _resolved(ids: Collection[str], known: set[str]) -> dict[str, str | None]:
    strange = sorted(set(ids) - known)
    found: dict[str, str | None] = {name: name for name in ids}
    if strange and known:
        column = pl.Series(strange)
        meant, ambiguous = resolved_ids(column, pl.Series(sorted(known)))
        for name, one, several in zip(strange, meant, ambiguous, strict=True):
            found[name] = None if several else one
    return found


def _candidates(connection: Connection, kind: str, ids: Iterable[str]) -> set[str]:
    """The known ids that these may mean: those of the same match keys."""
    found: set[str] = set()
    for chunk in in_chunks(sorted({match_key(name) for name in ids})):
        is_it = (KNOWN_IDS.c.kind == kind) & KNOWN_IDS.c.match_key.in_(chunk)
        found |= set(connection.execute(select(KNOWN_IDS.c.id).where(is_it)).scalars())
    return found


def _insert(connection: Connection, kind: str, ids: Collection[str]) -> None:
    if ids:
        column = pl.Series(sorted(ids), dtype=pl.String)
        rows = zip(column, match_keys(column), strict=True)
        connection.execute(
            insert(KNOWN_IDS), [{"kind": kind, "id": name, "match_key": key} for name, key in rows]
        )
