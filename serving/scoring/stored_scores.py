"""The stored scores of an invoice that a caller may see."""

from __future__ import annotations

from collections.abc import Iterable

from serving.messages.answers import ScoreAnswer
from serving.security.access import AccessKey
from serving.store import StoredAnswer


def visible_scores(
    stored: Iterable[StoredAnswer], owner: str | None, key: AccessKey
) -> list[tuple[StoredAnswer, ScoreAnswer]]:
    """Return the scores that a caller may see, in the order given; those erased on request are left out.

    Args:
        stored: the scores of one invoice.
        owner: who owes the invoice; null when that is not known. A score asked for before the invoice was known may
            have named another customer, and is left out.
        key: of the caller.
    """
    return [
        (each, ScoreAnswer.model_validate(each.body["answer"]))
        for each in stored
        if each.body is not None and key.sees(each.customer_id) and owner in (None, each.customer_id)
    ]
