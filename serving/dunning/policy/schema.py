"""The form of a policy file: what a credit manager may write, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.dunning.legal import LegalParameters
from serving.dunning.words import AUTOMATIC_CHANNELS, Channel, Grade, RouteState, Text, Tone

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[Decimal, Field(ge=0, decimal_places=2)]
MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
ClaimKind = Literal["interest", "indemnity"]
GradeName = Literal["A", "B", "C", "D", "E", "none"]
SegmentName = Literal[
    "prompt",
    "punctual_slow_process",
    "seasonal",
    "improving",
    "deteriorating",
    "erratic",
    "new",
    "dormant",
    "in_difficulty",
    "unknown",
]


class Strict(BaseModel):
    """Unknown keys are refused and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Header(Strict):
    """Who the policy is for. `country` and `language` stand in where the payer's are not known."""

    id: Name
    version: Annotated[str, Field(min_length=1)]
    label: Text
    jurisdiction: Annotated[str, Field(pattern="^[a-z]{2}$")]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    language: Literal["fr", "en"]


class ApprovalLevel(Strict):
    """Who may approve; the file lists them from the lowest to the highest."""

    id: Name
    label: Text


class MoneyBand(Strict):
    """Balances below `below` (null in the last band: no upper bound), in the policy's currency."""

    id: Name
    below: Money | None
    label: Text


class Economics(Strict):
    """What time and contacts cost. Figures marked assumed are nobody's measurement."""

    cost_of_money_percent: Annotated[Decimal, Field(ge=0)]
    probability_without_opinion: Share
    costs: dict[Channel, Money]
    assumed: bool


class Cap(Strict):
    """At most `contacts` contacts with a customer, all its invoices together, in any `days` days in a row."""

    contacts: Annotated[int, Field(ge=1)]
    days: Annotated[int, Field(ge=1, le=366)]


class QuietPeriod(Strict):
    """Days of every year, from month-day to month-day (both included), on which nobody is contacted."""

    id: Name
    begins: MonthDay
    ends: MonthDay
    label: Text


class ContactRules(Strict):
    """When a customer may be contacted at all; weekends and holidays of its country are always quiet."""

    minimum_days_between_steps: Annotated[int, Field(ge=1, le=90)]
    caps: tuple[Cap, ...]
    quiet_periods: tuple[QuietPeriod, ...] = ()


class ClaimTexts(Strict):
    """What a step that claims says; `interest_not_reckoned` when a rate of the law is not in the file."""

    interest: Text
    interest_not_reckoned: Text
    indemnity: Text


class LateInterest(Strict):
    """What the seller's terms say. `clause_percent` null with a clause: it repeats the formula of the law."""

    has_clause: bool
    clause_percent: Annotated[Decimal, Field(ge=0)] | None = None
    texts: ClaimTexts


class Gate(Strict):
    """A fact that decides alone, whatever the score; the sequence says what is done instead."""

    sequence: Name
    why: Text


class StaleFeedGate(Gate):
    """The ledger or bank feed is older than this, or of unknown age."""

    max_age_hours: Annotated[float, Field(gt=0)]


class WaitingGate(Gate):
    """Money is on its way; the hold ends this many days after the date given."""

    grace_days: Annotated[int, Field(ge=0, le=60)]


class PromiseGate(WaitingGate):
    """A promise of less than `minimum_share` of the balance holds nothing; one without an amount means all of it."""

    minimum_share: Share


class SmallBalanceGate(Gate):
    """Less than this, in the policy's currency, is not worth a contact."""

    below: Money


class PersonGate(Strict):
    """A person decides every step."""

    approval: Name
    why: Text


class NaturalPersonGate(PersonGate):
    """The debtor is a natural person; `when_unknown` says what a missing legal form means."""

    when_unknown: Literal["proceed", "person_decides"]


class ContactGate(Strict):
    """The step waits for the first day on which the customer may be contacted."""

    why: Text


class Gates(Strict):
    """All gates; none can be left out."""

    settled: Gate
    insolvency: Gate
    feed_stale: StaleFeedGate
    open_dispute: Gate
    admin_blockage: Gate
    plan_running: WaitingGate
    promise_running: PromiseGate
    payment_announced: WaitingGate
    small_balance: SmallBalanceGate
    natural_person: NaturalPersonGate
    strategic_account: PersonGate
    contact_cap: ContactGate
    quiet_day: ContactGate


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


