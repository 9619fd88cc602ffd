"""The text that goes with a step, in the customer's language, with the figures of the decision in it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from serving.dunning.deciding.facts import AccountFacts, ScoredInvoice
from serving.dunning.deciding.routing import in_policy_currency
from serving.dunning.decision import Claim, Decision
from serving.dunning.plans import plan_bounds
from serving.dunning.policy.schema import Policy, Template
from serving.dunning.words import BLOCKAGE_WORDS
from serving.dunning.writing import written_amount, written_day


@dataclass(frozen=True)
class Message:
    """A text ready to be handed over; Encours itself never sends it."""

    language: str
    subject: str
    body: str


def message_for(
    decision: Decision, score: ScoredInvoice, account: AccountFacts, policy: Policy
) -> Message | None:
    """The text of the decision's step; null when there is no step.

    Amounts are those of the decision: the balance net of credits, and what the step claims on top, nothing
    else.
    """
    step = decision.next_step
    if step is None:
        return None
    template: Template = policy.spec.templates[step.template_id]
    language = step.language
    balance = in_policy_currency(decision.balance_amount, score, account, policy)
    bounds = plan_bounds(policy, decision.grade, decision.balance_amount if balance is None else balance)
    kind = BLOCKAGE_WORDS[account.admin_blockage].in_language(language) if account.admin_blockage else ""
    values = {
        "invoice_id": decision.invoice_id,
        "issued_on": written_day(score.issued_on, language),
        "due_on": written_day(score.due_on, language),
        "days_past_due": str(max((step.on - score.due_on).days, 0)),
        "balance": written_amount(decision.balance_amount, language),
        "currency": decision.currency,
        "overdue": f"{written_amount(account.overdue_amount, language)} {policy.spec.policy.currency}",
        "claim": _claim_sentences(decision, policy),
        "total": written_amount(decision.balance_amount + decision.claim.claimed_amount, language),
        "max_instalments": str(bounds.max_instalments),
        "max_days": str(bounds.max_days),
        "deadline_on": written_day(step.deadline_on, language) if step.deadline_on else "?",
        "kind": kind,
    }
    subject = template.subject.in_language(language).format_map(values)
    return Message(language, subject, _tidy(template.body.in_language(language).format_map(values)))


def _claim_sentences(decision: Decision, policy: Policy) -> str:
    """What the step claims, in words; empty when it claims nothing."""
    step = decision.next_step
    if step is None:
        return ""
    claim, texts, language = decision.claim, policy.spec.late_interest.texts, step.language
    values = {
        "interest": written_amount(claim.interest_amount or Decimal(0), language),
        "indemnity": written_amount(claim.indemnity_amount or Decimal(0), language),
        "currency": decision.currency,
        "rate": written_rates(claim, language),
    }
    sentences = []
    if claim.is_interest_claimed:
        sentences.append(texts.interest)
    elif claim.is_interest_reserved:
        sentences.append(texts.interest_not_reckoned)
    if claim.is_indemnity_claimed:
        sentences.append(texts.indemnity)
    return " ".join(sentence.in_language(language).format_map(values) for sentence in sentences)


def written_rates(claim: Claim, language: str) -> str:
    """The yearly rates the interest ran at, in the order of time, each once."""
    rates = list(dict.fromkeys(f"{period.rate_percent:.2f}" for period in claim.periods))
    joined = (" puis " if language == "fr" else " then ").join(rates)
    return joined.replace(".", ",") if language == "fr" else joined


def _tidy(text: str) -> str:
    """Without the double space an empty claim leaves."""
    return " ".join(part for part in text.split(" ") if part)
