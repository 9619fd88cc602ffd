"""Amounts of several currencies: converted where a rate is known, apart where it is not, never added."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from serving.dunning.deciding.facts.account import AccountFacts, Amounts
from serving.dunning.deciding.facts.case import Case
from serving.dunning.decision import NOTHING
from serving.dunning.policy.checked import Policy


def converted(amount: Decimal, currency: str, account: AccountFacts, policy: Policy) -> Decimal | None:
    """The amount in the policy's currency; null when the currency has no rate."""
    if currency == policy.spec.policy.currency:
        return amount
    rate = dict(account.exchange_rates).get(currency)
    return None if rate is None else amount * rate


def total_converted(amounts: Amounts, account: AccountFacts, policy: Policy) -> Decimal | None:
    """The sum in the policy's currency, to the cent; null when one of the currencies has no rate."""
    parts = [converted(amount, currency, account, policy) for currency, amount in amounts]
    if None in parts:
        return None
    return sum((part for part in parts if part is not None), NOTHING).quantize(NOTHING, ROUND_HALF_UP)


def convertible_total(amounts: Amounts, account: AccountFacts, policy: Policy) -> Decimal:
    """The sum, in the policy's currency, of the amounts that have a rate: what is owed at least."""
    parts = (converted(amount, currency, account, policy) for currency, amount in amounts)
    return sum((part for part in parts if part is not None), NOTHING)


def amounts_apart(amounts: Amounts, account: AccountFacts, policy: Policy) -> Amounts:
    """The amounts in currencies without a rate: they are part of no total."""
    return tuple(
        (currency, amount)
        for currency, amount in amounts
        if amount != 0 and converted(amount, currency, account, policy) is None
    )


def demandable_in_policy_currency(case: Case, policy: Policy) -> Decimal | None:
    """What could be asked for on the receivable, in the policy's currency; null without a rate."""
    return converted(case.demandable_amount, case.score.currency, case.account, policy)


def money_band(amount: Decimal | None, policy: Policy) -> int:
    """Position of the band; an amount that cannot be converted is treated as the largest."""
    return len(policy.spec.money_bands) - 1 if amount is None else policy.band_of(amount)


def is_large(amount: Decimal | None, policy: Policy) -> bool:
    """Whether a person decides because of the amount; one that cannot be converted counts as large."""
    return amount is None or amount >= policy.spec.gates.large_amount.lower_bound
