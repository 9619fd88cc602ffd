"""Every catalogue column in plain Python loops, written from what the catalogue says it means."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction

import polars as pl

from features.ledger.ledger import Ledger
from features.settings import LedgerSettings
from tests.property.reference_arithmetic import clipped, divide, mean, quantile, spread, within, working_days
from tests.property.reference_context import cold_start, sector_context
from tests.property.reference_facts import DAY, Facts, Invoice, Row, cents
from tests.property.reference_invoice import communication, invoice_terms, own_money, reminders_of

Values = dict[str, float | None]
WINDOWS = {"30d": 30, "90d": 90, "180d": 180, "365d": 365, "all": None}


def reference_features(
    ledger: Ledger,
    signals: pl.DataFrame | None,
    landmarks: pl.DataFrame,
    settings: LedgerSettings | None = None,
) -> list[Values]:
    facts = Facts(ledger, signals, settings or LedgerSettings())
    seen = {day: facts.seen_at(day) for day in landmarks["as_of"].unique()}
    return [
        features_of(seen[row["as_of"]], row | {"customer_id": facts.payer(row["customer_id"], row["as_of"])})
        for row in landmarks.to_dicts()
    ]


def features_of(facts: Facts, mark: Row) -> Values:
    return {
        **payment_behaviour(facts, mark),
        **payment_runs(facts, mark),
        **rfm(facts, mark),
        **exposure(facts, mark),
        **order_trend(facts, mark),
        **invoice_terms(facts, mark),
        **sector_context(facts, mark),
        **cold_start(facts, mark),
        **communication(facts, mark),
    }


# ------------------------------------------------------------------------------------------ payment behaviour


def payment_behaviour(facts: Facts, mark: Row) -> Values:
    t, customer = mark["as_of"], mark["customer_id"]
    grace = facts.settings.grace_days
    outcomes, settled = facts.outcomes(customer, t), facts.settled(customer, t)
    values: Values = {}
    for name, window in WINDOWS.items():
        chosen = [o for o in outcomes if within(o.known, t, window)]
        count, late = sum(o.count for o in chosen), max(sum(o.late for o in chosen), 0)
        values[f"outcome_count_{name}"] = count
        values[f"late_share_{name}"] = clipped(divide(late, count))
        values[f"late_count_{name}"] = min(late, count)
        amount, late_amount = sum(o.amount for o in chosen), max(sum(o.late_amount for o in chosen), 0)
        values[f"late_amount_share_{name}"] = clipped(divide(late_amount, amount))
        watched = [o for o in facts.outcomes(customer, t, 30) if within(o.known, t, window)]
        values[f"outcome_30d_count_{name}"] = sum(o.count for o in watched)
        values[f"unpaid_30d_share_{name}"] = clipped(
            divide(max(sum(o.late for o in watched), 0), sum(o.count for o in watched))
        )
        values |= settled_in(facts, mark, [i for i in settled if within(i.settlement_known, t, window)], name)
    grace = facts.settings.grace_days
    unpaid = max(sum(o.late for o in facts.outcomes(customer, t, 30)), 0)
    then_late = max(sum(o.late for o in facts.outcomes(customer, t, 30, grace)), 0)
    values["late_outcome_30d_count_all"] = then_late
    values["late_unpaid_30d_share_all"] = clipped(divide(unpaid, then_late))
    share = values["late_share_365d"]
    values["is_often_late_365d"] = None if share is None else float(share > 0.3)
    for last in (3, 5, 10):
        chosen_last = settled[-last:]
        days = [i.days_late for i in chosen_last]
        late = sum(d > grace for d in days)
        values[f"settled_count_{last}n"] = len(days)
        values[f"late_count_{last}n"] = late if days else None
        values[f"paid_late_share_{last}n"] = divide(late, len(days))
        values[f"days_late_mean_{last}n"] = mean(days)
        values[f"days_late_median_{last}n"] = quantile(days, Fraction(1, 2))
        values[f"days_late_max_{last}n"] = max(days, default=None)
        values[f"days_late_std_{last}n"] = spread(days)
    newest_first = [i.days_late for i in reversed(settled)][:12]
    weights = [0.8**k for k in range(len(newest_first))]
    values["days_late_ewm"] = divide(
        sum(w * d for w, d in zip(weights, newest_first, strict=True)), sum(weights)
    )
    values["days_late_last"] = newest_first[0] if newest_first else None
    streak = 0
    for days in newest_first:
        if days <= grace:
            break
        streak += 1
    values["paid_late_streak"] = streak if newest_first else None
    recent, before = mean([i.days_late for i in settled[-5:]]), mean([i.days_late for i in settled[:-5]])
    values["days_late_trend"] = None if recent is None or before is None else recent - before
    older = [o for o in outcomes if not within(o.known, t, 90)]
    now = values["late_share_90d"]
    then = clipped(divide(sum(o.late for o in older), sum(o.count for o in older)))
    values["late_share_trend"] = None if now is None or then is None else now - then
    cures = [i.days_late for i in settled if i.days_late > grace]
    values["cure_days_best"] = min(cures, default=None)
    overdue = oldest_overdue(facts, mark)
    longest = [
        *([max(0, *(i.days_late for i in settled))] if settled else []),
        *([overdue] if overdue else []),
    ]
    bounces = facts.bounces(customer, t)
    values["bounce_count_365d"] = sum(within(day, t, 365) for day in bounces)
    values["bounce_count_all"] = len(bounces)
    values["bounce_recency_days"] = (t - bounces[-1]).days if bounces else None
    values["written_off_count_all"] = sum(i.closed_by == "written_off" for i in facts.invoices(customer, t))
    values["oldest_overdue_days"] = overdue
    values["longest_overdue_days"] = max(longest, default=None)
    values["settled_recency_days"] = (t - settled[-1].settlement_known).days if settled else None
    return values


def settled_in(facts: Facts, mark: Row, chosen: list[Invoice], name: str) -> Values:
    grace = facts.settings.grace_days
    days = [i.days_late for i in chosen]
    amount = sum(i.money for i in chosen)
    parts = [part for i in chosen if (part := first_part(i)) is not None]
    waits = [wait for i in chosen if (wait := days_since_reminder(facts, i)) is not None]
    late = [d for d in days if d > grace]
    return {
        f"days_late_mean_{name}": mean(days),
        f"days_late_amount_weighted_mean_{name}": divide(sum(i.money * i.days_late for i in chosen), amount),
        f"days_late_median_{name}": quantile(days, Fraction(1, 2)),
        f"days_late_p90_{name}": quantile(days, Fraction(9, 10)),
        f"days_late_max_{name}": max(days, default=None),
        f"days_late_std_{name}": spread(days),
        f"severely_late_share_{name}": divide(sum(d > 30 for d in days), len(days)),
        f"small_delay_count_{name}": sum(1 <= d <= 15 for d in days),
        f"small_delay_share_{name}": divide(sum(1 <= d <= 15 for d in days), len(days)),
        f"late_days_mean_when_late_{name}": mean(late),
        f"days_to_settle_mean_{name}": mean([(i.settled_on - i.issued).days for i in chosen]),
        f"part_paid_share_{name}": divide(len(parts), len(chosen)),
        f"first_part_share_mean_{name}": mean(parts),
        f"reminder_to_payment_days_mean_{name}": mean(waits) if "interactions" in facts.tables else None,
    }


def first_part(invoice: Invoice) -> float | None:
    """Share (in whole thousandths) that the first day's cash covered, where cash came on several days."""
    until = invoice.settlement_known
    cash = [
        a
        for a in invoice.allocations
        if a["cash"] and a["known"] <= until and not any(day <= until for day in a["undone"])
    ]
    days = sorted({a["paid"] for a in cash})
    if len(days) < 2:
        return None
    first = sum(a["cents"] for a in cash if a["paid"] == days[0])
    return min(first * 1000 // invoice.amount, 1000) / 1000


def days_since_reminder(facts: Facts, invoice: Invoice) -> int | None:
    """Days from the last reminder of the invoice to its settlement; a reminder after it is none."""
    until = min(invoice.settled_on, invoice.settlement_known)
    days = facts.reminders(until + DAY, invoice_id=invoice.invoice_id)
    return (invoice.settled_on - days[-1]).days if days else None


def oldest_overdue(facts: Facts, mark: Row) -> int | None:
    t = mark["as_of"]
    still_open = [i for i in facts.invoices(mark["customer_id"], t) if i.closed_known is None]
    return max(((t - i.due).days for i in still_open if i.due < t), default=None)


# ----------------------------------------------------------------------------------------------- payment runs


def payment_runs(facts: Facts, mark: Row) -> Values:
    t, due = mark["as_of"], mark["due_on"]
    runs = [p for p in facts.paydays(mark["customer_id"], t) if within(p["known"], t, 365)]
    values: Values = {
        "preferred_weekday_365d": None,
        "preferred_weekday_share_365d": None,
        "preferred_day_of_month_365d": None,
        "preferred_days_of_month_share_365d": None,
        "batch_share_365d": divide(sum(p["invoices"] > 1 for p in runs), len(runs)),
        "invoices_per_payment_mean_365d": mean([p["invoices"] for p in runs]),
        "days_due_to_next_run": None,
        "working_days_due_to_next_run": None,
        "is_due_in_august": float(due.month == 8),
        "is_due_at_year_end": float((due.month, due.day) >= (12, 20) or (due.month, due.day) <= (1, 5)),
    }
    if len(runs) < 4:
        return values
    weekdays = [p["paid"].weekday() for p in runs]
    weekday = min(range(7), key=lambda d: (-weekdays.count(d), d))
    days = [p["paid"].day for p in runs]
    ranked = sorted(set(days), key=lambda d: (-days.count(d), d))[:2]
    on_weekday = weekdays.count(weekday) / len(runs)
    on_days = sum(days.count(d) for d in ranked) / len(runs)
    values["preferred_weekday_365d"], values["preferred_weekday_share_365d"] = weekday, on_weekday
    values["preferred_day_of_month_365d"], values["preferred_days_of_month_share_365d"] = ranked[0], on_days
    if max(on_weekday, on_days) < 0.5:
        return values
    run = due
    while not (run.weekday() == weekday if on_weekday >= on_days else is_run_day(run, ranked)):
        run += DAY
    country = (facts.customers.get(mark["customer_id"]) or {}).get("country")
    values["days_due_to_next_run"] = (run - due).days
    values["working_days_due_to_next_run"] = working_days(due, run, country)
    return values


def is_run_day(day: dt.date, wanted: list[int]) -> bool:
    """One of the days of the month, or the last day of a month too short for it."""
    is_last = (day + DAY).day == 1
    return any(day.day == d or (is_last and day.day < d) for d in wanted)


# -------------------------------------------------------------------------------------------------------- rfm


def rfm(facts: Facts, mark: Row) -> Values:
    t = mark["as_of"]
    runs = facts.paydays(mark["customer_id"], t)
    quarter = [p for p in runs if within(p["known"], t, 90)]
    year = [p for p in runs if within(p["known"], t, 365)]
    before = [p for p in runs if within(p["known"], t, 455, 90)]
    return {
        "payment_recency_days": (t - runs[-1]["known"]).days if runs else None,
        "payment_frequency_90d": len(quarter),
        "payment_frequency_365d": len(year),
        "payment_amount_sum_90d": sum(p["amount"] for p in quarter) / 100,
        "payment_amount_sum_365d": sum(p["amount"] for p in year) / 100,
        "payment_amount_mean_365d": divide(
            sum(p["amount"] for p in year) / 100, sum(p["priced"] for p in year)
        ),
        "payment_frequency_change": divide(len(quarter) / 90, len(before) / 365),
    }


# --------------------------------------------------------------------------------------------------- exposure


def exposure(facts: Facts, mark: Row) -> Values:
    t, customer = mark["as_of"], mark["customer_id"]
    everything = facts.invoices(customer, t)
    others = [i for i in everything if i.invoice_id != mark["invoice_id"]]
    still_open = [i for i in others if i.closed_known is None]
    amount = sum(i.open_amount(t) for i in others)
    overdue = sum(i.open_amount(t) for i in others if i.due < t)

    def bucket(low: int, high: float) -> float:
        return sum(i.open_amount(t) for i in others if low <= (t - i.due).days <= high) / 100

    def whole(day: dt.date, *, is_overdue: bool) -> float:
        known = [i for i in everything if i.issued < day and (i.due < day or not is_overdue)]
        return sum(i.open_amount(day) for i in known) / 100

    limit = (facts.customers.get(customer) or {}).get("credit_limit")
    disputes = facts.disputes(customer, t)
    has_disputes, has_reminders = "disputes" in facts.tables, "interactions" in facts.tables
    share = divide(overdue, amount) if still_open and amount > 0 else None
    return {
        "open_amount_sum": amount / 100,
        "open_count": len(still_open),
        "overdue_amount_sum": overdue / 100,
        "overdue_count": sum(i.due < t for i in still_open),
        "overdue_amount_share": clipped(share),
        "others_oldest_overdue_days": max(((t - i.due).days for i in still_open if i.due < t), default=None),
        "overdue_amount_1_30d": bucket(1, 30),
        "overdue_amount_31_60d": bucket(31, 60),
        "overdue_amount_61_90d": bucket(61, 90),
        "overdue_amount_over_90d": bucket(91, math.inf),
        "credit_limit_used_share": divide(amount, cents(limit)) if limit is not None else None,
        "bureau_score": (facts.customers.get(customer) or {}).get("bureau_score"),
        "disputed_count": sum(d["is_open"] for d in disputes) if has_disputes else None,
        "disputed_amount_sum": sum(d["amount"] for d in disputes if d["is_open"]) / 100
        if has_disputes
        else None,
        "dispute_count_365d": sum(within(d["opened"], t, 365) for d in disputes) if has_disputes else None,
        "unapplied_credit_sum": facts.unapplied_credit(customer, t) / 100,
        "cash_on_account_sum": facts.on_account(customer, t) / 100,
        "open_amount_change_30d": whole(t, is_overdue=False) - whole(t - 30 * DAY, is_overdue=False),
        "open_amount_change_90d": whole(t, is_overdue=False) - whole(t - 90 * DAY, is_overdue=False),
        "overdue_amount_change_30d": whole(t, is_overdue=True) - whole(t - 30 * DAY, is_overdue=True),
        "overdue_amount_change_90d": whole(t, is_overdue=True) - whole(t - 90 * DAY, is_overdue=True),
        "other_currency_open_count": sum(i.factor is None for i in still_open),
        "other_currency_count_all": facts.unpriced_count(customer, t),
        "reminder_count_90d": sum(within(d, t, 90) for d in reminders_of(facts, mark))
        if has_reminders
        else None,
    }


# ------------------------------------------------------------------------------------------------ order trend


def order_trend(facts: Facts, mark: Row) -> Values:
    t, customer = mark["as_of"], mark["customer_id"]
    issued = sorted(facts.invoices(customer, t), key=lambda i: i.issued)
    earlier = [i for i in issued if i.issued < mark["issued_on"]]
    priced = [i for i in earlier if i.factor is not None]
    own, own_terms = own_money(facts, mark), (mark["due_on"] - mark["issued_on"]).days
    since = (facts.customers.get(customer) or {}).get("customer_since_on")
    starts = [day for day in (since, issued[0].issued if issued else None) if day is not None]

    def chosen(window: int, until: int = 0) -> list[Invoice]:
        return [i for i in issued if within(i.issued, t, window, until)]

    def amount(invoices: list[Invoice]) -> float:
        return sum(i.money for i in invoices) / 100

    logs = [round(1000 * math.log(max(i.money, 1))) for i in priced]
    log_spread = spread(logs) if len(logs) >= 3 else None
    deviation = None
    if log_spread and own is not None:
        deviation = (round(1000 * math.log(max(own, 1))) - sum(logs) / len(logs)) / log_spread
    gap = None
    if issued and issued[-1].issued > issued[0].issued:
        usual = (issued[-1].issued - issued[0].issued).days / (len(issued) - 1)
        gap = (t - issued[-1].issued).days / usual
    return {
        "invoiced_count_30d": len(chosen(30)),
        "invoiced_count_90d": len(chosen(90)),
        "invoiced_count_365d": len(chosen(365)),
        "invoiced_amount_sum_90d": amount(chosen(90)),
        "invoiced_amount_sum_365d": amount(chosen(365)),
        "invoiced_count_change": divide(len(chosen(90)) / 90, len(chosen(455, 90)) / 365),
        "invoiced_amount_change": divide(amount(chosen(90)) / 90, amount(chosen(455, 90)) / 365),
        "invoiced_amount_change_same_season": divide(amount(chosen(90)), amount(chosen(455, 365))),
        "season_share_730d": season_share(chosen(730), chosen(365)),
        "invoiced_recency_days": (t - issued[-1].issued).days if issued else None,
        "invoice_gap_ratio": gap,
        "tenure_days": (t - min(starts)).days if starts and min(starts) <= t else None,
        "amount_to_mean_ratio": divide(own, sum(i.money for i in priced) / len(priced))
        if priced and own is not None
        else None,
        "amount_to_max_ratio": divide(own, max(i.money for i in priced))
        if priced and own is not None
        else None,
        "amount_deviation": deviation,
        "terms_days_change": own_terms - sum((i.due - i.issued).days for i in earlier) / len(earlier)
        if earlier
        else None,
    }


def season_share(two_years: list[Invoice], one_year: list[Invoice]) -> float | None:
    if len(one_year) < 4 or len(two_years) - len(one_year) < 4:
        return None
    best = 0
    for first in range(1, 13):
        season = {first, first % 12 + 1, (first + 1) % 12 + 1}
        best = max(best, sum(i.issued.month in season for i in two_years))
    return best / len(two_years)
