"""A customer's unapplied credit notes and cash on account, set against what it owes in the same currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from serving.dunning.decision import NOTHING


@dataclass(frozen=True)
class OpenBalance:
    """What is open on one receivable: due date, currency and amount; 0 or below takes no credit."""

    due_on: date
    currency: str
    amount: Decimal


def allocate_unapplied_credits(
    credits_by_currency: Mapping[str, Decimal], balances: Mapping[str, OpenBalance]
) -> dict[str, Decimal]:
    """Share of a customer's unapplied credits for each receivable: the oldest due first, ties by id.

    Args:
        credits_by_currency: unallocated payments and credit notes, 0 or more; a credit in one currency is never
            set against a balance in another.
        balances: receivable id -> what is open on it.

    Returns:
        A share for every receivable, in its own currency. What exceeds all balances is set against none.
    """
    left = {currency: max(credit, NOTHING) for currency, credit in credits_by_currency.items()}
    shares = dict.fromkeys(balances, NOTHING)
    for key, balance in sorted(balances.items(), key=lambda item: (item[1].due_on, item[0])):
        shares[key] = min(max(balance.amount, NOTHING), left.get(balance.currency, NOTHING))
        if shares[key]:
            left[balance.currency] -= shares[key]
    return shares
