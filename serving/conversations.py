"""What else a customer owes, as last night scored it: a single invoice is decided with its customer's others.

The night decides all open invoices of a customer together. A request names some of them, or a new one; the
others join with last night's score and the facts of now, so that two requests of one day speak of the same
contact, and a call that waits for capacity goes on waiting.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from features.words import Text
from serving.dunning import CAPACITY, DecisionRecord, ScoredInvoice
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