class Sequence(Strict):
    """Steps by days past due (`dunning`), or what a gate does instead: one step or none (`gate`)."""

    kind: Literal["dunning", "gate"]
    label: Text
    effect: Effect | None = None
    steps: tuple[Step, ...] = ()

    def stages(self) -> tuple[tuple[int, Step], ...]:
        """Each step with its stage: 0 and below before the due date, then 1, 2, 3 without a hole."""
        before = sum(step.day is not None and step.day < 0 for step in self.steps)
        return tuple((index - before + 1, step) for index, step in enumerate(self.steps))


class Route(Strict):
    """One row of the table: the invoices it is for, and the sequence they get."""

    id: Name
    segments: tuple[SegmentName, ...] | Literal["any"]
    grades: tuple[GradeName, ...] | Literal["any"]
    money: tuple[Name, ...] | Literal["any"]
    states: tuple[RouteState, ...] | Literal["any"]
    sequence: Name
    why: Text


class Exhausted(Gate):
    """Every step of the sequence is done and the money is still missing."""


class PlanApproval(Strict):
    """Who may grant a plan on a balance below `below` (null: any balance)."""

    below: Money | None
    level: Name


class PlanRule(Strict):
    """Bounds of a payment plan by grade."""

    id: Name
    grades: tuple[GradeName, ...]
    max_instalments: Annotated[int, Field(ge=1, le=60)]
    max_days: Annotated[int, Field(ge=1, le=1095)]
    minimum_first_share: Share
    approvals: Annotated[tuple[PlanApproval, ...], Field(min_length=1)]


class Capacity(Strict):
    """What the team can do in one night; with `only_if_positive`, nothing that costs more than it brings."""

    calls: Annotated[int, Field(ge=0)]
    letters: Annotated[int, Field(ge=0)]
    only_if_positive: bool


class Variant(Strict):
    """One arm: which sequences it replaces by which, and how often it is drawn."""

    id: Name
    probability: Annotated[float, Field(gt=0, lt=1)]
    replaces: dict[Name, Name]


class Experiment(Strict):
    """A randomised comparison between allowed variants; natural persons and strategic accounts stay out."""

    enabled: bool
    id: Name
    salt: Annotated[str, Field(min_length=1)]
    variants: Annotated[tuple[Variant, ...], Field(min_length=2)]


class Template(Strict):
    """The text handed over with a step; `{names}` in braces are filled from the decision."""

    subject: Text
    body: Text


class PolicySpec(Strict):
    """A whole policy file."""

    policy: Header
    approval_levels: Annotated[tuple[ApprovalLevel, ...], Field(min_length=1)]
    money_bands: Annotated[tuple[MoneyBand, ...], Field(min_length=1)]
    economics: Economics
    contact_rules: ContactRules
    late_interest: LateInterest
    gates: Gates
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    exhausted: Exhausted
    sequences: dict[Name, Sequence]
    payment_plans: Annotated[tuple[PlanRule, ...], Field(min_length=1)]
    capacity: Capacity
    experiment: Experiment
    templates: dict[Name, Template]


Cell = tuple[str, str, str, str]
"""Segment name, grade name, money band, state: one square of the route table."""


@dataclass(frozen=True)
class Policy:
    """A policy that passed every check, with the law it rests on.

    Attributes:
        spec: the file.
        legal: dated legal values of its jurisdiction.
        table: the one route of every cell.
        digest: SHA-256 of the file, to tell two files of the same version apart.
    """

    spec: PolicySpec
    legal: LegalParameters
    table: Mapping[Cell, Route]
    digest: str

    def band_of(self, amount: Decimal) -> int:
        """Position of the money band an amount in the policy's currency falls in."""
        return next(
            index
            for index, band in enumerate(self.spec.money_bands)
            if band.below is None or amount < band.below
        )

    def higher_approval(self, *levels: str | None) -> str | None:
        """The highest of the levels; null when all are null."""
        order = [level.id for level in self.spec.approval_levels]
        return max((level for level in levels if level is not None), key=order.index, default=None)


def is_automatic(channel: Channel, approval: str | None) -> bool:
    """Whether a machine may do the step alone."""
    return approval is None and channel in AUTOMATIC_CHANNELS


def grade_name(grade: Grade | None) -> GradeName:
    """The grade as the route table writes it."""
    return grade if grade is not None else "none"
