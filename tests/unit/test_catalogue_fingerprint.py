"""A column that changes its meaning changes the catalogue's version: declarations and values on one fixed ledger."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from decimal import Decimal
from typing import Any

import polars as pl

from features.asof import PaymentHistory, landmarks_at_issue, open_landmarks
from features.groups.catalogue import CATALOGUE, CATALOGUE_VERSION
from features.groups.compute import compute_features
from features.ledger.ledger import Ledger
from features.signal_labels import LABELS
from tests.property.ledger_worlds import SIGNAL_DTYPES, frame
from tests.property.reference_features import reference_features
from tests.unit.test_tempting_mistakes import invoice, payment

D = dt.date
FINGERPRINTS = {"5": "5ed214e8f4ff8950", "6": "d2b843a8f73425fe"}
"""By catalogue version. When this fails for a reason, raise `CATALOGUE_VERSION` and add a line."""


def at(day: dt.date, hour: int = 9) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)


def fixed_ledger() -> Ledger:
    """Three customers over two years: late and prompt, a bounce, a loss, credit, instalments, disputes, contacts.

    Some invoices are in another currency, with a rate and without. The limit, the score and the sector of customers
    change, and two of them are merged.
    """
    months = [D(2023, month, 3) for month in range(1, 13)]
    invoices = [
        invoice(
            f"A{i:02d}",
            day,
            day + dt.timedelta(30),
            amount=Decimal(100 + 10 * i),
            terms="45 jours fin de mois" if i % 3 else "2/10 net 30",
            delivery_channel=("edi", "paper", None)[i % 3],
            purchase_order="PO" if i % 2 else None,
        )
        for i, day in enumerate(months)
    ]
    invoices += [
        invoice(f"B{i:02d}", day, day + dt.timedelta(14), "C2", amount=Decimal(70))
        for i, day in enumerate(months)
    ]
    invoices += [
        *(invoice(f"Z{month}", D(2022, month, 3), D(2022, month, 28)) for month in (2, 4, 6, 11)),
        invoice("G1", D(2023, 6, 1), D(2023, 6, 30), "C3", amount=Decimal(90)),
        invoice("G2", D(2023, 11, 5), D(2023, 12, 5), "C3", amount=Decimal(95)),
        invoice("N1", D(2023, 5, 1), D(2023, 5, 1), kind="credit_note", amount=Decimal(40)),
        invoice("X1", D(2023, 6, 1), D(2023, 6, 20), cancelled_on=D(2023, 6, 10)),
        invoice("P1", D(2023, 10, 2), D(2023, 12, 2), amount=Decimal(300)),
        *(invoice(f"U{m}", D(2023, m, 5), D(2023, m, 25), "C2", currency="USD") for m in (8, 10, 11)),
        invoice("S1", D(2023, 9, 5), D(2023, 9, 25), "C2", currency="SEK"),
    ]
    payments = [
        payment(f"PA{i:02d}", f"A{i:02d}", day + dt.timedelta(20 + 6 * (i % 5)), str(100 + 10 * i))
        for i, day in enumerate(months[:9])
    ]
    payments += [
        payment(f"PB{i:02d}", f"B{i:02d}", day + dt.timedelta(10), "70") for i, day in enumerate(months[:10])
    ]
    bounced = {"method": "reversal", "reverses_payment_id": "PA03"}
    payments += [
        *(payment(f"PZ{month}", f"Z{month}", D(2022, month, 25), "40") for month in (2, 4, 6, 11)),
        *(payment(f"QZ{month}", f"Z{month}", D(2023, 2, 25), "60") for month in (2, 4, 6, 11)),
        payment("R1", "A03", D(2023, 6, 1), "-130", **bounced),
        payment("PG1", "G1", D(2023, 7, 30), "90"),
        payment("R2", "A03", D(2023, 8, 1), "130"),
        payment("W1", "A09", D(2023, 12, 20), "190", method="write_off"),
        payment("C1", "A10", D(2023, 11, 20), "25", method="credit_note"),
        payment("F1", "N1", D(2023, 7, 1), "-5", method="refund"),
        payment("H1", "P1", D(2023, 10, 20), "150"),
        payment("U1", "U10", D(2023, 11, 2), "33.33"),
        payment("O1", None, D(2023, 9, 1), "80", customer_id="C1"),
        payment("O2", "A11", D(2023, 12, 22), "30", method="on_account"),
    ]
    contacts = [
        ("reminder_sent", D(2023, 12, 20)),
        ("reminder_sent", D(2023, 2, 20)),
        ("invoice_viewed", D(2023, 12, 5)),
        ("lifecycle_204", D(2023, 12, 4)),
        ("lifecycle_205", D(2023, 12, 6)),
        ("lifecycle_207", D(2023, 12, 7)),
    ]
    return Ledger(
        customers=frame(
            "customers",
            [
                {"customer_id": "C1", "is_strategic": False, "sector": "41", "country": "FR",
                 "size_class": "small", "credit_limit": Decimal(900), "customer_since_on": D(2022, 1, 1)},
                {"customer_id": "C2", "is_strategic": False, "sector": "41", "country": "FR",
                 "size_class": "small"},
                {"customer_id": "C3", "is_strategic": False, "sector": "46", "country": "FR"},
            ],
        ),
        customer_history=frame(
            "customer_history",
            [
                {"customer_id": "C1", "valid_from_on": on, "credit_limit": Decimal(limit), "bureau_score": score}
                for on, limit, score in ((D(2022, 1, 1), 2000, 70.0), (D(2023, 11, 10), 900, 35.0))
            ]
            + [
                {"customer_id": "C2", "valid_from_on": on, "sector": sector}
                for on, sector in ((D(2022, 1, 1), "46"), (D(2023, 8, 1), "41"))
            ],
        ),
        customer_merges=frame(
            "customer_merges", [{"customer_id": "C3", "merged_into_id": "C2", "merged_on": D(2023, 12, 10)}]
        ),
        invoices=frame("invoices", invoices),
        payments=frame("payments", payments),
        instalments=frame(
            "instalments",
            [
                {"invoice_id": "P1", "number": n, "due_on": due, "amount": Decimal(150), "kind": "instalment"}
                for n, due in ((1, D(2023, 11, 2)), (2, D(2023, 12, 2)))
            ],
        ),
        disputes=frame(
            "disputes",
            [
                {"dispute_id": "D1", "invoice_id": "A11", "opened_on": D(2023, 12, 2)},
                {"dispute_id": "D2", "invoice_id": "A05", "opened_on": D(2023, 6, 20), "amount": Decimal(12),
                 "closed_on": D(2023, 7, 4)},
            ],
        ),
        interactions=frame(
            "interactions",
            [
                {"interaction_id": f"K{i}", "customer_id": "C1", "invoice_id": "A11" if day.month == 12 else "Z4",
                 "happened_at": at(day),
                 "kind": kind}
                for i, (kind, day) in enumerate(contacts)
            ],
        ),
        indicators=frame(
            "indicators",
            [
                {"name": "index", "sector": sector, "country": None if sector else "FR", "period": f"2023-{m:02d}",
                 "value": 100.0 + m, "published_on": D(2023, m, 28)}
                for sector in ("41", None)
                for m in (9, 10)
            ]
            + [{"name": "exchange_rate_USD", "period": "2023-09", "value": 0.917, "published_on": D(2023, 9, 28)}],
        ),
    )  # fmt: skip


def fixed_signals() -> pl.DataFrame:
    mails = [(D(2023, month, 12), month) for month in (3, 5, 8, 10, 11)]
    return pl.DataFrame(
        [
            {
                "email_id": f"M{i}",
                "customer_id": "C1",
                "sent_at": at(day),
                "direction": "inbound",
                "auto_reply": False,
                **{label: (month + place) % 3 == 0 for place, label in enumerate(LABELS)},
                "promise_date": day + dt.timedelta(6) if i % 2 else None,
                "promise_amount": None,
                "tone": month / 20,
            }
            for i, (day, month) in enumerate(mails)
        ],
        schema=SIGNAL_DTYPES,
    )


def fixed_landmarks(book: Ledger) -> pl.DataFrame:
    marks = [landmarks_at_issue(book, D(2023, 11, 1), D(2024, 1, 1))]
    return pl.concat([*marks, *(open_landmarks(book, day) for day in (D(2023, 7, 1), D(2023, 12, 31)))])


def rounded(value: float | None) -> str:
    return "null" if value is None else f"{value:.9g}"


def fingerprint() -> str:
    book = fixed_ledger()
    declared: list[Any] = [
        [c.name, c.unit, c.window, c.minimum, c.maximum, c.null_meaning, c.sources, c.direction]
        for c in CATALOGUE
    ]
    rows = reference_features(book, fixed_signals(), fixed_landmarks(book))
    values = [[rounded(row[column.name]) for column in CATALOGUE] for row in rows]
    return hashlib.sha256(json.dumps([declared, values]).encode()).hexdigest()[:16]


def test_a_changed_column_changes_the_version_of_the_catalogue() -> None:
    assert FINGERPRINTS.get(CATALOGUE_VERSION) == fingerprint()


def test_every_column_about_the_invoice_itself_says_something() -> None:
    book = fixed_ledger()
    history = PaymentHistory.from_ledger(book, signals=fixed_signals())
    seen = compute_features(history, fixed_landmarks(book))
    own = [
        name for name in seen.columns if name.startswith(("own_", "is_own_")) and name != "own_history_weight"
    ]
    assert [name for name in own if not seen[name].max()] == []


def test_a_dispute_before_the_issue_is_seen_at_the_first_score() -> None:
    book = fixed_ledger()
    history = PaymentHistory.from_ledger(book)
    at_issue = compute_features(history, landmarks_at_issue(book, D(2023, 12, 3), D(2023, 12, 4)))
    row = at_issue.row(by_predicate=pl.col("invoice_id") == "A11", named=True)
    assert (row["own_open_dispute_count"], row["disputed_count"]) == (1, 0)


def test_every_column_has_a_value_somewhere_on_the_fixed_ledger() -> None:
    book = fixed_ledger()
    rows = reference_features(book, fixed_signals(), fixed_landmarks(book))
    silent = [c.name for c in CATALOGUE if all(row[c.name] is None for row in rows)]
    assert silent == []
