"""What else a customer owes, as last night scored it: a single invoice is decided within the one conversation.

The night decides all open invoices of a customer together. A request names some of them, or a new one; the
others join with last night's score and the facts of now, so that two requests of one day speak of the same
contact, and a call that waits for capacity goes on waiting.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from serving.dunning import (
    CAPACITY,
    AccountFacts,
    Decision,
    DecisionRecord,
    Policy,
    ScoredInvoice,
    Text,
    converse,
    decide_waiting,
)
from serving.memory import Remembered
from serving.online import Knowledge
from serving.store import HistoryStore, KeptAnswer, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.conversations")
#: Where a night's answer keeps the case it was decided on.
CASE: Final = "case"
#: Customers above which the store is asked off the event loop, though it lies on this machine.
FEW_CUSTOMERS: Final = 8
#: Customers whose open invoices of last night are remembered.
REMEMBERED_CUSTOMERS: Final = 20_000

Decided = tuple[Decision, AccountFacts]


@dataclass(frozen=True)
class NightCase:
    """One open invoice as last night saw it.

    Attributes:
        score: the scored invoice.
        decided_on: day of that night.
        waits: why its call or letter waits for another night; null when it does not.
    """

    score: ScoredInvoice
    decided_on: dt.date
    waits: Text | None = None


_CASE: Final[TypeAdapter[NightCase]] = TypeAdapter(NightCase)


def case_of(record: DecisionRecord) -> dict[str, Any]:
    """Return a night's case as JSON values, to be kept with the night's answer."""
    why = () if record.decision is None else record.decision.why
    waits = next((Text(reason.fr, reason.en) for reason in why if reason.rule_id == CAPACITY), None)
    kept: dict[str, Any] = _CASE.dump_python(
        NightCase(record.score, record.decided_on, waits), mode="json", exclude_defaults=True
    )
    return kept


def night_cases(kept: Iterable[KeptAnswer]) -> dict[str, tuple[NightCase, ...]]:
    """Return the night's cases by customer; answers kept without their case are left out."""
    found: dict[str, list[NightCase]] = {}
    for answer in kept:
        if answer.customer_id is not None and answer.body is not None and CASE in answer.body:
            found.setdefault(answer.customer_id, []).append(_CASE.validate_python(answer.body[CASE]))
    return {customer_id: tuple(cases) for customer_id, cases in found.items()}


class LastNight:
    """The open invoices of last night, asked of the store once per customer, night and version of its history.

    Args:
        store: the history store.
        room: customers remembered at once.
    """

    def __init__(self, store: HistoryStore, room: int = REMEMBERED_CUSTOMERS) -> None:
        self._store = store
        self._held: Remembered[tuple[NightCase, ...]] = Remembered(room)

    async def of(self, knowledge: Knowledge, customer_ids: Iterable[str]) -> dict[str, tuple[NightCase, ...]]:
        """Return last night's cases by customer; a store that is away leaves those not remembered out."""
        keys = {
            customer_id: (customer_id, knowledge.moment.night, *knowledge.version_of(customer_id))
            for customer_id in customer_ids
        }
        found = {customer_id: self._held.held(key) for customer_id, key in keys.items()}
        missing = [customer_id for customer_id, cases in found.items() if cases is None]
        if missing:
            try:
                if self._store.is_local and len(missing) <= FEW_CUSTOMERS:
                    kept = self._store.nightly_of(missing)
                else:
                    kept = await asyncio.to_thread(self._store.nightly_of, missing)
            except StoreUnavailableError:
                _LOG.warning("last night's scores could not be looked up: invoices are decided without them")
            else:
                read = night_cases(kept)
                for customer_id in missing:
                    found[customer_id] = read.get(customer_id, ())
                    self._held.hold(keys[customer_id], read.get(customer_id, ()))
        return {customer_id: cases for customer_id, cases in found.items() if cases}


def waits_of(night: Sequence[NightCase], on: dt.date) -> Text | None:
    """Return why the customer's calls and letters wait on the day; null when they need not."""
    return next((case.waits for case in night if case.waits is not None and case.decided_on == on), None)


def contacts_of_night(
    night: Sequence[NightCase], facts: Mapping[str, AccountFacts], policy: Policy, on: dt.date
) -> tuple[Decided, ...]:
    """Decide last night's open invoices on the facts of now, and return those due for a contact on the day.

    Args:
        night: the customer's cases of last night; those of a later night are not known yet on the day.
        facts: account facts by invoice id; an invoice without facts is no longer in the ledger.
        policy: the policy in service.
        on: the day.
    """
    waits = waits_of(night, on)
    decided = [
        (decide_waiting(case.score, facts[key], policy, on, waits), facts[key])
        for case in night
        if case.decided_on <= on and (key := case.score.invoice_id) in facts
    ]
    return tuple(pair for pair in decided if pair[0].is_contact_today)


def decide_together(
    asked: Sequence[tuple[ScoredInvoice, AccountFacts]],
    others: Sequence[Decided],
    waits: Text | None,
    policy: Policy,
    on: dt.date,
) -> tuple[Decision, ...]:
    """Decide the invoices of one customer that were asked for, with its other contacts of the day in view.

    Args:
        asked: the invoices of the request; at least one.
        others: the customer's other open invoices that are due for a contact.
        waits: why its calls and letters wait; null when they need not.
        policy: the policy in service.
        on: the day.

    Returns:
        One decision per invoice asked for, in order of invoice id.
    """
    facts = {score.invoice_id: account for score, account in asked}
    decisions = [decide_waiting(score, account, policy, on, waits) for score, account in asked]
    decisions += [decision for decision, _ in others if decision.invoice_id not in facts]
    known = {decision.invoice_id: account for decision, account in others} | facts
    together = converse(decisions, known, policy, on).decisions
    return tuple(decision for decision in together if decision.invoice_id in facts)
