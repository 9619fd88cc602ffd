"""How far a payment plan may go, by risk, and who may grant it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from features.messages import Text
from features.words import Grade
from serving.dunning.decision import Reason
from serving.dunning.policy.checked import Policy, grade_name

CENT = Decimal("0.01")


@dataclass(frozen=True)
class PlanBounds:
    """What may be granted on a balance.

    Attributes:
        rule_id: row of the policy.
        max_instalments: number of payments, the first included.
        max_days: from the day of the agreement to the last payment.
        minimum_first_amount: least first payment.
        approval_level: who may grant a plan within these bounds.
    """

    rule_id: str
    max_instalments: int
    max_days: int
    minimum_first_amount: Decimal
    approval_level: str


@dataclass(frozen=True)
class Instalment:
    """One payment of a plan."""

    on: date
    amount: Decimal


@dataclass(frozen=True)
class PlanVerdict:
    """Whether a proposed plan may be granted, by whom, and every bound it breaks.

    A plan outside its bounds is not refused: it goes to the highest level, with the reasons in front of it.
    A plan that does not add up to the balance, or runs backwards, cannot be granted by anyone:
    `approval_level` null.
    """

    is_within_bounds: bool
    approval_level: str | None
    why: tuple[Reason, ...]


def plan_bounds(policy: Policy, grade: Grade | None, balance: Decimal) -> PlanBounds:
    """Bounds for a customer of that grade (null: no opinion) on a balance in the policy's currency."""
    name = grade_name(grade)
    rule = next(rule for rule in policy.spec.payment_plans if name in rule.grades)
    approval = next(item for item in rule.approvals if item.below is None or balance < item.below)
    first = (balance * Decimal(str(rule.minimum_first_share))).quantize(CENT, ROUND_HALF_UP)
    return PlanBounds(rule.id, rule.max_instalments, rule.max_days, first, approval.level)


def check_plan(
    plan: Sequence[Instalment], policy: Policy, grade: Grade | None, balance: Decimal, on: date
) -> PlanVerdict:
    """Check a proposed plan, in the policy's currency, against the bounds for this grade and balance."""
    bounds = plan_bounds(policy, grade, balance)
    impossible = _impossibilities(plan, balance, on)
    if impossible:
        return PlanVerdict(False, None, impossible)
    why = []
    if len(plan) > bounds.max_instalments:
        why.append(
            Reason.of(
                "plan.max_instalments",
                Text(
                    f"{len(plan)} échéances, au plus {bounds.max_instalments}.",
                    f"{len(plan)} instalments, at most {bounds.max_instalments}.",
                ),
            )
        )
    days = (plan[-1].on - on).days
    if days > bounds.max_days:
        why.append(
            Reason.of(
                "plan.max_days",
                Text(
                    f"Dernière échéance dans {days} jours, au plus {bounds.max_days}.",
                    f"Last instalment in {days} days, at most {bounds.max_days}.",
                ),
            )
        )
    if plan[0].amount < bounds.minimum_first_amount:
        why.append(
            Reason.of(
                "plan.minimum_first_amount",
                Text(
                    f"Première échéance de {plan[0].amount}, au moins {bounds.minimum_first_amount}.",
                    f"First instalment of {plan[0].amount}, at least {bounds.minimum_first_amount}.",
                ),
            )
        )
    highest = policy.spec.approval_levels[-1].id
    return PlanVerdict(not why, highest if why else bounds.approval_level, tuple(why))


def _impossibilities(plan: Sequence[Instalment], balance: Decimal, on: date) -> tuple[Reason, ...]:
    why = []
    total = sum((item.amount for item in plan), Decimal(0))
    if total != balance:
        why.append(
            Reason.of(
                "plan.total",
                Text(
                    f"Les échéances font {total}, le solde est de {balance}.",
                    f"The instalments add up to {total}, the balance is {balance}.",
                ),
            )
        )
    days = [on, *(item.on for item in plan)]
    if any(later < earlier for earlier, later in pairwise(days)):
        why.append(
            Reason.of(
                "plan.order",
                Text(
                    "Les échéances ne se suivent pas dans le temps.",
                    "The instalments are not in order of time.",
                ),
            )
        )
    if any(item.amount <= 0 for item in plan):
        why.append(
            Reason.of(
                "plan.amount",
                Text("Une échéance n'est pas positive.", "An instalment is not a positive amount."),
            )
        )
    return tuple(why)
