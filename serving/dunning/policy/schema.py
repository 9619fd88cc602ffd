"""The schema of a policy file: what a credit manager may write, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from features.words import Grade, Segment, Text
from serving.dunning.policy.base import Money, MonthDay, Name, Share, Strict
from serving.dunning.policy.gates import Gate, Gates
from serving.dunning.policy.sequences import DunningSequence
from serving.dunning.words import Channel, RouteState

GradeName = Literal[Grade, "none"]
SegmentName = Literal[Segment, "unknown"]


class Header(Strict):
    """Who the policy is for. `country` and `language` are used where the payer's are not known."""

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
    """What time and contacts cost. Figures marked assumed are nobody's measurement.

    With `pre_due_only_if_positive`, a reminder before the due date is sent only where its expected gain on the
    whole amount is above its cost.
    """

    cost_of_money_percent: Annotated[Decimal, Field(ge=0)]
    probability_without_opinion: Share
    costs: dict[Channel, Money]
    pre_due_only_if_positive: bool
    assumed: bool


class Cap(Strict):
    """At most `contacts` contacts with a customer, all its invoices together, in any `days` days in a row.

    With a `channel`, only contacts by that channel count, and only they are postponed.
    """

    contacts: Annotated[int, Field(ge=1)]
    days: Annotated[int, Field(ge=1, le=366)]
    channel: Channel | None = None


class QuietPeriod(Strict):
    """Days of every year, from month-day to month-day (both included), on which nobody is contacted."""

    id: Name
    begins: MonthDay
    ends: MonthDay
    label: Text


class ContactRules(Strict):
    """When and how a customer may be contacted; weekends and holidays of its country are always quiet.

    `channel_for_delivery` gives the channel that replaces e-mail for invoices delivered in a certain way
    (`portal: portal`: a reminder is posted where the invoice was).
    """

    minimum_days_between_steps: Annotated[int, Field(ge=1, le=90)]
    caps: tuple[Cap, ...]
    quiet_periods: tuple[QuietPeriod, ...] = ()
    channel_for_delivery: dict[str, Channel] = Field(default_factory=dict)


class ToneRule(Strict):
    """Customers to whom the softer variant of a step is written; every condition given has to be met.

    `relation_years`: customer for at least so many years. `turnover_from`: invoiced at least so much in the last
    365 days, in the policy's currency. An unknown value meets no condition.
    """

    id: Name
    relation_years: Annotated[int, Field(ge=1, le=100)] | None = None
    turnover_from: Money | None = None
    segments: tuple[SegmentName, ...] | None = None
    why: Text


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


class Route(Strict):
    """One row of the table: the invoices it is for, and the sequence they get.

    A worse grade or more money never leads to a softer sequence, except to a row that is `softer_on_purpose`.
    """

    id: Name
    segments: tuple[SegmentName, ...] | Literal["any"]
    grades: tuple[GradeName, ...] | Literal["any"]
    money: tuple[Name, ...] | Literal["any"]
    states: tuple[RouteState, ...] | Literal["any"]
    sequence: Name
    softer_on_purpose: bool = False
    why: Text


class Overrides(Strict):
    """What a person may set in place of a proposal: a hold of at most `longest_hold_days` days."""

    longest_hold_days: Annotated[int, Field(ge=1, le=366)] = 92


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


class ConversationTexts(Strict):
    """What is added to the text of a conversation about several invoices, and to one about a part of an invoice."""

    also: Text
    disputed: Text


class PolicySpec(Strict):
    """A whole policy file."""

    policy: Header
    approval_levels: Annotated[tuple[ApprovalLevel, ...], Field(min_length=1)]
    money_bands: Annotated[tuple[MoneyBand, ...], Field(min_length=1)]
    economics: Economics
    contact_rules: ContactRules
    tone_rules: tuple[ToneRule, ...] = ()
    late_interest: LateInterest
    gates: Gates
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    exhausted: Exhausted
    sequences: dict[Name, DunningSequence]
    payment_plans: Annotated[tuple[PlanRule, ...], Field(min_length=1)]
    capacity: Capacity
    experiment: Experiment
    overrides: Overrides = Overrides()
    conversation_texts: ConversationTexts
    templates: dict[Name, Template]
