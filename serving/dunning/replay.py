"""What another policy would have decided on the same facts, and the difference in contacts and money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from serving.dunning.deciding.capacity import CALL_CHANNELS, LETTER_CHANNELS
from serving.dunning.deciding.night import decide_night
from serving.dunning.decision import NOTHING, Decision
from serving.dunning.policy.checked import Policy
from serving.dunning.records import DecisionRecord, Difference
from serving.dunning.words import NO_SEGMENT

ALL_SEGMENTS = "all"


@dataclass(frozen=True)
class Totals:
    """What a set of decisions does on the days they were made.

    Attributes:
        contacts: customers contacted, counted once a day however many invoices are meant.
        calls: customers called, counted once a day.
        letters: customers written to by post, counted once a day.
        automatic: contacts in which no step needs a person.
        approvals: decisions a person must approve.
        held: decisions without a step on the day, because a gate is closed.
        asked_amounts: balances asked for in the contacts, by currency, in order of currency.
        claimed_amount: interest and indemnity asked for on top.
        cost_amount: cost of the contacts, the dearest channel once for each customer and day.
        net_benefit_amount: expected gains of the steps due less `cost_amount`; assumed unless measured.
    """

    contacts: int = 0
    calls: int = 0
    letters: int = 0
    automatic: int = 0
    approvals: int = 0
    held: int = 0
    asked_amounts: tuple[tuple[str, Decimal], ...] = ()
    claimed_amount: Decimal = NOTHING
    cost_amount: Decimal = NOTHING
    net_benefit_amount: Decimal = NOTHING


@dataclass(frozen=True)
class SegmentReplay:
    """One payer segment, before and after."""

    segment: str
    decisions: int
    changed: int
    before: Totals
    after: Totals


@dataclass(frozen=True)
class ReplayReport:
    """The replay of a policy.

    Attributes:
        policy_id: policy under test.
        policy_version: its version.
        segments: one line for each segment met, in order of name, then the total.
        differences: every case decided differently, by day and invoice.
        undecided: cases without a stored decision and no policy to compare with; not counted.
    """

    policy_id: str
    policy_version: str
    segments: tuple[SegmentReplay, ...]
    differences: tuple[Difference, ...]
    undecided: int

    @property
    def total(self) -> SegmentReplay:
        """All segments together."""
        return self.segments[-1]


COMPARED = ("sequence", "gate", "step", "day", "channel", "tone", "approval", "claim")


def replay(
    records: Iterable[DecisionRecord], policy: Policy, against: Policy | None = None, on: date | None = None
) -> ReplayReport:
    """Decide stored cases again with another policy and compare.

    Each day is decided as a night: one conversation a customer, calls and letters within the policy's
    capacity, on the facts of that day. What a debtor would have done after a different step is not known
    and not pretended.

    Args:
        records: stored cases, each receivable once a day.
        policy: the policy under test.
        against: decide the other side anew with this policy; null compares with the stored decisions.
        on: decide every case on this day (tonight's simulation); null takes the day of each record.

    Raises:
        InvalidInputError: a receivable is given twice on one day.
    """
    nights: dict[date, list[DecisionRecord]] = defaultdict(list)
    for record in records:
        nights[on or record.decided_on].append(record)
    pairs: list[tuple[Decision, Decision]] = []
    undecided = 0
    for day in sorted(nights):
        after = _night(nights[day], policy, day)
        before = _stored(nights[day]) if against is None else _night(nights[day], against, day)
        undecided += len(after) - len(before)
        pairs += [(before[key], after[key]) for key in before]
    pairs.sort(key=lambda pair: (pair[1].on, pair[1].receivable_id))
    segments = sorted({_segment(after) for _, after in pairs})
    header = policy.spec.policy
    return ReplayReport(
        policy_id=header.id,
        policy_version=header.version,
        segments=(
            *(
                _compare(name, [pair for pair in pairs if _segment(pair[1]) == name], policy)
                for name in segments
            ),
            _compare(ALL_SEGMENTS, pairs, policy),
        ),
        differences=tuple(
            Difference(after.on, before, after, changed)
            for before, after in pairs
            if (changed := changed_parts(before, after))
        ),
        undecided=undecided,
    )


def _night(records: Iterable[DecisionRecord], policy: Policy, on: date) -> dict[str, Decision]:
    night = decide_night((record.case for record in records), policy, on)
    return {decision.receivable_id: decision for account in night.accounts for decision in account.decisions}


def _stored(records: Iterable[DecisionRecord]) -> dict[str, Decision]:
    return {record.case.receivable_id: record.decision for record in records if record.decision is not None}


def changed_parts(before: Decision, after: Decision) -> tuple[str, ...]:
    """What differs between two decisions on the same case, in the words of `COMPARED`."""
    return tuple(
        name for name, old, new in zip(COMPARED, _parts(before), _parts(after), strict=True) if old != new
    )


def totals_of(decisions: Sequence[Decision], policy: Policy) -> Totals:
    """What the decisions do on their day; steps planned for later days count when their day comes."""
    costs = policy.spec.economics.costs
    today = [decision for decision in decisions if decision.is_contact_today]
    by_contact: dict[tuple[str, date], list[Decision]] = {}
    for decision in today:
        by_contact.setdefault((decision.customer_id, decision.on), []).append(decision)
    channels = [
        [decision.next_step.channel for decision in group if decision.next_step is not None]
        for group in by_contact.values()
    ]
    cost = sum((max(costs[channel] for channel in group) for group in channels), NOTHING)
    asked: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    for decision in today:
        asked[decision.currency] += decision.asked_amount
    gains = [decision.benefit.gain_amount or NOTHING for decision in today if decision.benefit is not None]
    return Totals(
        contacts=len(by_contact),
        calls=sum(any(channel in CALL_CHANNELS for channel in group) for group in channels),
        letters=sum(any(channel in LETTER_CHANNELS for channel in group) for group in channels),
        automatic=sum(all(item.is_automatic_today for item in group) for group in by_contact.values()),
        approvals=sum(decision.requires_approval for decision in decisions),
        held=sum(decision.gate_id is not None and not decision.is_contact_today for decision in decisions),
        asked_amounts=tuple(sorted(asked.items())),
        claimed_amount=sum((decision.claim.claimed_amount for decision in today), NOTHING),
        cost_amount=cost,
        net_benefit_amount=sum(gains, NOTHING) - cost,
    )


def _compare(segment: str, pairs: Sequence[tuple[Decision, Decision]], policy: Policy) -> SegmentReplay:
    return SegmentReplay(
        segment=segment,
        decisions=len(pairs),
        changed=sum(bool(changed_parts(before, after)) for before, after in pairs),
        before=totals_of([before for before, _ in pairs], policy),
        after=totals_of([after for _, after in pairs], policy),
    )


def _parts(decision: Decision) -> tuple[object, ...]:
    step = decision.next_step
    return (
        decision.sequence_id,
        decision.gate_id,
        step.step_id if step else None,
        step.on if step else None,
        step.channel if step else None,
        step.tone if step else None,
        decision.approval_level,
        decision.claim.claimed_amount,
    )


def _segment(decision: Decision) -> str:
    return decision.segment or NO_SEGMENT
