"""The ledger's rows as dated events: who, on which day it became known, and integer measures.

Each function returns a frame with `entity` (customer code, or invoice code where said), `day` (day number on
which the event became known) and integer measures. Nothing here depends on an as-of date: an event at day d may only
depend on facts known at or before d, and the streams are read strictly before t.
"""

from features.asof.events.closings import (
    Epochs,
    closings_of,
    first_closed,
    later_changes,
    with_last_reminder,
    with_parts,
)
from features.asof.events.communication import TONE_SCALE, communication_events, promise_events
from features.asof.events.contacts import (
    customer_dispute_events,
    invoice_dispute_events,
    lifecycle_events,
    reminder_events,
)
from features.asof.events.credit import account_events, credit_note_events
from features.asof.events.invoices import LOG_SCALE, PERMILLE, invoice_base, issued_events
from features.asof.events.payments import (
    AGEING_STARTS,
    allocation_base,
    allocation_events,
    bounce_events,
    payday_events,
)
from features.asof.events.states import KEYED_BY_EPOCH, NOT_CURED, state_events
from features.asof.events.unpriced import unpriced_events, unpriced_open_events

__all__ = [
    "AGEING_STARTS",
    "KEYED_BY_EPOCH",
    "LOG_SCALE",
    "NOT_CURED",
    "PERMILLE",
    "TONE_SCALE",
    "Epochs",
    "account_events",
    "allocation_base",
    "allocation_events",
    "bounce_events",
    "closings_of",
    "communication_events",
    "credit_note_events",
    "customer_dispute_events",
    "first_closed",
    "invoice_base",
    "invoice_dispute_events",
    "issued_events",
    "later_changes",
    "lifecycle_events",
    "payday_events",
    "promise_events",
    "reminder_events",
    "state_events",
    "unpriced_events",
    "unpriced_open_events",
    "with_last_reminder",
    "with_parts",
]
