"""When a customer may be contacted: working days of its country, quiet days, the caps over its invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from features.calendars import is_working_day
from serving.dunning.deciding.facts import AccountFacts, Contact
from serving.dunning.policy.checked import Policy
from serving.dunning.policy.schema import Cap, QuietPeriod
from serving.dunning.words import Channel, ContactGateId

SEARCHED_DAYS = 800
"""Twice the longest cap and more: past this no lawful day is expected and a person has to look."""


def next_contact_day(
    wanted_on: date, account: AccountFacts, policy: Policy, channel: Channel
) -> tuple[date | None, ContactGateId | None]:
    """The first day from the wanted one on which the customer may be contacted, and what was in the way.

    Args:
        wanted_on: the first day that would do.
        account: contacts, quiet days and country of the customer.
        policy: caps and quiet periods.
        channel: how the customer would be contacted.

    Returns:
        The day (null when there is none within SEARCHED_DAYS) and the gate in the way; null when nothing
        was.
    """
    blocked_by = blocking_gate(wanted_on, account, policy, channel)
    if blocked_by is None:
        return wanted_on, None
    for shift in range(1, SEARCHED_DAYS + 1):
        day = wanted_on + timedelta(days=shift)
        if blocking_gate(day, account, policy, channel) is None:
            return day, blocked_by
    return None, blocked_by


def blocking_gate(day: date, account: AccountFacts, policy: Policy, channel: Channel) -> ContactGateId | None:
    """Why the customer may not be contacted that day: a cap, then a quiet day; null when it may."""
    rules = policy.spec.contact_rules
    if not is_below_caps(day, account.contacts, rules.caps, channel):
        return "contact_cap"
    country = account.country or policy.spec.policy.country
    is_quiet = day in account.quiet_days or any(is_in_period(day, period) for period in rules.quiet_periods)
    return "quiet_day" if is_quiet or not is_working_day(day, country) else None


def is_below_caps(day: date, contacts: Sequence[Contact], caps: Sequence[Cap], channel: Channel) -> bool:
    """Whether one more contact by a channel that day keeps every cap; work inside the house is no contact."""
    for cap in caps:
        if cap.channel is not None and cap.channel != channel:
            continue
        counted = (
            contact
            for contact in contacts
            if (contact.channel != "task" if cap.channel is None else contact.channel == cap.channel)
        )
        if sum(0 <= (day - contact.on).days < cap.days for contact in counted) >= cap.contacts:
            return False
    return True


def is_in_period(day: date, period: QuietPeriod) -> bool:
    """Whether the day lies in a period of every year; the period may run over the new year."""
    month_day = f"{day:%m-%d}"
    if period.begins <= period.ends:
        return period.begins <= month_day <= period.ends
    return month_day >= period.begins or month_day <= period.ends
