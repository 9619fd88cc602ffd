"""The text that goes with a step, in the customer's language, with the figures of the decision in it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from features.words import BLOCKAGE_WORDS, BlockageKind, InstalmentKind, Text
from serving.dunning.deciding.facts import AccountFacts, Case
from serving.dunning.deciding.facts.money import demandable_in_policy_currency
from serving.dunning.decision import NOTHING, Claim, Conversation, ConversationItem, Decision
from serving.dunning.plans import plan_bounds
from serving.dunning.policy.checked import Policy
from serving.dunning.writing import written_amount, written_amounts, written_day


@dataclass(frozen=True)
class Message:
    """A text ready to be handed over; Encours itself never sends it."""

    language: str
    subject: str
    body: str


def message_for(decision: Decision, case: Case, policy: Policy) -> Message | None:
    """The text of the decision's step; null when there is no step.

    Amounts are those of the decision: the balance net of credits and of a disputed part, and what the step claims on
    top, nothing else. The text of a conversation about several invoices, or about several instalments of one, ends
    with what else it asks for and the total.

    Args:
        decision: of the case.
        case: what it was decided on.
        policy: the policy that decided.
    """
    step, score, account = decision.next_step, case.score, case.account
    if step is None:
        return None
    template, language = policy.spec.templates[step.template_id], step.language
    balance = demandable_in_policy_currency(case, policy)
    bounds = plan_bounds(policy, decision.grade, case.demandable_amount if balance is None else balance)
    kind: BlockageKind | None = account.admin_blockage
    if decision.gate_id == "admin_blockage" and kind is None:
        kind = "short_payment"
    words = receivable_words(
        score.invoice_id, score.instalment_number, score.instalment_count, score.instalment_kind
    )
    with_article = receivable_words_with_article(
        score.invoice_id, score.instalment_number, score.instalment_count, score.instalment_kind
    )
    asked = case.demandable_amount
    values = {
        "invoice_id": decision.invoice_id,
        "invoice": words.in_language(language),
        "the_invoice": with_article.in_language(language),
        "issued_on": written_day(score.issued_on, language),
        "due_on": written_day(score.due_on, language),
        "days_past_due": str(max((step.on - score.due_on).days, 0)),
        "balance": written_amount(asked, language),
        "currency": decision.currency,
        "overdue": written_amounts(account.overdue_amounts or ((decision.currency, NOTHING),), language),
        "claim": _claim_sentences(decision, policy),
        "disputed": _disputed_sentence(decision, policy, language),
        "total": written_amount(asked + decision.claim.claimed_amount, language),
        "max_instalments": str(bounds.max_instalments),
        "max_days": str(bounds.max_days),
        "deadline_on": written_day(step.deadline_on, language) if step.deadline_on else "?",
        "kind": "" if kind is None else BLOCKAGE_WORDS[kind].in_language(language),
        "quote": _quote(decision, account) or "?",
    }
    subject = template.subject.in_language(language).format_map(values)
    body = template.body.in_language(language).format_map(values)
    if step.channel != "task" and decision.conversation is not None:
        body = f"{body} {_also(decision, decision.conversation, policy, language)}"
    return Message(language, subject, _tidy(body))


def _quote(decision: Decision, account: AccountFacts) -> str | None:
    """The sentence of the debtor that a person has to read; null when the decision rests on none."""
    if decision.gate_id == "insolvency_hint" and account.insolvency_hint is not None:
        return account.insolvency_hint.quote
    if decision.gate_id == "promise_unclear":
        statements = [item for item in (account.unclear_promise, account.promise) if item is not None]
        return next((item.quote for item in statements if item.quote is not None), None)
    return None


def receivable_words(
    invoice_id: str, number: int | None, count: int | None, kind: InstalmentKind | None
) -> Text:
    """`invoice F-1`, `instalment 2 of 3 of invoice F-1`, or `retention money of invoice F-1`, without an article."""
    if number is None:
        return Text(f"facture {invoice_id}", f"invoice {invoice_id}")
    if kind == "retention":
        return Text(
            f"retenue de garantie de la facture {invoice_id}", f"retention money of invoice {invoice_id}"
        )
    french, english = f"échéance {number}", f"instalment {number}"
    if count is not None and number <= count:
        french, english = f"{french} sur {count}", f"{english} of {count}"
    return Text(f"{french} de la facture {invoice_id}", f"{english} of invoice {invoice_id}")


def receivable_words_with_article(
    invoice_id: str, number: int | None, count: int | None, kind: InstalmentKind | None
) -> Text:
    """The same with the article French needs: `la facture F-1`, `l'échéance 2 sur 3 de la facture F-1`."""
    words = receivable_words(invoice_id, number, count, kind)
    article = "l'" if words.fr.startswith("é") else "la "
    return Text(f"{article}{words.fr}", words.en)


def _also(decision: Decision, talk: Conversation, policy: Policy, language: str) -> str:
    """What else the contact is about, and the total; empty when it is about this receivable alone."""
    if len(talk.receivable_ids) < 2 or decision.gate_id == "settled":
        return ""
    values = {
        "items": (" ; " if language == "fr" else "; ").join(
            _item_words(item, language) for item in talk.items
        ),
        "total": written_amounts(talk.totals, language),
    }
    return policy.spec.conversation_texts.also.in_language(language).format_map(values)


def _item_words(item: ConversationItem, language: str) -> str:
    amount = f"{written_amount(item.amount, language)} {item.currency}"
    if not item.instalment_numbers:
        return f"{item.invoice_id}, {amount}"
    numbers = ", ".join(map(str, item.instalment_numbers))
    plural = "s" if len(item.instalment_numbers) > 1 else ""
    word = f"échéance{plural}" if language == "fr" else f"instalment{plural}"
    return f"{item.invoice_id} ({word} {numbers}), {amount}"


def _disputed_sentence(decision: Decision, policy: Policy, language: str) -> str:
    """That a disputed part is left aside; empty when none is."""
    if not decision.disputed_amount or decision.asked_amount <= 0:
        return ""
    values = {"amount": written_amount(decision.disputed_amount, language), "currency": decision.currency}
    return policy.spec.conversation_texts.disputed.in_language(language).format_map(values)


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
