"""Storing the instalments of an invoice: one table an invoice, replaced as a whole, under the rules of an import."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, delete, insert, select

from features.errors import Fault
from features.ledger.receivables import receivable_ids
from features.ledger.report import rule_fault
from features.ledger.table_rules import broken_instalment_rules
from features.messages import localized
from serving.store.facts import Fact, FactOutcome, FactsRefusedError, Outcome
from serving.store.frames import frame_of
from serving.store.tables import FACT_COLUMNS, FACTS, fact_key, in_chunks

INSTALMENTS: Final = "instalments"
_TABLE: Final = FACTS[INSTALMENTS]
_INVOICES: Final = FACTS["invoices"]
_LONGEST_NUMBER: Final = 9


def replace_instalments(
    connection: Connection,
    facts: Sequence[tuple[int, Fact]],
    owners: Mapping[str, str],
    received_at: dt.datetime,
) -> dict[int, FactOutcome]:
    """Store the instalments of invoices in place of those known before; no instalment makes it due as a whole again.

    The table of an invoice that is not known yet waits for it.

    Args:
        connection: inside a writing transaction that has stored the invoices of the request.
        facts: tables of instalments with their places in the request, of invoices by their known ids.
        owners: who owes each known invoice.
        received_at: instant of the request.

    Returns:
        What became of each table, by its place.

    Raises:
        FactsRefusedError: instalments that do not make up their invoice, or that it cannot have.
    """
    _refuse_unsound(connection, facts, owners)
    outcomes: dict[int, FactOutcome] = {}
    for place, fact in facts:
        invoice_id = fact.key
        owner = owners.get(invoice_id)
        is_it = _TABLE.c.invoice_id == invoice_id
        columns = [_TABLE.c[name] for name in FACT_COLUMNS[INSTALMENTS]]
        stored = {
            row["number"]: dict(row) for row in connection.execute(select(*columns).where(is_it)).mappings()
        }
        given = {part["number"]: {**part, "invoice_id": invoice_id} for part in fact.parts or ()}
        if stored == given:
            outcome = Outcome.ALREADY_KNOWN
        else:
            outcome = Outcome.REPLACED if stored else Outcome.ACCEPTED
            connection.execute(delete(_TABLE).where(is_it))
            if given:
                connection.execute(insert(_TABLE), _rows(given, owner, received_at))
        if owner is None and outcome is not Outcome.ALREADY_KNOWN:
            outcome = Outcome.PENDING
        outcomes[place] = FactOutcome(INSTALMENTS, invoice_id, outcome, owner)
    return outcomes


def refuse_receivable_ids(connection: Connection, facts: Sequence[tuple[int, Fact]]) -> None:
    """Raise which invoices have the id of a receivable: an instalment of another invoice.

    Args:
        connection: inside a writing transaction that has stored the request.
        facts: invoices with their places in the request.

    Raises:
        FactsRefusedError: some have.
    """
    faults: list[tuple[int, Fault]] = []
    for place, fact in facts:
        of, mark, number = fact.key.rpartition("#")
        if not mark or not number.isdecimal() or len(number) > _LONGEST_NUMBER:
            continue
        is_it = (_TABLE.c.invoice_id == of) & (_TABLE.c.number == int(number))
        if connection.execute(select(_TABLE.c.number).where(is_it)).first() is not None:
            fault = Fault(
                localized("{key} is the id of an instalment of {of}", key=fact.key, of=of),
                "invoice_id",
                localized("no id that ends in # and the number of an instalment"),
                localized("rename the invoice or number the instalments otherwise"),
            )
            faults.append((place, fault))
    if faults:
        raise FactsRefusedError(faults)


def _refuse_unsound(
    connection: Connection, facts: Sequence[tuple[int, Fact]], owners: Mapping[str, str]
) -> None:
    """Raise what is wrong with the tables of known invoices, in the words of an import.

    Raises:
        FactsRefusedError: something is.
    """
    faults: list[tuple[int, Fault]] = []
    for place, fact in facts:
        if fact.key not in owners or not fact.parts:
            continue
        rows = frame_of(
            INSTALMENTS,
            [
                [{**part, "invoice_id": fact.key}[name] for name in FACT_COLUMNS[INSTALMENTS]]
                for part in fact.parts
            ],
        )
        taken = rows.select(receivable_ids()).to_series().to_list()
        invoices = _invoices(connection, [fact.key, *taken])
        owed = invoices.filter(pl.col("invoice_id") == fact.key)["amount"].item()
        for rule in _broken(rows, invoices, rows["amount"].sum() == owed):
            where, _, what = rule.partition(": ")
            column = where.removeprefix("instalments.")
            faults.append(
                (
                    place,
                    Fault(
                        rule_fault(what),
                        column if column == "invoice_id" else f"instalments.{column}",
                        localized("{owed} in all", owed=owed)
                        if column == "amount"
                        else localized("instalments as an import takes them"),
                        localized("correct them, or send an empty list where the invoice is due as a whole"),
                    ),
                )
            )
    if faults:
        raise FactsRefusedError(faults)


def _broken(instalments: pl.DataFrame, invoices: pl.DataFrame, is_whole: bool) -> list[str]:
    """The rules that the instalments of one invoice break; where another is broken the sum may still be right."""
    broken = broken_instalment_rules(instalments, invoices).select("rule", "other_rules")
    rules = {rule for row in broken.iter_rows() for cell in row if cell for rule in cell.split("; ")}
    return sorted(rule for rule in rules if not (is_whole and rule.startswith("instalments.amount")))


def _invoices(connection: Connection, ids: Sequence[str]) -> pl.DataFrame:
    columns = [_INVOICES.c[name] for name in FACT_COLUMNS["invoices"]]
    rows: list[tuple[Any, ...]] = []
    for chunk in in_chunks(sorted(set(ids))):
        found = connection.execute(select(*columns).where(_INVOICES.c.invoice_id.in_(chunk)))
        rows += [tuple(row) for row in found]
    return frame_of("invoices", rows)


def _rows(
    parts: Mapping[int, Mapping[str, Any]], owner: str | None, received_at: dt.datetime
) -> list[dict[str, Any]]:
    made = {"customer_id": owner, "origin": "event", "received_at": received_at}
    return [{**part, **made, "fact_key": fact_key(INSTALMENTS, part)} for _, part in sorted(parts.items())]
