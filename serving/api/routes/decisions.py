"""Routes by which people decide."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter

from features.errors import InvalidInputError
from features.messages import localized
from serving.api.dependencies import ApproveKey, OverrideBody, PathId, Worker
from serving.api.documentation import documented
from serving.api.routes.scores import is_of_its_owner, stored_score
from serving.api.worker import ScoreWorker
from serving.dunning import hold_faults, sequence_faults
from serving.messages.answers import OverrideAnswer
from serving.messages.refusals import RefusalError, not_ready
from serving.messages.requests import OverrideRequest
from serving.security.access import AccessKey
from serving.store import OVERRIDE, Answer, StoredAnswer, new_answer_id

router = APIRouter()


@router.post(
    "/v1/decisions/{decision_id}/override",
    status_code=201,
    **documented(404, 409, 410, 503, body=OverrideRequest),
)
async def override(
    worker: Worker, key: ApproveKey, message: OverrideBody, decision_id: PathId
) -> OverrideAnswer:
    """Store a person's decision in place of the proposed one.

    The next proposals for the invoice follow it until it is settled or overridden again.
    """
    return await store_override(worker, key, decision_id, message)


async def store_override(
    worker: ScoreWorker, key: AccessKey, decision_id: str, message: OverrideRequest
) -> OverrideAnswer:
    """Store a person's decision in place of the proposed one.

    Args:
        worker: of this process.
        key: who decides.
        decision_id: the decision overruled; the id of its score.
        message: what is decided instead.

    Raises:
        RefusalError: the decision is unknown, erased or of a draft, or there is no policy in service.
        InvalidInputError: the policy does not know the sequence, or the hold is outside its bounds.
    """
    stored, answer = await stored_score(worker, key, decision_id)
    if not await is_of_its_owner(worker, stored):
        raise RefusalError(
            409, "other_owner", localized("The invoice of this decision belongs to another customer.")
        )
    if answer.decision is None:
        raise RefusalError(
            409, "no_decision", localized("A draft or a simulation has no decision to override.")
        )
    policy = worker.policy.current
    if policy is None:
        raise not_ready(localized("No usable dunning policy is in service."))
    now = worker.now()
    faults = [
        *sequence_faults(message.sequence_id, policy.value),
        *hold_faults(message.hold_until, now.date(), policy.value),
    ]
    if faults:
        raise InvalidInputError(localized("The override cannot be followed; nothing was stored."), faults)
    made = OverrideAnswer(
        override_id=new_answer_id(OVERRIDE),
        decision_id=stored.answer_id,
        invoice_id=stored.subject_id,
        proposed_sequence_id=answer.decision.sequence_id,
        sequence_id=message.sequence_id,
        reason=message.reason,
        decided_by=message.decided_by,
        hold_until=message.hold_until,
        created_at=now,
    )
    entry = Answer(
        made.override_id,
        OVERRIDE,
        stored.answer_id,
        stored.customer_id,
        made.created_at,
        key.name,
        made.model_dump(mode="json"),
    )
    # The next night replaces last night's scores, except those that a person decided on.
    entries = [_permanent(stored, stored.body), entry] if stored.is_nightly and stored.body else [entry]
    await asyncio.to_thread(worker.store.store_answers, entries)
    return made


def _permanent(stored: StoredAnswer, body: dict[str, Any]) -> Answer:
    """Return a score of last night as one that no later night replaces."""
    return Answer(
        stored.answer_id,
        stored.kind,
        stored.subject_id,
        stored.customer_id,
        stored.created_at,
        body["caller"],
        body,
    )
