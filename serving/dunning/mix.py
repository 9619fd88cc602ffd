"""What a night's decisions come to: actions for every 1,000 receivables, by sequence, channel, tone, person and day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from features.calendars import is_working_day
from serving.dunning.deciding.facts import Case
from serving.dunning.deciding.facts.money import converted
from serving.dunning.decision import Decision, NextStep
from serving.dunning.policy.checked import Policy
from serving.dunning.words import CHANNELS, GATE_IDS, TONES

Dimension = Literal["sequence", "channel", "tone", "who", "gate", "weekday"]

NO_STEP: Final = "none"
"""Value of a decision without a step, or without a gate."""

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WHO: Final = ("automatic", "approval", "person", NO_STEP)
"""A machine alone, a machine once a person approved, or a person's own work (calls, tasks, registered letters)."""


@dataclass(frozen=True)
class MixLine:
    """How many decisions share one value of a dimension.

    Attributes:
        dimension: what is counted by.
        value: the value; `none` for decisions without a step or gate.
        tonight: decisions whose step is due on the day of the decision (for gates: decisions without such a step).
        planned: decisions with that value whenever their step is due.
    """

    dimension: Dimension
    value: str
    tonight: int
    planned: int


@dataclass(frozen=True)
class Mix:
    """The actions of one night.

    Attributes:
        decisions: receivables decided on.
        lines: one for each value met, by dimension in the order of its list.
        large: receivables of at least the policy's large amount whose next step reaches the customer.
        large_automatic: those of them whose next step a machine would take alone.
        off_days: steps and tasks that fall on a day that is no working day.
    """

    decisions: int
    lines: tuple[MixLine, ...]
    large: int
    large_automatic: int
    off_days: int

    def per_thousand(self, count: int) -> float:
        """A count for every 1,000 receivables decided on; 0 without any."""
        return 1000 * count / self.decisions if self.decisions else 0.0

    def planned(self, dimension: Dimension, value: str) -> int:
        """How many next steps have a value."""
        return next(
            (line.planned for line in self.lines if (line.dimension, line.value) == (dimension, value)), 0
        )


def mix_of(decided: Iterable[tuple[Case, Decision]], policy: Policy) -> Mix:
    """The mix of a night's decisions, closed receivables left aside.

    Args:
        decided: each case with its decision.
        policy: the bound of large amounts, and the house's country.
    """
    counted = [(case, decision) for case, decision in decided if case.account.closed_by is None]
    tonight: Counter[tuple[Dimension, str]] = Counter()
    planned: Counter[tuple[Dimension, str]] = Counter()
    for _, decision in counted:
        values = _values(decision)
        planned.update(values.items())
        step = decision.next_step
        if step is not None and step.on == decision.on:
            tonight.update(values.items())
        elif decision.gate_id is not None:
            tonight["gate", decision.gate_id] += 1
    large = [decision for case, decision in counted if _is_large_contact(case, decision, policy)]
    return Mix(
        decisions=len(counted),
        lines=tuple(
            MixLine(dimension, value, tonight[dimension, value], planned[dimension, value])
            for dimension, value in sorted(planned, key=lambda key: _place(key, policy))
        ),
        large=len(large),
        large_automatic=sum(
            step.is_automatic for decision in large if (step := decision.next_step) is not None
        ),
        off_days=sum(
            _is_off_day(step, case, policy) for case, decision in counted for step in _steps(decision)
        ),
    )


def _values(decision: Decision) -> dict[Dimension, str]:
    step = decision.next_step
    return {
        "sequence": decision.sequence_id,
        "channel": NO_STEP if step is None else step.channel,
        "tone": NO_STEP if step is None else step.tone,
        "who": _who(decision),
        "gate": decision.gate_id or NO_STEP,
        "weekday": NO_STEP if step is None else WEEKDAYS[step.on.weekday()],
    }


def _who(decision: Decision) -> str:
    step = decision.next_step
    if step is None:
        return NO_STEP
    if step.is_automatic:
        return "automatic"
    return "approval" if decision.requires_approval and step.channel != "task" else "person"


def _steps(decision: Decision) -> Iterable[NextStep]:
    return (step for step in (decision.next_step, decision.side_task) if step is not None)


def _is_large_contact(case: Case, decision: Decision, policy: Policy) -> bool:
    if decision.next_step is None or decision.next_step.channel == "task":
        return False
    amount = converted(decision.balance_amount, decision.currency, case.account, policy)
    return amount is None or amount >= policy.spec.gates.large_amount.lower_bound


def _is_off_day(step: NextStep, case: Case, policy: Policy) -> bool:
    """Whether the day is no working day: of the house for a task, of the payer's country for a contact."""
    house = policy.spec.policy.country
    return not is_working_day(step.on, house if step.channel == "task" else case.account.country or house)


def _place(key: tuple[Dimension, str], policy: Policy) -> tuple[int, int, str]:
    """Order of a line: by dimension, then in the order of the list the value comes from."""
    dimension, value = key
    orders: dict[Dimension, tuple[str, ...]] = {
        "sequence": tuple(policy.spec.sequences),
        "channel": CHANNELS,
        "tone": TONES,
        "who": WHO,
        "gate": GATE_IDS,
        "weekday": WEEKDAYS,
    }
    order = orders[dimension]
    return list(orders).index(dimension), order.index(value) if value in order else len(order), value
