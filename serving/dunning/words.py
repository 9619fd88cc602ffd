"""The closed lists of dunning files, facts and decisions; those shared with the ledger are in `features.words`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from features.words import ClosedBy, Text

Channel = Literal["email", "sms", "portal", "letter", "registered_letter", "call", "task"]
Tone = Literal["courteous", "friendly", "formal", "firm", "legal"]
FeedName = Literal["invoices", "payments", "disputes", "emails", "interactions", "indicators", "instalments"]
StoppingGateId = Literal[
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
]
"""While one of these holds, the customer hears nothing about the receivable."""
PersonGateId = Literal["natural_person", "strategic_account", "large_amount"]
"""These leave the step in place and take it away from the machine."""
ContactGateId = Literal["contact_cap", "quiet_day"]
"""These move a step to a later day."""
GateId = Literal[StoppingGateId, PersonGateId, ContactGateId]
RouteState = Literal["before_due", "overdue", "broken_promise"]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
TONES: tuple[Tone, ...] = get_args(Tone)
"""From the softest to the harshest; the order is the one 'never harsher' is measured in."""
STATES: tuple[RouteState, ...] = get_args(RouteState)
FEED_NAMES: tuple[FeedName, ...] = get_args(FeedName)
"""Tables of the ledger whose freshness a policy may limit."""
GATE_IDS: tuple[GateId, ...] = get_args(GateId)
"""In the order they are asked; the first that holds names the decision."""
STOPPING_GATES: tuple[StoppingGateId, ...] = get_args(StoppingGateId)
PERSON_GATES: tuple[PersonGateId, ...] = get_args(PersonGateId)
CONTACT_GATES: tuple[ContactGateId, ...] = get_args(ContactGateId)


def declared_for(gates: tuple[GateId, ...], declared: Iterable[str], where: str) -> None:
    """Check that a table of gates declares exactly these.

    Args:
        gates: the gates of the closed list.
        declared: the gates of the table.
        where: name of the table.

    Raises:
        TypeError: a gate is missing from the table, or the table has one that is not in the list.
    """
    declared = set(declared)
    faults = [f"{gate} is missing from {where}" for gate in gates if gate not in declared]
    faults += [f"{gate} of {where} is in no list of gates" for gate in sorted(declared - set(gates))]
    if faults:
        raise TypeError(f"{'; '.join(faults)} (docs/extending.md: a gate)")


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
