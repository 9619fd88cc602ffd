"""What the pages read: last night's worklist, stored scores, and what became known since."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from features.ids import has_refused_character, normal_id
from features.ledger.receivables import receivables
from features.messages import localized
from serving.messages.answers import ScoreAnswer
from serving.messages.refusals import ambiguous_ids, not_found
from serving.pages.customer import settled_now
from serving.pages.worklist import Worklist, decoded, worklist_of
from serving.scoring.customer_knowledge import Knowledge
from serving.scoring.id_lookup import known_ids
from serving.scoring.stored_scores import visible_scores
from serving.security.access import AccessKey
from serving.store import OVERRIDE, SCORE, StoredAnswer

if TYPE_CHECKING:
    from serving.api.worker import ScoreWorker

LONGEST_ID: Final = 128
_ONE_DAY: Final = dt.timedelta(days=1)


class PageFacts:
    """Reads for the pages of one worker process.

    Args:
        worker: what is known, scored and decided.
    """

    def __init__(self, worker: ScoreWorker) -> None:
        self._worker = worker
        self._worklist: Worklist | None = None
        self._loading: asyncio.Task[Worklist] | None = None

    @property
    def tomorrow(self) -> dt.date:
        """The day before which everything known today is known."""
        return self._worker.now().date() + _ONE_DAY

    async def known_id(self, kind: str, text: str) -> str:
        """The known id that an id in an address means, itself when nothing is known under it.

        Raises:
            RefusalError: 404 for what cannot be an id, 422 where several may be meant.
        """
        if not text or len(text) > LONGEST_ID or has_refused_character(text):
            raise not_found(localized("This id is not known."))
        asked = normal_id(text)
        found = (await known_ids(self._worker.store, kind, {asked}))[asked]
        if found is None:
            raise ambiguous_ids([(None, "id")])
        return found

    async def knowledge(self, customer_ids: Collection[str]) -> Knowledge | None:
        """What is known now, level with the store for some customers; null without a model."""
        history = self._worker.history_in_use()
        return None if history is None else await history.up_to_date_with(set(customer_ids))

    async def worklist(self) -> Worklist:
        """Last night's worklist; read once a night, by one task however many readers wait for it."""
        night = (await asyncio.to_thread(self._worker.store.moment)).night
        has_names = self._worker.history_in_use() is not None
        current = self._worklist
        if current is not None and (current.night, current.has_names) == (night, has_names):
            return current
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load_worklist(night))
        # A reader who gives up does not end the reading for the others.
        return await asyncio.shield(self._loading)

    async def _load_worklist(self, night: int) -> Worklist:
        history = self._worker.history_in_use()
        names = None if history is None else (await history.current()).names()

        def read() -> Worklist:
            computed_at, parts = self._worker.store.nightly_parts(decoded)
            return worklist_of(night, computed_at, parts, names)

        self._worklist = await asyncio.to_thread(read)
        return self._worklist

    def settled(
        self, knowledge: Knowledge | None, ids_by_customer: Mapping[str, list[str]]
    ) -> frozenset[str]:
        """Those of some receivables that are closed by now, by a payment or otherwise."""
        found: frozenset[str] = frozenset()
        for customer_id, ids in ids_by_customer.items():
            part = None if knowledge is None else knowledge.part_of(customer_id)
            if part is not None:
                found |= settled_now(part.episodes, ids, self.tomorrow)
        return found

    async def changed(self, knowledge: Knowledge | None, seen: Mapping[str, int | None]) -> frozenset[str]:
        """The customers of whom, or of whose payer, facts became known that their score does not hold.

        Args:
            knowledge: who is merged with whom; null without a model.
            seen: by customer, the last change of the store that its score holds; null where that is unknown.
        """
        known = [change for change in seen.values() if change is not None]
        if not known:
            return frozenset()
        _, changes = await asyncio.to_thread(self._worker.store.changed_since, min(known))
        found = set()
        for customer_id, change in seen.items():
            members = (
                (customer_id,)
                if knowledge is None
                else knowledge.members_of_payer_of(customer_id, self.tomorrow)
            )
            if change is not None and any(changes.get(member, 0) > change for member in members):
                found.add(customer_id)
        return frozenset(found)

    async def scores_of(self, invoice_id: str, key: AccessKey) -> list[tuple[StoredAnswer, ScoreAnswer]]:
        """The stored scores of an invoice that a reader may see, the newest first.

        Raises:
            RefusalError: 404 when there is none.
        """
        stored = await asyncio.to_thread(self._worker.store.answers_on, SCORE, invoice_id)
        shown = visible_scores(stored, await self._worker.owner_of(invoice_id), key)
        if not shown:
            raise not_found(localized("A score of this invoice is not known."))
        return shown

    async def overrides_of(self, score_ids: Collection[str]) -> list[dict[str, Any]]:
        """What people decided on some scores, the newest first."""
        store = self._worker.store

        def read() -> list[dict[str, Any]]:
            found = [entry for score_id in score_ids for entry in store.answers_on(OVERRIDE, score_id)]
            return [entry.body for entry in found if entry.body is not None]

        return sorted(await asyncio.to_thread(read), key=lambda body: str(body["created_at"]), reverse=True)


def change_of(stored: StoredAnswer) -> int | None:
    """The last change of the store that a stored score holds; null in scores of an earlier version."""
    change = (stored.body or {}).get("change")
    return change if isinstance(change, int) else None


def not_listed(
    knowledge: Knowledge | None, customer_id: str, listed: Collection[str], day: dt.date
) -> list[dict[str, Any]]:
    """Open receivables of a customer that last night did not know: `invoice_id, due_on, amount, currency`."""
    part = None if knowledge is None else knowledge.part_of(customer_id)
    if part is None:
        return []
    due = receivables(part.ledger).invoices.filter(
        (pl.col("kind") == "invoice") & ~pl.col("invoice_id").is_in(list(listed))
    )
    closed = settled_now(part.episodes, due["invoice_id"].to_list(), day)
    rows = due.filter(~pl.col("invoice_id").is_in(list(closed))).sort("due_on", "invoice_id")
    return rows.select("invoice_id", "due_on", "amount", "currency").to_dicts()
