"""What a worker computes for a request: scores, decisions, and the sentences of mails beside them.

Nothing is stored or answered here. What was read of a customer is cached until something about it changes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import polars as pl

from features.words import Text
from models.bundle import ModelBundle
from models.hazard.feature_matrix import FeatureMatrix
from models.score import Score, score
from serving.dunning import FeedDay, Policy
from serving.mails.reader import evidence_of
from serving.messages.answers import EvidenceAnswer
from serving.operations.supervisor import Supervisor
from serving.scoring.answering import Scored
from serving.scoring.cache import SharedCache
from serving.scoring.completion import InvoiceInFull, landmarks_of
from serving.scoring.customer_knowledge import Knowledge
from serving.scoring.decider import Decider, features_of

#: Customers and days whose mail evidence is cached.
CACHED_CUSTOMERS: Final = 20_000
_ONE_DAY: Final = dt.timedelta(days=1)


class RequestScorer:
    """Scores and decides the invoices of a request with all that their customers owe.

    Args:
        supervisor: runs what is read in the background.
        is_quoting: sentences of mails are shown.
    """

    def __init__(self, supervisor: Supervisor, *, is_quoting: bool) -> None:
        self._is_quoting = is_quoting
        self._decider = Decider(supervisor)
        self._evidence: SharedCache[list[EvidenceAnswer]] = SharedCache(CACHED_CUSTOMERS)

    def score(
        self,
        bundle: ModelBundle,
        policy: Policy,
        knowledge: Knowledge,
        waits: Mapping[str, Text],
        pending: Mapping[str, Mapping[str, pl.DataFrame]],
        invoices: Sequence[InvoiceInFull],
        as_of: dt.date,
        now: dt.datetime,
        feeds: tuple[FeedDay, ...],
        with_reasons: bool,
    ) -> Scored:
        """Score, decide and explain.

        Args:
            bundle: the model in service.
            policy: the policy in service.
            knowledge: what is known.
            waits: why the calls and letters to a payer wait since last night.
            pending: facts that wait for an invoice of the request, by invoice and table.
            invoices: the invoices of the request.
            as_of: the day.
            now: the instant of the request.
            feeds: up to which day each table is known.
            with_reasons: explain too.
        """
        landmarks = landmarks_of(invoices)

        def score_open(landmarks: pl.DataFrame) -> tuple[FeatureMatrix, Sequence[Score]]:
            matrix = FeatureMatrix.of_history(knowledge.history, landmarks)
            return matrix, score(bundle, matrix, landmarks, with_reasons=False).rows()

        currency = policy.spec.policy.currency
        payers = knowledge.payers_at(as_of + _ONE_DAY)
        dunned = {invoice.customer_id for invoice in invoices if invoice.is_dunned}
        owed = {
            payer: self._decider.owed(knowledge, payer, as_of, bundle.version, currency, score_open)
            for payer in {payers.get(customer_id, customer_id) for customer_id in dunned}
        }
        features = features_of(knowledge.history, landmarks, owed)
        scores = score(bundle, features, landmarks, with_reasons).rows()
        decisions = self._decider.decide(
            policy,
            waits,
            pending,
            invoices,
            landmarks,
            scores,
            as_of,
            feeds,
            owed,
            payers,
            is_live=as_of >= now.date(),
        )
        known = frozenset(
            invoice.customer_id for invoice in invoices if knowledge.is_known(invoice.customer_id)
        )
        evidence = {
            customer_id: self._evidence.get_or_compute(
                (customer_id, as_of, *knowledge.version_of(customer_id)),
                partial(_evidence_of, knowledge, customer_id, as_of),
            )
            # What was read while sentences were stored may still contain them.
            for customer_id in (known if with_reasons and self._is_quoting else ())
        }
        return Scored(invoices, features.rows(), scores, decisions, known, evidence)


def _evidence_of(knowledge: Knowledge, customer_id: str, as_of: dt.date) -> list[EvidenceAnswer]:
    return evidence_of(knowledge.signals_of(customer_id), as_of)
