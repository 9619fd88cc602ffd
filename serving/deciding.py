"""Deciding on the receivables of a request together with everything else their customers owe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from features.asof import landmarks_to_decide
from features.settlement import settlement_episodes
from features.words import Text
from models.score import Score
from serving.account_facts import Accounts, NewInvoice, read_accounts
from serving.cases import dunning_cases, recently_paid, reminded_cases, scored_invoice, with_country
from serving.dunning import Case, Decision, FeedDay, Policy, decide_customer
from serving.memory import Remembered
from serving.online import Knowledge
from serving.scoring import InvoiceInFull, nothing_known_of

#: Account states remembered, by customer and day.
REMEMBERED_ACCOUNTS: Final = 20_000
#: Scores landmarks without reasons, one score for each in their order.
ScoreLandmarks = Callable[[pl.DataFrame], Sequence[Score]]


@dataclass(frozen=True)
class _Account:
    """One customer's account on a day.

    Attributes:
        accounts: facts of its receivables.
        open: landmarks of its open receivables.
        open_ids: their ids.
        paid: its receivables that were paid lately.
    """

    accounts: Accounts
    open: pl.DataFrame
    open_ids: frozenset[str]
    paid: pl.DataFrame


class Decider:
    """Decides, and remembers what it read of each customer until something about the customer changes."""

    def __init__(self) -> None:
        self._accounts: Remembered[_Account] = Remembered(REMEMBERED_ACCOUNTS)
        self._scores: Remembered[Sequence[Score]] = Remembered(REMEMBERED_ACCOUNTS)

    def decide(
        self,
        policy: Policy,
        knowledge: Knowledge,
        waits: Mapping[str, Text],
        pending: Mapping[str, Mapping[str, pl.DataFrame]],
        invoices: Sequence[InvoiceInFull],
        scores: Sequence[Score],
        as_of: dt.date,
        feeds: tuple[FeedDay, ...],
        score_others: ScoreLandmarks,
        model_version: str,
        *,
        is_live: bool = True,
    ) -> dict[str, Decision]:
        """Decide on every invoice that has a number, customer by customer; drafts and simulations are not dunned.

        All that a customer owes is decided together, as in the night: what the request does not name is scored by the
        same model from the same facts.

        Args:
            policy: the policy in service.
            knowledge: what is known of the customers, with the decisions of people that stand.
            waits: why the calls and letters to a customer wait since last night.
            pending: facts that wait for an invoice of the request, by invoice and table.
            invoices: the invoices of the request.
            scores: their scores, in the same order.
            as_of: the day of the decisions.
            feeds: up to which day each table is known; one that is missing counts as never delivered.
            score_others: scores the customer's other open receivables.
            model_version: of the model that scores.
            is_live: false for a day that has passed: its decisions are a reconstruction.

        Returns:
            Decisions by receivable.
        """
        by_customer: dict[str, list[tuple[InvoiceInFull, Score]]] = {}
        for invoice, score in zip(invoices, scores, strict=True):
            if invoice.is_dunned:
                by_customer.setdefault(invoice.customer_id, []).append((invoice, score))
        decisions: dict[str, Decision] = {}
        for customer_id, pairs in by_customer.items():
            account = self._account_of(knowledge, customer_id, as_of)

            def score_open(account: _Account = account) -> Sequence[Score]:
                return score_others(account.open) if account.open.height else ()

            # A score reads the facts of other customers too (sector, country): any change makes it anew.
            moment = knowledge.moment
            key = (customer_id, as_of, moment.change, moment.generation, model_version)
            asked = {invoice.landmark_id for invoice, _ in pairs}
            has_others = not account.open_ids <= asked
            others = self._scores.get(key, score_open) if has_others else ()
            cases = _cases(account, pairs, others, pending, feeds, as_of)
            decided = decide_customer(cases, policy, as_of, waits.get(customer_id), is_live=is_live).decisions
            decisions |= {each.receivable_id: each for each in decided if each.receivable_id in asked}
        return decisions

    def _account_of(self, knowledge: Knowledge, customer_id: str, as_of: dt.date) -> _Account:
        """Return the state of a customer's account, remembered per customer, day and version of its history."""

        def read() -> _Account:
            part = knowledge.ledger_of(customer_id) or nothing_known_of(customer_id)
            settings = knowledge.history.settings
            episodes = settlement_episodes(part, settings)
            accounts = read_accounts(
                part,
                [customer_id],
                as_of,
                signals=knowledge.signals_of(customer_id),
                settings=settings,
                overrides=knowledge.overrides,
                episodes=episodes,
            )
            landmarks = landmarks_to_decide(part, as_of, settings, episodes)
            return _Account(
                accounts,
                with_country(landmarks, part.customers),
                frozenset(landmarks["invoice_id"].to_list()),
                recently_paid(part, as_of, episodes),
            )

        return self._accounts.get((customer_id, as_of, *knowledge.version_of(customer_id)), read)


def _cases(
    account: _Account,
    pairs: Sequence[tuple[InvoiceInFull, Score]],
    others: Sequence[Score],
    pending: Mapping[str, Mapping[str, pl.DataFrame]],
    feeds: tuple[FeedDay, ...],
    as_of: dt.date,
) -> list[Case]:
    """Return the cases of one customer: the invoices of the request, what else it owes, and what it has just paid."""
    accounts, asked = account.accounts, {invoice.landmark_id for invoice, _ in pairs}
    new = [
        NewInvoice(
            invoice.landmark_id,
            invoice.customer_id,
            invoice.issued_on,
            invoice.due_on,
            invoice.amount,
            invoice.currency,
            invoice.delivery_channel,
            pending.get(invoice.landmark_id, {}),
        )
        for invoice, _ in pairs
        if invoice.landmark_id not in accounts.invoice_ids
    ]
    beside = [score for score in others if score.invoice_id not in asked]
    named = {*asked, *(score.invoice_id for score in beside)}
    paid = account.paid
    if paid.height:
        paid = paid.filter(~pl.col("invoice_id").is_in(sorted(named)))
    facts = accounts.facts([*sorted(named), *paid["invoice_id"].to_list()], feeds, new)
    cases = []
    for invoice, score in pairs:
        state, place = facts[invoice.landmark_id], accounts.places.get(invoice.landmark_id)
        terms = invoice.issued_on, invoice.due_on, invoice.amount, invoice.currency
        cases.append(Case(scored_invoice(score, *terms, state, place), state))
    if beside:
        cases += dunning_cases(beside, account.open, facts, accounts.places)
    return [*cases, *reminded_cases(paid, facts, accounts.places, as_of)]
