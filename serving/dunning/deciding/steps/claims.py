"""What late payment entitles the seller to, and whether the step asks for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from features.words import Text
from serving.dunning.deciding.facts import AccountFacts
from serving.dunning.deciding.facts.case import Case
from serving.dunning.decision import NO_CLAIM, Claim, RatePeriod
from serving.dunning.legal import LegalValueUnknownError, Principal, late_payment_interest
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.sequences import ClaimKind

EURO = "EUR"
IN_INSOLVENCY = Text(
    "Procédure collective : ni intérêts ni indemnité réclamés dans une relance (L441-10 II).",
    "Insolvency: neither interest nor indemnity is claimed by dunning (L441-10 II).",
)
NOT_IN_EURO = Text(
    "Facture en devise : intérêts et indemnité ne sont calculés qu'en euros.",
    "Invoice in a foreign currency: interest and indemnity are reckoned in euros only.",
)


def claim_of(case: Case, policy: Policy, on: date, claimed: tuple[ClaimKind, ...] = ()) -> Claim:
    """Interest and indemnity on the receivable at a day; the amounts are shown even when nothing is claimed.

    Interest runs from the day after the due date, on the balance net of unapplied credits and of a disputed part
    until that day, and on each late part payment until it came in. A semester without a sourced rate gives no
    interest, never a part.
    """
    score, account = case.score, case.account
    if on <= score.due_on or account.net_balance_amount <= 0 or account.closed_by is not None:
        return NO_CLAIM
    if account.is_insolvent:
        return Claim(None, None, refusal=IN_INSOLVENCY)
    if score.currency != EURO:
        return Claim(None, None, is_interest_reserved="interest" in claimed, refusal=NOT_IN_EURO)
    interest: Decimal | None = None
    indemnity: Decimal | None = None
    periods: tuple[RatePeriod, ...] = ()
    refusal: Text | None = None
    terms = policy.spec.late_interest
    principals = [Principal(case.demandable_amount, on)]
    principals += [
        Principal(payment.amount, min(payment.on, on))
        for payment in sorted(account.late_part_payments, key=lambda payment: (payment.on, payment.amount))
    ]
    try:
        indemnity = policy.legal.value_on("recovery_indemnity", on).value
        interest, periods = late_payment_interest(
            policy.legal, score.due_on, principals, terms.clause_percent, has_clause=terms.has_clause
        )
    except LegalValueUnknownError as unknown:
        refusal = unknown.text
    return Claim(
        interest,
        indemnity,
        is_interest_claimed="interest" in claimed and interest is not None,
        is_indemnity_claimed="indemnity" in claimed and indemnity is not None,
        is_interest_reserved="interest" in claimed and interest is None,
        periods=periods,
        refusal=refusal,
    )


def claim_deadline(account: AccountFacts, policy: Policy) -> date | None:
    """Last day to declare the claim in insolvency proceedings; null when the publication day is not known."""
    published = account.insolvency_published_on
    if published is None:
        return None
    try:
        months = int(policy.legal.value_on("claim_declaration_period", published).value)
    except LegalValueUnknownError:
        return None
    return _months_later(published, months)


def _months_later(day: date, months: int) -> date:
    """The same day of the month, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)
