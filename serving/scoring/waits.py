"""What last night left waiting for capacity: the one thing the service takes from the night.

Calls and letters of a night are limited. A customer whose call did not fit waits until the next night, and a request of
the same day says so too; all else is decided afresh from the facts of now.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from features.words import Text
from serving.accounts.payers import Payers
from serving.dunning import CAPACITY, DecisionRecord
from serving.scoring.cache import SharedCache
from serving.scoring.customer_knowledge import Knowledge
from serving.store import HistoryStore, StoredAnswer, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.waits")
#: Where a night's answer says why its customer's calls and letters wait.
WAITS: Final = "waits"
#: Customers above which the store is queried off the event loop, though it lies on this machine.
FEW_CUSTOMERS: Final = 8
#: Customers whose waits are cached.
CACHED_CUSTOMERS: Final = 20_000


@dataclass(frozen=True)
class Wait:
    """Why the calls and letters to one customer wait.

    Attributes:
        decided_on: day of the night that said so; it is valid on this day only.
        why: in both languages.
    """

    decided_on: dt.date
    why: Text


_WAIT: Final[TypeAdapter[Wait]] = TypeAdapter(Wait)


def wait_of(record: DecisionRecord) -> dict[str, Any] | None:
    """Return why a night's decision waits, as JSON values to be stored with its answer; null when it does not."""
    why = () if record.decision is None else record.decision.why
    waits = next((Text(reason.fr, reason.en) for reason in why if reason.rule_id == CAPACITY), None)
    if waits is None:
        return None
    kept: dict[str, Any] = _WAIT.dump_python(Wait(record.decided_on, waits), mode="json")
    return kept


def waits_in(kept: Iterable[StoredAnswer]) -> dict[str, Wait]:
    """Return the waits in a night's answers, by customer."""
    return {
        answer.customer_id: _WAIT.validate_python(answer.body[WAITS])
        for answer in kept
        if answer.customer_id is not None and answer.body is not None and answer.body.get(WAITS)
    }


class NightWaits:
    """What waits since last night, read from the store once per customer and night.

    Args:
        store: the history store.
        size: customers cached at most.
    """

    def __init__(self, store: HistoryStore, size: int = CACHED_CUSTOMERS) -> None:
        self._store = store
        self._waits: SharedCache[tuple[Wait, ...]] = SharedCache(size)

    async def of(
        self, knowledge: Knowledge, customer_ids: Iterable[str], payers: Payers, on: dt.date
    ) -> Mapping[str, Text]:
        """Return why the calls and letters to the payers of some customers wait on a day, by payer.

        An unavailable store leaves out those that are not cached.
        """
        asked = {payers.get(customer_id, customer_id) for customer_id in customer_ids}
        asked |= {customer_id for customer_id, payer in payers.items() if payer in asked}
        keys = {customer_id: (customer_id, knowledge.moment.night) for customer_id in sorted(asked)}
        found = {customer_id: self._waits.get(key) for customer_id, key in keys.items()}
        missing = [customer_id for customer_id, waits in found.items() if waits is None]
        if missing:
            try:
                if self._store.is_local and len(missing) <= FEW_CUSTOMERS:
                    kept = self._store.nightly_of(missing)
                else:
                    kept = await asyncio.to_thread(self._store.nightly_of, missing)
            except StoreUnavailableError:
                _LOG.warning("what waits since last night could not be looked up: nothing is taken to wait")
            else:
                read = waits_in(kept)
                for customer_id in missing:
                    waits = (read[customer_id],) if customer_id in read else ()
                    found[customer_id] = waits
                    self._waits.put(keys[customer_id], waits)
        return {
            payers.get(customer_id, customer_id): wait.why
            for customer_id, waits in found.items()
            for wait in waits or ()
            if wait.decided_on == on
        }
