"""What is known of every customer at one moment of the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from features.asof import PaymentHistory
from features.ledger import SHARED_TABLES, Ledger
from features.ledger.customers_at import customers_at, payers_at
from features.ledger.receivables import receivable_ids, receivables
from features.settings import LedgerSettings
from features.settlement import settlement_episodes
from serving.accounts.payers import Payers, joined_ledger
from serving.scoring.ledger_parts import CustomerPart, LedgerParts
from serving.store import HistoryAtMoment, HistoryStore, Moment, Overrides


@dataclass(frozen=True, repr=False)
class Knowledge:
    """What is known of all customers at one moment of the store; never changed, only replaced.

    It is not shown whole: asyncio asks for the representation of what a task returns.

    Attributes:
        moment: everything up to this change is in it; of some customers more (`versions`).
        history: the event streams that features are read from.
        parts: the ledger as it was when the base was prepared.
        changed: all of each customer that changed since.
        versions: change and generation at which each changed customer was last brought level.
        base: moment of `parts`.
        overrides: the decisions of people in force.
        merges: the customers that were merged; null when none ever was.
    """

    moment: Moment
    history: PaymentHistory
    parts: LedgerParts
    changed: Mapping[str, CustomerPart]
    base: Moment
    versions: Mapping[str, Moment]
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

    def part_of_members(self, customer_ids: Sequence[str]) -> CustomerPart | None:
        """Return everything known of customers that are one payer; null when nothing is."""
        parts = [part for part in map(self.part_of, customer_ids) if part is not None]
        if len(customer_ids) == 1 or not parts:
            return parts[0] if parts else None
        joined = joined_ledger(part.ledger for part in parts)
        if self.merges is not None:
            joined = replace(joined, customer_merges=self.merges)
        signals = [part.signals for part in parts if part.signals is not None]
        episodes = pl.concat(part.episodes for part in parts)
        return CustomerPart(joined, episodes, pl.concat(signals) if signals else None)

    def is_up_to_date(self, customer_id: str, change: int) -> bool:
        """Return whether everything up to a change is known of a customer."""
        return max(self.moment.change, self.versions.get(customer_id, self.base).change) >= change

    def version_of(self, customer_id: str) -> tuple[int, int]:
        """Return what changes whenever the history of the customer does."""
        moment = self.versions.get(customer_id, self.base)
        return moment.change, moment.generation

    def signals_of(self, customer_id: str) -> pl.DataFrame | None:
        """Return what the customer's e-mails say, one row per mail; null when they are not read."""
        part = self.changed.get(customer_id)
        return self.parts.signals(customer_id) if part is None else part.signals

    def part_of(self, customer_id: str) -> CustomerPart | None:
        """Return everything known of one customer; null when nothing is."""
        return self.changed.get(customer_id) or self.parts.part(customer_id)

    def is_known(self, customer_id: str) -> bool:
        """Return whether a customer is known, be it by its id only."""
        part = self.changed.get(customer_id)
        return bool((self.parts.customer(customer_id) if part is None else part.ledger.customers).height)

    def names(self) -> pl.DataFrame:
        """Return the name of every customer: `customer_id, name`, unique by id; a name may be null."""
        changed = [part.ledger.customers for part in self.changed.values()]
        frames = [*changed, self.parts.cuts["customers"].frame]
        names = pl.concat(frame.select("customer_id", "name") for frame in frames)
        return names.unique("customer_id", keep="first", maintain_order=True)

    def customer(self, customer_id: str, day: dt.date) -> dict[str, Any] | None:
        """Return one customer as a row, as it was known before a day; null when it is unknown now."""
        part = self.changed.get(customer_id)
        if part is None:
            customer, history = (
                self.parts.customer(customer_id),
                self.parts.rows("customer_history", customer_id),
            )
        else:
            customer, history = part.ledger.customers, part.ledger.customer_history
        described = customers_at(customer, history, day)
        return described.row(0, named=True) if described.height else None

    def invoice(self, invoice_id: str) -> dict[str, Any] | None:
        """Return one invoice, or one instalment by its own id, as a row; null when it is unknown."""
        return self._whole_invoice(invoice_id) or self._instalment(invoice_id)

    def instalment_ids(self, invoice_id: str) -> tuple[str, ...]:
        """Return the receivables of an invoice due in instalments, in order of their days; none of any other."""
        ledger = self._ledger_with_instalments(invoice_id)
        if ledger is None or ledger.instalments is None:
            return ()
        own = ledger.instalments.filter(pl.col("invoice_id") == invoice_id).sort("due_on", "number")
        return tuple(own.select(receivable_ids()).to_series().to_list())

    def _instalment(self, receivable_id: str) -> dict[str, Any] | None:
        invoice_id, mark, _ = receivable_id.rpartition("#")
        ledger = self._ledger_with_instalments(invoice_id) if mark else None
        if ledger is None:
            return None
        found = receivables(ledger).invoices.filter(pl.col("invoice_id") == receivable_id)
        return found.row(0, named=True) if found.height else None

    def _ledger_with_instalments(self, invoice_id: str) -> Ledger | None:
        """Return the ledger of an invoice's customer; null where the invoice is unknown or there are no instalments."""
        row = self._whole_invoice(invoice_id)
        if row is None:
            return None
        part = self.changed.get(row["customer_id"])
        if part is None and "instalments" in self.parts.cuts:
            part = self.parts.part(row["customer_id"])
        return None if part is None or part.ledger.instalments is None else part.ledger

    def _whole_invoice(self, invoice_id: str) -> dict[str, Any] | None:
        row = self.parts.invoice(invoice_id)
        if row is not None and row["customer_id"] not in self.changed:
            return row
        found = (part.invoice(invoice_id) for part in self.changed.values())
        return next((row for row in found if row is not None), None)


