"""Routes that score invoices and return stored scores."""

from __future__ import annotations

import asyncio
import datetime as dt

from fastapi import APIRouter

from features.ids import normal_id
from features.messages import localized
from serving.api.dependencies import PathId, ReadKey, ScoreBody, ScoreKey, Worker
from serving.api.documentation import documented
from serving.api.worker import ScoreWorker
from serving.messages.answers import (
    InvoiceExplanationAnswer,
    OverrideAnswer,
    ScoreAnswer,
    ScoresAnswer,
    StoredScoreAnswer,
)
from serving.messages.refusals import RefusalError, ambiguous_ids, not_found
from serving.messages.requests import ScoreRequest
from serving.scoring.completion import sees_payer
from serving.scoring.id_lookup import known_ids
from serving.scoring.stored_scores import visible_scores
from serving.security.access import AccessKey
from serving.store import INVOICES, OVERRIDE, SCORE, SIMULATION, StoredAnswer

router = APIRouter()


@router.post("/v1/score", **documented(503, body=ScoreRequest))
async def score_invoices(worker: Worker, key: ScoreKey, message: ScoreBody) -> ScoresAnswer:
    """Score, explain and route invoices, drafts and simulations, as seen at one as-of date."""
    return await worker.score(key, message)


@router.get("/v1/scores/{score_id}", **documented(404, 410, 422, 503))
async def score_as_answered(worker: Worker, key: ReadKey, score_id: PathId) -> StoredScoreAnswer:
    """Return a score as it was answered, and what people decided since."""
    stored, answer = await stored_score(worker, key, score_id)
    overrides = await asyncio.to_thread(worker.store.answers_on, OVERRIDE, stored.answer_id)
    return StoredScoreAnswer(
        score=await _as_seen_by(worker, key, answer),
        created_at=stored.created_at,
        overrides=[
            OverrideAnswer.model_validate(found.body) for found in overrides if found.body is not None
        ],
    )


@router.get("/v1/invoices/{invoice_id:path}/explanation", **documented(404, 422, 503))
async def explanation(worker: Worker, key: ReadKey, invoice_id: PathId) -> InvoiceExplanationAnswer:
    """Return the newest stored explanation of an invoice, as it was answered; nothing is computed again."""
    asked = normal_id(invoice_id)
    known_id = (await known_ids(worker.store, INVOICES, {asked}))[asked]
    if known_id is None:
        raise ambiguous_ids([(None, "invoice_id")])
    found = await asyncio.to_thread(worker.store.answers_on, SCORE, known_id)
    owner = await worker.owner_of(known_id)
    scores = visible_scores(found, owner, key)
    if not scores:
        raise RefusalError(
            404,
            "not_found",
            localized(
                "No score of this invoice is stored. To do: ask for one with `{request}`.",
                request="POST /v1/score",
            ),
        )
    explained = [pair for pair in scores if pair[1].explanation is not None]
    stored, whole = (explained or scores)[0]  # a score requested without reasons hides no explanation
    answer = await _as_seen_by(worker, key, whole)
    return InvoiceExplanationAnswer(
        invoice_id=known_id,
        score_id=stored.answer_id,
        as_of=answer.as_of,
        created_at=stored.created_at,
        p_late=answer.p_late,
        p_late_30=answer.p_late_30,
        grade=answer.grade,
        remarks=answer.remarks,
        explanation=answer.explanation,
        evidence=answer.evidence,
        decision=answer.decision,
        model_version=answer.model_version,
    )


async def stored_score(
    worker: ScoreWorker, key: AccessKey, score_id: str
) -> tuple[StoredAnswer, ScoreAnswer]:
    """Return a stored score that the caller may see.

    Raises:
        RefusalError: 404 when there is none, 410 when its text was erased.
    """
    stored = await asyncio.to_thread(worker.store.answer, score_id)
    if stored is None or stored.kind not in (SCORE, SIMULATION) or not key.sees(stored.customer_id):
        raise not_found(localized("This score is not known."))
    if key.accounts is not None and not await is_of_its_owner(worker, stored):
        raise not_found(localized("This score is not known."))
    if stored.body is None:
        raise RefusalError(410, "erased", localized("The text of this score was erased on request."))
    return stored, ScoreAnswer.model_validate(stored.body["answer"])


async def is_of_its_owner(worker: ScoreWorker, stored: StoredAnswer) -> bool:
    """Return whether a score is of the customer who owes the invoice.

    One that was asked for before the invoice was known may have named another.
    """
    owner = None if stored.subject_id is None else await worker.owner_of(stored.subject_id)
    return owner in (None, stored.customer_id)


async def _as_seen_by(worker: ScoreWorker, key: AccessKey, answer: ScoreAnswer) -> ScoreAnswer:
    """Return a stored answer, without its conversation where that names invoices the caller may not see."""
    decision, history = answer.decision, worker.history_in_use()
    if decision is None or history is None or key.accounts is None:
        return answer
    day = answer.as_of + dt.timedelta(days=1)
    if sees_payer(await history.current(), key, answer.customer_id, day):
        return answer
    return answer.model_copy(update={"decision": decision.model_copy(update={"conversation": None})})
