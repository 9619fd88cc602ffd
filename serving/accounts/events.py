"""What was published, agreed or asked about a customer: kinds of interactions that the policy's facts rest on.

They are rows of the ledger's table `interactions` like any other and known from the day after they happened;
nothing is ever dated back. What has no column of its own is in `step_id`, in a fixed form.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from features.words import (
    COMPLAINT_CLOSED,
    COMPLAINT_OPENED,
    INSOLVENCY_CLOSED,
    INSOLVENCY_PUBLISHED,
    INTERACTION_KINDS,
    MEDIATION_CLOSED,
    MEDIATION_OPENED,
    PLAN_AGREED,
    PLAN_CANCELLED,
    PLAN_INSTALMENT,
    PROMISE_CANCELLED,
    PROMISE_RECORDED,
    QUIET_DAYS_ASKED,
    TASK_CLOSED,
)
from serving.dunning import Instalment, Promise, StepTaken, TaskOpened

ACCOUNT_KINDS: Final = (
    INSOLVENCY_PUBLISHED,
    INSOLVENCY_CLOSED,
    PLAN_AGREED,
    PLAN_INSTALMENT,
    PLAN_CANCELLED,
    QUIET_DAYS_ASKED,
    COMPLAINT_OPENED,
    COMPLAINT_CLOSED,
    MEDIATION_OPENED,
    MEDIATION_CLOSED,
    PROMISE_RECORDED,
    PROMISE_CANCELLED,
)
"""Kinds read however long ago they happened."""

DETAIL_FORMS: Final[Mapping[str, str]] = {
    word: kind.detail for word, kind in INTERACTION_KINDS.items() if kind.detail
}
"""Kinds whose `step_id` says more, and in which form."""

LONGEST_QUIET_DAYS: Final = 366
_INSTALMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{1,13}(?:\.\d{1,2})?)")
_ONE_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAYS: Final = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{4}-\d{2}-\d{2})")

Event = Mapping[str, Any]


def has_readable_detail(kind: str, detail: str | None) -> bool:
    """Whether the `step_id` of an interaction says what its kind needs; kinds without a form need nothing."""
    if kind == PLAN_INSTALMENT:
        return read_instalment(detail) is not None
    if kind == QUIET_DAYS_ASKED:
        return _days(detail) is not None
    if kind == PROMISE_RECORDED:
        return read_promise(detail) is not None
    return True


@dataclass(frozen=True)
class Insolvency:
    """Proceedings as the official notices tell them.

    Attributes:
        published_on: first notice of the proceedings that are open; null when none are.
        closed_on: day of the last notice that closed proceedings; null without one.
    """

    published_on: dt.date | None = None
    closed_on: dt.date | None = None


def insolvency_of(events: Iterable[Event]) -> Insolvency:
    """Read the notices about one customer, in the order they were published.

    Further notices of the same proceedings (a plan, a liquidation) do not move the first day, from which the
    time to declare a claim runs.
    """
    published_on: dt.date | None = None
    closed_on: dt.date | None = None
    for event in events:
        day = event["happened_at"].date()
        if event["kind"] == INSOLVENCY_PUBLISHED:
            published_on = published_on or day
        elif event["kind"] == INSOLVENCY_CLOSED:
            published_on, closed_on = None, day
    return Insolvency(published_on, closed_on)


@dataclass(frozen=True)
class Plan:
    """A payment plan in force.

    Attributes:
        agreed_on: the day it was agreed.
        invoice_id: the invoice it is about; null when it covers the whole account.
        instalments: in the order of their days; empty when the schedule is not known.
    """

    agreed_on: dt.date
    invoice_id: str | None
    instalments: tuple[Instalment, ...]

    def next_due_on(
        self, received: Iterable[tuple[dt.date, str, Decimal]], tolerance: Decimal
    ) -> dt.date | None:
        """Return the first instalment that what came in since the agreement does not cover; null when all are paid.

        Args:
            received: value day, currency and amount of what was allocated to the invoices of the plan. A plan does not
                state its currency: of several, the one in which most came counts, and they are never added.
            tolerance: what may be missing of an instalment.
        """
        by_currency: dict[str, Decimal] = {}
        for day, currency, amount in received:
            if day >= self.agreed_on:
                by_currency[currency] = by_currency.get(currency, Decimal(0)) + amount
        paid = max(by_currency.values(), default=Decimal(0))
        owed = Decimal(0)
        for instalment in self.instalments:
            owed += instalment.amount
            if paid + tolerance < owed:
                return instalment.on
        return None


def has_plan(events: Iterable[Event]) -> bool:
    """Whether a payment plan was ever agreed with a customer, about anything."""
    return any(event["kind"] in (PLAN_AGREED, PLAN_INSTALMENT) for event in events)


def plan_of(events: Sequence[Event], invoice_id: str) -> Plan | None:
    """Return the plan in force for an invoice: the last one agreed on it or on the whole account; null without one.

    Args:
        events: plan events of the customer, in the order they happened.
        invoice_id: the invoice.
    """
    agreement: Event | None = None
    about = [event for event in events if event["invoice_id"] in (None, invoice_id)]
    for event in about:
        if event["kind"] == PLAN_CANCELLED:
            agreement = None
        elif event["kind"] == PLAN_AGREED or (event["kind"] == PLAN_INSTALMENT and agreement is None):
            agreement = event
    if agreement is None:
        return None
    agreed_on, scope = agreement["happened_at"].date(), agreement["invoice_id"]
    read = [
        read_instalment(event["step_id"])
        for event in about
        if event["kind"] == PLAN_INSTALMENT
        and event["invoice_id"] == scope
        and event["happened_at"].date() >= agreed_on
    ]
    known = [instalment for instalment in read if instalment is not None]
    if len(known) < len(read):
        known = []  # half a schedule would call a kept plan broken
    ordered = sorted(known, key=lambda instalment: (instalment.on, instalment.amount))
    return Plan(agreed_on, scope, tuple(ordered))


def complaint_since(events: Iterable[Event], invoice_id: str) -> dt.date | None:
    """Return the day of the complaint that is not closed yet, about the invoice or the whole account; null if none."""
    return _open_since(events, invoice_id, COMPLAINT_OPENED, COMPLAINT_CLOSED)


def mediation_since(events: Iterable[Event], invoice_id: str) -> dt.date | None:
    """Return the day the running mediation began, about the invoice or the whole account; null if none runs."""
    return _open_since(events, invoice_id, MEDIATION_OPENED, MEDIATION_CLOSED)


def _open_since(events: Iterable[Event], invoice_id: str, opened: str, closed: str) -> dt.date | None:
    """Return the first day of what was opened and not closed; closing names the same invoice, or the account."""
    since: dict[str | None, dt.date] = {}
    for event in events:
        about = event["invoice_id"]
        if event["kind"] == opened and about in (None, invoice_id):
            since.setdefault(about, event["happened_at"].date())
        elif event["kind"] == closed:
            since.pop(about, None)
    return min(since.values(), default=None)


def recorded_promise_of(events: Iterable[Event], invoice_id: str) -> Promise | None:
    """Return the promise a person recorded last, about the invoice or the whole account; null once it is cancelled.

    An instant tells which of two words on one day came later. A row whose day cannot be read says nothing.
    """
    recorded: Promise | None = None
    for event in events:
        if event["invoice_id"] not in (None, invoice_id):
            continue
        if event["kind"] == PROMISE_CANCELLED:
            recorded = None
        elif event["kind"] == PROMISE_RECORDED and (said := read_promise(event["step_id"])) is not None:
            recorded = Promise(event["happened_at"].date(), said[0], said[1])
    return recorded


def quiet_days_of(events: Iterable[Event], on: dt.date) -> tuple[dt.date, ...]:
    """Return the days from `on` on which a customer asked not to be contacted, each once, in order."""
    days: set[dt.date] = set()
    for event in events:
        asked = _days(event["step_id"]) if event["kind"] == QUIET_DAYS_ASKED else None
        if asked is not None:
            first, last = max(asked[0], on), asked[1]
            days |= {first + dt.timedelta(days=shift) for shift in range((last - first).days + 1)}
    return tuple(sorted(days))


def read_instalment(detail: str | None) -> Instalment | None:
    """Read `2026-04-15/500.00`: the day and amount of an instalment; null when it is written otherwise."""
    found = _INSTALMENT.fullmatch(detail or "")
    day = None if found is None else _day(found[1])
    if found is None or day is None or Decimal(found[2]) <= 0:
        return None
    return Instalment(day, Decimal(found[2]))


def read_promise(detail: str | None) -> tuple[dt.date, Decimal | None] | None:
    """Read `2026-04-15` or `2026-04-15/500.00`: the day promised, and the amount where one was named."""
    instalment = read_instalment(detail)
    if instalment is not None:
        return instalment.on, instalment.amount
    day = None if _ONE_DAY.fullmatch(detail or "") is None else _day(detail or "")
    return None if day is None else (day, None)


def tasks_of(events: Sequence[Event]) -> tuple[TaskOpened, ...]:
    """The tasks and thanks about the invoice; a task that was closed carries the day of it."""
    found: list[TaskOpened] = []
    for event in events:
        sequence_id, day = event["sequence_id"] or "unknown", event["happened_at"].date()
        if event["kind"] != TASK_CLOSED:
            found.append(TaskOpened(sequence_id, event["step_id"] or "unknown", day))
            continue
        for place, task in enumerate(found):
            if task.sequence_id == sequence_id and task.closed_on is None:
                found[place] = replace(task, closed_on=day)
    return tuple(found)


def last_step_of(steps: Sequence[Event], due_on: dt.date) -> StepTaken | None:
    """The last of these steps about the invoice; its stage is the number of them since it fell due."""
    if not steps:
        return None
    last = steps[-1]
    stage = sum(step["happened_at"].date() > due_on for step in steps)
    return StepTaken(
        last["sequence_id"] or "unknown", last["step_id"] or "unknown", stage, last["happened_at"].date()
    )


def _days(detail: str | None) -> tuple[dt.date, dt.date] | None:
    found = _DAYS.fullmatch(detail or "")
    first, last = (None, None) if found is None else (_day(found[1]), _day(found[2]))
    if first is None or last is None or not 0 <= (last - first).days < LONGEST_QUIET_DAYS:
        return None
    return first, last


def _day(text: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1990 <= day.year <= 2150 else None
