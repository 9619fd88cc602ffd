"""What the ledger contains about the invoices of some customers, as of a day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import polars as pl

from features.ledger import Ledger
from features.words import (
    CASH_METHODS,
    CONTACT_KINDS,
    CREDIT_NOTE,
    LIFECYCLE_PREFIX,
    ON_ACCOUNT,
    PAYMENT_METHODS,
    REVERSAL,
    TASK_CLOSED,
    TASK_OPENED,
    THANKS_SENT,
    ClosedBy,
)
from serving.dunning import PartPayment

NOTHING_OWED = Decimal("0.00")
_TASK_KINDS = (TASK_OPENED, TASK_CLOSED, THANKS_SENT)
INVOICE_COLUMNS = (
    "invoice_id",
    "customer_id",
    "issued_on",
    "due_on",
    "amount",
    "currency",
    "delivery_channel",
)
#: Up to this many invoices are read one by one without a selection of those that matter.
FEW_INVOICES: Final = 200


@dataclass(frozen=True)
class Receipt:
    """What one payment brought on one receivable; a set-off brings no cash."""

    paid_on: dt.date
    amount: Decimal
    is_cash: bool


@dataclass
class InvoiceRead:
    """One open or asked-for invoice with what happened to it."""

    row: Mapping[str, Any]
    balance: Decimal
    credited: Decimal = NOTHING_OWED
    from_account: Decimal = NOTHING_OWED
    closed_by: ClosedBy | None = None
    settled_on: dt.date | None = None
    receipts: dict[str, Receipt] = field(default_factory=dict)
    received: list[tuple[dt.date, str, Decimal]] = field(default_factory=list)
    is_disputed: bool = False
    disputed: Decimal | None = None
    disputed_on: dt.date | None = None
    status: str | None = None
    status_on: dt.date | None = None
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    tasks: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def owed(self) -> Decimal:
        """What can be asked for on it before credits: nothing once it is closed, be it some cents short."""
        return NOTHING_OWED if self.closed_by is not None else max(self.balance, NOTHING_OWED)

    @property
    def last_paid_on(self) -> dt.date | None:
        """The value day of the newest cash received on it and not reversed; None without any."""
        return max((receipt.paid_on for receipt in self.receipts.values() if receipt.is_cash), default=None)

    @property
    def late_payments(self) -> tuple[PartPayment, ...]:
        """What was paid on it after the due date and not reversed."""
        return tuple(
            PartPayment(receipt.paid_on, receipt.amount)
            for receipt in self.receipts.values()
            if receipt.paid_on > self.row["due_on"]
        )

    def undo(self, payment_id: str | None, amount: Decimal) -> None:
        """Take back what was paid: of the payment named, else of the newest ones."""
        for key in [payment_id] if payment_id is not None else list(reversed(self.receipts)):
            receipt = self.receipts.get(key)
            if receipt is None or amount <= 0:
                continue
            left = max(receipt.amount - amount, NOTHING_OWED)
            amount -= receipt.amount - left
            if left:
                self.receipts[key] = replace(receipt, amount=left)
            else:
                del self.receipts[key]

    def dispute(self, opened_on: dt.date, amount: Decimal | None) -> None:
        """Note an open dispute about the invoice, or about an amount of it."""
        so_far = self.disputed if self.is_disputed else NOTHING_OWED
        self.disputed = None if amount is None or so_far is None else so_far + amount
        self.is_disputed = True
        self.disputed_on = max(self.disputed_on or opened_on, opened_on)

    def take(self, event: Mapping[str, Any]) -> None:
        """Note an interaction about the invoice; they come in the order they happened."""
        if event["kind"].startswith(LIFECYCLE_PREFIX):
            self.status, self.status_on = event["kind"], event["happened_at"].date()
        elif event["kind"] in CONTACT_KINDS:
            self.steps.append(event)
        elif event["kind"] in _TASK_KINDS:
            self.tasks.append(event)


@dataclass(frozen=True)
class KnownFacts:
    """What a ledger holds that was known before a day, each table in the order in which it became known.

    Attributes:
        ledger: the whole of it.
        known_before: the day.
        payments: known by then.
        disputes: those open then; null without the table.
        interactions: those that had happened; null without the table.
    """

    ledger: Ledger
    known_before: dt.date
    payments: pl.DataFrame
    disputes: pl.DataFrame | None
    interactions: pl.DataFrame | None

    @classmethod
    def of(cls, ledger: Ledger, known_before: dt.date) -> KnownFacts:
        """Leave out what was not known before a day."""
        payments = ledger.payments.filter(pl.col("known_on") < known_before).sort("known_on", "payment_id")
        disputes, interactions = ledger.disputes, ledger.interactions
        if disputes is not None:
            disputes = disputes.filter(
                (pl.col("opened_on") < known_before)
                & (pl.col("closed_on").is_null() | (pl.col("closed_on") >= known_before))
            )
        if interactions is not None:
            interactions = before(interactions, "happened_at", known_before)
        return cls(ledger, known_before, payments, disputes, interactions)


@dataclass(frozen=True)
class KnownInvoices:
    """The invoices of some customers known before a day, or asked for.

    Those that were paid in full by plain cash some time ago bear on nothing but the record of the payer: they are not
    read one by one unless somebody asks.

    Attributes:
        facts: what was known before the day of the customers.
        rows: the invoices, one row each: `INVOICE_COLUMNS`, `owed` (its amount, nothing once it is cancelled), and
            `settled_on`, `settlement_known_on`, `closed_by` of its settlement, null while it is open.
    """

    facts: KnownFacts
    rows: pl.DataFrame

    @classmethod
    def of(
        cls,
        facts: KnownFacts,
        customer_ids: Collection[str],
        extra: Collection[str],
        states: pl.DataFrame,
    ) -> KnownInvoices:
        """Find the invoices of some customers.

        Args:
            facts: every row of the customers that was known before the day, receivables as invoices.
            customer_ids: the customers.
            extra: invoices that count though they were issued later.
            states: what was settled by what was known before the day (`settlement_at`).
        """
        known_before = facts.known_before
        invoices = facts.ledger.invoices.filter(
            pl.col("customer_id").is_in(list(customer_ids))
            & (pl.col("kind") == "invoice")
            & ((pl.col("issued_on") < known_before) | pl.col("invoice_id").is_in(list(extra)))
        )
        owed = pl.when(pl.col("cancelled_on") < known_before).then(NOTHING_OWED).otherwise(pl.col("amount"))
        rows = invoices.select(*INVOICE_COLUMNS, owed=owed).join(
            states, on="invoice_id", how="left", validate="1:1", maintain_order="left"
        )
        return cls(facts, rows)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of all of them."""
        return frozenset(self.rows["invoice_id"].to_list())

    def bearing(self, also: Collection[str], closed_since: dt.date) -> dict[str, InvoiceRead]:
        """Read those that bear on what is owed or done now.

        Args:
            also: invoices read in any case.
            closed_since: closed ones are read when this became known on that day or later, or when anything but plain
                cash covers them.
        """
        if self.rows.height <= FEW_INVOICES:
            return self._read(self.rows)
        allocations = self._allocations(self.rows)
        plain = (
            allocations.group_by("invoice_id")
            .agg(
                is_cash=(pl.col("method").is_null() | pl.col("method").is_in(list(CASH_METHODS))).all(),
                paid=pl.col("amount").sum(),
            )
            .filter("is_cash")
        )
        at_rest = (
            self.rows.filter(
                (pl.col("settlement_known_on") < closed_since)
                & (pl.col("closed_by") == "paid")
                & ~pl.col("invoice_id").is_in(list(also))
            )
            .join(plain, on="invoice_id", validate="1:1")
            .filter(pl.col("paid") <= pl.col("owed"))
        )
        return self._read(self.rows.join(at_rest, on="invoice_id", how="anti", maintain_order="left"))

    def read(self, invoice_ids: Collection[str]) -> dict[str, InvoiceRead]:
        """Read some of them."""
        return self._read(self.rows.filter(pl.col("invoice_id").is_in(list(invoice_ids))))

    def events_about(self, invoice_id: str, customer_ids: Collection[str]) -> list[dict[str, Any]]:
        """Return the interactions of customers about an invoice, in their order; it need not be among these."""
        if self.facts.interactions is None:
            return []
        is_about = (pl.col("invoice_id") == invoice_id) & pl.col("customer_id").is_in(list(customer_ids))
        return self.facts.interactions.filter(is_about).to_dicts()

    def received(self) -> dict[str, list[tuple[dt.date, str, Decimal]]]:
        """Return what was allocated to all invoices of each customer: value day, currency, amount."""
        found: dict[str, list[tuple[dt.date, str, Decimal]]] = defaultdict(list)
        rows = self._allocations(self.rows).join(
            self.rows.select("invoice_id", "currency", owner="customer_id"),
            on="invoice_id",
            suffix="_of_invoice",
            maintain_order="left",
        )
        for customer_id, *receipt in rows.select(
            "owner", "paid_on", "currency_of_invoice", "amount"
        ).iter_rows():
            found[customer_id].append((receipt[0], receipt[1], receipt[2]))
        return dict(found)

    def _allocations(self, rows: pl.DataFrame) -> pl.DataFrame:
        return _about(rows, self.facts.payments)

    def _read(self, rows: pl.DataFrame) -> dict[str, InvoiceRead]:
        """Read invoices with their allocations, disputes, statuses and steps."""
        disputes, interactions = self.facts.disputes, self.facts.interactions
        found = {
            row["invoice_id"]: InvoiceRead(
                row, row["owed"], closed_by=row["closed_by"], settled_on=row["settled_on"]
            )
            for row in rows.iter_rows(named=True)
        }
        allocations = [
            row for row in self._allocations(rows).iter_rows(named=True) if row["invoice_id"] in found
        ]
        methods = {row["payment_id"]: row["method"] for row in allocations}
        for row in allocations:
            method = row["method"]
            if method == REVERSAL:
                method = methods.get(row["reverses_payment_id"], method)
            _allocate(found[row["invoice_id"]], row, method)
        if disputes is not None:
            for row in _about(rows, disputes).iter_rows(named=True):
                if row["invoice_id"] in found:
                    found[row["invoice_id"]].dispute(row["opened_on"], row["amount"])
        if interactions is not None:
            for row in _about(rows, interactions).iter_rows(named=True):
                if row["invoice_id"] in found:
                    found[row["invoice_id"]].take(row)
        return found


