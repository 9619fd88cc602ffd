"""What a step costs and what it is expected to bring."""

from __future__ import annotations

import math
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from serving.dunning.deciding.facts.case import Case
from serving.dunning.deciding.facts.money import converted
from serving.dunning.decision import NetBenefit
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.schema import Economics
from serving.dunning.policy.sequences import Effect
from serving.dunning.words import Channel

CENT = Decimal("0.01")


def step_benefit(
    case: Case, policy: Policy, effect: Effect, channel: Channel, on: date, amount: Decimal
) -> NetBenefit:
    """Net benefit of doing a step on a day.

    Args:
        case: the receivable and its account.
        policy: costs, and the policy's currency.
        effect: what the sequence of the step is believed to change.
        channel: how the step is done.
        on: the day.
        amount: what would be paid earlier, in the receivable's currency.
    """
    score = case.score
    beyond = (on - score.due_on).days + math.ceil(effect.days_saved)
    chance = None if score.cold_start_rung == "no_opinion" else score.unpaid_at(beyond)
    balance = converted(amount, score.currency, case.account, policy)
    return net_benefit(channel, effect, policy.spec.economics, balance, chance)


def net_benefit(
    channel: Channel,
    effect: Effect,
    economics: Economics,
    balance: Decimal | None,
    unpaid_probability: float | None,
) -> NetBenefit:
    """Expected gain of a step less its cost, in the policy's currency.

    Gain = probability of staying unpaid anyway x balance x (days saved x cost of money / 365 + loss
    avoided).

    Args:
        channel: how the step is done.
        effect: what the sequence is believed to change.
        economics: costs, cost of money, and the probability taken without an opinion.
        balance: in the policy's currency; null when it cannot be converted, and the gain is then null.
        unpaid_probability: of being unpaid when the days the step could save have passed; an invoice that
            is paid by then without it gains nothing. Null without an opinion.
    """
    cost = economics.costs[channel]
    is_assumed = effect.assumed or economics.assumed or unpaid_probability is None
    if balance is None:
        return NetBenefit(cost, None, None, is_assumed)
    chance = economics.probability_without_opinion if unpaid_probability is None else unpaid_probability
    waiting = effect.days_saved * economics.cost_of_money_percent / (100 * 365)
    gain = Decimal(str(chance)) * balance * (waiting + effect.loss_avoided_share)
    gain = gain.quantize(CENT, ROUND_HALF_UP)
    return NetBenefit(cost, gain, gain - cost, is_assumed)
