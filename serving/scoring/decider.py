"""Deciding on the receivables of a request together with everything else their customers owe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import polars as pl

from features.asof import PaymentHistory, landmarks_to_decide
from features.settlement import settlement_at
from features.words import Text
from models.hazard.feature_matrix import FeatureMatrix
from models.score import Score
from serving.accounts import Accounts, NewInvoice, read_accounts
from serving.accounts.cases import dunning_cases, recently_paid, reminded_cases, scored_invoice, with_country
from serving.accounts.payers import Payers, cases_of_payers
from serving.dunning import Case, Decision, FeedDay, Policy, decide_customer
from serving.operations.supervisor import Supervisor
from serving.scoring.cache import SharedCache
from serving.scoring.completion import InvoiceInFull, nothing_known_of
from serving.scoring.customer_knowledge import Knowledge
from serving.scoring.ledger_parts import CustomerPart

#: Accounts, and what is owed on them, cached by customer and day.
CACHED_ACCOUNTS: Final = 5_000
#: Accounts read before a request needs them: half of those cached, so that they never evict all requested ones.
READ_AHEAD: Final = CACHED_ACCOUNTS // 2
#: Accounts of a day read on request, after which the others are read ahead; days this is counted for.
FEW_READ_ALONE: Final = 3
CACHED_DAYS: Final = 100
#: Name of the background task that reads ahead.
ACCOUNTS_READER: Final = "accounts-ahead"
#: Customers whose accounts are read together.
READ_TOGETHER: Final = 50
_ONE_DAY: Final = dt.timedelta(days=1)
#: Scores landmarks without reasons: their features, and one score for each in their order.
ScoreLandmarks = Callable[[pl.DataFrame], tuple[FeatureMatrix, Sequence[Score]]]

_NOTHING_SCORED: Final[tuple[FeatureMatrix, Sequence[Score]]] = (FeatureMatrix((), np.empty((0, 0))), ())


@dataclass(frozen=True)
class _Account:
    """One customer's account on a day.

    Attributes:
        accounts: facts of its receivables, and maybe of those of customers read with it.
        open: landmarks of its open receivables.
        paid: its receivables that were paid lately.
    """

    accounts: Accounts
    open: pl.DataFrame
    paid: pl.DataFrame


@dataclass(frozen=True)
class Owed:
    """All that one customer owes on a day, scored together.

    Attributes:
        account: the account it is owed on.
        version: of the customer's history, and of what else its scores are made of.
        features: of the landmarks of the account.
        scores: of these landmarks, without reasons.
        places: place of each landmark, by its values.
        decided: the decisions on all of it, by everything else they depend on; one at most is cached.
    """

    account: _Account
    version: tuple[int, ...]
    features: FeatureMatrix
    scores: Sequence[Score]
    places: Mapping[tuple[Any, ...], int]
    decided: dict[tuple[Any, ...], tuple[Policy, Mapping[str, Decision]]] = field(default_factory=dict)


def features_of(history: PaymentHistory, landmarks: pl.DataFrame, owed: Mapping[str, Owed]) -> FeatureMatrix:
    """Return the features of landmarks: those at hand of what is owed, the rest computed.

    Args:
        history: the history they are computed from.
        landmarks: the landmarks.
        owed: what some of their customers owe on that day, by customer.
    """
    at_hand: list[tuple[int, FeatureMatrix, int]] = []
    missing: list[int] = []
    customers = landmarks.columns.index("customer_id")
    for row, landmark in enumerate(landmarks.iter_rows()):
        of_customer = owed.get(landmark[customers])
        place = None if of_customer is None else of_customer.places.get(landmark)
        if of_customer is None or place is None:
            missing.append(row)
        else:
            at_hand.append((row, of_customer.features, place))
    if not at_hand:
        return FeatureMatrix.of_history(history, landmarks)
    names = at_hand[0][1].names
    values = np.empty((len(names), landmarks.height))
    for row, features, place in at_hand:
        values[:, row] = features.values[:, place]
    if missing:
        values[:, missing] = FeatureMatrix.of_history(history, landmarks[missing]).values
    return FeatureMatrix(names, values)


class Decider:
    """Decides, and caches what it read of each customer until something about the customer changes.

    Args:
        supervisor: reads the accounts of a day ahead in the background; null reads each on request.
    """

    def __init__(self, supervisor: Supervisor | None = None) -> None:
        self._supervisor = supervisor
        self._read_alone: SharedCache[int] = SharedCache(CACHED_DAYS)
        self._accounts: SharedCache[_Account] = SharedCache(CACHED_ACCOUNTS)
        self._owed: SharedCache[Owed] = SharedCache(CACHED_ACCOUNTS)

    def owed(
        self,
        knowledge: Knowledge,
        customer_id: str,
        as_of: dt.date,
        model_version: str,
        currency: str,
        score_landmarks: ScoreLandmarks,
    ) -> Owed:
        """Return all that a payer owes on a day, scored: a customer with those that were merged into it.

        A score reads payments of other customers too (sector, country): a change of any makes it anew.

        Args:
            knowledge: what is known.
            customer_id: the payer; one that is not known owes nothing.
            as_of: the day.
            model_version: of the model that scores.
            currency: the policy's: exchange rates convert into it.
            score_landmarks: scores what is owed.
        """
        key = (customer_id, as_of, model_version, currency)
        held = self._owed.get(key)
        moment = knowledge.moment
        version = (*knowledge.version_of(customer_id), moment.context, moment.generation)
        if held is not None and held.version == version:
            return held
        account = self._account_of(knowledge, customer_id, as_of, currency)
        features, scores = score_landmarks(account.open) if account.open.height else _NOTHING_SCORED
        places = {landmark: place for place, landmark in enumerate(account.open.iter_rows())}
        owed = Owed(account, version, features, scores, places)
        self._owed.put(key, owed)
        return owed

    def decide(
        self,
        policy: Policy,
        waits: Mapping[str, Text],
        pending: Mapping[str, Mapping[str, pl.DataFrame]],
        invoices: Sequence[InvoiceInFull],
        landmarks: pl.DataFrame,
        scores: Sequence[Score],
        as_of: dt.date,
        feeds: tuple[FeedDay, ...],
        owed: Mapping[str, Owed],
        payers: Payers,
        *,
        is_live: bool = True,
    ) -> dict[str, Decision]:
        """Decide on every invoice that has a number, customer by customer; drafts and simulations are not dunned.

        All that a customer owes is decided together, as in the night: what the request does not name is scored by the
        same model from the same facts.

        Args:
            policy: the policy in service.
            waits: why the calls and letters to a payer wait since last night.
            pending: facts that wait for an invoice of the request, by invoice and table.
            invoices: the invoices of the request.
            landmarks: their landmarks, in the same order.
            scores: their scores, in the same order.
            as_of: the day of the decisions.
            feeds: up to which day each table is known; one that is missing counts as never delivered.
            owed: what their payers owe, by payer.
            payers: the payer of each customer that was merged.
            is_live: false for a day that has passed: its decisions are a reconstruction.

        Returns:
            Decisions by receivable.
        """
        by_customer: dict[str, list[tuple[InvoiceInFull, Score]]] = {}
        are_owed: dict[str, bool] = {}
        for invoice, landmark, score in zip(invoices, landmarks.iter_rows(), scores, strict=True):
            if invoice.is_dunned:
                customer_id = payers.get(invoice.customer_id, invoice.customer_id)
                by_customer.setdefault(customer_id, []).append((invoice, score))
                are_owed[customer_id] = are_owed.get(customer_id, True) and (
                    landmark in owed[customer_id].places
                )
        decisions: dict[str, Decision] = {}
        for customer_id, pairs in by_customer.items():
            asked = {invoice.landmark_id for invoice, _ in pairs}
            everything, wait = owed[customer_id], waits.get(customer_id)
            # Where the request says nothing new, the decisions are those on what is owed, whatever was requested.
            key = (id(policy), feeds, wait, is_live)
            _, decided = (
                everything.decided.get(key, (policy, None)) if are_owed[customer_id] else (None, None)
            )
            if decided is None:
                cases = _cases(everything, pairs, pending, feeds, as_of)
                found = decide_customer(cases, policy, as_of, wait, is_live=is_live).decisions
                decided = {each.receivable_id: each for each in found}
                if are_owed[customer_id]:
                    everything.decided.clear()
                    everything.decided[key] = (policy, decided)
            decisions |= {name: each for name, each in decided.items() if name in asked}
        return decisions

    def read_ahead(self, knowledge: Knowledge, as_of: dt.date, currency: str) -> None:
        """Read the accounts of customers that owe something, before anybody asks: many at once cost little each.

        Left out are customers that changed since all was last prepared, and those that were merged.

        Args:
            knowledge: what is known.
            as_of: the day.
            currency: the policy's.
        """
        payers = knowledge.payers_at(as_of + _ONE_DAY)
        others = {*knowledge.changed, *payers, *payers.values()}
        room = READ_AHEAD
        for part in knowledge.parts.blocks(READ_TOGETHER):
            states = settlement_at(part.episodes, as_of + _ONE_DAY)
            landmarks = landmarks_to_decide(part.ledger, as_of, knowledge.history.settings, states)
            owing = [key for key in landmarks["customer_id"].unique().sort() if key not in others]
            if not owing:
                continue
            together = _read(knowledge, part, owing, as_of, currency)
            unpaid = together.open.partition_by("customer_id", as_dict=True)
            paid = together.paid.partition_by("customer_id", as_dict=True)
            for customer_id in owing[:room]:
                account = _Account(
                    together.accounts,
                    unpaid[customer_id,],
                    paid.get((customer_id,), together.paid.clear()),
                )
                self._accounts.put(_account_key(knowledge, customer_id, as_of, currency), account)
            room -= len(owing)
            if room <= 0:
                return

    def _account_of(self, knowledge: Knowledge, customer_id: str, as_of: dt.date, currency: str) -> _Account:
        """Return the state of a customer's account, cached per customer, day and version of its history."""

        def read() -> _Account:
            members = knowledge.members_of(customer_id, as_of + _ONE_DAY)
            part = knowledge.part_of_members(members) or nothing_known_of(customer_id)
            self._note_read(knowledge, as_of, currency)
            return _read(knowledge, part, [customer_id], as_of, currency)

        return self._accounts.get_or_compute(_account_key(knowledge, customer_id, as_of, currency), read)

    def _note_read(self, knowledge: Knowledge, as_of: dt.date, currency: str) -> None:
        """Read a day ahead when several of its accounts were requested: more will be. Once for each day and load."""
        day = (as_of, currency, knowledge.base, knowledge.history.settings)
        count = (self._read_alone.get(day) or 0) + 1
        if count == FEW_READ_ALONE and self._supervisor is not None:
            task = partial(self.read_ahead, knowledge, as_of, currency)
            if not self._supervisor.once(ACCOUNTS_READER, task):
                return  # another day is being read: tried again with the next account
        self._read_alone.put(day, count)