def prepare(store: HistoryStore, settings: LedgerSettings, is_reading_mails: bool = False) -> Knowledge:
    """Prepare what is known from the whole store.

    Args:
        store: the history store.
        settings: how lateness is read.
        is_reading_mails: mails are read into the store; without that what they say is unknown.
    """
    whole = store.history(with_mail_texts=False)
    signals = _signals(whole, is_reading_mails)
    episodes = settlement_episodes(whole.ledger, settings)
    history = PaymentHistory.from_ledger(whole.ledger, settings, signals, episodes)
    parts = LedgerParts.of(whole.ledger, episodes, signals)
    for index in (history.base.customers, history.base.invoices, parts.customers, parts.invoices):
        index.code_of("")  # the first look-up prepares an index: here, not in somebody's request
    merges = whole.ledger.customer_merges
    return Knowledge(whole.moment, history, parts, {}, whole.moment, {}, whole.overrides, merges)


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
    episodes = settlement_episodes(fresh.ledger, knowledge.history.settings)
    part = CustomerPart(fresh.ledger, episodes, signals)
    return replace(
        knowledge,
        moment=fresh.moment,
        history=knowledge.history.with_customer(fresh.ledger, signals, episodes),
        changed={**knowledge.changed, **_apart(part, customer_ids)},
        versions={**knowledge.versions, **dict.fromkeys(customer_ids, fresh.moment)},
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


def _apart(whole: CustomerPart, customer_ids: tuple[str, ...]) -> dict[str, CustomerPart]:
    """What is known of each of these customers, whose rows these are; nothing of one that is unknown."""
    if len(customer_ids) == 1 and whole.ledger.customers.height == 1:
        return {customer_ids[0]: whole}
    parts = LedgerParts.of(whole.ledger, whole.episodes, whole.signals)
    return {customer_id: parts.part(customer_id) or _nothing_of(whole) for customer_id in customer_ids}


def _nothing_of(whole: CustomerPart) -> CustomerPart:
    """The same tables without a row of any customer."""
    tables = {
        name: frame if name in SHARED_TABLES else frame.clear() for name, frame in whole.ledger.tables()
    }
    signals = None if whole.signals is None else whole.signals.clear()
    return CustomerPart(Ledger.from_tables(tables), whole.episodes.clear(), signals)
