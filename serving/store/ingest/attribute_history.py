"""The history of a customer's dated attributes: which rows a change or a statement makes. Pure: values in, values out.

A change of a customer's attributes is noted on the day it became known, with a first row of what was known before; the
grain is the day, so that what is changed and changed back on one day leaves no row. The order of changes within a day
makes no difference. A row states every attribute; null is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from features.ledger.schemas import DATED_ATTRIBUTES
from serving.store.tables import store_column

#: The store's columns of the attributes whose changes are dated; the same in `customers` and `customer_history`.
DATED_COLUMNS: Final = tuple(store_column("customer_history", name) for name in DATED_ATTRIBUTES)
#: Origin of rows that the store wrote itself because a load or an event changed a customer.
NOTED: Final = "noted"
_STRATEGIC: Final = "is_strategic"

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class HistoryRow:
    """The attributes of a customer from a day on.

    Attributes:
        attributes: one value per column of `DATED_COLUMNS`.
        origin: `batch`, `event`, or `noted`.
    """

    attributes: Attributes
    origin: str


@dataclass(frozen=True)
class Described:
    """A customer as it was known before a change.

    Attributes:
        attributes: its dated attributes.
        since_on: the day on which it was first known.
    """

    attributes: Attributes
    since_on: dt.date


History = Mapping[dt.date, HistoryRow]
NOTHING_KNOWN: Final[Attributes] = {**dict.fromkeys(DATED_COLUMNS), _STRATEGIC: False}


def dated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dated attributes of a row of customers or of their history, in order."""
    return {name: values[name] for name in DATED_COLUMNS}


def in_force(history: History, present: Attributes, day: dt.date) -> dict[str, Any]:
    """Return the attributes in force at the end of a day: the rule of `features.ledger.customers_at` for one customer.

    Args:
        history: the customer's rows.
        present: its own row, which is used where the history says nothing.
        day: the day.
    """
    if not history:
        return dict(present)
    found = max((each for each in history if each <= day), default=min(history))
    return _filled(history[found].attributes, _stated_columns(history), present)


def with_change(
    history: History, before: Described | None, after: Attributes, day: dt.date
) -> dict[dt.date, HistoryRow]:
    """Return the history after a customer's attributes became known to be others.

    Args:
        history: the customer's rows.
        before: what was known before the change; null for a customer nobody knew of.
        after: the attributes now.
        day: the day on which the change became known.
    """
    today = history.get(day)
    others = {each: row for each, row in history.items() if each != day}
    earlier = [each for each in others if each < day]
    is_new = before is None or before.since_on >= day
    if earlier:
        known_before = after if before is None or is_new else before.attributes
        if today is not None and not is_new:  # the rows say all that was known before today
            known_before = NOTHING_KNOWN
        prior = _filled(others[max(earlier)].attributes, _stated_columns(others), known_before)
    elif before is None or is_new:
        prior = dict(after)  # it was first described today
    else:
        prior = dict(before.attributes)
    if today is not None and today.origin != NOTED:
        others[day] = HistoryRow(dict(after), today.origin)
        return others
    if prior == after:
        is_only_noted = len(others) == 1 and all(row.origin == NOTED for row in others.values())
        return {} if is_only_noted else others
    if not others and before is not None:
        others[before.since_on] = HistoryRow(prior, NOTED)
    if not is_new:
        others = _completed(others, prior)
    others[day] = HistoryRow(dict(after), NOTED)
    return others


def with_statement(
    history: History, before: Described | None, stated: Attributes, valid_from_on: dt.date, origin: str
) -> dict[dt.date, HistoryRow]:
    """Return the history with what a source states about the attributes from a day on.

    What was known of the customer without a history is valid from the day it was first known.

    Args:
        history: the customer's rows.
        before: what is known of the customer; null when nothing is.
        stated: the attributes from that day on, every one of them.
        valid_from_on: the day.
        origin: of the statement.
    """
    others = {each: row for each, row in history.items() if each != valid_from_on}
    if before is not None:
        if not history and before.since_on != valid_from_on:
            first = dict(before.attributes)
            if valid_from_on < before.since_on:  # null says nothing that could end the earlier statement
                first = {
                    name: stated[name]
                    if value is None or (name == _STRATEGIC and not value and stated[name] is not None)
                    else value
                    for name, value in first.items()
                }
            if first != dict(stated):
                others[before.since_on] = HistoryRow(first, NOTED)
        new = (name for name, value in stated.items() if value is not None)
        others = _completed(others, before.attributes, new)
    others[valid_from_on] = HistoryRow(dict(stated), origin)
    return _without_repetition(others)


def present_of(history: History, known: Attributes) -> dict[str, Any]:
    """Return the attributes now: those of the newest row; what no row states is as it is known."""
    return in_force(history, known, dt.date.max)


def _stated_columns(history: History) -> frozenset[str]:
    """The attributes that at least one row states."""
    return frozenset(
        name for name in DATED_COLUMNS for row in history.values() if row.attributes[name] is not None
    )


def _filled(row: Attributes, stated: frozenset[str], known: Attributes) -> dict[str, Any]:
    found = {name: row[name] if name in stated else known[name] for name in DATED_COLUMNS}
    if (
        found[_STRATEGIC] is None
    ):  # a customer is strategic or not; a row that does not say leaves it as it is
        found[_STRATEGIC] = known[_STRATEGIC]
    return found


def _completed(
    history: History, known: Attributes, columns: Iterable[str] = DATED_COLUMNS
) -> dict[dt.date, HistoryRow]:
    """The rows with what none of them states of some attributes: until now it was as known for all of their time."""
    new = set(columns) - _stated_columns(history)
    return {
        day: HistoryRow({**row.attributes, **{name: known[name] for name in new}}, row.origin)
        for day, row in history.items()
    }


def _without_repetition(history: History) -> dict[dt.date, HistoryRow]:
    """The rows without those that the store noted and that say what an earlier row says."""
    kept = dict(history)
    for day, row in sorted(history.items()):
        others = {each: found for each, found in kept.items() if each != day}
        is_noted = row.origin == NOTED and any(each < day for each in others)
        if is_noted and in_force(others, row.attributes, day) == dict(row.attributes):
            kept = others
    return kept
