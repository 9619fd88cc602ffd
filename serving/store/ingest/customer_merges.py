"""Storing merges of customers: both must be known, and nobody is merged with itself by whatever way round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl
from sqlalchemy import Connection, select

from features.errors import Fault
from features.ledger.customers_at import in_circles
from features.messages import localized
from serving.store.facts import Fact, FactsRefusedError
from serving.store.tables import FACTS, KNOWN_IDS, in_chunks

CUSTOMER_MERGES: Final = "customer_merges"
_TABLE: Final = FACTS[CUSTOMER_MERGES]
_STEPS: Final = select(_TABLE.c.customer_id, _TABLE.c.merged_into_id)


def refuse_merges(connection: Connection, facts: Sequence[tuple[int, Fact]]) -> None:
    """Raise what is wrong with merges by event.

    Args:
        connection: inside a writing transaction that has stored the request.
        facts: the merges with their places in the request.

    Raises:
        FactsRefusedError: a customer that nobody knows, or a circle.
    """
    if not facts:
        return
    named = {str(fact.values[name]) for _, fact in facts for name in ("customer_id", "merged_into_id")}
    known: set[str] = set()
    for chunk in in_chunks(sorted(named)):
        is_it = (KNOWN_IDS.c.kind == "customers") & KNOWN_IDS.c.id.in_(chunk)
        known |= set(connection.execute(select(KNOWN_IDS.c.id).where(is_it)).scalars())
    rows = [tuple(row) for row in connection.execute(_STEPS)]
    merges = pl.DataFrame(rows, schema={"customer_id": pl.String, "merged_into_id": pl.String}, orient="row")
    circles = set(in_circles(merges))
    faults: list[tuple[int, Fault]] = []
    for place, fact in facts:
        for column in ("customer_id", "merged_into_id"):
            if fact.values[column] not in known:
                faults.append(
                    (
                        place,
                        Fault(
                            localized("{customer} is not a known customer", customer=fact.values[column]),
                            column,
                            localized("a customer that is described, or named by an invoice"),
                            localized("send the customer before, or with it"),
                        ),
                    )
                )
        if fact.key in circles:
            faults.append(
                (
                    place,
                    Fault(
                        localized("{key} would be merged in a circle", key=fact.key),
                        "merged_into_id",
                        localized("a customer that is not merged into this one"),
                        localized(
                            "merge both into the one that goes on; the nightly load corrects a merge that was wrong"
                        ),
                    ),
                )
            )
    if faults:
        raise FactsRefusedError(faults)


def with_merged(connection: Connection, customer_ids: Iterable[str]) -> set[str]:
    """Return customers with all those that are one payer with one of them, before or after a merge."""
    found = set(customer_ids)
    steps = [tuple(row) for row in connection.execute(_STEPS)]
    is_growing = bool(steps)
    while is_growing:
        beside = {key for pair in steps if found.intersection(pair) for key in pair} - found
        found |= beside
        is_growing = bool(beside)
    return found
