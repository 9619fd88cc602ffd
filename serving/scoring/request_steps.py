"""The steps from a checked request to its scores: who is meant, what is known of them, score, decision, reasons."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from features.legal_forms import natural_person
from features.messages import localized
from serving.messages.refusals import RefusalError
from serving.messages.requests import ScoreRequest
from serving.scoring.answering import Scored, without_conversations
from serving.scoring.completion import (
    InvoiceInFull,
    complete_invoices,
    in_instalments,
    known_facts,
    sees_payer,
)
from serving.scoring.customer_history import ask
from serving.scoring.customer_knowledge import Knowledge
from serving.scoring.feeds import FeedCache
from serving.scoring.id_lookup import by_known_ids
from serving.scoring.in_service import InService
from serving.scoring.request_scorer import RequestScorer
from serving.scoring.waits import NightWaits
from serving.security.access import AccessKey
from serving.store import HistoryStore, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.worker")
#: Invoices above which the computing leaves the event loop, so that other callers do not wait.
FEW_INVOICES: Final = 8
_ONE_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True)
class ScoredRequest:
    """The scores of a request, with what gave them.

    Attributes:
        as_of: the day of the scores.
        scored: the scores in the order of the request, with their decisions.
        model_version: of the model that scored.
        feature_version: version of the catalogue of its features.
        policy_version: of the policy that decided.
        changes: by customer, the last change of the store that its scores hold.
    """

    as_of: dt.date
    scored: Scored
    model_version: str
    feature_version: str
    policy_version: str
    changes: Mapping[str, int]


class RequestSteps:
    """Answers score requests.

    Args:
        store: the history store.
        in_service: the model, the policy and the history to score with.
        scorer: computes scores and decisions.
    """

    def __init__(self, store: HistoryStore, in_service: InService, scorer: RequestScorer) -> None:
        self._store = store
        self._in_service = in_service
        self._waits = NightWaits(store)
        self.scorer = scorer
        self.feeds = FeedCache(store)

    async def score(self, key: AccessKey, request: ScoreRequest, now: dt.datetime) -> ScoredRequest:
        """Score, decide and explain the invoices of a request.

        Args:
            key: who asks; of payers it may not see whole, no conversation is returned.
            request: the request.
            now: the present instant.

        Raises:
            RefusalError: 503 without a model or policy, 422 for a day in the future or an id that may mean several.
        """
        bundle, policy, history = self._in_service.current()
        as_of = request.as_of or now.date()
        if as_of > now.date() + _ONE_DAY:
            raise RefusalError(
                422,
                "invalid_request",
                localized(
                    "as_of lies in the future; at most tomorrow: {today} plus 1 day.", today=now.date()
                ),
            )
        before = await history.current()
        invoices = await self._invoices_of(request, before, key, as_of)
        customers = {invoice.customer_id for invoice in invoices}
        knowledge = await history.up_to_date_with(customers)
        if knowledge.moment.context != before.moment.context:
            invoices = await self._invoices_of(request, knowledge, key, as_of)
            customers = {invoice.customer_id for invoice in invoices}
        payers = knowledge.payers_at(as_of + _ONE_DAY)
        # The score of a natural person is always explained, and the explanation stored with the decision.
        with_reasons = request.with_reasons or any(
            _is_natural_person(knowledge.customer(payers.get(customer_id, customer_id), as_of + _ONE_DAY))
            for customer_id in customers
        )
        arguments = (
            bundle,
            policy,
            knowledge,
            await self._waits.of(knowledge, customers, payers, as_of),
            await self._pending_of(invoices),
            invoices,
            as_of,
            now,
            await self.feeds.at(knowledge.moment),
            with_reasons,
        )
        if len(invoices) <= FEW_INVOICES:
            scored = self.scorer.score(*arguments)
        else:
            scored = await asyncio.to_thread(self.scorer.score, *arguments)
        partly_seen = {
            customer_id
            for customer_id in customers
            if not sees_payer(knowledge, key, customer_id, as_of + _ONE_DAY)
        }
        if partly_seen:
            scored = without_conversations(scored, partly_seen)
        version = policy.spec.policy.version
        changes = {
            customer_id: max(knowledge.moment.change, knowledge.version_of(customer_id)[0])
            for customer_id in customers
        }
        return ScoredRequest(as_of, scored, bundle.version, bundle.catalogue_version, version, changes)

    async def _invoices_of(
        self, request: ScoreRequest, knowledge: Knowledge, key: AccessKey, as_of: dt.date
    ) -> list[InvoiceInFull]:
        """Return the invoices of a request in full, each instalment by itself."""
        asked = await by_known_ids(self._store, request.invoices, knowledge)
        due = [each for invoice in asked for each in in_instalments(invoice, knowledge)]
        return complete_invoices(due, as_of, known_facts(knowledge, key, as_of))

    async def _pending_of(
        self, invoices: Sequence[InvoiceInFull]
    ) -> Mapping[str, Mapping[str, pl.DataFrame]]:
        """Return the facts that wait for invoices of a request that are not known yet; they count for it."""
        new = [str(each.invoice_id) for each in invoices if each.is_dunned and not each.is_known]
        if not new:
            return {}
        try:
            return await ask(self._store, self._store.pending_of, new)
        except StoreUnavailableError:
            _LOG.warning("facts that wait for new invoices could not be looked up")
            return {}


def _is_natural_person(customer: Mapping[str, Any] | None) -> bool:
    row = customer or {}
    return bool(natural_person(row.get("is_natural_person"), row.get("legal_form")))
