"""How a step is written and delivered to one customer: the softer variant, and the portal in place of e-mail."""

from __future__ import annotations

from datetime import date

from serving.dunning.deciding.facts.case import Case
from serving.dunning.deciding.facts.money import convertible_total
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.schema import ToneRule
from serving.dunning.policy.sequences import Step
from serving.dunning.words import NO_SEGMENT


def matching_tone_rule(case: Case, policy: Policy, on: date) -> ToneRule | None:
    """The first tone rule whose conditions the customer all meets on a day; null if none does."""
    return next((rule for rule in policy.spec.tone_rules if _holds(rule, case, policy, on)), None)


def adapted(step: Step, case: Case, policy: Policy, rule: ToneRule | None) -> Step:
    """The step as this customer gets it: its softer variant under a tone rule, and the invoice's own channel.

    Args:
        step: the step of the policy.
        case: the receivable and its account.
        policy: which delivery channel replaces e-mail.
        rule: the tone rule that applies; null when none does.
    """
    changes: dict[str, object] = {}
    if rule is not None and step.softer is not None:
        changes |= {"tone": step.softer.tone, "template": step.softer.template}
    delivered_by = (case.account.delivery_channel or "").strip().lower()
    instead_of_email = policy.spec.contact_rules.channel_for_delivery.get(delivered_by)
    if instead_of_email is not None and step.channel == "email":
        changes["channel"] = instead_of_email
    if instead_of_email is not None and step.fallback is not None and step.fallback.channel == "email":
        changes["fallback"] = step.fallback.model_copy(update={"channel": instead_of_email})
    return step.model_copy(update=changes) if changes else step


def _holds(rule: ToneRule, case: Case, policy: Policy, on: date) -> bool:
    account = case.account
    if rule.relation_years is not None:
        since = account.customer_since_on
        if since is None or _years(since, on) < rule.relation_years:
            return False
    if rule.turnover_from is not None:
        turnover = convertible_total(account.turnover_amounts, account, policy)
        if turnover < rule.turnover_from:
            return False
    return rule.segments is None or (case.score.rfm_segment or NO_SEGMENT) in rule.segments


def _years(since: date, on: date) -> int:
    """Whole years between two days."""
    return on.year - since.year - ((on.month, on.day) < (since.month, since.day))
