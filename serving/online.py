"""What a worker knows of every customer, kept level with the store: the same history as the nightly batch prepares.

The history is prepared once from the whole store. Before each score the worker asks the store whether
anything changed; the histories of the customers concerned are prepared anew and laid over the rest, which
gives the features of a history prepared from the whole new ledger. When much has changed (a nightly load),
everything is prepared again beside the old, which serves meanwhile.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, ParamSpec, TypeVar

import polars as pl

from features.asof import PaymentHistory
from features.ledger import SHARED_TABLES, Ledger
from features.ledger.customers_at import customers_at, payers_at
from features.ledger.receivables import receivable_ids, receivables
from features.settings import LedgerSettings
from serving.ledger_parts import LedgerParts
from serving.operations.supervisor import Supervisor
from serving.payers import Payers, joined_ledger
from serving.store import HistoryAtMoment, HistoryStore, Moment, Overrides, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.online")
P = ParamSpec("P")
Found = TypeVar("Found")
#: Changed customers above which everything is prepared again in the background.
MANY_CHANGES: Final = 200
#: Laid-over customers above which they are folded into a new base in the background.
MANY_OVERLAYS: Final = 500
#: Seconds after which what concerns single customers nobody asked for is brought level in the background.
CATCH_UP_SECONDS: Final = 5.0
#: Runs that bring customers level which one request waits for.
LEVEL_RUNS: Final = 3
#: Seconds without asking a store that was away.
AWAY_SECONDS: Final = 1.0


@dataclass(frozen=True, repr=False)
class Knowledge:
    """What is known of all customers at one moment of the store; never changed, only replaced.

    It is not shown whole: asyncio asks for the representation of what a task returns.

    Attributes:
        moment: everything up to this change is in it; of some customers more (`versions`).
        history: the event streams that features are read from.
        parts: the ledger as it was when the base was prepared.
        changed: the whole ledger part of each customer that changed since.
        changed_invoices: customer of each invoice in `changed`.
        versions: change and generation at which each changed customer was last brought level.
        base: moment of `parts`.
        changed_signals: what the e-mails of the changed customers say.
        overrides: the decisions of people that stand.
        merges: the customers that were merged; null when none ever was.
    """

    moment: Moment
    history: PaymentHistory
    parts: LedgerParts
    changed: Mapping[str, Ledger]
    changed_invoices: Mapping[str, str]
    base: Moment
    versions: Mapping[str, Moment]
    changed_signals: Mapping[str, pl.DataFrame | None]
    overrides: Overrides
    merges: pl.DataFrame | None = None
    _payers: dict[dt.date, Payers] = field(init=False, default_factory=dict, repr=False)

    def payers_at(self, day: dt.date) -> Payers:
        """Return the payer of each customer that was merged, as known before a day."""
        found = self._payers.get(day)
        if found is None:
            found = self._payers[day] = payers_at(self.merges, day)
        return found

    def members_of(self, payer: str, day: dt.date) -> tuple[str, ...]:
        """Return the customers that are one payer, as known before a day: itself first."""
        return payer, *sorted(key for key, found in self.payers_at(day).items() if found == payer)

    def members_of_payer_of(self, customer_id: str, day: dt.date) -> tuple[str, ...]:
        """Return the customers that are one payer with this one, as known before a day: the payer first."""
        return self.members_of(self.payers_at(day).get(customer_id, customer_id), day)

    def ledger_of_members(self, customer_ids: Sequence[str]) -> Ledger | None:
        """Return everything known of customers that are one payer; null when nothing is."""
        parts = [part for part in map(self.ledger_of, customer_ids) if part is not None]
        if len(customer_ids) == 1 or not parts:
            return parts[0] if parts else None
        joined = joined_ledger(parts)
        return joined if self.merges is None else replace(joined, customer_merges=self.merges)

    def signals_of_members(self, customer_ids: Sequence[str]) -> pl.DataFrame | None:
        """Return what the e-mails of customers that are one payer say; null when they are not read."""
        found = [each for each in map(self.signals_of, customer_ids) if each is not None]
        return pl.concat(found) if found else None

    def is_level(self, customer_id: str, change: int) -> bool:
        """Return whether everything up to a change is known of a customer."""
        return max(self.moment.change, self.versions.get(customer_id, self.base).change) >= change

    def version_of(self, customer_id: str) -> tuple[int, int]:
        """Return what changes whenever the history of the customer does."""
        moment = self.versions.get(customer_id, self.base)
        return moment.change, moment.generation

    def signals_of(self, customer_id: str) -> pl.DataFrame | None:
        """Return what the customer's e-mails say, one row per mail; null when they are not read."""
        if customer_id in self.changed_signals:
            return self.changed_signals[customer_id]
        return self.parts.signals(customer_id)

    def ledger_of(self, customer_id: str) -> Ledger | None:
        """Return everything known of one customer; null when nothing is."""
        return self.changed.get(customer_id) or self.parts.part(customer_id)

    def is_known(self, customer_id: str) -> bool:
        """Return whether a customer is known, be it by its id only."""
        part = self.changed.get(customer_id)
        return bool((self.parts.customer(customer_id) if part is None else part.customers).height)

    def customer(self, customer_id: str, day: dt.date) -> dict[str, Any] | None:
        """Return one customer as a row, as it was known before a day; null when it is unknown now."""
        part = self.changed.get(customer_id)
        if part is None:
            customer, history = (
                self.parts.customer(customer_id),
                self.parts.rows("customer_history", customer_id),
            )
        else:
            customer, history = part.customers, part.customer_history
        described = customers_at(customer, history, day)
        return described.row(0, named=True) if described.height else None

    def invoice(self, invoice_id: str) -> dict[str, Any] | None:
        """Return one invoice, or one instalment by its own id, as a row; null when it is unknown."""
        return self._whole_invoice(invoice_id) or self._instalment(invoice_id)

    def instalment_ids(self, invoice_id: str) -> tuple[str, ...]:
        """Return the receivables of an invoice due in instalments, in order of their days; none of any other."""
        part = self._part_with_instalments(invoice_id)
        if part is None or part.instalments is None:
            return ()
        own = part.instalments.filter(pl.col("invoice_id") == invoice_id).sort("due_on", "number")
        return tuple(own.select(receivable_ids()).to_series().to_list())

    def _instalment(self, receivable_id: str) -> dict[str, Any] | None:
        invoice_id, mark, _ = receivable_id.rpartition("#")
        part = self._part_with_instalments(invoice_id) if mark else None
        if part is None:
            return None
        found = receivables(part).invoices.filter(pl.col("invoice_id") == receivable_id)
        return found.row(0, named=True) if found.height else None

    def _part_with_instalments(self, invoice_id: str) -> Ledger | None:
        """Return the ledger of an invoice's customer; null where the invoice is unknown or there are no instalments."""
        row = self._whole_invoice(invoice_id)
        if row is None:
            return None
        part = self.changed.get(row["customer_id"])
        if part is None and "instalments" in self.parts.cuts:
            part = self.parts.part(row["customer_id"])
        return None if part is None or part.instalments is None else part

    def _whole_invoice(self, invoice_id: str) -> dict[str, Any] | None:
        customer_id = self.changed_invoices.get(invoice_id)
        if customer_id is not None:
            invoices = self.changed[customer_id].invoices
            return invoices.row(by_predicate=pl.col("invoice_id") == invoice_id, named=True)
        row = self.parts.invoice(invoice_id)
        return None if row is not None and row["customer_id"] in self.changed else row


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


