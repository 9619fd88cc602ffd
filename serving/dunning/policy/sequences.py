"""The sequences of a policy file: steps, their effect, and the evidence a sequence needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from features.words import Text
from serving.dunning.policy.base import Name, Share, Strict
from serving.dunning.words import Channel, Tone

ClaimKind = Literal["interest", "indemnity"]


class Effect(Strict):
    """What a step of the sequence is believed to change, on an invoice that would otherwise stay unpaid.

    `days_saved` days earlier payment; `loss_avoided_share` of the balance not lost. `assumed` until
    measured.
    """

    days_saved: Annotated[Decimal, Field(ge=0)]
    loss_avoided_share: Annotated[Decimal, Field(ge=0, le=1)]
    assumed: bool
    source: Annotated[str, Field(min_length=1)]


class Fallback(Strict):
    """A cheaper way to do the step when the planned channel costs more than it brings."""

    channel: Channel
    template: Name


class SofterVariant(Strict):
    """How the step is written to a customer that a tone rule names."""

    tone: Tone
    template: Name


class Step(Strict):
    """One step. `day` counts from the due date, negative before it; absent in the sequences of gates."""

    id: Name
    day: Annotated[int, Field(ge=-90, le=730)] | None = None
    channel: Channel
    tone: Tone
    template: Name
    label: Text
    approval: Name | None = None
    claims: tuple[ClaimKind, ...] = ()
    fallback: Fallback | None = None
    softer: SofterVariant | None = None


class Evidence(Strict):
    """What a payer must have done before this sequence is used on it; `otherwise` names the sequence to use.

    Counted over what fell due in the last two years: at least `late_count_from` late ones, and late ones at least
    `late_share_from` of all. An unknown history is no evidence.
    """

    late_count_from: Annotated[int, Field(ge=1)]
    late_share_from: Share
    otherwise: Name
    why: Text


class DunningSequence(Strict):
    """Steps by days past due (`dunning`), or what a gate does instead: one step or none (`gate`)."""

    kind: Literal["dunning", "gate"]
    label: Text
    effect: Effect | None = None
    evidence: Evidence | None = None
    steps: tuple[Step, ...] = ()

    def stages(self) -> tuple[tuple[int, Step], ...]:
        """Each step with its stage: 0 and below before the due date, then 1, 2, 3 without a hole."""
        before = sum(step.day is not None and step.day < 0 for step in self.steps)
        return tuple((index - before + 1, step) for index, step in enumerate(self.steps))