def _about(invoices: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table about some invoices, and maybe others: it costs less to pass over a few than to pick."""
    if frame.height <= FEW_INVOICES:
        return frame
    return frame.filter(pl.col("invoice_id").is_in(invoices["invoice_id"].implode()))


def before(frame: pl.DataFrame, instant: str, known_before: dt.date) -> pl.DataFrame:
    """Return the rows of a table before a day, in the order of their instants and ids."""
    midnight = dt.datetime.combine(known_before, dt.time(), dt.UTC)
    return frame.filter(pl.col(instant) < midnight).sort(instant, frame.columns[0])


def _allocate(invoice: InvoiceRead, row: Mapping[str, Any], method: str | None) -> None:
    """Set one allocation against an invoice; they come in the order they became known.

    Args:
        invoice: changed in place.
        row: of `payments`.
        method: its own, or of a reversal the one it undoes.
    """
    invoice.balance -= row["amount"]
    invoice.received.append((row["paid_on"], invoice.row["currency"], row["amount"]))
    if method == CREDIT_NOTE:
        invoice.credited += row["amount"]
    elif method == ON_ACCOUNT:
        invoice.from_account += row["amount"]
    if row["method"] == REVERSAL:
        invoice.undo(row["reverses_payment_id"], -row["amount"])
    elif row["amount"] > 0 and (method is None or PAYMENT_METHODS[method].closed_by == "paid"):
        is_cash = method is None or PAYMENT_METHODS[method].is_cash
        invoice.receipts[row["payment_id"]] = Receipt(row["paid_on"], row["amount"], is_cash)
