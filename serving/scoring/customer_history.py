"""A worker's knowledge, up to date with the store.

The history is prepared once from the whole store. Before each score the worker asks the store whether
anything changed; the histories of the customers concerned are prepared anew and laid over the rest, which
gives the features of a history prepared from the whole new ledger. When much has changed (a nightly load),
everything is prepared again beside the old, which serves meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, ParamSpec, TypeVar

from features.settings import LedgerSettings
from serving.operations.supervisor import Supervisor
from serving.scoring.customer_knowledge import Knowledge, advance, prepare
from serving.store import HistoryStore, Moment, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.online")
P = ParamSpec("P")
Found = TypeVar("Found")
#: Changed customers above which everything is prepared again in the background.
MANY_CHANGES: Final = 200
#: Laid-over customers above which they are folded into a new base in the background.
MANY_OVERLAYS: Final = 500
#: Seconds after which what concerns single customers nobody requested is brought up to date in the background.
CATCH_UP_SECONDS: Final = 5.0
#: Runs that bring customers level which one request waits for.
LEVEL_RUNS: Final = 3
#: Seconds without a query to a store that was unavailable.
UNAVAILABLE_SECONDS: Final = 1.0


async def ask(store: HistoryStore, question: Callable[P, Found], *given: P.args, **named: P.kwargs) -> Found:
    """Ask the store something quick: at once on this machine, off the event loop over a network.

    Args:
        store: the history store.
        question: one of its methods.
        given: its arguments.
        named: its arguments by name.

    Raises:
        StoreUnavailableError: the store did not answer.
    """
    if store.is_local:
        return question(*given, **named)
    return await asyncio.to_thread(question, *given, **named)


def _bears_on_all(moment: Moment, known: Moment) -> bool:
    """Whether anything changed since that is more than the affair of single customers."""
    return replace(moment, change=0) != replace(known, change=0)


class OnlineHistory:
    """A worker's knowledge, level with the store at every question.

    Args:
        store: the history store.
        settings: how lateness is read.
        is_reading_mails: mails are read into the store; without that the communication features are unknown.
        supervisor: runs what is prepared again in the background; one of its own when null.
    """

    def __init__(
        self,
        store: HistoryStore,
        settings: LedgerSettings,
        is_reading_mails: bool = False,
        supervisor: Supervisor | None = None,
    ) -> None:
        self.settings = settings
        self._store = store
        self._is_reading_mails = is_reading_mails
        self._knowledge = prepare(store, settings, is_reading_mails)
        self._lock = asyncio.Lock()
        self._supervisor = supervisor or Supervisor()
        self._rebuild_name = f"history-rebuild-{settings.grace_days}"
        self._catch_up_name = f"history-catch-up-{settings.grace_days}"
        self._replacing = threading.Lock()
        self._catching_up: asyncio.Future[None] | None = None
        self._levelling: asyncio.Future[None] | None = None
        self._wanted: set[str] = set()
        self._asked = self._knowledge.moment
        self._unavailable_until = 0.0

    @property
    def is_rebuilding(self) -> bool:
        """Say whether everything is being prepared again, after a load or much change."""
        return self._supervisor.is_unfinished(self._rebuild_name)

    @property
    def is_store_unavailable(self) -> bool:
        """Say whether the store was unavailable at the last query."""
        return self._unavailable_until > 0.0

    @property
    def latest(self) -> Knowledge:
        """Return what is known without asking the store."""
        return self._knowledge

    async def up_to_date_with(self, customer_ids: Collection[str]) -> Knowledge:
        """Return what is known now of some customers, and of all others as far as it bears on them.

        With every change of these customers that was acknowledged before the question, and every change of others from
        which features of these are made. What else became known of others (mails, contacts, disputes) follows in the
        background, so that nobody waits for the mails of somebody else.
        """
        knowledge = await self.current()
        if self.is_store_unavailable or self._asked.change <= knowledge.moment.change:
            return knowledge
        try:
            _, changed = await ask(self._store, self._store.changed_since, knowledge.moment.change)
            needed = {key: changed[key] for key in customer_ids if key in changed}
            # A run that had begun may not have them yet, the next one does; while a load is prepared neither may.
            for _ in range(LEVEL_RUNS):
                stale = {key for key, at in needed.items() if not self._knowledge.is_up_to_date(key, at)}
                if not stale:
                    break
                await self._update_some(stale)
        except StoreUnavailableError:
            self._note_unavailable()
        self._supervisor.once(self._catch_up_name, self._catch_up_behind, delay=CATCH_UP_SECONDS)
        return self._knowledge

    async def _update_some(self, customer_ids: Collection[str]) -> None:
        """Bring customers level in a thread, with all that others ask for meanwhile: one run at a time."""
        self._wanted |= set(customer_ids)
        if self._levelling is None or self._levelling.done():
            wanted, self._wanted = self._wanted, set()
            self._levelling = asyncio.ensure_future(asyncio.to_thread(self._level, sorted(wanted)))
        running = self._levelling
        await asyncio.wait({running})
        if self._levelling is running:
            self._levelling = None
        running.result()

    def _level(self, customer_ids: Sequence[str]) -> None:
        """Bring customers level, with all that are one payer with them; the moment of the whole stays."""
        while True:
            before = self._knowledge
            members, fresh = self._store.histories_of_payers(customer_ids)
            if _bears_on_all(fresh.moment, before.moment):
                self._catch_up(fresh.moment)
                return
            level = advance(before, members, fresh, self._is_reading_mails)
            with self._replacing:
                if self._knowledge is before:
                    self._knowledge = replace(level, moment=before.moment)
                    return

    def _catch_up_behind(self) -> None:
        self._catch_up(self._store.moment())

    async def current(self) -> Knowledge:
        """Return what is known now, but for what became known of single customers and bears on no others.

        `up_to_date_with` brings that. While the store is unavailable, or while a nightly load is being prepared, the
        latest knowledge serves.
        """
        async with self._lock:
            if time.monotonic() < self._unavailable_until:
                return self._knowledge
            try:
                if self._catching_up is not None:
                    # A caller gave up waiting for it; a second one beside it would only double the work.
                    await asyncio.wait({self._catching_up})
                self._asked = moment = await ask(self._store, self._store.moment)
                if _bears_on_all(moment, self._knowledge.moment):
                    await self._catch_up_once(moment)
            except StoreUnavailableError:
                self._note_unavailable()
            else:
                self._unavailable_until = 0.0
            return self._knowledge

    def _note_unavailable(self) -> None:
        """Leave the store in peace for a moment; said once, when it becomes unavailable."""
        if not self.is_store_unavailable:
            _LOG.warning("the history store is away; the latest knowledge serves")
        self._unavailable_until = time.monotonic() + UNAVAILABLE_SECONDS

    async def _catch_up_once(self, moment: Moment) -> None:
        """Catch up in a thread that goes on when the caller is cancelled; the next caller waits for the same one."""
        running = asyncio.ensure_future(asyncio.to_thread(self._catch_up, moment))
        self._catching_up = running

        def forget(done: asyncio.Future[None]) -> None:
            self._catching_up = None
            if not done.cancelled():
                done.exception()  # raised to whoever waited; without a waiter, the next caller tries again

        running.add_done_callback(forget)
        await asyncio.shield(running)

    def _catch_up(self, moment: Moment) -> None:
        """Bring the knowledge level; a base that was prepared anew meanwhile is brought level instead."""
        while True:
            before = self._knowledge
            customer_ids, fresh = self._store.histories_since(before.moment.change, MANY_CHANGES)
            if fresh is None:
                break
            if customer_ids:
                level = advance(before, customer_ids, fresh, self._is_reading_mails)
            else:
                level = replace(before, moment=fresh.moment)
            with self._replacing:
                if self._knowledge is before:
                    self._knowledge = level
                    break
        is_old_base = self._knowledge.base.generation != moment.generation
        if fresh is None or is_old_base or len(self._knowledge.changed) > MANY_OVERLAYS:
            self._supervisor.once(self._rebuild_name, self._rebuild)

    def _rebuild(self) -> None:
        # What was laid over meanwhile is found again by the next question, from the moment of the new base.
        fresh = prepare(self._store, self.settings, self._is_reading_mails)
        with self._replacing:
            self._knowledge = fresh
