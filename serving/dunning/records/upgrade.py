"""Records of version 1 in the form of version 2, so that nights decided before can still be replayed."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any, Final

ONLY_IN_VERSION_1: Final = "ledger_feed_age_hours"
_OLD_POLICY_CURRENCY: Final = "EUR"
"""Version 1 stored totals without their currency; the policy that came with it was in euros."""


def upgraded_account(account: dict[str, Any], decided_on: date, currency: str) -> dict[str, Any]:
    """Account facts of version 1 as those of version 2; those of version 2 as they are.

    The age of the feed in hours becomes a day. Insolvency without an official notice was a debtor's mail. A promise is
    taken as made on the day of the decision, or on its own day when that had passed.

    Args:
        account: JSON values of the facts.
        decided_on: the day of the decision.
        currency: of the invoice.
    """
    if ONLY_IN_VERSION_1 not in account:
        return account
    new = dict(account)
    age = new.pop(ONLY_IN_VERSION_1)
    through = None if age is None else (decided_on - timedelta(days=1 + int(age // 24))).isoformat()
    new["feeds"] = [{"feed": name, "known_through_on": through} for name in ("payments", "invoices")]
    is_settled, by_credit = new.pop("is_settled", False), new.pop("is_settled_by_credit", False)
    new["closed_by"] = ("credited" if by_credit else "paid") if is_settled else None
    if new.get("is_insolvent") and new.get("insolvency_published_on") is None:
        new |= {"is_insolvent": False, "insolvency_hint": {"said_on": decided_on.isoformat()}}
    due_on, amount = new.pop("promise_due_on", None), new.pop("promise_amount", None)
    if due_on is not None:
        made_on = min(due_on, decided_on.isoformat())
        new["promise"] = {"made_on": made_on, "due_on": due_on, "amount": amount}
    task = new.pop("last_task", None)
    new["tasks"] = [] if task is None else [_task(task)]
    for name in ("overdue_amount", "outstanding_amount"):
        total = new.pop(name, None)
        new[f"{name}s"] = [] if total is None else [[_OLD_POLICY_CURRENCY, total]]
    rate = new.pop("exchange_rate", None)
    new["exchange_rates"] = [] if rate is None else [[currency, rate]]
    return new


def upgraded_decision(decision: dict[str, Any] | None) -> dict[str, Any] | None:
    """A decision of version 1 as one of version 2; its conversation, which had no amounts by invoice, is left out."""
    if decision is None or decision.get("conversation") is None or "items" in decision["conversation"]:
        return decision
    return {**decision, "conversation": None}


def upgraded_line(line: bytes) -> bytes:
    """One record of a `.jsonl` file in the form of version 2; one of version 2 as it is."""
    if f'"{ONLY_IN_VERSION_1}"'.encode() not in line:
        return line
    record = json.loads(line)
    decided_on, currency = date.fromisoformat(record["decided_on"]), record["score"]["currency"]
    record["account"] = upgraded_account(record["account"], decided_on, currency)
    record["decision"] = upgraded_decision(record.get("decision"))
    return json.dumps(record).encode()


def _task(step: dict[str, Any]) -> dict[str, Any]:
    return {"sequence_id": step["sequence_id"], "step_id": step["step_id"], "opened_on": step["on"]}
