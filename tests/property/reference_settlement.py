"""Instalments and settlement in plain Python loops: slow, obvious, and shared with no code of the house.

Money is in whole cents. Of an invoice with instalments every row is split by walking through its instalments; of a
receivable every day on which something became known is judged from all that was known by then.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from features.ledger.ledger import Ledger
from features.settings import LedgerSettings

Row = dict[str, Any]
WITHOUT_PAY = ("written_off", "cancelled")
#: Discounts of the wordings that the worlds draw.
DISCOUNTS = {"2/10 net 30": (Fraction(2, 100), 10)}
EFFECTS = {"credit_note": "credited", "discount": "discounted", "write_off": "written_off"}


def cents(amount: Any) -> int:
    return round(Fraction(str(amount)) * 100)


@dataclass
class Episode:
    """A stretch of time in which a receivable was known to be closed."""

    settled_on: dt.date | None
    known_on: dt.date
    reopened_on: dt.date | None
    allocations: int
    closed_by: str


def tables(ledger: Ledger) -> dict[str, list[Row]]:
    return {name: table.to_dicts() for name, table in ledger.tables()}


def split_allocations(
    invoice_id: str, instalments: list[Row], payments: list[Row]
) -> list[tuple[Row, int, int]]:
    """(payment, number of the instalment, cents) for every part of every row, in order of knowledge."""
    parts = sorted(
        (row for row in instalments if row["invoice_id"] == invoice_id),
        key=lambda row: (row["due_on"], row["number"]),
    )
    held = [0] * len(parts)
    found = []
    rows = [row for row in payments if row["invoice_id"] == invoice_id]
    for row in sorted(rows, key=lambda row: (row["known_on"], row["payment_id"])):
        left = cents(row["amount"])
        moved = [0] * len(parts)
        if left > 0:
            for place, part in enumerate(parts):
                is_last = place == len(parts) - 1
                room = left if is_last else max(cents(part["amount"]) - held[place], 0)
                taken = min(left, room)
                moved[place] += taken
                left -= taken
        else:
            for place in range(len(parts) - 1, -1, -1):
                taken = -left if place == 0 else min(-left, held[place])
                moved[place] -= taken
                left += taken
        for place, part in enumerate(parts):
            held[place] += moved[place]
            if moved[place]:
                found.append((row, part["number"], moved[place]))
    return found


def effect_of(row: Row, by_id: dict[str, Row]) -> str:
    undone = by_id.get(row.get("reverses_payment_id") or "")
    if row["method"] == "reversal" and undone is not None and undone["known_on"] <= row["known_on"]:
        return EFFECTS.get(undone["method"], "paid")
    return EFFECTS.get(row["method"], "paid")


def is_prompt(row: Row, by_id: dict[str, Row], until: dt.date) -> bool:
    if row["method"] == "reversal":
        undone = by_id.get(row.get("reverses_payment_id") or "")
        if undone is None or undone["known_on"] > row["known_on"]:
            return True
        return undone["paid_on"] <= until
    return row["paid_on"] <= until


def sums(invoice: Row, rows: list[Row], by_id: dict[str, Row], days: int) -> dict[str, int]:
    until = invoice["issued_on"] + dt.timedelta(days=days)
    found = dict.fromkeys(("total", "paid", "credited", "discounted", "written_off", "prompt"), 0)
    for row in rows:
        effect = effect_of(row, by_id)
        found["total"] += cents(row["amount"])
        found[effect] += cents(row["amount"])
        if effect == "paid" and is_prompt(row, by_id, until):
            found["prompt"] += cents(row["amount"])
    return found


def episodes_of(
    invoice: Row, rows: list[Row], by_id: dict[str, Row], settings: LedgerSettings
) -> list[Episode]:
    """Every episode of one receivable from all rows on it.

    Args:
        invoice: the receivable.
        rows: its rows of payments.
        by_id: every row of payments, by id.
        settings: tolerance and accepted discount.
    """
    owed, tolerance = cents(invoice["amount"]), cents(settings.settled_tolerance)
    accepted = (Fraction(str(settings.accepted_discount_share)), settings.accepted_discount_days)
    share, days = DISCOUNTS.get(invoice["terms"], accepted)

    def covers(total: int, credited: int, prompt: int) -> bool:
        if total >= owed - tolerance:
            return True
        least = math.floor((owed - credited) * (1 - share)) - tolerance
        return share > 0 and prompt > 0 and prompt >= least

    def is_covered(known: list[Row]) -> bool:
        s = sums(invoice, known, by_id, days)
        return covers(s["total"], s["credited"], s["prompt"])

    def closing(known: list[Row]) -> str:
        s = sums(invoice, known, by_id, days)
        without_loss = s["total"] - s["written_off"]
        if not covers(without_loss, s["credited"], s["prompt"]):
            return "written_off"
        if s["credited"] > 0 and s["credited"] >= owed - tolerance:
            return "credited"
        return "paid" if without_loss - s["discounted"] >= owed - tolerance else "discounted"

    def value_date(known: list[Row]) -> dt.date | None:
        earliest = min(row["paid_on"] for row in known)
        valued = [
            (earliest if effect_of(row, by_id) == "discounted" else row["paid_on"], row) for row in known
        ]
        answer = None
        for day in sorted({day for day, _ in valued}, reverse=True):
            if not is_covered([row for value, row in valued if value <= day]):
                break
            answer = day
        return answer

    cancelled = invoice["cancelled_on"]
    seen = [row for row in rows if cancelled is None or row["known_on"] < cancelled]
    found: list[Episode] = []
    is_closed = False
    for day in sorted({row["known_on"] for row in seen}):
        known = [row for row in seen if row["known_on"] <= day]
        if is_covered(known) and not is_closed:
            how = closing(known)
            settled = None if how in WITHOUT_PAY else value_date(known)
            found.append(Episode(settled, day, None, len(known), how))
            is_closed = True
        elif is_closed and not is_covered(known):
            found[-1].reopened_on = day
            is_closed = False
    if cancelled is not None:
        count = len([row for row in rows if row["known_on"] <= cancelled])
        found.append(Episode(None, cancelled, None, count, "cancelled"))
    return found


def state_at(found: list[Episode], day: dt.date) -> Episode | None:
    """The episode that holds as known strictly before a day; None while open."""
    holding = None
    for episode in found:
        is_over = episode.reopened_on is not None and episode.reopened_on < day
        if episode.known_on < day and not is_over:
            holding = episode
    return holding
