"""The night's scores in the words of the score service, so that it can explain them. Pure: values in, values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from models.score import Score
from serving.dunning import DecisionRecord
from serving.mails.reader import evidence_of
from serving.messages.answers import EvidenceAnswer
from serving.scoring.answering import Scored, score_answers
from serving.scoring.completion import InvoiceInFull
from serving.scoring.waits import WAITS, wait_of
from serving.store import SCORE, Answer

#: Caller of the scores of the night, as shown with an answer.
NIGHTLY_CALLER: Final = "nightly job"


def tonights_answers(
    scores: Sequence[Score],
    records: Sequence[DecisionRecord],
    policy_version: str,
    signals: pl.DataFrame | None,
    change: int | None,
    now: dt.datetime,
) -> list[Answer]:
    """Return one answer per open invoice, as `POST /v1/score` would have given it, with what mails say beside.

    Args:
        scores: the night's scores, with reasons.
        records: the night's decisions, one per score in any order; those of paid invoices are left aside.
        policy_version: version of the policy that decided.
        signals: what the e-mails say; null when they are not read.
        change: the last change of the store that the night's facts hold; null when it is unknown.
        now: instant of the night.
    """
    decided = {record.score.receivable_id: record for record in records}
    invoices = [
        _invoice(row, score.customer_id, decided[score.invoice_id]) for row, score in enumerate(scores)
    ]
    evidence: dict[str, Sequence[EvidenceAnswer]] = {}
    if signals is not None and invoices:
        for (customer_id,), part in signals.partition_by("customer_id", as_dict=True).items():
            evidence[str(customer_id)] = evidence_of(part, invoices[0].as_of)
    scored = Scored(
        invoices,
        (),
        scores,
        {key: record.decision for key, record in decided.items() if record.decision is not None},
        frozenset(invoice.customer_id for invoice in invoices),
        evidence,
    )
    return [
        Answer(
            answer_id=answer.score_id,
            kind=SCORE,
            subject_id=answer.invoice_id,
            customer_id=answer.customer_id,
            created_at=now,
            caller=NIGHTLY_CALLER,
            body={
                "answer": answer.model_dump(mode="json"),
                "caller": NIGHTLY_CALLER,
                "change": change,
                WAITS: wait_of(decided[str(answer.invoice_id)]),
            },
        )
        for answer in score_answers(scored, policy_version)
    ]


def _invoice(row: int, customer_id: str, record: DecisionRecord) -> InvoiceInFull:
    score = record.score
    return InvoiceInFull(
        row=row,
        invoice_id=score.receivable_id,
        customer_id=customer_id,
        as_of=score.as_of,
        issued_on=score.issued_on,
        due_on=score.due_on,
        amount=score.amount,
        currency=score.currency,
        terms=None,
        delivery_channel=None,
        purchase_order=None,
        country=None,
        is_known=True,
        missing=(),
    )
