"""The gates of a policy file: facts that decide alone, whatever the score."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from features.words import Text
from serving.dunning.policy.base import Money, Name, Share, Strict
from serving.dunning.words import GATE_IDS, FeedName, declared_for


class Gate(Strict):
    """A fact that decides alone, whatever the score; the sequence says what is done instead."""

    sequence: Name
    why: Text


class StaleFeedGate(Gate):
    """A table of the ledger is known up to a day too long ago, or its age is unknown.

    `limits`: working days of the policy's country, by table; a table that is not named has no limit.
    """

    limits: dict[FeedName, Annotated[int, Field(ge=0, le=60)]]


class WaitingGate(Gate):
    """Money is on its way; the hold ends this many days after the date given."""

    grace_days: Annotated[int, Field(ge=0, le=60)]


class PromiseGate(WaitingGate):
    """A promise to pay.

    One of less than `minimum_share` of the balance stops nothing; one without an amount means all of it. One for
    a day more than `longest_days` after it was made is for a person to judge (`promise_unclear`).
    """

    minimum_share: Share
    longest_days: Annotated[int, Field(ge=1, le=366)]


class StatementGate(Gate):
    """Something a debtor wrote that a person has to read: it stops dunning for `days`, or until the task is closed."""

    days: Annotated[int, Field(ge=1, le=92)]


class ShortPayment(Strict):
    """A small part of a payment is missing: below `share_below` of the amount, paid by `paid_within_days` past due."""

    share_below: Share
    paid_within_days: Annotated[int, Field(ge=0, le=90)]
    sequence: Name
    approval: Name


class BlockageGate(Gate):
    """Paperwork stops the payment, or a small part of the payment is missing."""

    short_payment: ShortPayment


class SmallBalanceGate(Gate):
    """Less than this, in the policy's currency, is not worth a contact."""

    below: Money


class PersonGate(Strict):
    """A person decides every step."""

    approval: Name
    why: Text


class NaturalPersonGate(PersonGate):
    """The debtor is a natural person.

    `when_unknown`: what a missing legal form means. `automatic_tones`: steps of these tones stay automatic.
    """

    when_unknown: Literal["proceed", "person_decides"]
    automatic_tones: tuple[Literal["courteous", "friendly"], ...] = ()


class LargeAmountGate(PersonGate):
    """At least `from` in the policy's currency is asked for, by one step or by one conversation."""

    lower_bound: Annotated[Money, Field(alias="from")]


class ContactGate(Strict):
    """The step waits for the first day on which the customer may be contacted."""

    why: Text


class Gates(Strict):
    """All gates; none can be left out."""

    settled: Gate
    insolvency: Gate
    feed_stale: StaleFeedGate
    mediation: Gate
    complaint: Gate
    open_dispute: Gate
    admin_blockage: BlockageGate
    insolvency_hint: StatementGate
    plan_running: WaitingGate
    promise_running: PromiseGate
    promise_unclear: StatementGate
    payment_announced: WaitingGate
    small_balance: SmallBalanceGate
    natural_person: NaturalPersonGate
    strategic_account: PersonGate
    large_amount: LargeAmountGate
    contact_cap: ContactGate
    quiet_day: ContactGate


declared_for(GATE_IDS, Gates.model_fields, "serving.dunning.policy.gates.Gates")