def prepare(store: HistoryStore, settings: LedgerSettings, is_reading_mails: bool = False) -> Knowledge:
    """Prepare what is known from the whole store.

    Args:
        store: the history store.
        settings: how lateness is read.
        is_reading_mails: mails are read into the store; without that what they say is unknown.
    """
    whole = store.history(with_mail_texts=False)
    signals = _signals(whole, is_reading_mails)
    history = PaymentHistory.from_ledger(whole.ledger, settings, signals)
    parts = LedgerParts.of(whole.ledger, signals)
    for index in (history.base.customers, history.base.invoices, parts.customers, parts.invoices):
        index.code_of("")  # the first look-up prepares an index: here, not in somebody's request
    merges = whole.ledger.customer_merges
    return Knowledge(whole.moment, history, parts, {}, {}, whole.moment, {}, {}, whole.overrides, merges)


def advance(
    knowledge: Knowledge,
    customer_ids: tuple[str, ...],
    fresh: HistoryAtMoment,
    is_reading_mails: bool = False,
) -> Knowledge:
    """Lay the present histories of the changed customers over what was known.

    Args:
        knowledge: what was known.
        customer_ids: every customer that changed since.
        fresh: their whole ledger parts, and the moment they belong to.
        is_reading_mails: mails are read into the store.
    """
    signals = _signals(fresh, is_reading_mails)
    history = knowledge.history.with_customer(fresh.ledger, signals)
    changed = {**knowledge.changed, **_parts_of(fresh.ledger, customer_ids)}
    invoices = {
        invoice_id: customer_id
        for invoice_id, customer_id in knowledge.changed_invoices.items()
        if customer_id not in customer_ids
    }
    invoices.update(fresh.ledger.invoices.select("invoice_id", "customer_id").iter_rows())
    own = {
        customer_id: None if signals is None else signals.filter(pl.col("customer_id") == customer_id)
        for customer_id in customer_ids
    }
    return replace(
        knowledge,
        moment=fresh.moment,
        history=history,
        changed=changed,
        changed_invoices=invoices,
        versions={**knowledge.versions, **dict.fromkeys(customer_ids, fresh.moment)},
        changed_signals={**knowledge.changed_signals, **own},
        overrides={key: held for key, held in knowledge.overrides.items() if key not in customer_ids}
        | dict(fresh.overrides),
        merges=_merges(knowledge.merges, customer_ids, fresh.ledger.customer_merges),
    )


