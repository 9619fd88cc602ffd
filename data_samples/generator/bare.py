"""A large ledger in seconds, for speed tests: the three required tables, no hidden world behind them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from features.ledger import in_contract_columns
from features.words import TRANSFER

FIRST_ISSUE = date(2023, 1, 1)
ISSUE_DAYS = 1095
_EPOCH = date(1970, 1, 1)
_TERMS = (("30 jours", 30), ("45 jours", 45), ("60 net", 60), ("à réception", 0))
_CHANNELS = ("email", "portal", "edi", "post")
_LETTERS = ("fr", "en")
_LARGEST_SHARE = 0.01
_PART_PAID_SHARE = 0.06
_NEVER_PAID_SHARE = 0.01


def generate_bare_ledger(
    customers: int, invoices: int, seed: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Customers, invoices and payments in the ledger's columns and types, made for volume rather than truth.

    Sizes follow a Pareto law (nobody has much more than one invoice in a hundred), three years
    of issues end with invoices still open, six in a hundred are paid in two parts. Late payment depends on
    the customer only; the world of `simulate_world` is the one to measure models on.

    Args:
        customers: number of customers.
        invoices: number of invoices.
        seed: the same seed gives the same frames.
    """
    random = np.random.default_rng(seed)
    weight = random.pareto(1.2, customers) + 0.05
    weight = np.minimum(weight, _LARGEST_SHARE * weight.sum())
    more = random.choice(customers, size=max(invoices - customers, 0), p=weight / weight.sum())
    who = np.sort(np.concatenate([np.arange(min(customers, invoices)), more]))
    issued = random.integers(0, ISSUE_DAYS, invoices)
    term = random.choice(len(_TERMS), size=customers, p=[0.45, 0.3, 0.15, 0.1])[who]
    due = issued + np.array([days for _, days in _TERMS])[term]
    habit, width = random.normal(-3.0, 7.0, customers), random.gamma(2.0, 4.0, customers)
    late = np.round(habit[who] + width[who] * (random.standard_exponential(invoices) - 0.5)).astype(np.int64)
    paid = np.maximum(due + late, issued + 1)
    cents = np.maximum(np.round(random.lognormal(11.5, 1.1, invoices)).astype(np.int64), 100)
    start = (FIRST_ISSUE - _EPOCH).days
    customer_ids = pl.Series("customer_id", [f"C{number:06d}" for number in range(1, customers + 1)])
    numbers = pl.select(pl.int_range(1, invoices + 1).cast(pl.String).str.zfill(8)).to_series()
    invoice_ids = pl.select("F" + numbers).to_series().alias("invoice_id")
    tables = {
        "customers": _customer_table(customer_ids, random, start),
        "invoices": pl.DataFrame(
            {
                "invoice_id": invoice_ids,
                "customer_id": customer_ids.gather(who),
                "kind": pl.repeat("invoice", invoices, eager=True),
                "issued_on": _days(issued + start),
                "due_on": _days(due + start),
                "amount": _amount(cents),
                "currency": pl.repeat("EUR", invoices, eager=True),
                "terms": pl.Series([words for words, _ in _TERMS]).gather(term),
                "delivery_channel": pl.Series(_CHANNELS).gather(random.integers(0, 4, invoices)),
                "purchase_order": pl.repeat(None, invoices, dtype=pl.String, eager=True),
                "billing_trigger": pl.repeat(None, invoices, dtype=pl.String, eager=True),
                "source_due_on": pl.repeat(None, invoices, dtype=pl.Date, eager=True),
            }
        ),
        "payments": _payment_table(invoice_ids, issued, paid, cents, random, start),
    }
    customer_table, invoice_table, payment_table = (
        in_contract_columns(name, frame) for name, frame in tables.items()
    )
    return customer_table, invoice_table, payment_table


def _customer_table(ids: pl.Series, random: np.random.Generator, start: int) -> pl.DataFrame:
    count = len(ids)
    sectors = pl.Series(["46", "47", "49", "62", "43", "25"])
    return pl.DataFrame(
        {
            "customer_id": ids,
            "name": pl.select("Client " + ids).to_series(),
            "country": pl.Series(["FR", "BE", "DE"]).gather(random.choice(3, size=count, p=[0.8, 0.1, 0.1])),
            "sector": sectors.gather(random.integers(0, 6, count)),
            "legal_form": pl.Series(["SAS", "SARL"]).gather(random.integers(0, 2, count)),
            "is_natural_person": pl.repeat(False, count, eager=True),
            "size_class": pl.Series(["micro", "small", "medium", "large"]).gather(
                random.integers(0, 4, count)
            ),
            "siren": pl.repeat(None, count, dtype=pl.String, eager=True),
            "language": pl.Series(_LETTERS).gather(random.integers(0, 2, count)),
            "customer_since_on": _days(start - random.integers(1, 3000, count)),
            "credit_limit": _amount(random.integers(1, 100, count) * 100_000),
            "is_strategic": pl.Series(random.random(count) < 0.02),
            "group_id": pl.repeat(None, count, dtype=pl.String, eager=True),
        }
    )


def _payment_table(
    invoice_ids: pl.Series,
    issued: np.typing.NDArray[np.int64],
    paid: np.typing.NDArray[np.int64],
    cents: np.typing.NDArray[np.int64],
    random: np.random.Generator,
    start: int,
) -> pl.DataFrame:
    count = len(invoice_ids)
    draw = random.random(count)
    rows = np.flatnonzero(draw >= _NEVER_PAID_SHARE)
    parts = np.flatnonzero(draw > 1 - _PART_PAID_SHARE)
    first = cents[parts] // 2
    last = cents.copy()
    last[parts] -= first
    first_day = (
        issued[parts] + 1 + (random.random(len(parts)) * (paid[parts] - issued[parts])).astype(np.int64)
    )
    invoice = np.concatenate([rows, parts])
    day = np.concatenate([paid[rows], np.minimum(first_day, paid[parts])])
    amount = np.concatenate([last[rows], first])
    known = day + random.integers(0, 4, len(day))
    booked = known < ISSUE_DAYS
    invoice, day, amount, known = invoice[booked], day[booked], amount[booked], known[booked]
    numbers = pl.select(pl.int_range(1, len(invoice) + 1).cast(pl.String).str.zfill(8)).to_series()
    return pl.DataFrame(
        {
            "payment_id": pl.select("P" + numbers).to_series(),
            "invoice_id": invoice_ids.gather(invoice),
            "paid_on": _days(day + start),
            "known_on": _days(known + start),
            "amount": _amount(amount),
            "method": pl.repeat(TRANSFER, len(invoice), eager=True),
        }
    )


def _days(days: np.typing.NDArray[np.int64]) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def _amount(cents: np.typing.NDArray[np.int64]) -> pl.Series:
    return (pl.Series(cents) / 100).cast(pl.Decimal(18, 2))
