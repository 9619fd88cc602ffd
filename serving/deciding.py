"""Deciding on the invoices of a request: the facts of their accounts, and the customer's other contacts of the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from models.score import Score
from serving.account_facts import Accounts, NewInvoice, read_accounts
from serving.cases import scored_invoice
from serving.conversations import Decided, NightCase, contacts_of_night, decide_together, waits_of
from serving.dunning import Decision, Policy
from serving.memory import Remembered
from serving.online import Knowledge
from serving.scoring import InvoiceInFull, nothing_known_of

#: Account states remembered, by customer and day.
REMEMBERED_ACCOUNTS: Final = 20_000


class Decider:
    """Decides, and remembers what it read of each customer until something about the customer changes."""

    def __init__(self) -> None:
        self._accounts: Remembered[Accounts] = Remembered(REMEMBERED_ACCOUNTS)
        self._others: Remembered[tuple[Decided, ...]] = Remembered(REMEMBERED_ACCOUNTS)

    def decide(
        self,
        policy: Policy,
        knowledge: Knowledge,
        night: Mapping[str, tuple[NightCase, ...]],
        invoices: Sequence[InvoiceInFull],
        scores: Sequence[Score],
        as_of: dt.date,
        feed_age: float | None,
    ) -> dict[str, Decision]:
        """Decide on every invoice that has a number, customer by customer; drafts are not dunned.

        Args:
            policy: the policy in service.
            knowledge: what is known of the customers, with the decisions of people that stand.
            night: last night's open invoices by customer.
            invoices: the invoices of the request.
            scores: their scores, in the same order.
            as_of: the day of the decisions.
            feed_age: age of the newest ledger feed, hours; null (unknown) counts as stale.

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
                )
                for invoice, _ in pairs
                if invoice.landmark_id not in accounts.invoice_ids
            ]
            facts = accounts.facts([invoice.landmark_id for invoice, _ in pairs], feed_age, new)
            asked = []
            for invoice, score in pairs:
                account = facts[invoice.landmark_id]
                case = scored_invoice(
                    score, invoice.issued_on, invoice.due_on, invoice.amount, invoice.currency, account
                )
                asked.append((case, account))
            of_night = night.get(customer_id, ())
            others = self._others_of(knowledge, of_night, accounts, policy, feed_age, new) if of_night else ()
            waits = waits_of(of_night, as_of)
            for decision in decide_together(asked, others, waits, policy, as_of):
                decisions[decision.invoice_id] = decision
        return decisions

    def _others_of(
        self,
        knowledge: Knowledge,
        night: tuple[NightCase, ...],
        accounts: Accounts,
        policy: Policy,
        feed_age: float | None,
        new: Sequence[NewInvoice],
    ) -> tuple[Decided, ...]:
        """Return the customer's contacts of the day among last night's invoices, from what is remembered."""
        customer_id, as_of = night[0].score.customer_id, accounts.on

        def decided() -> tuple[Decided, ...]:
            known = accounts.invoice_ids & {case.score.invoice_id for case in night}
            return contacts_of_night(night, accounts.facts(sorted(known), feed_age, new), policy, as_of)

        if new and accounts.has_credit(customer_id):
            return decided()  # the new invoice may take a share of the credit
        is_stale = feed_age is None or feed_age > policy.spec.gates.feed_stale.max_age_hours
        moment = (*knowledge.version_of(customer_id), knowledge.moment.night)
        return self._others.get((customer_id, as_of, *moment, policy.digest, is_stale), decided)

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
