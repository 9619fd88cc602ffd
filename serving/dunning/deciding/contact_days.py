"""When a customer may be contacted: working days of its country, quiet days, the cap over its invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from features.calendars import is_working_day
from serving.dunning.deciding.facts import AccountFacts, Contact
from serving.dunning.policy.schema import Cap, Policy, QuietPeriod
from serving.dunning.words import GateId

SEARCHED_DAYS = 800
"""Twice the longest cap and more: past this no lawful day is expected and a person has to look."""


def next_contact_day(
    wanted_on: date, account: AccountFacts, policy: Policy
) -> tuple[date | None, GateId | None]:
    """The first day from the wanted one on which the customer may be contacted, and what was in the way.

    Returns:
        The day (null when there is none within SEARCHED_DAYS) and the gate in the way; null when nothing
        was.
    """
    blocked_by = blocking_gate(wanted_on, account, policy)
    if blocked_by is None:
        return wanted_on, None
    for shift in range(1, SEARCHED_DAYS + 1):
        day = wanted_on + timedelta(days=shift)
        if blocking_gate(day, account, policy) is None:
            return day, blocked_by
    return None, blocked_by


def blocking_gate(day: date, account: AccountFacts, policy: Policy) -> GateId | None:
    """Why the customer may not be contacted that day: the cap, then a quiet day; null when it may."""
    rules = policy.spec.contact_rules
    if not is_below_caps(day, account.contacts, rules.caps):
        return "contact_cap"
    country = account.country or policy.spec.policy.country
    is_quiet = day in account.quiet_days or any(is_in_period(day, period) for period in rules.quiet_periods)
    return "quiet_day" if is_quiet or not is_working_day(day, country) else None


def is_below_caps(day: date, contacts: Sequence[Contact], caps: Sequence[Cap]) -> bool:
    """Whether one more contact that day keeps every cap; work inside the house is no contact."""
    ages = [(day - contact.on).days for contact in contacts if contact.channel != "task"]
    return all(sum(0 <= age < cap.days for age in ages) < cap.contacts for cap in caps)


def is_in_period(day: date, period: QuietPeriod) -> bool:
    """Whether the day lies in a period of every year; the period may run over the new year."""
    month_day = f"{day:%m-%d}"
    if period.begins <= period.ends:
        return period.begins <= month_day <= period.ends
    return month_day >= period.begins or month_day <= period.ends
