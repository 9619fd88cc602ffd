"""Every feature group on a ledger small enough to calculate by hand; the calculation stands beside each figure.

As-of date 1 July 2024, customer C1 (FR, sector 46, small), scored invoice I6 issued that day, due 31 July, 600 EUR.

| invoice | issued | due | amount | paid (= known) | days late |
|---|---|---|---|---|---|
| I1 | 2 Jan | 1 Feb (Thu) | 100 | 8 Feb (Thu) | 7 |
| I2 | 1 Feb | 2 Mar | 200 | 29 Feb (Thu) | -2 |
| I3 | 1 Mar | 31 Mar | 300 | 150 on 4 Apr (Thu), 150 on 11 Apr (Thu) | 11 |
| I4 | 2 Apr | 2 May | 400 | 6 Jun (Thu) | 35 |
| I5 | 1 May | 31 May | 500 | open, 31 days overdue | |
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from math import log, sqrt
from typing import Any

import pytest

from features.asof import PaymentHistory, landmarks_at_issue
from features.groups.compute import compute_features
from features.ledger.ledger import Ledger
from tests.ledger_samples import frame

D = dt.date
AS_OF = D(2024, 7, 1)
AMOUNTS = {"I1": 100, "I2": 200, "I3": 300, "I4": 400, "I5": 500, "I6": 600}


def invoice(
    invoice_id: str, issued: dt.date, due: dt.date, amount: int, customer: str = "C1"
) -> dict[str, Any]:
    return {
        "invoice_id": invoice_id,
        "customer_id": customer,
        "kind": "invoice",
        "issued_on": issued,
        "due_on": due,
        "amount": Decimal(amount),
        "currency": "EUR",
        "terms": "30 jours",
        "delivery_channel": "edi" if invoice_id == "I6" else None,
        "purchase_order": "PO1" if invoice_id == "I1" else None,
    }


def payment(payment_id: str, invoice_id: str, paid: dt.date, amount: int) -> dict[str, Any]:
    return {
        "payment_id": payment_id,
        "invoice_id": invoice_id,
        "paid_on": paid,
        "known_on": paid,
        "amount": Decimal(amount),
        "method": "transfer",
    }


@pytest.fixture(scope="module")
def row() -> dict[str, Any]:
    issued = {
        "I1": D(2024, 1, 2),
        "I2": D(2024, 2, 1),
        "I3": D(2024, 3, 1),
        "I4": D(2024, 4, 2),
        "I5": D(2024, 5, 1),
    }
    invoices = [
        invoice(name, day, day + dt.timedelta(days=30), AMOUNTS[name])
        for name, day in {**issued, "I6": AS_OF}.items()
    ]
    # Two other customers: C2 of the same sector and size, late on 1 of 2; C3 of another sector, on time.
    invoices += [
        invoice("J1", D(2024, 1, 1), D(2024, 1, 31), 100, "C2"),
        invoice("J2", D(2024, 2, 1), D(2024, 3, 1), 100, "C2"),
        invoice("K1", D(2024, 2, 1), D(2024, 3, 1), 100, "C3"),
        {**invoice("N1", D(2024, 6, 1), D(2024, 6, 1), 50), "kind": "credit_note"},
    ]
    payments = [
        payment("P1", "I1", D(2024, 2, 8), 100),
        payment("P2", "I2", D(2024, 2, 29), 200),
        payment("P3", "I3", D(2024, 4, 4), 150),
        payment("P4", "I3", D(2024, 4, 11), 150),
        payment("P5", "I4", D(2024, 6, 6), 400),
        payment("Q1", "J1", D(2024, 2, 10), 100),
        payment("Q2", "J2", D(2024, 3, 1), 100),
        payment("R1", "K1", D(2024, 2, 20), 100),
    ]
    people = [
        {"customer_id": "C1", "country": "FR", "sector": "46", "size_class": "small", "is_strategic": False,
         "credit_limit": Decimal(1000), "customer_since_on": D(2023, 7, 2)},
        {"customer_id": "C2", "country": "FR", "sector": "46", "size_class": "small", "is_strategic": False},
        {"customer_id": "C3", "country": "DE", "sector": "41", "size_class": "small", "is_strategic": False},
    ]  # fmt: skip
    happened = dt.datetime(2024, 5, 20, 9, tzinfo=dt.UTC)
    ledger = Ledger(
        customers=frame("customers", people),
        invoices=frame("invoices", invoices),
        payments=frame("payments", payments),
        disputes=frame("disputes", [{"dispute_id": "D1", "invoice_id": "I5", "opened_on": D(2024, 6, 3)}]),
        interactions=frame(
            "interactions",
            [
                {"interaction_id": "X1", "customer_id": "C1", "invoice_id": "I4", "happened_at": happened,
                 "kind": "reminder_sent"},
            ],
        ),
        indicators=frame(
            "indicators",
            [
                {"name": "climate", "sector": "46", "country": None, "period": "2024-04", "value": 98.0,
                 "published_on": D(2024, 5, 15)},
                {"name": "climate", "sector": "46", "country": None, "period": "2024-05", "value": 95.5,
                 "published_on": D(2024, 6, 15)},
                {"name": "climate", "sector": "46", "country": None, "period": "2024-06", "value": 60.0,
                 "published_on": AS_OF},
            ],
        ),
    )  # fmt: skip
    landmarks = landmarks_at_issue(ledger, AS_OF, AS_OF + dt.timedelta(days=1))
    return compute_features(PaymentHistory.from_ledger(ledger), landmarks).row(0, named=True)


def expect(row: dict[str, Any], **figures: float | None) -> None:
    found = {name: row[name] for name in figures}
    assert found == {name: None if value is None else pytest.approx(value) for name, value in figures.items()}


def test_payment_behaviour_by_hand(row: dict[str, Any]) -> None:
    days = [7, -2, 11, 35]
    mean = sum(days) / 4
    expect(
        row,
        outcome_count_all=5,  # I1 to I4, and I5 that is open past due
        late_count_all=4,
        late_share_all=4 / 5,  # I2 alone was in time
        outcome_count_90d=2,  # from 2 April: I4 late on 3 May, I5 on 1 June; I3 was marked on 31 March
        late_share_90d=1.0,
        late_amount_share_all=(100 + 300 + 400 + 500) / 1500,
        days_late_mean_all=mean,
        days_late_median_all=9,  # halfway between 7 and 11
        days_late_max_all=35,
        days_late_max_90d=35,  # I3 and I4 settled since 2 April
        days_late_std_all=sqrt(sum((d - mean) ** 2 for d in days) / 3),
        days_late_amount_weighted_mean_all=(7 * 100 - 2 * 200 + 11 * 300 + 35 * 400) / 1000,
        days_late_mean_3n=(35 + 11 - 2) / 3,
        days_late_last=35,
        days_late_ewm=(35 + 0.8 * 11 - 0.64 * 2 + 0.512 * 7) / (1 + 0.8 + 0.64 + 0.512),
        paid_late_streak=2,
        small_delay_count_365d=2,  # 7 and 11
        severely_late_share_all=1 / 4,
        days_late_trend=None,  # four settled invoices are fewer than six
        late_share_trend=1.0 - 2 / 3,  # before: I1 and I3 late, I2 not
        part_paid_share_all=1 / 4,
        first_part_share_mean_all=0.5,
        cure_days_best=7,
        longest_overdue_days=35,
        settled_recency_days=25,  # 6 June to 1 July
        reminder_to_payment_days_mean_365d=17,  # 20 May to 6 June
        is_often_late_365d=1.0,
    )


def test_payment_runs_by_hand(row: dict[str, Any]) -> None:
    expect(
        row,
        preferred_weekday_365d=3,  # every payment on a Thursday
        preferred_weekday_share_365d=1.0,
        batch_share_365d=0.0,
        invoices_per_payment_mean_365d=1.0,
        days_due_to_next_run=1,  # due Wednesday 31 July, next Thursday 1 August
        working_days_due_to_next_run=1,
        is_due_in_august=0.0,
        is_due_at_year_end=0.0,
    )


def test_rfm_by_hand(row: dict[str, Any]) -> None:
    expect(
        row,
        payment_recency_days=25,
        payment_frequency_90d=3,  # 4 April, 11 April, 6 June
        payment_frequency_365d=5,
        payment_amount_sum_90d=700,
        payment_amount_mean_365d=200,
        payment_frequency_change=(3 / 90) / (2 / 365),
    )


def test_exposure_by_hand(row: dict[str, Any]) -> None:
    expect(
        row,
        open_amount_sum=500,
        open_count=1,
        overdue_amount_sum=500,
        overdue_amount_share=1.0,
        oldest_overdue_days=31,
        overdue_amount_1_30d=0,
        overdue_amount_31_60d=500,
        credit_limit_used_share=0.5,
        disputed_count=1,
        disputed_amount_sum=500,
        unapplied_credit_sum=50,
        # 1 June: I4 (400) and I5 (500) were open; 2 April: I3 (300) was open, I4 of that day not yet known.
        open_amount_change_30d=500 - 900,
        open_amount_change_90d=500 - 300,
        overdue_amount_change_30d=500 - 900,
        reminder_count_90d=1,
    )


def test_order_trend_by_hand(row: dict[str, Any]) -> None:
    logs = [round(1000 * log(100 * AMOUNTS[f"I{i}"])) for i in range(1, 6)]
    middle = sum(logs) / 5
    spread = sqrt(sum((x - middle) ** 2 for x in logs) / 4)
    expect(
        row,
        invoiced_count_90d=2,  # I4 of 2 April and I5
        invoiced_amount_sum_90d=900,
        invoiced_amount_change=(900 / 90) / (600 / 365),
        invoiced_recency_days=61,
        invoice_gap_ratio=61 / (120 / 4),  # four gaps from 2 January to 1 May
        tenure_days=365,  # known since 2 July 2023
        amount_to_mean_ratio=600 / 300,
        amount_to_max_ratio=600 / 500,
        amount_deviation=(round(1000 * log(60000)) - middle) / spread,
        terms_days_change=0,
        season_share_730d=None,
    )


def test_invoice_and_terms_by_hand(row: dict[str, Any]) -> None:
    expect(
        row,
        amount=600,
        terms_days=30,
        days_past_due=-30,
        days_since_issue=0,
        working_days_to_due=22,  # 23 weekdays in July 2024 without the 31st; 14 July is a Sunday
        due_weekday=2,
        due_day_of_month=31,
        due_days_to_month_end=0,
        is_due_on_day_off=0.0,
        terms_stated_days=30,
        is_end_of_month_terms=0.0,
        due_days_beyond_days_then_month_end=0,
        due_days_beyond_month_end_then_days=0,
        is_due_date_as_worded=1.0,
        has_purchase_order=0.0,  # missing, though I1 had one
        is_delivered_electronically=1.0,
        own_paid_share=0,
        own_reminder_count=0,
    )


def test_sector_and_economy_by_hand(row: dict[str, Any]) -> None:
    expect(
        row,
        peers_late_share_365d=1 / 2,  # C2: J1 late, J2 in time
        sector_late_share_365d=1 / 2,
        sector_late_share_90d=None,  # nothing came due there since April
        country_late_share_365d=1 / 2,
        portfolio_late_share_365d=1 / 3,
        sector_indicator=95.5,  # the figure published on the day itself is not known yet
        sector_indicator_change=-2.5,
        country_indicator=None,
    )


def test_cold_start_by_hand(row: dict[str, Any]) -> None:
    sector = (1 + 100 * (1 / 3)) / (2 + 100)
    peers = (1 + 50 * sector) / (2 + 50)
    days = (10 + 0 - 10) / 3  # J1 ten days late, J2 on the day, K1 ten days early
    sector_days = (10 + 100 * days) / (2 + 100)
    peers_days = (10 + 50 * sector_days) / (2 + 50)
    expect(
        row,
        history_depth=4,
        sector_late_share_shrunk=sector,
        late_share_shrunk_all=(4 + 5 * peers) / (5 + 5),
        days_late_shrunk_all=(51 + 5 * peers_days) / (4 + 5),
        own_history_weight=5 / 10,
        effective_outcome_count_all=5 + 5,  # the prior lends five: 2 of the peers and 3 of those around them
    )


def test_communication_is_unknown_where_the_mails_were_not_read(row: dict[str, Any]) -> None:
    expect(row, mail_count_90d=None, is_promise_running=None, promises_kept_share_all=None)
