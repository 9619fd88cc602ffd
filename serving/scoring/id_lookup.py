"""The known invoices and customers that the ids of a request mean."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from serving.messages.refusals import ambiguous_ids
from serving.messages.requests import InvoiceToScore
from serving.scoring.customer_history import ask
from serving.scoring.customer_knowledge import Knowledge
from serving.store import CUSTOMERS, INVOICES, HistoryStore, StoreUnavailableError

_LOG: Final = logging.getLogger("encours.worker")


async def known_ids(store: HistoryStore, kind: str, ids: Collection[str]) -> Mapping[str, str | None]:
    """Return which known id each id means, null where several may be meant; an unavailable store knows none."""
    try:
        return await ask(store, store.meanings, kind, ids)
    except StoreUnavailableError:
        _LOG.warning("ids could not be looked up")
        return {name: name for name in ids}


async def by_known_ids(
    store: HistoryStore, invoices: Sequence[InvoiceToScore], knowledge: Knowledge
) -> list[InvoiceToScore]:
    """Return the invoices of a request under the known ids that they mean.

    Raises:
        RefusalError: 422 when an id may mean several known ones.
    """
    known: dict[str, Callable[[str], object]] = {
        "invoice_id": knowledge.invoice,
        "customer_id": knowledge.is_known,
    }
    meant: dict[str, Mapping[str, str | None]] = {}
    for field, kind in (("invoice_id", INVOICES), ("customer_id", CUSTOMERS)):
        ids = {getattr(invoice, field) for invoice in invoices} - {None}
        strange = {name for name in ids if not known[field](name)}
        meant[field] = await known_ids(store, kind, strange) if strange else {}
    ambiguous = [
        (row, field)
        for row, invoice in enumerate(invoices)
        for field, found in meant.items()
        if found.get(getattr(invoice, field), "") is None
    ]
    if ambiguous:
        raise ambiguous_ids(ambiguous)
    changes = [
        {
            field: found[getattr(invoice, field)]
            for field, found in meant.items()
            if getattr(invoice, field) in found
        }
        for invoice in invoices
    ]
    return [
        invoice.model_copy(update=changed) if changed else invoice
        for invoice, changed in zip(invoices, changes, strict=True)
    ]
