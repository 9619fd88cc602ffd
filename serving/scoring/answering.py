"""Scores, explanations and decisions in the words of the answer. Pure: values in, values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from features.groups.catalogue import FEATURE_NAMES
from features.words import Text
from models.hazard.feature_matrix import FeatureRow
from models.score import Explanation, Score
from serving.dunning import Conversation, Decision, NextStep
from serving.messages.answers import (
    EvidenceAnswer,
    ExplanationAnswer,
    ReasonAnswer,
    RemarkAnswer,
    ScoreAnswer,
)
from serving.messages.decisions import (
    AmountAnswer,
    BenefitAnswer,
    ClaimAnswer,
    ConversationAnswer,
    ConversationItemAnswer,
    DecisionAnswer,
    PersonDecidesAnswer,
    RatePeriodAnswer,
    RuleAnswer,
    StepAnswer,
)
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
        scores: their scores, explained when reasons were asked for.
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
                explanation=None if score.explanation is None else explanation_answer(score.explanation),
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


def explanation_answer(explanation: Explanation) -> ExplanationAnswer:
    """Return the explanation of one score; what is not named is summed, so that everything adds up."""
    return ExplanationAnswer(
        explained_days=explanation.explained_days,
        base=explanation.base,
        calibration=explanation.calibration,
        others=explanation.others,
        probability=explanation.probability,
        reasons=[
            ReasonAnswer(
                group=reason.group,
                label_fr=reason.label.fr,
                label_en=reason.label.en,
                contribution=reason.contribution,
                fr=reason.text.fr,
                en=reason.text.en,
            )
            for reason in explanation.reasons
        ],
    )


def decision_answer(decision: Decision, decision_id: str) -> DecisionAnswer:
    """Return a decision in the words of the answer."""
    benefit = decision.benefit
    return DecisionAnswer(
        decision_id=decision_id,
        on=decision.on,
        sequence_id=decision.sequence_id,
        next_step=_step_answer(decision.next_step),
        side_task=_step_answer(decision.side_task),
        why=[RuleAnswer(rule_id=rule.rule_id, fr=rule.fr, en=rule.en) for rule in decision.why],
        gate_id=decision.gate_id,
        hold_until=decision.hold_until,
        requires_approval=decision.requires_approval,
        approval_level=decision.approval_level,
        claim=ClaimAnswer(
            interest_amount=decision.claim.interest_amount,
            indemnity_amount=decision.claim.indemnity_amount,
            is_interest_claimed=decision.claim.is_interest_claimed,
            is_indemnity_claimed=decision.claim.is_indemnity_claimed,
            is_interest_reserved=decision.claim.is_interest_reserved,
            periods=[RatePeriodAnswer(**vars(period)) for period in decision.claim.periods],
            refusal_fr=None if decision.claim.refusal is None else decision.claim.refusal.fr,
            refusal_en=None if decision.claim.refusal is None else decision.claim.refusal.en,
        ),
        benefit=None
        if benefit is None
        else BenefitAnswer(
            cost_amount=benefit.cost_amount,
            gain_amount=benefit.gain_amount,
            net_amount=benefit.net_amount,
            is_assumed=benefit.is_assumed,
        ),
        balance_amount=decision.balance_amount,
        asked_amount=decision.asked_amount,
        disputed_amount=decision.disputed_amount,
        other_currency_amounts=_amounts(decision.other_currency_amounts),
        is_live=decision.is_live,
        instalment_number=decision.instalment_number,
        instalment_count=decision.instalment_count,
        currency=decision.currency,
        segment=decision.segment,
        money_band=decision.money_band,
        state=decision.state,
        experiment_id=decision.experiment_id,
        variant_id=decision.variant_id,
        assignment_probability=decision.assignment_probability,
        policy_id=decision.policy_id,
        policy_version=decision.policy_version,
        person_decides=None
        if decision.person_decides is None
        else PersonDecidesAnswer(
            because=decision.person_decides.because,
            level=decision.person_decides.level,
            fr=decision.person_decides.why.fr,
            en=decision.person_decides.why.en,
        ),
        conversation=None if decision.conversation is None else _conversation_answer(decision.conversation),
    )


def _step_answer(step: NextStep | None) -> StepAnswer | None:
    if step is None:
        return None
    return StepAnswer(
        step_id=step.step_id,
        stage=step.stage,
        on=step.on,
        channel=step.channel,
        tone=step.tone,
        template_id=step.template_id,
        language=step.language,
        label_fr=step.label.fr,
        label_en=step.label.en,
        is_automatic=step.is_automatic,
        is_fallback=step.is_fallback,
        deadline_on=step.deadline_on,
    )


def _amounts(pairs: Sequence[tuple[str, Decimal]]) -> list[AmountAnswer]:
    return [AmountAnswer(amount=amount, currency=currency) for currency, amount in pairs]


def _conversation_answer(talk: Conversation) -> ConversationAnswer:
    return ConversationAnswer(
        conversation_id=talk.conversation_id,
        on=talk.on,
        lead_invoice_id=talk.lead_invoice_id,
        lead_instalment_number=talk.lead_instalment_number,
        invoice_ids=list(talk.invoice_ids),
        items=[
            ConversationItemAnswer(
                invoice_id=item.invoice_id,
                instalment_numbers=list(item.instalment_numbers),
                amount=item.amount,
                currency=item.currency,
            )
            for item in talk.items
        ],
        channel=talk.channel,
        tone=talk.tone,
        template_id=talk.template_id,
        language=talk.language,
        totals=_amounts(talk.totals),
        total_amount=talk.total_amount,
        requires_approval=talk.requires_approval,
        approval_level=talk.approval_level,
        is_automatic=talk.is_automatic,
    )


def answers_to_keep(
    scored: Scored, answers: Sequence[ScoreAnswer], caller: str, now: dt.datetime
) -> list[Answer]:
    """Return what is kept of each score: inputs, features as served, score, reasons, decision, versions, caller.

    A simulation is kept as one, on no invoice.
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
