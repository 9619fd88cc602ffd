"""The invoice's own columns and the customer's mails in plain Python loops."""

from __future__ import annotations

import datetime as dt

from features.calendars import is_working_day
from features.terms import EndOfMonthReading, due_date, parse_terms
from tests.property.reference_arithmetic import divide, mean, within, working_days
from tests.property.reference_facts import DAY, Facts, Invoice, Row, cents

Values = dict[str, float | None]
ELECTRONIC = {"edi", "einvoice", "electronic", "peppol", "portal", "facturx", "pdp"}
PAPER = {"paper", "post", "mail"}


def reminders_of(facts: Facts, mark: Row) -> list[dt.date]:
    known = mark["customer_id"] in facts.customers
    return facts.reminders(mark["as_of"], customer_id=mark["customer_id"]) if known else []


def own_money(facts: Facts, mark: Row) -> int | None:
    """Cents of the scored invoice in the reporting currency; null without a rate published before its issue."""
    factor = facts.rates.factor(mark["currency"], mark["issued_on"])
    return None if factor is None else facts.rates.money(cents(mark["amount"]), factor)


def invoice_terms(facts: Facts, mark: Row) -> Values:
    t, issued, due = mark["as_of"], mark["issued_on"], mark["due_on"]
    country = (facts.customers.get(mark["customer_id"]) or {}).get("country")
    has_interactions = "interactions" in facts.tables
    terms = parse_terms(mark["terms"])
    late_by = {r: (due - due_date(terms, issued, r)).days for r in EndOfMonthReading} if terms else {}
    is_in_ledger = any(row["invoice_id"] == mark["invoice_id"] for row in facts.tables["invoices"])
    own = Invoice(mark["invoice_id"], issued, due, cents(mark["amount"]), has_order=False)
    known = next((i for i in facts.invoices(mark["customer_id"], t) if i.invoice_id == own.invoice_id), own)
    is_void = known.cancelled is not None
    # The mark may name an invoice that is not visible yet: what was booked on it is.
    money = own_money(facts, mark)
    paid = own.amount if is_void else sum(a["cents"] for a in facts.allocations(own, t))
    usual_order = any(i.has_order for i in facts.invoices(mark["customer_id"], t))
    has_order, channel = mark["purchase_order"] is not None, mark["delivery_channel"]
    month_end = due
    while (month_end + DAY).day != 1:
        month_end += DAY

    def happened(*kinds: str) -> list[dt.date] | None:
        if not has_interactions:
            return None
        return facts.interactions(kinds, t, invoice_id=mark["invoice_id"]) if is_in_ledger else []

    def flag(days: list[dt.date] | None) -> float | None:
        return None if days is None else float(bool(days))

    def number(days: list[dt.date] | None) -> float | None:
        return None if days is None else len(days)

    return {
        "amount": None if money is None else money / 100,
        "terms_days": (due - issued).days,
        "days_past_due": (t - due).days,
        "days_since_issue": (t - issued).days,
        "working_days_to_due": working_days(t, due, country),
        "due_weekday": due.weekday(),
        "due_day_of_month": due.day,
        "due_month": due.month,
        "due_days_to_month_end": (month_end - due).days,
        "is_due_on_day_off": float(not is_working_day(due, country)),
        "has_terms": float(mark["terms"] is not None),
        "terms_stated_days": terms.days if terms else None,
        "is_end_of_month_terms": float(terms.is_end_of_month) if terms else None,
        "has_day_of_month_terms": float(terms.day_of_month is not None) if terms else None,
        "discount_share": float(terms.discount_share or 0) if terms else None,
        "due_days_beyond_days_then_month_end": late_by.get(EndOfMonthReading.DAYS_THEN_MONTH_END),
        "due_days_beyond_month_end_then_days": late_by.get(EndOfMonthReading.MONTH_END_THEN_DAYS),
        "is_due_date_as_worded": float(0 in late_by.values()) if terms else None,
        "has_purchase_order": float(has_order) if has_order or usual_order else None,
        "is_delivered_electronically": None if channel is None else float(channel.lower() in ELECTRONIC),
        "is_delivered_on_paper": None if channel is None else float(channel.lower() in PAPER),
        "own_paid_share": divide(paid, cents(mark["amount"])),
        "own_open_dispute_count": facts.own_open_disputes(mark["invoice_id"], t)
        if "disputes" in facts.tables
        else None,
        "own_reminder_count": number(happened("reminder_sent")),
        "own_viewed_count": number(happened("invoice_viewed")),
        "is_own_taken_in_charge": flag(happened("lifecycle_204")),
        "is_own_approved": flag(happened("lifecycle_205", "lifecycle_206")),
        "is_own_contested": flag(happened("lifecycle_207", "lifecycle_208", "lifecycle_210")),
    }


# ---------------------------------------------------------------------------------------------- communication

SIGNALS = (
    "financial_difficulty", "insolvency", "payment_plan_request", "extension_request", "dispute", "admin_block",
    "promise_to_pay", "payment_sent", "organisational_change", "hostile_tone",
)  # fmt: skip


def communication(facts: Facts, mark: Row) -> Values:
    t, customer = mark["as_of"], mark["customer_id"]
    mails, due = facts.mails(customer, t), facts.promises_due(customer, t)
    values: Values = {}
    for signal in SIGNALS:
        days = [m["day"] for m in mails if m[signal]]
        values[f"mail_{signal}_count_90d"] = sum(within(d, t, 90) for d in days)
        values[f"mail_{signal}_count_365d"] = sum(within(d, t, 365) for d in days)
        values[f"mail_{signal}_recency_days"] = (t - days[-1]).days if days else None
    days = [m["day"] for m in mails]
    quarter, before = sum(within(d, t, 90) for d in days), sum(within(d, t, 455, 90) for d in days)
    promises = [m for m in mails if m["promise_date"] is not None]
    tones = [m["tone"] for m in mails]
    year = [p["kept"] for p in due if within(p["day"], t, 365)]
    reminders = reminders_of(facts, mark)
    is_silent = bool(reminders) and not any(d >= reminders[-1] for d in days)
    values |= {
        "mail_count_90d": quarter,
        "mail_count_365d": sum(within(d, t, 365) for d in days),
        "mail_count_change": divide(quarter / 90, before / 365),
        "signal_recency_days": (t - days[-1]).days if days else None,
        "tone_change": mean(tones[-3:]) - mean(tones[:-3]) if len(tones) > 3 else None,
        "days_to_promise": (promises[-1]["promise_date"] - t).days if promises else None,
        "is_promise_running": float(bool(promises) and promises[-1]["promise_date"] >= t),
        "promises_due_count_365d": len(year),
        "promises_kept_share_365d": mean(year),
        "promises_kept_share_all": mean([p["kept"] for p in due]),
        "is_last_promise_broken": 1.0 - due[-1]["kept"] if due else None,
        "silent_days_after_reminder": (t - reminders[-1]).days if is_silent else None,
    }
    return values if facts.has_signals else dict.fromkeys(values)