def _merges(
    known: pl.DataFrame | None, customer_ids: tuple[str, ...], fresh: pl.DataFrame | None
) -> pl.DataFrame | None:
    """The merges after those of the changed customers became known anew."""
    if known is None or fresh is None:
        return known if fresh is None else fresh
    is_old = pl.any_horizontal(pl.col("customer_id", "merged_into_id").is_in(list(customer_ids)))
    return pl.concat([known.filter(~is_old), fresh]).unique("customer_id").sort("customer_id")


def _signals(found: HistoryAtMoment, is_reading_mails: bool) -> pl.DataFrame | None:
    return found.signals if is_reading_mails and found.ledger.emails is not None else None


def _parts_of(ledger: Ledger, customer_ids: tuple[str, ...]) -> dict[str, Ledger]:
    """The rows of each of these customers, whose ledger it is; nothing of one that is unknown."""
    if len(customer_ids) == 1 and ledger.customers.height == 1:
        return {customer_ids[0]: ledger}
    parts = LedgerParts.of(ledger)
    found = {customer_id: parts.part(customer_id) for customer_id in customer_ids}
    return {customer_id: _empty_part(ledger) if part is None else part for customer_id, part in found.items()}


def _empty_part(ledger: Ledger) -> Ledger:
    return Ledger.from_tables(
        {name: frame if name in SHARED_TABLES else frame.clear() for name, frame in ledger.tables()}
    )


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
        self._away_until = 0.0

    @property
    def is_rebuilding(self) -> bool:
        """Say whether everything is being prepared again, after a load or much change."""
        return self._supervisor.is_unfinished(self._rebuild_name)

    @property
    def is_store_away(self) -> bool:
        """Say whether the store was away when last asked."""
        return self._away_until > 0.0

    @property
    def latest(self) -> Knowledge:
        """Return what is known without asking the store."""
        return self._knowledge

    async def level_with(self, customer_ids: Collection[str]) -> Knowledge:
        """Return what is known now of some customers, and of all others as far as it bears on them.

        With every change of these customers that was acknowledged before the question, and every change of others from
        which features of these are made. What else became known of others (mails, contacts, disputes) follows in the
        background, so that nobody waits for the mails of somebody else.
        """
        knowledge = await self.current()
        if self.is_store_away or self._asked.change <= knowledge.moment.change:
            return knowledge
        try:
            _, changed = await ask(self._store, self._store.changed_since, knowledge.moment.change)
            needed = {key: changed[key] for key in customer_ids if key in changed}
            # A run that had begun may not hold them yet, the next one does; while a load is prepared neither may.
            for _ in range(LEVEL_RUNS):
                stale = {key for key, at in needed.items() if not self._knowledge.is_level(key, at)}
                if not stale:
                    break
                await self._level_some(stale)
        except StoreUnavailableError:
            self._note_away()
        self._supervisor.once(self._catch_up_name, self._catch_up_behind, delay=CATCH_UP_SECONDS)
        return self._knowledge

    async def _level_some(self, customer_ids: Collection[str]) -> None:
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

        `level_with` brings that. While the store is away, or while a nightly load is being prepared, the latest
        knowledge serves.
        """
        async with self._lock:
            if time.monotonic() < self._away_until:
                return self._knowledge
            try:
                if self._catching_up is not None:
                    # A caller gave up waiting for it; a second one beside it would only double the work.
                    await asyncio.wait({self._catching_up})
                self._asked = moment = await ask(self._store, self._store.moment)
                if _bears_on_all(moment, self._knowledge.moment):
                    await self._catch_up_once(moment)
            except StoreUnavailableError:
                self._note_away()
            else:
                self._away_until = 0.0
            return self._knowledge

    def _note_away(self) -> None:
        """Leave the store in peace for a moment; said once, when it becomes unavailable."""
        if not self.is_store_away:
            _LOG.warning("the history store is away; the latest knowledge serves")
        self._away_until = time.monotonic() + AWAY_SECONDS

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
