"""Amounts, costs, limits and probabilities of a policy file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from features.calendars import has_calendar
from features.errors import Fault
from features.messages import localized
from features.words import GRADES
from features.yaml_source import YamlFile
from serving.dunning.policy.schema import PolicySpec
from serving.dunning.words import AUTOMATIC_CHANNELS, CHANNELS, NO_GRADE


def amount_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Holidays that are not known, money bands that do not grow, costs that are missing, dear fallbacks."""
    country = spec.policy.country
    if not has_calendar(country):
        where = source.where(("policy", "country"))
        yield Fault(
            localized("no public holidays are known for {country}", country=country),
            where,
            localized("ISO 3166 alpha-2, such as FR"),
        )
    tops = [band.below for band in spec.money_bands]
    if tops[-1] is not None:
        last = ("money_bands", len(tops) - 1, "below")
        yield Fault(
            localized("the last money band has an upper bound"),
            source.where(last),
            localized("null in the last band"),
        )
    for index, (lower, upper) in enumerate(pairwise(tops), start=1):
        if lower is None or (upper is not None and upper <= lower):
            where = source.where(("money_bands", index, "below"))
            yield Fault(
                localized("money bands do not grow"),
                where,
                localized("each bound above the one before, null last"),
            )
    missing = [channel for channel in CHANNELS if channel not in spec.economics.costs]
    if missing:
        yield Fault(
            localized("no cost for {missing}", missing=missing),
            source.where(("economics", "costs")),
            expected=localized("a cost for each of {channels}", channels=CHANNELS),
        )
    for name, sequence in spec.sequences.items():
        for index, step in enumerate(sequence.steps):
            if step.fallback is None or missing:
                continue
            if spec.economics.costs[step.fallback.channel] >= spec.economics.costs[step.channel]:
                where = source.where(("sequences", name, "steps", index, "fallback"))
                yield Fault(
                    localized("the fallback of {step} is not cheaper", step=step.id),
                    where,
                    localized("a channel that costs less"),
                )


def plan_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Bounds of payment plans: each grade once, and somebody who grants every amount."""
    seen: dict[str, str] = {}
    for index, rule in enumerate(spec.payment_plans):
        for grade in rule.grades:
            if grade in seen:
                where = source.where(("payment_plans", index))
                yield Fault(
                    localized(
                        "grade {grade} is in {seen} and {rule}", grade=grade, seen=seen[grade], rule=rule.id
                    ),
                    where,
                    localized("each grade in one row"),
                )
            seen[grade] = rule.id
        bounds = [approval.below for approval in rule.approvals]
        growing = all(a is not None and (b is None or a < b) for a, b in pairwise(bounds))
        if bounds[-1] is not None or not growing:
            where = source.where(("payment_plans", index, "approvals"))
            yield Fault(
                localized("approvals of {rule} leave a hole", rule=rule.id),
                where,
                localized("bounds that grow, null last"),
            )
    absent = [grade for grade in (*GRADES, NO_GRADE) if grade not in seen]
    if absent:
        where = source.where(("payment_plans",))
        yield Fault(
            localized("no payment plan bounds for grade {absent}", absent=absent),
            where,
            localized("each grade and none in one row"),
        )


def experiment_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Variants whose probabilities do not add up to 1."""
    total = sum(variant.probability for variant in spec.experiment.variants)
    if abs(total - 1) > 1e-9:
        yield Fault(
            localized("the variants are drawn with probability {total:g} in all", total=total),
            source.where(("experiment", "variants")),
            expected=localized("probabilities that add up to 1"),
        )


def contact_faults(spec: PolicySpec, source: YamlFile) -> Iterator[Fault]:
    """Feeds without a limit, channels that cannot be counted or delivered by, tone rules without a condition."""
    if "payments" not in spec.gates.feed_stale.limits:
        where = source.where(("gates", "feed_stale", "limits"))
        yield Fault(
            localized("payments have no limit"),
            where,
            localized("a limit for payments: nobody who has paid is reminded"),
            localized("write payments:"),
        )
    for index, cap in enumerate(spec.contact_rules.caps):
        if cap.channel == "task":
            where = source.where(("contact_rules", "caps", index, "channel"))
            yield Fault(localized("a cap on tasks"), where, localized("a channel that reaches the customer"))
    for name, channel in spec.contact_rules.channel_for_delivery.items():
        where = source.where(("contact_rules", "channel_for_delivery", name))
        if channel not in AUTOMATIC_CHANNELS:
            expected = localized("one of {known}", known=sorted(AUTOMATIC_CHANNELS))
            yield Fault(localized("{channel} cannot replace e-mail", channel=channel), where, expected)
        if name != name.strip().lower():
            yield Fault(
                localized("{name!r} never matches a delivery channel", name=name),
                where,
                localized("lower case without blanks around"),
            )
    for index, rule in enumerate(spec.tone_rules):
        if rule.relation_years is None and rule.turnover_from is None and rule.segments is None:
            where = source.where(("tone_rules", index))
            yield Fault(
                localized("tone rule {rule} has no condition", rule=rule.id),
                where,
                localized("relation_years, turnover_from or segments"),
            )
