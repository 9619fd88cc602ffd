"""Deciding on the invoices of a request, together with its customers' other open invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from models.score import Score
from serving.account_facts import Accounts, NewInvoice, read_accounts
from serving.cases import scored_invoice
from serving.conversations import NightCase, waits_of
from serving.dunning import Case, Decision, FeedDay, Policy, decide_customer
from serving.memory import Remembered
from serving.online import Knowledge
from serving.scoring import InvoiceInFull, nothing_known_of

#: Account states remembered, by customer and day.
REMEMBERED_ACCOUNTS: Final = 20_000


class Decider:
    """Decides, and remembers what it read of each customer until something about the customer changes."""

    def __init__(self) -> None:
        self._accounts: Remembered[Accounts] = Remembered(REMEMBERED_ACCOUNTS)
        self._others: Remembered[tuple[Case, ...]] = Remembered(REMEMBERED_ACCOUNTS)

    def decide(
        self,
        policy: Policy,
        knowledge: Knowledge,
        night: Mapping[str, tuple[NightCase, ...]],
        invoices: Sequence[InvoiceInFull],
        scores: Sequence[Score],
        as_of: dt.date,
        feeds: tuple[FeedDay, ...],
        *,
        is_live: bool = True,
    ) -> dict[str, Decision]:
        """Decide on every invoice that has a number, customer by customer; drafts are not dunned.

        Args:
            policy: the policy in service.
            knowledge: what is known of the customers, with the decisions of people that stand.
            night: last night's open invoices by customer.
            invoices: the invoices of the request.
            scores: their scores, in the same order.
            as_of: the day of the decisions.
            feeds: up to which day each table is known; one that is missing counts as never delivered.
            is_live: false for a day that has passed: its decisions are a reconstruction.

        Returns:
            Decisions by invoice id.
        """
        by_customer: dict[str, list[tuple[InvoiceInFull, Score]]] = {}
        for invoice, score in zip(invoices, scores, strict=True):
            if invoice.invoice_id is not None:
                by_customer.setdefault(invoice.customer_id, []).append((invoice, score))
        decisions: dict[str, Decision] = {}
        for customer_id, pairs in by_customer.items():
            accounts = self._accounts_of(knowledge, customer_id, as_of)
            new = [
                NewInvoice(
                    invoice.landmark_id,
                    customer_id,
                    invoice.issued_on,
                    invoice.due_on,
                    invoice.amount,
                    invoice.currency,
                    invoice.delivery_channel,
                )
                for invoice, _ in pairs
                if invoice.landmark_id not in accounts.invoice_ids
            ]
            facts = accounts.facts([invoice.landmark_id for invoice, _ in pairs], feeds, new)
            cases = {}
            for invoice, score in pairs:
                account = facts[invoice.landmark_id]
                terms = invoice.issued_on, invoice.due_on, invoice.amount, invoice.currency
                cases[invoice.landmark_id] = Case(scored_invoice(score, *terms, account), account)
            of_night = night.get(customer_id, ())
            others = self._others_of(knowledge, of_night, accounts, feeds, new) if of_night else ()
            together = [*cases.values(), *(case for case in others if case.receivable_id not in cases)]
            waits = waits_of(of_night, as_of)
            for decision in decide_customer(together, policy, as_of, waits, is_live=is_live).decisions:
                if decision.receivable_id in cases:
                    decisions[decision.receivable_id] = decision
        return decisions

    def _others_of(
        self,
        knowledge: Knowledge,
        night: tuple[NightCase, ...],
        accounts: Accounts,
        feeds: tuple[FeedDay, ...],
        new: Sequence[NewInvoice],
    ) -> tuple[Case, ...]:
        """Return the customer's open invoices of last night with the facts of now, from what is remembered.

        A night after the day is not known yet on the day; an invoice that is no longer in the ledger is left out.
        """
        customer_id, as_of = night[0].score.customer_id, accounts.on

        def cases() -> tuple[Case, ...]:
            known = [
                item
                for item in night
                if item.decided_on <= as_of and item.score.invoice_id in accounts.invoice_ids
            ]
            facts = accounts.facts(sorted(item.score.invoice_id for item in known), feeds, new)
            return tuple(Case(item.score, facts[item.score.invoice_id]) for item in known)

        if new and accounts.has_credit(customer_id):
            return cases()  # the new invoice may take a share of the credit
        moment = (*knowledge.version_of(customer_id), knowledge.moment.night)
        return self._others.get((customer_id, as_of, *moment, feeds), cases)

    def _accounts_of(self, knowledge: Knowledge, customer_id: str, as_of: dt.date) -> Accounts:
        """Return the state of a customer's invoices, remembered per customer, day and version of its history."""
        before = as_of + dt.timedelta(days=1)  # what was posted today is seen: it protects the customer

        def read() -> Accounts:
            part = knowledge.ledger_of(customer_id) or nothing_known_of(customer_id)
            signals = knowledge.signals_of(customer_id)
            settings = knowledge.history.settings
            return read_accounts(
                part,
                [customer_id],
                before,
                on=as_of,
                signals=signals,
                settings=settings,
                overrides=knowledge.overrides,
            )

        return self._accounts.get((customer_id, as_of, *knowledge.version_of(customer_id)), read)
