"""Small random ledgers for property tests: awkward on purpose (same-day events, part payments, open, overpaid)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise

import polars as pl
from hypothesis import strategies as st

from features.ledger.ledger import Ledger
from features.ledger.schemas import table_dtypes
from features.signal_labels import LABELS

START = dt.date(2024, 1, 1)
SPAN = 120
BUSY_DAYS = (5, 30, 31, 60)
"""Days on which much happens at once."""
RUN_DAYS = 30
"""Half of the payments wait for a payment run, so that several invoices are paid together."""
WORDINGS = (
    None, "30 jours", "45 jours fin de mois", "fin de mois le 15", "2/10 net 30", "60 net", "comme convenu",
)  # fmt: skip
SHARES = (
    *([], [100], [100], [100], [50, 50], [30, 30, 40], [60], [98], [120], [60, 40, -40, 40]),
    *([100, -100, 100], [100, -100], [100, -50, 50], [30, 70, -70]),
)
"""Percentages of an invoice that are paid one after the other; a negative one is undone or given back."""
POSITIVE = (None, "transfer", "transfer", "credit_note", "write_off", "discount", "offset", "on_account")
NEGATIVE = ("reversal", "reversal", "refund")
KINDS = (
    "reminder_sent",
    "reminder_sent",
    "call",
    "invoice_viewed",
    "lifecycle_204",
    "lifecycle_205",
    "lifecycle_207",
)


def day(offset: int) -> dt.date:
    return START + dt.timedelta(days=offset)


def _instant(offset: int, hour: int) -> dt.datetime:
    return dt.datetime.combine(day(offset), dt.time(hour), tzinfo=dt.UTC)


def frame(table: str, rows: list[dict]) -> pl.DataFrame:
    dtypes = table_dtypes(table)
    return pl.DataFrame([{name: row.get(name) for name in dtypes} for row in rows], schema=dtypes)


@st.composite
def ledgers(
    draw: st.DrawFn,
    min_invoices: int = 1,
    max_invoices: int = 14,
    max_customers: int = 3,
    stretches: tuple[int, ...] = (1,),
    with_instalments: bool = False,
    currencies: tuple[str, ...] = ("EUR",),
    with_changes: bool = False,
) -> tuple[Ledger, pl.DataFrame]:
    """A ledger with every table, and a frame of e-mail signals.

    Args:
        draw: given by hypothesis.
        min_invoices, max_invoices: fewest and most invoices and credit notes.
        max_customers: most customers.
        stretches: by how much issue dates may be drawn apart, so that years pass between them.
        with_instalments: some invoices are due in parts.
        currencies: what amounts are drawn in; of several, some have exchange rates from some day on.
        with_changes: attributes of customers change, and some customers are merged.
    """
    customers = [f"C{i}" for i in range(draw(st.integers(1, max_customers)))]
    amounts = st.integers(1, 500_000).map(lambda cents: Decimal(cents) / 100)
    stretch = draw(st.sampled_from(stretches))
    days = st.one_of(st.integers(0, SPAN), st.sampled_from(BUSY_DAYS)).map(lambda offset: offset * stretch)
    invoices, payments, disputes, interactions, instalments = [], [], [], [], []
    for i in range(draw(st.integers(min_invoices, max_invoices))):
        issued = draw(days)
        amount = draw(amounts)
        kind = draw(st.sampled_from(["invoice"] * 6 + ["credit_note"]))
        invoices.append(
            {
                "invoice_id": f"I{i:02d}",
                "customer_id": draw(st.sampled_from(customers)),
                "kind": kind,
                "issued_on": day(issued),
                "due_on": day(issued + draw(st.sampled_from([0, 7, 14, 30]))),
                "amount": amount,
                "currency": draw(st.sampled_from(currencies)),
                "terms": draw(st.sampled_from(WORDINGS)),
                "delivery_channel": draw(st.sampled_from([None, "edi", "paper", "email"])),
                "purchase_order": draw(st.sampled_from([None, "PO1"])),
                "cancelled_on": draw(
                    st.sampled_from([None] * 9 + [day(issued), day(issued + 12), day(issued + 50)])
                ),
            }
        )
        if with_instalments and kind == "invoice" and draw(st.booleans()):
            instalments += draw(parts_of(invoices[-1]))
        if kind == "credit_note":
            if draw(st.booleans()) and draw(st.booleans()):
                payments.append(draw(refunds_of(invoices[-1])))
            continue
        shares = draw(st.sampled_from(SHARES))
        paid = issued
        for j, share in enumerate(shares):
            paid = paid + draw(st.integers(-2 if j == 0 else 0, 40))
            if draw(st.booleans()):
                paid = -(-paid // RUN_DAYS) * RUN_DAYS
            cents = int(amount * 100) * share // 100
            if cents == 0:
                continue
            payments.append(
                {
                    "payment_id": f"P{i:02d}{j}",
                    "invoice_id": f"I{i:02d}",
                    "paid_on": day(paid),
                    "known_on": day(paid + draw(st.sampled_from([0, 0, 2, 15, 40, -3]))),
                    "amount": Decimal(cents) / 100,
                    "method": draw(st.sampled_from(NEGATIVE if share < 0 else POSITIVE)),
                }
            )
            if payments[-1]["method"] == "reversal":
                payments[-1]["reverses_payment_id"] = draw(st.sampled_from([None, f"P{i:02d}{j - 1}"]))
        if draw(st.booleans()) and draw(st.booleans()):
            opened = issued + draw(st.integers(-2, 30))
            closed = draw(st.sampled_from([None, opened, opened + 10]))
            disputes.append(
                {
                    "dispute_id": f"D{i}",
                    "invoice_id": f"I{i:02d}",
                    "opened_on": day(opened),
                    "closed_on": None if closed is None else day(closed),
                    "amount": draw(st.sampled_from([None, None, Decimal("0.02"), amount])),
                }
            )
            if closed is not None and draw(st.booleans()):
                disputes.append(disputes[-1] | {"opened_on": day(closed + 5), "closed_on": None})
        for j in range(draw(st.integers(0, 2))):
            interactions.append(
                {
                    "interaction_id": f"X{i}{j}",
                    "customer_id": invoices[-1]["customer_id"],
                    "invoice_id": draw(st.sampled_from([f"I{i:02d}", None])),
                    "happened_at": _instant(issued + draw(st.integers(0, 60)), draw(st.integers(0, 23))),
                    "kind": draw(st.sampled_from(KINDS)),
                }
            )
    for i in range(draw(st.integers(0, 2))):
        paid = draw(days)
        payments.append(
            {
                "payment_id": f"A{i}",
                "customer_id": draw(st.sampled_from(customers)),
                "paid_on": day(paid),
                "known_on": day(paid + draw(st.sampled_from([0, 3]))),
                "amount": draw(amounts),
                "method": "transfer",
                "currency": draw(st.sampled_from((None, *currencies))),
            }
        )
        if draw(st.booleans()):
            method = draw(st.sampled_from(NEGATIVE))
            payments.append(
                payments[-1]
                | {
                    "payment_id": f"B{i}",
                    "known_on": day(paid + draw(st.sampled_from([3, 10]))),
                    "amount": -payments[-1]["amount"],
                    "method": method,
                    "reverses_payment_id": f"A{i}" if method == "reversal" else None,
                }
            )
    signals = []
    for i in range(draw(st.integers(0, 3 + min_invoices * 3))):
        sent = draw(days)
        promised = draw(st.sampled_from([None, 3, 10]))
        signals.append(
            {
                "email_id": f"M{i}",
                "customer_id": draw(st.sampled_from(customers)),
                "sent_at": _instant(sent, draw(st.integers(0, 23))),
                "direction": draw(st.sampled_from(["inbound", "inbound", "outbound"])),
                "auto_reply": draw(st.booleans()) and draw(st.booleans()),
                **{label: draw(st.booleans()) for label in LABELS},
                "promise_date": None if promised is None else day(sent + promised),
                "promise_amount": draw(st.sampled_from([None, 10.0, 4000.0])),
                "tone": draw(st.sampled_from([0.0, 0.25, 0.9])),
            }
        )
    places = (("41", None), ("41", "FR"), ("46", None), (None, "FR"), (None, "GB"))
    indicators = [
        {
            "name": "sector_index" if sector else "country_index",
            "sector": sector,
            "country": country,
            "period": f"2024-{month:02d}",
            "value": draw(st.integers(800, 1200)) / 10,
            "published_on": day(30 * month + draw(st.sampled_from([5, 20, 70]))),
        }
        for sector, country in places
        for month in range(1, draw(st.integers(0, 3)) + 1)
    ]
    if len(currencies) > 1:
        indicators += draw(rates())
    people = [
        {
            "customer_id": customer,
            **draw(ATTRIBUTES),
            "customer_since_on": draw(st.sampled_from([None, day(-400)])),
            "is_strategic": False,
        }
        for customer in customers
    ]
    changes = draw(changes_of(customers, stretch)) if with_changes else ([], [])
    ledger = Ledger(
        customers=frame("customers", people),
        invoices=frame("invoices", invoices),
        payments=frame("payments", payments),
        disputes=frame("disputes", disputes),
        interactions=frame("interactions", interactions),
        indicators=frame("indicators", indicators),
        instalments=frame("instalments", instalments) if with_instalments else None,
        customer_history=frame("customer_history", changes[0]) if with_changes else None,
        customer_merges=frame("customer_merges", changes[1]) if with_changes else None,
    )
    return ledger, pl.DataFrame(signals, schema=SIGNAL_DTYPES)


RATES = ("USD", "GBP", "EUR", "USD_EUR", "GBP_USD", "EUR_GBP")
"""What exchange rates are drawn of: with and without the currency they are quoted in."""


@st.composite
def rates(draw: st.DrawFn) -> list[dict]:
    """Exchange rates of some currencies, each published on a few days."""
    names = draw(st.lists(st.sampled_from(RATES), max_size=3, unique=True))
    return [
        {
            "name": f"exchange_rate_{name}",
            "period": f"{i}",
            "value": draw(st.sampled_from([0.5, 0.86, 0.9137, 1.08, 1.25, 117.3])),
            "published_on": day(draw(st.sampled_from([-1, 4, 5, 30, 59, 90]))),
        }
        for name in names
        for i in range(draw(st.integers(1, 3)))
    ]


ATTRIBUTES = st.fixed_dictionaries(
    {
        "country": st.sampled_from([None, "FR", "GB"]),
        "sector": st.sampled_from([None, "41", "46", "46"]),
        "size_class": st.sampled_from([None, "small", "small", "large"]),
        "credit_limit": st.sampled_from([None, Decimal("10000.00"), Decimal("500.00")]),
        "bureau_score": st.sampled_from([None, 3.5, 71.0]),
    }
)


@st.composite
def changes_of(draw: st.DrawFn, customers: list[str], stretch: int) -> tuple[list[dict], list[dict]]:
    """Rows of `customer_history` and of `customer_merges`: chains, several into one, in any order of days."""
    days = st.one_of(st.integers(-5, SPAN + 20), st.sampled_from(BUSY_DAYS)).map(lambda n: day(n * stretch))
    history = [
        {"customer_id": customer, "valid_from_on": known, **draw(ATTRIBUTES)}
        for customer in customers
        for known in sorted(draw(st.sets(days, max_size=3)))
    ]
    order = draw(st.permutations(customers))
    merges = [
        {
            "customer_id": customer,
            "merged_into_id": draw(st.sampled_from(order[:place])),
            "merged_on": draw(days),
        }
        for place, customer in enumerate(order)
        if place and draw(st.booleans())
    ]
    return history, merges


@st.composite
def refunds_of(draw: st.DrawFn, note: dict) -> dict:
    """A refund of a credit note, booked with any sign and method."""
    issued = (note["issued_on"] - START).days
    return {
        "payment_id": f"R{note['invoice_id']}",
        "invoice_id": note["invoice_id"],
        "paid_on": day(issued + 5),
        "known_on": day(issued + draw(st.sampled_from([5, 9]))),
        "amount": note["amount"] * draw(st.sampled_from([1, -1])),
        "method": draw(st.sampled_from(["transfer", "refund", "reversal"])),
    }


@st.composite
def parts_of(draw: st.DrawFn, invoice: dict) -> list[dict]:
    """Two or three instalments that add up to an invoice, the last one perhaps retention money."""
    cents = int(invoice["amount"] * 100)
    cuts = sorted(draw(st.lists(st.integers(1, max(cents - 1, 1)), min_size=1, max_size=2, unique=True)))
    edges = [0, *(cut for cut in cuts if cut < cents), cents]
    due = invoice["due_on"]
    parts = []
    for number, (start, end) in enumerate(pairwise(edges), 1):
        parts.append(
            {
                "invoice_id": invoice["invoice_id"],
                "number": number,
                "due_on": due,
                "amount": Decimal(end - start) / 100,
                "kind": "instalment",
            }
        )
        due = max(due + dt.timedelta(draw(st.sampled_from([0, 30, -5]))), invoice["issued_on"])
    parts[-1]["kind"] = draw(st.sampled_from(["instalment", "retention"]))
    return parts


SIGNAL_DTYPES = {
    "email_id": pl.String,
    "customer_id": pl.String,
    "sent_at": pl.Datetime("us", "UTC"),
    "direction": pl.String,
    "auto_reply": pl.Boolean,
    **dict.fromkeys(LABELS, pl.Boolean),
    "promise_date": pl.Date,
    "promise_amount": pl.Float64,
    "tone": pl.Float64,
}
