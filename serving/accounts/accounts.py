"""The state of each account at decision time, read from the ledger and from what its e-mails said.

One function for the nightly batch and for one customer in the score service.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from features.asof.exchange_rates import ExchangeRates
from features.ledger import Ledger, empty_table, table_dtypes
from features.ledger.customers_at import payers_at
from features.ledger.receivables import InstalmentPlace, instalment_places, receivables
from features.settings import DEFAULT_CURRENCY, LedgerSettings
from features.settlement import settlement_at, settlement_episodes
from serving.accounts.customers import CustomerRead, SignalMemory, read_customers
from serving.accounts.events import has_plan
from serving.accounts.facts import Moment, facts_of
from serving.accounts.invoices import INVOICE_COLUMNS, NOTHING_OWED, InvoiceRead, KnownFacts, KnownInvoices
from serving.accounts.payers import Payers, ledger_of_payers, overrides_of_payers, signals_of_payers
from serving.accounts.totals import NO_RECORD, AccountTotals, PaymentRecord, payment_records
from serving.dunning import (
    AccountFacts,
    FeedDay,
    PersonOverride,
    allocate_unapplied_credits,
)
from serving.store import Overrides

#: Days after which an invoice that was paid in full bears on nothing that is done; longer than anybody is thanked.
_AT_REST_DAYS = 30


def account_facts(
    ledger: Ledger,
    invoice_ids: Sequence[str],
    on: dt.date,
    *,
    signals: pl.DataFrame | None = None,
    feeds: tuple[FeedDay, ...] = (),
    settings: LedgerSettings | None = None,
    memory: SignalMemory | None = None,
    overrides: Overrides | None = None,
    states: pl.DataFrame | None = None,
    currency: str = DEFAULT_CURRENCY,
) -> dict[str, AccountFacts]:
    """The account's state for each of these receivables on a day, from what was known through that day.

    Args:
        ledger: every row of the invoices' customers (more does no harm).
        invoice_ids: receivables to decide on; unknown ones are left out of the answer.
        on: the day of the decision. What became known on it counts: it protects the customer.
        signals: what the e-mails say (`features.email.signals_frame`); None when they have not
            been read. Only decided signals count: an unsure one never stops or changes a route.
        feeds: up to which day each table is known; one that is missing counts as never delivered.
        settings: tolerance of settlement.
        memory: how long a signal is used.
        overrides: the overrides in force; as orders, not knowledge, they apply whatever the day.
        states: what was settled by what was known through the day (`settlement_at` the next one), where at hand.
        currency: the policy's: exchange rates convert into it.

    Returns:
        Facts by receivable.
    """
    wanted = receivables(ledger).invoices.filter(
        pl.col("invoice_id").is_in(list(invoice_ids)) & (pl.col("kind") == "invoice")
    )
    customer_ids = wanted["customer_id"].unique().to_list()
    accounts = read_accounts(
        ledger,
        customer_ids,
        on,
        also=list(invoice_ids),
        signals=signals,
        settings=settings,
        memory=memory,
        overrides=overrides,
        states=states,
        currency=currency,
    )
    return accounts.facts(wanted["invoice_id"].to_list(), feeds)


@dataclass(frozen=True)
class NewInvoice:
    """An invoice being created: not in the ledger yet.

    Attributes:
        waiting: facts that came before it, by ledger table; without any it is open for its whole amount.
    """

    invoice_id: str
    customer_id: str
    issued_on: dt.date
    due_on: dt.date
    amount: Decimal
    currency: str = DEFAULT_CURRENCY
    delivery_channel: str | None = None
    waiting: Mapping[str, pl.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Accounts:
    """What the ledger and the e-mails say of some customers, read once; never changed.

    Attributes:
        on: the day of the decision; what was known through it is in it.
        places: which instalment each receivable is that is no whole invoice.
        settings: tolerance of settlement.
        memory: how long a signal is used.
        payers: the payer of each customer that was merged.
    """

    on: dt.date
    settings: LedgerSettings
    memory: SignalMemory
    places: Mapping[str, InstalmentPlace]
    _known: KnownInvoices
    _invoices: Mapping[str, InvoiceRead]
    _customers: Mapping[str, CustomerRead]
    _totals: Mapping[str, AccountTotals]
    _payment_records: Mapping[str, PaymentRecord]
    _rates: Mapping[str, Decimal]
    _overrides: Overrides
    payers: Payers = field(default_factory=dict)

    @property
    def invoice_ids(self) -> Set[str]:
        """The invoices whose facts can be read."""
        return self._known.ids

    def has_credit(self, customer_id: str) -> bool:
        """Whether the customer has credits that are set against no invoice yet."""
        return any(credit > 0 for credit in self._customers[customer_id].credits.values())

    def facts(
        self,
        invoice_ids: Sequence[str],
        feeds: tuple[FeedDay, ...] = (),
        new: Sequence[NewInvoice] = (),
    ) -> dict[str, AccountFacts]:
        """The account's state for each of these invoices.

        Args:
            invoice_ids: invoices read, or among the new ones.
            feeds: up to which day each table is known; one that is missing counts as never delivered.
            new: invoices being created for these customers; they count in what a customer owes.
        """
        made = {invoice.invoice_id: self._as_read(invoice) for invoice in new}
        at_rest = [key for key in invoice_ids if key not in made and key not in self._invoices]
        read = {**self._invoices, **(self._known.read(at_rest) if at_rest else {}), **made}
        asked = {key: read[key] for key in invoice_ids}
        records = _records_of(made.values(), self.on, self.settings) if made else {}
        totals: dict[str, AccountTotals] = {}
        paying: dict[str, PaymentRecord] = {}
        shares: dict[str, Decimal] = {}
        for customer_id in {invoice.row["customer_id"] for invoice in asked.values()}:
            added = [found for found in made.values() if found.row["customer_id"] == customer_id]
            totals[customer_id] = self._totals[customer_id].and_owes(added, self.on)
            record = self._payment_records.get(customer_id, NO_RECORD)
            paying[customer_id] = record.and_of(records.get(customer_id, NO_RECORD))
            if self.has_credit(customer_id):
                credits_of = self._customers[customer_id].credits
                shares |= allocate_unapplied_credits(credits_of, totals[customer_id].open_balances)
        moment = Moment(self.on, self._rates, feeds, self.settings.settled_tolerance, self.memory)
        return {
            key: facts_of(
                invoice,
                self._customers[invoice.row["customer_id"]],
                totals[invoice.row["customer_id"]],
                paying[invoice.row["customer_id"]],
                moment,
                credit_share=shares.get(key, NOTHING_OWED),
                override=self._override(invoice.row["customer_id"], key),
            )
            for key, invoice in asked.items()
        }

    def _override(self, customer_id: str, key: str) -> PersonOverride | None:
        """What a person decided on the receivable, or else on its invoice as a whole."""
        held = self._overrides.get(customer_id, {})
        place = self.places.get(key)
        return held.get(key) or (None if place is None else held.get(place.invoice_id))

    def _as_read(self, new: NewInvoice) -> InvoiceRead:
        row = {name: getattr(new, name) for name in INVOICE_COLUMNS}
        row["customer_id"] = self.payers.get(new.customer_id, new.customer_id)
        invoice = InvoiceRead(row, new.amount)
        if new.waiting:
            columns = table_dtypes("invoices")
            made = {**dict.fromkeys(columns), **row, "kind": "invoice"}
            tables = {
                "customers": empty_table("customers"),
                "payments": empty_table("payments"),
                **new.waiting,
                "invoices": pl.DataFrame([made], schema=columns),
            }
            known_before = self.on + dt.timedelta(days=1)
            with_them = receivables(Ledger.from_tables(tables))
            states = settlement_at(settlement_episodes(with_them, self.settings), known_before)
            facts = KnownFacts.of(with_them, known_before)
            known = KnownInvoices.of(facts, [row["customer_id"]], [new.invoice_id], states)
            invoice = known.read([new.invoice_id]).get(new.invoice_id, invoice)
        for event in self._known.events_about(new.invoice_id, self._customers):
            invoice.take(event)
        return invoice


def read_accounts(
    ledger: Ledger,
    customer_ids: Sequence[str],
    on: dt.date,
    *,
    also: Sequence[str] = (),
    signals: pl.DataFrame | None = None,
    settings: LedgerSettings | None = None,
    memory: SignalMemory | None = None,
    overrides: Overrides | None = None,
    states: pl.DataFrame | None = None,
    currency: str = DEFAULT_CURRENCY,
    rates: ExchangeRates | None = None,
) -> Accounts:
    """Read everything that bears on the receivables of some customers, from what was known through a day.

    Customers of which a merge is known by then are one payer: each has everything of the others.

    Args:
        ledger: every row of the customers, and of those merged with them (more does no harm).
        customer_ids: the customers; unknown ones owe nothing yet.
        on: the day of the decision.
        also: receivables read though they were issued later.
        signals: what the e-mails say; None when they have not been read.
        settings: tolerance of settlement.
        memory: how long a signal is used.
        overrides: the overrides in force; none applies to another customer.
        states: what was settled by what was known through the day (`settlement_at` the next one), where at hand.
        currency: the policy's: exchange rates convert into it.
        rates: the published ones, where they are at hand.
    """
    settings, memory = settings or LedgerSettings(), memory or SignalMemory()
    known_before, places = on + dt.timedelta(days=1), instalment_places(ledger)
    payers = payers_at(ledger.customer_merges, known_before)
    ids = list(dict.fromkeys(payers.get(customer_id, customer_id) for customer_id in customer_ids))
    ledger, signals = ledger_of_payers(receivables(ledger), payers), signals_of_payers(signals, payers)
    if states is None:
        states = settlement_at(settlement_episodes(ledger, settings), known_before)
    facts = KnownFacts.of(ledger, known_before)
    known = KnownInvoices.of(facts, ids, also, states)
    invoices = known.bearing(also, on - dt.timedelta(days=_AT_REST_DAYS))
    customers = read_customers(facts, ids, invoices, on, signals, memory, settings.reporting_currency)
    owed: dict[str, list[InvoiceRead]] = {customer_id: [] for customer_id in customers}
    for invoice in invoices.values():
        owed[invoice.row["customer_id"]].append(invoice)
    published = ExchangeRates.of(ledger.indicators) if rates is None else rates
    planning = [key for key, customer in customers.items() if has_plan(customer.events)]
    received = known.received() if planning else {}
    for key in planning:
        customers[key].received = received.get(key, [])
    totals = {key: AccountTotals().and_owes(found, on) for key, found in owed.items()}
    credited = _credited_in_full(invoices.values())
    return Accounts(
        on,
        settings,
        memory,
        places,
        known,
        invoices,
        customers,
        totals,
        payment_records(known.rows, credited, on, settings.grace_days),
        published.known(currency, known_before),
        overrides_of_payers(overrides or {}, payers),
        payers,
    )


def _credited_in_full(invoices: Iterable[InvoiceRead]) -> list[str]:
    return [invoice.row["invoice_id"] for invoice in invoices if invoice.credited >= invoice.row["amount"]]


def _records_of(
    invoices: Collection[InvoiceRead], on: dt.date, settings: LedgerSettings
) -> dict[str, PaymentRecord]:
    """The payment records that new invoices alone make."""
    columns = [*INVOICE_COLUMNS, "settled_on"]
    rows = [{**invoice.row, "settled_on": invoice.settled_on} for invoice in invoices]
    dtypes = {**table_dtypes("invoices"), "settled_on": pl.Date()}
    frame = pl.DataFrame(rows, schema={name: dtypes[name] for name in columns})
    return payment_records(frame, _credited_in_full(invoices), on, settings.grace_days)
