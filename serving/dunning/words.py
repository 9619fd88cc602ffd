"""The closed lists of dunning files, facts and decisions; those shared with the ledger are in `features.words`."""

from __future__ import annotations

from typing import Literal, get_args

from features.words import ClosedBy, Text

Channel = Literal["email", "sms", "portal", "letter", "registered_letter", "call", "task"]
Tone = Literal["courteous", "friendly", "formal", "firm", "legal"]
FeedName = Literal["invoices", "payments", "disputes", "emails", "interactions", "indicators", "instalments"]
GateId = Literal[
    "settled",
    "insolvency",
    "feed_stale",
    "mediation",
    "complaint",
    "open_dispute",
    "admin_blockage",
    "insolvency_hint",
    "plan_running",
    "promise_running",
    "promise_unclear",
    "payment_announced",
    "small_balance",
    "natural_person",
    "strategic_account",
    "large_amount",
    "contact_cap",
    "quiet_day",
]
RouteState = Literal["before_due", "overdue", "broken_promise"]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
TONES: tuple[Tone, ...] = get_args(Tone)
"""From the softest to the harshest; the order is the one 'never harsher' is measured in."""
STATES: tuple[RouteState, ...] = get_args(RouteState)
FEED_NAMES: tuple[FeedName, ...] = get_args(FeedName)
"""Tables of the ledger whose freshness a policy may limit."""
GATE_IDS: tuple[GateId, ...] = get_args(GateId)
"""In the order they are checked; the first closed one determines the decision."""
PERSON_GATES: tuple[GateId, ...] = ("natural_person", "strategic_account", "large_amount")
"""Gates that leave the step in place and make it a person's."""
CONTACT_GATES: tuple[GateId, ...] = ("contact_cap", "quiet_day")
"""Gates that move a step to a later day."""
STOPPING_GATES: tuple[GateId, ...] = tuple(
    gate for gate in GATE_IDS if gate not in (*PERSON_GATES, *CONTACT_GATES)
)
"""Gates while which the customer hears nothing about the receivable."""

# What a null is called in the rows of a policy.
NO_GRADE = "none"
NO_SEGMENT = "unknown"

AUTOMATIC_CHANNELS: frozenset[Channel] = frozenset({"email", "sms", "portal", "letter"})
"""Channels a machine can serve alone; the others need a person's hands whatever the policy says."""


TONE_WORDS: dict[Tone, Text] = {
    "courteous": Text("courtois", "courteous"),
    "friendly": Text("amical", "friendly"),
    "formal": Text("formel", "formal"),
    "firm": Text("ferme", "firm"),
    "legal": Text("juridique", "legal"),
}

CLOSED_BY_WORDS: dict[ClosedBy, Text] = {
    "paid": Text("facture payée", "the invoice is paid"),
    "credited": Text("facture couverte par des avoirs", "credit notes cover the invoice"),
    "discounted": Text("facture payée, escompte déduit", "the invoice is paid less its cash discount"),
    "written_off": Text("facture passée en perte", "the invoice was written off"),
    "cancelled": Text("facture annulée", "the invoice was cancelled"),
}
NOTHING_LEFT_WORDS = Text(
    "solde nul après avoirs et règlements en compte", "nothing is left after credits and cash on account"
)

FEED_WORDS: dict[FeedName, Text] = {
    "invoices": Text("factures", "invoices"),
    "payments": Text("règlements", "payments"),
    "disputes": Text("litiges", "disputes"),
    "emails": Text("e-mails", "e-mails"),
    "interactions": Text("échanges", "interactions"),
    "indicators": Text("indicateurs", "indicators"),
    "instalments": Text("échéanciers", "instalments"),
}