def _account_key(
    knowledge: Knowledge, customer_id: str, as_of: dt.date, currency: str
) -> tuple[Hashable, ...]:
    """Return the cache key of an account: it changes whenever the account does."""
    return customer_id, as_of, currency, knowledge.history.settings, *knowledge.version_of(customer_id)


def _read(
    knowledge: Knowledge, part: CustomerPart, customer_ids: Sequence[str], as_of: dt.date, currency: str
) -> _Account:
    """Read the accounts of customers as one.

    Args:
        knowledge: what is known.
        part: what of it is known of these customers, and maybe of others.
        customer_ids: the customers; of one that is not known nothing is owed.
        as_of: the day.
        currency: the policy's.
    """
    settings = knowledge.history.settings
    states = settlement_at(part.episodes, as_of + _ONE_DAY)
    accounts = read_accounts(
        part.ledger,
        customer_ids,
        as_of,
        signals=part.signals,
        settings=settings,
        overrides=knowledge.overrides,
        states=states,
        currency=currency,
        rates=knowledge.history.conversion.rates,
    )
    landmarks = landmarks_to_decide(part.ledger, as_of, settings, states)
    paid = recently_paid(part.ledger, as_of, states)
    return _Account(accounts, with_country(landmarks, part.ledger), paid)


def _cases(
    owed: Owed,
    pairs: Sequence[tuple[InvoiceInFull, Score]],
    pending: Mapping[str, Mapping[str, pl.DataFrame]],
    feeds: tuple[FeedDay, ...],
    as_of: dt.date,
) -> list[Case]:
    """Return the cases of one customer: the invoices of the request, what else it owes, and what it has just paid."""
    account = owed.account
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
    beside = [score for score in owed.scores if score.invoice_id not in asked]
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
    return cases_of_payers([*cases, *reminded_cases(paid, facts, accounts.places, as_of)], accounts.payers)
