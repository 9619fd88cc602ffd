"""What a person should know beside a decision although it decides nothing."""

from __future__ import annotations

from features.messages import Text
from serving.dunning.deciding.facts import AccountFacts
from serving.dunning.deciding.facts.money import amounts_apart, convertible_total
from serving.dunning.decision import Reason
from serving.dunning.policy.checked import Policy
from serving.dunning.writing import written_amount, written_amounts


def notes_of(account: AccountFacts, policy: Policy) -> tuple[Reason, ...]:
    """The customer owes more than its credit limit; some of what it owes has no exchange rate."""
    return (*_over_limit(account, policy), *_apart(account, policy))


def _over_limit(account: AccountFacts, policy: Policy) -> tuple[Reason, ...]:
    limit, currency = account.credit_limit, policy.spec.policy.currency
    owed = convertible_total(account.outstanding_amounts, account, policy)
    if limit is None or owed <= limit:
        return ()
    text = Text(
        f"Encours du client de {written_amount(owed, 'fr')} {currency}, au-delà de sa limite de "
        f"{written_amount(limit, 'fr')} {currency} : livraisons à revoir.",
        f"The customer owes {written_amount(owed, 'en')} {currency}, above its limit of "
        f"{written_amount(limit, 'en')} {currency}: review deliveries.",
    )
    return (Reason.of("note.over_credit_limit", text),)


def _apart(account: AccountFacts, policy: Policy) -> tuple[Reason, ...]:
    apart = amounts_apart(account.outstanding_amounts, account, policy)
    if not apart:
        return ()
    text = Text(
        f"Dus dans des devises sans cours de change, comptés dans aucun total : {written_amounts(apart, 'fr')}.",
        f"Owed in currencies without an exchange rate, part of no total: {written_amounts(apart, 'en')}.",
    )
    return (Reason.of("note.other_currencies", text),)
