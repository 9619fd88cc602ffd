"""Scores, explanations and decisions in the words of the answer. Pure: values in, values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from features.groups.catalogue import FEATURE_NAMES
from features.words import Text
from models.hazard.feature_matrix import FeatureRow
from models.score import Score
from serving.dunning import Decision
from serving.messages.answers import (
    EvidenceAnswer,
    ExplanationAnswer,
    RemarkAnswer,
    ScoreAnswer,
)
from serving.messages.decisions import DecisionAnswer
from serving.scoring.completion import InvoiceInFull
from serving.store import SCORE, SIMULATION, Answer, new_answer_id

UNPRICED_AMOUNTS: Final = Text(
    "Des montants de la facture ou du client sont dans une devise sans taux de change connu à leur date\u00a0: "
    "ils ne figurent dans aucun montant sur lequel repose le score.",
    "Amounts of the invoice or its customer are in a currency without an exchange rate known by their day: "
    "they are part of no amount behind the score.",
)


@dataclass(frozen=True)
class Scored:
    """Everything found out about the invoices of one request, each list in their order.

    Attributes:
        invoices: the invoices in full.
        features: the features as served, one row per invoice in the order of the catalogue.
        scores: their scores, explained when reasons were requested.
        decisions: what to do by invoice id; drafts and simulations have none.
        known_customers: customers the history knows.
        evidence: what recent e-mails say, by customer.
    """

    invoices: Sequence[InvoiceInFull]
    features: Sequence[FeatureRow]
    scores: Sequence[Score]
    decisions: Mapping[str, Decision]
    known_customers: frozenset[str]
    evidence: Mapping[str, Sequence[EvidenceAnswer]]


def without_conversations(scored: Scored, customer_ids: Collection[str]) -> Scored:
    """Return what was found out, without the conversations with some customers: they name invoices of others.

    Args:
        scored: everything found out.
        customer_ids: customers that are one payer with others, of whom the caller may not see all.
    """
    hidden = {each.landmark_id for each in scored.invoices if each.customer_id in customer_ids}
    decisions = {
        key: replace(decision, conversation=None) if key in hidden else decision
        for key, decision in scored.decisions.items()
    }
    return replace(scored, decisions=decisions)


def score_answers(scored: Scored, policy_version: str) -> list[ScoreAnswer]:
    """Return one answer per invoice, in the order of the request."""
    answers = []
    for invoice, score in zip(scored.invoices, scored.scores, strict=True):
        score_id = new_answer_id(SCORE)
        decision = scored.decisions.get(invoice.landmark_id)
        p10, p50, p90 = score.payment_dates
        answers.append(
            ScoreAnswer(
                score_id=score_id,
                invoice_id=invoice.invoice_id,
                customer_id=invoice.customer_id,
                as_of=invoice.as_of,
                due_on=invoice.due_on,
                is_known_customer=invoice.customer_id in scored.known_customers,
                missing_fields=list(invoice.missing),
                is_simulation=invoice.is_simulation,
                p_late=score.p_late,
                p_late_30=score.p_late_30,
                unpaid_probability={str(k): chance for k, chance in score.unpaid_probability},
                payment_date_p10=p10,
                payment_date_p50=p50,
                payment_date_p90=p90,
                grade=score.grade,
                history_depth=score.history_depth,
                cold_start_rung=score.cold_start_rung,
                remarks=remarks_of(score),
                model_version=score.model_version,
                feature_version=score.feature_version,
                explanation=None
                if score.explanation is None
                else ExplanationAnswer.model_validate(score.explanation),
                evidence=list(scored.evidence.get(invoice.customer_id, ())),
                decision=None if decision is None else decision_answer(decision, score_id),
                policy_version=policy_version,
            )
        )
    return answers


def remarks_of(score: Score) -> list[RemarkAnswer]:
    """Return what a reader must know of a score beside its figures; usually nothing."""
    if not score.has_unpriced_amounts:
        return []
    return [RemarkAnswer(id="unpriced_amounts", fr=UNPRICED_AMOUNTS.fr, en=UNPRICED_AMOUNTS.en)]


def decision_answer(decision: Decision, decision_id: str) -> DecisionAnswer:
    """Return a decision in the words of the answer."""
    fields = {name: getattr(decision, name) for name in DecisionAnswer.model_fields if name != "decision_id"}
    return DecisionAnswer(decision_id=decision_id, **fields)


def answers_to_store(
    scored: Scored,
    answers: Sequence[ScoreAnswer],
    changes: Mapping[str, int],
    caller: str,
    now: dt.datetime,
) -> list[Answer]:
    """Return what is stored of each score: inputs, features as served, score, reasons, decision, versions, caller.

    A simulation is stored as one, on no invoice. `changes` is the last change of the store that the score holds, by
    customer.
    """
    return [
        Answer(
            answer_id=answer.score_id,
            kind=SIMULATION if invoice.is_simulation else SCORE,
            subject_id=None if invoice.is_simulation else answer.invoice_id,
            customer_id=answer.customer_id,
            created_at=now,
            caller=caller,
            body={
                "answer": answer.model_dump(mode="json"),
                "inputs": _inputs(invoice),
                "features": dict(zip(FEATURE_NAMES, features, strict=True)),
                "caller": caller,
                "change": changes.get(invoice.customer_id),
            },
        )
        for answer, invoice, features in zip(answers, scored.invoices, scored.features, strict=True)
    ]


def _inputs(invoice: InvoiceInFull) -> dict[str, Any]:
    return {
        "row": invoice.row,
        "is_known": invoice.is_known,
        "issued_on": invoice.issued_on.isoformat(),
        "due_on": invoice.due_on.isoformat(),
        "amount": str(invoice.amount),
        "currency": invoice.currency,
        "terms": invoice.terms,
        "delivery_channel": invoice.delivery_channel,
        "purchase_order": invoice.purchase_order,
        "country": invoice.country,
    }
