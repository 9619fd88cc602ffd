"""Routes that take facts and read mails."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from features.errors import EncoursError
from features.messages import localized
from serving.api.dependencies import EmailBody, EventsBody, EventsKey, ScoreKey, Worker
from serving.api.documentation import documented
from serving.mails.reader import read_email, shared_pipeline
from serving.messages.answers import EmailAnswer, EventOutcome, EventsAnswer
from serving.messages.events import TYPE_OF_TABLE, EventsRequest
from serving.messages.refusals import not_ready
from serving.messages.requests import EmailRequest

router = APIRouter()


@router.post("/v1/events", **documented(409, 503, body=EventsRequest))
async def store_events(worker: Worker, key: EventsKey, message: EventsBody) -> EventsAnswer:
    """Store facts, all of them or none; they are on disk when this is answered.

    The same fact sent again changes nothing. A fact that differs from what is known under its id is a conflict.
    """
    facts = [event.fact() for event in message.events]
    outcomes = await asyncio.to_thread(worker.store.ingest, facts, worker.now())
    for done in outcomes:
        worker.metrics.events.labels(done.outcome.value).inc()
    return EventsAnswer(
        outcomes=[
            EventOutcome(
                row=row,
                type=TYPE_OF_TABLE[done.table],
                id=done.key,
                outcome=done.outcome.value,
                customer_id=done.customer_id,
            )
            for row, done in enumerate(outcomes)
        ]
    )


@router.post("/v1/email", **documented(503, body=EmailRequest))
async def interpret_email(worker: Worker, key: ScoreKey, message: EmailBody) -> EmailAnswer:
    """Return what one e-mail says, with the sentences it rests on; nothing is stored."""
    try:
        await asyncio.to_thread(shared_pipeline)
    except EncoursError:
        raise not_ready(localized("E-mails cannot be read at present."), seconds=60) from None
    return await asyncio.to_thread(read_email, message)
